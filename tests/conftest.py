"""What tests of several rooms share: their order, new operations databases, a PostgreSQL server.

Belongs here: what no single folder of tests can say. Does not belong here: any expectation.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from orchestration.operations_db import database, open_operations
from orchestration.settings import Settings

FIRST = (
    *("ledger", "scenarios/test_a_signed_month_is_rated_again_for_some.py"),
    *("definitions/test_whole_way.py", "dbt/test_unit_tests.py"),
    "scenarios/test_a_data_directory_is_made_whole_again.py",
    *("scenarios", "real", "golden", "properties", "dbt", "browser", "faults"),
    *("definitions", "oracle", "benchmarks"),
)
"""Modules and folders of modules that take long, the longest before the others."""


def pytest_collection_modifyitems(items):
    """Let long modules start early, so that no worker is left with one when the others are done."""
    ranks = {Path(__file__).parent / place: rank for rank, place in enumerate(FIRST)}
    assert [] == [place for place in ranks if not place.exists()]
    items.sort(
        key=lambda item: min(
            ranks.get(place, len(FIRST)) for place in (item.path, *item.path.parents)
        )
    )


@pytest.fixture(scope="session", autouse=True)
def migrated_once(tmp_path_factory):
    """Every new operations database is a copy of one that was migrated; yields the real way.

    Tests of migrations take the real way: see tests/unit/operations_db.
    """
    settings = Settings(data_dir=tmp_path_factory.mktemp("migrated"))
    open_operations(settings).dispose()
    migrated = settings.data_dir / "operations.db"
    really_make = database._make_sqlite_file

    def make(path):
        if path.parent.is_dir() and not path.exists():
            shutil.copyfile(migrated, path)
        really_make(path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "_make_sqlite_file", make)
        yield really_make


def server_program(name):
    """Return the path of a PostgreSQL server program; skip the test where it is not installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(installed[-1]) if installed else None)
    if found is None:
        pytest.skip(f"PostgreSQL's {name} is not installed")
    return found


@pytest.fixture(scope="module")
def postgresql_url():
    """Start a server on a socket in a folder that its user may enter; stop it afterwards."""
    initdb, pg_ctl = server_program("initdb"), server_program("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="tallyhouse-postgresql-"))
    account = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        account = {"user": "postgres"}
    cluster = str(folder / "cluster")

    def run(*command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **account)

    run(initdb, "-D", cluster, "-U", "tallyhouse", "-A", "trust", "--no-sync")
    options = f"-k {folder} -h '' -c fsync=off"
    run(pg_ctl, "-D", cluster, "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql+psycopg://tallyhouse@/postgres?host={folder}"
    run(pg_ctl, "-D", cluster, "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)
