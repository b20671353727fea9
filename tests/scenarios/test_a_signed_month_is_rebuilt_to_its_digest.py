"""A signed month is rebuilt from its inputs after usage, prices and contracts went on.

Everything that came later is there when it is rebuilt: late usage for the month, a price that is
put right, a contract that is amended, the signatures and documents of the next month.
"""

import json

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise

pytestmark = pytest.mark.slow

MONTH, NEXT_MONTH = "2026-09", "2026-10"
ENTITIES = ["de_gmbh", "jp_kk", "us_inc"]


def reproduce(house, *arguments):
    answer = CliRunner().invoke(
        app,
        ["reproduce", *arguments, "--data-dir", str(house.settings.data_dir), "--json"],
        catch_exceptions=False,
    )
    return answer.exit_code, json.loads(answer.stdout)


def edit(house, table, change):
    """Change a reference table's text."""
    path = house.settings.reference_dir / "tables" / table
    before = path.read_text("utf-8")
    path.write_text(change(before), "utf-8")
    assert path.read_text("utf-8") != before


@pytest.fixture(scope="module")
def house(house_of_the_signed_month):
    """The signed month, two signed corrections and a changed price later."""
    house = house_of_the_signed_month
    initialise(house.settings)
    late_usage(house)
    raise_prices(house)
    house.load_reference()
    house.load()
    house.build()
    for revision in house.freeze(NEXT_MONTH):
        house.sign(revision)
    house.post()
    house.build()
    return house
