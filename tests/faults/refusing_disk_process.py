"""Runs commands over a data directory on a disk that is full, or mounted read-only.

Belongs here: the disk, in a mount namespace of its own, and the commands. Does not belong here:
any expectation.

    unshare --mount python refusing_disk_process.py full|read_only DATA_DIR MOUNT_POINT COMMANDS

DATA_DIR is copied to the full disk, and mounted read-only in its place. COMMANDS is a JSON list of
lists of arguments. The answer is JSON: for each command {"exit_code", "stdout", "stderr", "error"};
error is the class of an exception that no one answered. For a full disk, "after" has the answers of
the same commands once there is room.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from orchestration.cli import app

ROOM = 256 << 20


def answers(commands, data_dir):
    found = []
    for command in commands:
        result = CliRunner().invoke(app, [*command, "--data-dir", str(data_dir)])
        is_answered = result.exception is None or isinstance(result.exception, SystemExit)
        found.append(
            {
                "exit_code": result.exit_code,
                "stdout": result.stdout,
                "stderr": result.stderr,
                "error": None if is_answered else repr(result.exception),
            }
        )
    return found


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def on_a_read_only_disk(data_dir, mount_point, commands):
    mount("--bind", data_dir, mount_point)
    mount("-o", "remount,ro,bind", mount_point)
    return {"during": answers(commands, mount_point)}


def on_a_full_disk(data_dir, mount_point, commands):
    used = sum(path.stat().st_size for path in data_dir.rglob("*") if path.is_file())
    mount("-t", "tmpfs", "-o", f"size={used + ROOM}", "tmpfs", mount_point)
    copy = mount_point / "data"
    shutil.copytree(data_dir, copy, symlinks=True)
    filler = mount_point / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    during = answers(commands, copy)
    filler.unlink()
    return {"during": during, "after": answers(commands, copy)}


def main():
    kind, data_dir, mount_point, commands = sys.argv[1:]
    os.environ["COLUMNS"] = "1000"
    disk = {"full": on_a_full_disk, "read_only": on_a_read_only_disk}[kind]
    said = disk(Path(data_dir), Path(mount_point), json.loads(commands))
    print("\n" + json.dumps(said))  # noqa: T201 — the answer


main()
