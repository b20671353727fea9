"""Posters that really die: forks one process per poster and reports how each ended.

Reads one scenario per line (JSON) from standard input, answers each with one line:
    {"data_dir", "erp", "offset_seconds", "posters": [{"kill_at_step", "seed", "limit"}, ...]}
    [{"signal": 9 or 0, "status": 0}, ...]
A step is one SQL statement of the operations database or of the sandbox's books; a poster with
kill_at_step n is killed by SIGKILL just before its n-th step, so also inside transactions. With a
seed, calls to the ERP fail at random. The parent imports everything once; children only fork.
"""

import gc
import json
import os
import signal
import sqlite3
import sys
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from posting_house import START, Clock, House, usual_documents

from adapters.registry import ERP_CLASSES
from adapters.sandbox.faults import NO_FAULTS, FaultPlan

EFFECTS = ("throttle", "refuse_connection", "drop_answer", "commit_late")
FAULT_CHANCE = 0.25
LATE_SECONDS = 1.5


class Steps:
    """Counts steps and kills this process before the chosen one."""

    def __init__(self, kill_at_step):
        self.kill_at_step = kill_at_step
        self.count = 0

    def take(self, *_arguments):
        self.count += 1
        if self.count == self.kill_at_step:
            os.kill(os.getpid(), signal.SIGKILL)


def stepping_connection(steps):
    class SteppingConnection(sqlite3.Connection):
        def execute(self, *arguments):
            steps.take()
            return super().execute(*arguments)

    return SteppingConnection


@cache
def house_of(data_dir, erp_name):
    """Open a house once; its engine keeps no connection, so forks may use it."""
    return House(Path(data_dir), erp_name)


def post(house, scenario, poster):
    house.clock = Clock(START + timedelta(seconds=scenario["offset_seconds"]))
    seed = poster.get("seed")
    faults = NO_FAULTS
    if seed is not None:
        faults = FaultPlan(
            random=Random(seed),  # noqa: S311 - repeatable faults, no secret
            chance=FAULT_CHANCE,
            effects=EFFECTS,
            seconds=LATE_SECONDS,
        )
    steps = Steps(poster.get("kill_at_step"))
    sa.event.listen(house.engine, "before_cursor_execute", steps.take)
    sa.event.listen(house.engine, "commit", steps.take)
    sqlite3.connect = partial(sqlite3.connect, factory=stepping_connection(steps))
    house.post(faults, limit=poster.get("limit"))


def forked(scenario, poster):
    house = house_of(scenario["data_dir"], scenario["erp"])
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        post(house, scenario, poster)
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)
    return None


def ending(child):
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status), "status": 0}
    return {"signal": 0, "status": os.WEXITSTATUS(status)}


def warm_up():
    """Post once here, so that no child pays for what is only loaded at first use."""
    with TemporaryDirectory() as folder:
        for erp_name in ERP_CLASSES:
            house = House(Path(folder) / erp_name, erp_name)
            house.open_books()
            house.sign(*usual_documents(2))
            house.plan()
            house.post()


def main():
    warm_up()
    gc.freeze()
    for line in sys.stdin:
        scenario = json.loads(line)
        children = [forked(scenario, poster) for poster in scenario["posters"]]
        sys.stdout.write(json.dumps([ending(child) for child in children]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
