"""A price of the open month is corrected, and the month is rated again from what was counted.

Every raw file is elsewhere while `tallyhouse run` loads the new price book, rates, freezes and
publishes. Then the files come back, and a line still leads to its events.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise

pytestmark = pytest.mark.slow

NEXT_MONTH = "2026-10"
CHARGE = "starter_input_tokens"
NEW_PRICE_FROM = date(2026, 10, 1)
LAST_PRICE = 'JPY: {unit_price: "590"}\n'
NEW_PRICES = {"USD": Decimal("5.10"), "EUR": Decimal("4.70"), "JPY": Decimal(745)}
NEW_VERSION = f"""\
          - effective_from: {NEW_PRICE_FROM}
            author: ana.ruiz@brightloop.example
            prices:
              USD: {{unit_price: "{NEW_PRICES["USD"]}"}}
              EUR: {{unit_price: "{NEW_PRICES["EUR"]}"}}
              JPY: {{unit_price: "{NEW_PRICES["JPY"]}"}}
"""
CENT = {"USD": Decimal("0.01"), "EUR": Decimal("0.01"), "JPY": Decimal(1)}
LINES = "select * from rating.fct_rated_lines order by rated_line_id"
EVENTS_OF_LINES = """
    select rated_line_id, count(*), sum(digest_1), sum(digest_2)
    from rating.fct_line_events
    group by rated_line_id
    order by rated_line_id
"""


def by_line(house):
    return {row.pop("rated_line_id"): row for row in house.mappings(LINES)}


def is_touched(line):
    """Whether a day of its cell costs the new price; a cell across the turn has a new segment."""
    return line["charge_id"] == CHARGE and line["cell_end_date"] > NEW_PRICE_FROM


def is_repriced(line):
    """Whether all of its cell does."""
    return line["charge_id"] == CHARGE and line["cell_start_date"] >= NEW_PRICE_FROM


@pytest.fixture(scope="module")
def story(house_of_the_signed_month):
    """What the lines were and are, and what `tallyhouse run` answered in between."""
    house = house_of_the_signed_month
    initialise(house.settings)
    told = {"house": house, "lines": by_line(house), "batches": house.operations("raw_parts")}
    price_book = house.settings.reference_dir / "price_book" / "starter.yml"
    priced = price_book.read_text("utf-8")
    price_book.write_text(priced.replace(LAST_PRICE, LAST_PRICE + NEW_VERSION), "utf-8")
    with house.raw_files_elsewhere() as made:
        told["code"], told["answer"] = house.tallyhouse("run", "--period", NEXT_MONTH)
    return told | {"raw_files_made": made, "lines_after": by_line(house)}


def test_every_job_is_done_while_no_raw_file_is_there(story):
    assert ExitCode.DONE == story["code"]
    assert ["ingest_usage", "close_period"] == [run["job"] for run in story["answer"]["runs"]]
    assert [] == story["raw_files_made"]
    assert story["batches"] == story["house"].operations("raw_parts")


def test_lines_of_the_charge_cost_the_new_price_from_its_day_on(story):
    """For the same usage, down to the digests of its events."""
    before, after = story["lines"], story["lines_after"]
    usage = ("quantity", "event_count", "digest_sum_1", "digest_sum_2")
    repriced = {name: line for name, line in after.items() if is_repriced(line) and line["amount"]}
    assert len(repriced) > 10
    for name, line in repriced.items():
        currency = line["currency_code"]
        unrounded = line["quantity"] * NEW_PRICES[currency] / 1_000_000
        assert unrounded.quantize(CENT[currency], ROUND_HALF_UP) == line["amount"]
        assert before[name]["amount"] < line["amount"]
        assert [before[name][figure] for figure in usage] == [line[figure] for figure in usage]


def test_every_other_line_is_what_it_was_but_for_its_reference_version(story):
    """Invariant 9."""
    before, after = story["lines"], story["lines_after"]
    (version,) = {line["reference_version"] for line in after.values()}
    (version_before,) = {line["reference_version"] for line in before.values()}
    assert version_before != version
    others_before = {
        name: line | {"reference_version": version}
        for name, line in before.items()
        if not is_touched(line)
    }
    assert len(others_before) > 500
    assert others_before == {name: line for name, line in after.items() if not is_touched(line)}


def test_the_new_amounts_are_frozen_and_every_invariant_holds(story):
    """Invariants 1-7 and 13."""
    house = story["house"]
    frozen = {
        (row["legal_entity_id"], row["reference_version"])
        for row in house.operations("revisions")
        if row["billing_period"] == NEXT_MONTH
    }
    (version,) = {line["reference_version"] for line in story["lines_after"].values()}
    assert {("us_inc", version), ("de_gmbh", version), ("jp_kk", version)} == frozen
    assert [] == house.broken_invariants()


def test_with_the_raw_files_back_every_line_leads_to_its_events(story):
    """Invariant 8, in the warehouse and over the analysts' copy."""
    after = story["lines_after"]
    expected = [
        (name, line["event_count"], line["digest_sum_1"], line["digest_sum_2"])
        for name, line in sorted(after.items())
        if line["event_count"]
    ]
    assert len(expected) > 300
    assert expected == story["house"].rows(EVENTS_OF_LINES)
    name = max(
        filter(lambda each: is_repriced(after[each]), after),
        key=lambda each: after[each]["event_count"],
    )
    code, explanation = story["house"].tallyhouse("explain", name, "--events", "1000000")
    assert ExitCode.DONE == code
    assert after[name]["event_count"] == len(explanation["event_ids"])
