"""Runs freezes and signatures in processes of their own, killed or limited where a test says so.

Belongs here: forking, killing, waiting. Does not belong here: any expectation.

Each line of standard input is a JSON list of deeds, started at once; the answer is one JSON list:
{"signal", "status", "outcome"} per deed. A deed is {"data_dir", "action", "options", "kill_at",
"file_size_limit"}; kill_at is the number of the durable step before which the process kills itself.
"""

import json
import os
import resource
import signal
import sys
from decimal import Decimal
from pathlib import Path

from billing_rows import NOW, entries_table
from billing_world import BillingWorld

from orchestration.audit import catch_up
from orchestration.billing.register import Register
from orchestration.failures import TallyhouseError


def perform(deed):
    steps = counted(deed.get("kill_at"))
    world = BillingWorld(Path(deed["data_dir"]))
    options = deed.get("options", {})
    if deed["action"] == "freeze":
        return [each.revision_id for each in world.freeze(steps=steps, **options)]
    if deed["action"] == "catch_up":
        entries = catch_up(world.settings, world.engine, clock=lambda: NOW, steps=steps)
        return [entry.deed.action for entry in entries]
    if deed["action"] == "sign":
        return world.sign(steps=steps, **options).sign_off_id
    register = Register(world.settings.register, steps=steps)
    if "file_size_limit" in deed:
        limit = deed["file_size_limit"]
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    rows = [row | {"amount": Decimal(row["amount"])} for row in options["rows"]]
    manifest = register.commit(
        kind="record",
        subject={"note": "in a process of its own"},
        now=NOW,
        entries=entries_table(*rows),
    )
    return manifest.sequence


def counted(kill_at):
    done = []

    def step(name):
        if len(done) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        done.append(name)

    return step


def child(deed, place, perform):
    try:
        outcome = perform(deed)
    except TallyhouseError as error:
        outcome = error.code
    place.write_text(json.dumps(outcome))
    os._exit(0)


def run(deeds, number, perform):
    started = []
    for position, deed in enumerate(deeds):
        place = Path(deed["data_dir"]) / f"outcome-{number}-{position}.json"
        pid = os.fork()
        if pid == 0:
            child(deed, place, perform)
        started.append((pid, place))
    answers = []
    for pid, place in started:
        _, status = os.waitpid(pid, 0)
        answers.append(
            {
                "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
                "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
                "outcome": json.loads(place.read_text()) if place.exists() else None,
            }
        )
    return answers


def serve(perform):
    for number, line in enumerate(sys.stdin):
        sys.stdout.write(json.dumps(run(json.loads(line), number, perform)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(perform)
