"""Refuse a test report in which nothing ran, or in which a test was skipped that could have run.

Belongs here: what a build machine demands beyond green tests. Does not belong here: running them.
"""

# ruff: noqa: INP001, T201 — a script of the build machine, which prints what it found

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

MOUNTS = "only who may mount"  # said by tests of real full and read-only disks, where none can be
SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def main(report: Path) -> int:
    """Print what is wrong with a JUnit report; returns 0 when nothing is, 1 otherwise."""
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 — pytest wrote it just now
    skipped = [
        (f"{case.get('classname')}.{case.get('name')}", skip.get("message") or "")
        for case in cases
        if (skip := case.find("skipped")) is not None
    ]
    if not SHARED_DATA.is_dir():
        skipped = [(name, why) for name, why in skipped if "shared/data" not in why]
    skipped = [(name, why) for name, why in skipped if MOUNTS not in why]
    for name, why in skipped:
        print(f"skipped: {name}: {why}", file=sys.stderr)
    ran = len(cases) - len(skipped)
    if ran <= 0:
        print("no test ran", file=sys.stderr)
    print(f"{ran} tests ran, {len(skipped)} were skipped that this machine should run")
    return 1 if skipped or ran <= 0 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
