import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
UNIT = FOLDER.parent / "unit"
PATHS = (UNIT / "billing", UNIT / "exceptions", UNIT / "ingest")


class PosterProcesses:
    """Starts posters in processes of their own and says how each ended."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, str(FOLDER / "poster_process.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, house, *posters, offset_seconds):
        scenario = {
            "data_dir": str(house.data_dir),
            "erp": house.erp_name,
            "offset_seconds": offset_seconds,
            "posters": posters,
        }
        self._process.stdin.write(json.dumps(scenario) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=30)


@pytest.fixture(scope="module")
def poster_processes():
    started = PosterProcesses()
    yield started
    started.close()


@pytest.fixture(scope="module")
def processes():
    """Deeds in processes of their own; every answer says how each ended."""
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / "step_process.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, PATHS))},
    )

    def run(*deeds):
        process.stdin.write(json.dumps(deeds) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield run
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=60)


@pytest.fixture
def killed(processes, tmp_path):
    """Copies of a data directory, in each of which a deed was killed before its next step.

    The last one is where it was not killed.
    """

    def each(data_dir, action, **options):
        for step in count():
            folder = tmp_path / f"{action}-{step}"
            shutil.copytree(data_dir, folder, symlinks=True)
            deed = {"data_dir": str(folder), "action": action, "options": options}
            [answer] = processes(deed | {"kill_at": step})
            assert answer["signal"] in (0, 9)
            assert answer["signal"] or "done" in answer["outcome"]
            yield folder
            if answer["signal"] == 0:
                return

    return each
