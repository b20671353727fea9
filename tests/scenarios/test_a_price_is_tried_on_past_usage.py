"""Prices and contracts are tried on a month that is signed and posted: only the answer is new.

Every raw file is elsewhere while `tallyhouse what-if` rates prices and contracts. They come back
for a meter that counts otherwise, which is counted anew from them.
"""

import csv
import json
import shutil
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.cli_runs import dagster_instance
from orchestration.data_directory import initialise

pytestmark = pytest.mark.slow

MONTH = "2026-09"
CENT = {"USD": Decimal("0.01"), "EUR": Decimal("0.01"), "JPY": Decimal(1)}
TOKENS = "starter_input_tokens"
OLD_PRICES = {"USD": "4.00", "EUR": "3.70", "JPY": "590"}
NEW_PRICES = {"USD": "4.40", "EUR": "4.07", "JPY": "649"}
CALL_PRICES = {"USD": "0.045", "EUR": "0.041", "JPY": "6.6"}
FEE = (
    'ovr_con_007_growth_fee,con_007,growth_fee,2026-09-01,,USD,"{""amount"": ""449""}",'
    "ana.ruiz@brightloop.example\n"
)
GROWTH = "con_004,1,2026-09-01,growth"
STARTER = "con_004,1,2026-09-01,starter"
NEW_YORK = "con_010,lin_010,cus_010,us_inc,USD,America/New_York"
TOKYO = "con_010,lin_010,cus_010,us_inc,USD,Asia/Tokyo"
RESTATES = """restates:
  - {reason: tried, author: ana, from: 2026-08-01, contracts: [con_010]}
"""
ALL_CALLS_COUNT = """\
    filters:
      - {property: status, not_in: ["429", "500", "503"]}
"""
LINES = f"""
    select lines.*, contracts.customer_id as holder_id
    from rating.fct_rated_lines as lines
    inner join staging.stg_reference__contracts as contracts using (contract_id)
    where lines.billing_period = '{MONTH}'
"""
WRITTEN_BY_THE_COMMAND = ("reports/what-if/", "dagster/")


def what_if(house, *folders, period=MONTH):
    named = [argument for folder in folders for argument in ("--price-book", str(folder))]
    data_dir = str(house.settings.data_dir)
    answered = CliRunner().invoke(
        app,
        ["what-if", *named, "--period", period, "--data-dir", data_dir, "--json"],
        catch_exceptions=False,
    )
    return answered.exit_code, json.loads(answered.stdout)


def files_of(house):
    """Every file of the data directory that the command may not touch, by its digest."""
    digests = house.file_digests(".")
    return {
        name: digest
        for name, digest in digests.items()
        if not name.startswith(WRITTEN_BY_THE_COMMAND) and not name.endswith(".opening")
    }


def rows_of(house, answer, table):
    with (house.settings.data_dir / answer["folder"] / f"{table}.csv").open(
        encoding="utf-8"
    ) as file:
        return list(csv.DictReader(file))


def scenario_of(answer, name):
    return next(each for each in answer["scenarios"] if each["name"] == name)


def differences(house, answer, scenario):
    """What each customer that is compared pays more, where it is not the same."""
    return {
        row["customer_id"]: Decimal(row["difference_amount"])
        for row in rows_of(house, answer, "customers")
        if row["scenario"] == scenario and Decimal(row["difference_amount"])
    }


def apart(house, answer, scenario):
    return {
        row["customer_id"]: row["apart_because"]
        for row in rows_of(house, answer, "apart")
        if row["scenario"] == scenario
    }


def rounded(amount, currency):
    return amount.quantize(CENT[currency], ROUND_HALF_UP)


@pytest.fixture(scope="module")
def scenarios(house_of_the_signed_month, tmp_path_factory):
    """Folders that each hold the part of the reference folder that is other."""
    reference = house_of_the_signed_month.settings.reference_dir
    folder = tmp_path_factory.mktemp("scenarios")
    for name in ("dearer_tokens", "all_calls", "broken"):
        shutil.copytree(reference / "price_book", folder / name / "price_book")
    starter = folder / "dearer_tokens" / "price_book" / "starter.yml"
    for currency, old in OLD_PRICES.items():
        price = f'{currency}: {{unit_price: "{old}"}}'
        assert 1 == starter.read_text("utf-8").count(price)
        replace(starter, price, price.replace(old, NEW_PRICES[currency]))
    replace(folder / "all_calls" / "price_book" / "meters.yml", ALL_CALLS_COUNT, "")
    replace(folder / "broken" / "price_book" / "products.yml", "products:", "produkts:")
    for name in ("cheaper_fee", "downgrade", "tokyo"):
        (folder / name / "tables").mkdir(parents=True)
    overrides = (reference / "tables" / "overrides.csv").read_text("utf-8")
    (folder / "cheaper_fee" / "tables" / "overrides.csv").write_text(overrides + FEE, "utf-8")
    versions = folder / "downgrade" / "tables" / "contract_versions.csv"
    shutil.copyfile(reference / "tables" / "contract_versions.csv", versions)
    replace(versions, GROWTH, STARTER)
    contracts = folder / "tokyo" / "tables" / "contracts.csv"
    shutil.copyfile(reference / "tables" / "contracts.csv", contracts)
    replace(contracts, NEW_YORK, TOKYO)
    return folder


def replace(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.fixture(scope="module")
def asked(house_of_the_signed_month, scenarios):
    """What the command answered with no raw file there, and what the house held around it."""
    house = house_of_the_signed_month
    initialise(house.settings)
    before = files_of(house)
    with house.raw_files_elsewhere() as made:
        code, answer = what_if(
            house,
            *(scenarios / name for name in ("dearer_tokens", "cheaper_fee", "downgrade")),
        )
    assert ExitCode.DONE == code
    return {"house": house, "before": before, "made": made, "answer": answer}


def test_the_answer_is_on_the_page_of_its_run(asked):
    with dagster_instance(asked["house"].settings) as instance:
        first = instance.get_runs()[-1]
        events = [each.dagster_event for each in instance.all_logs(first.run_id)]
    [shown] = [
        each.step_output_data.metadata["answer"].value
        for each in events
        if each is not None and each.is_successful_output
    ]
    assert "compare_scenarios" == first.job_name
    assert all(each in shown for each in ("dearer_tokens", "up to 5 % more", "█", "by segment"))


@pytest.fixture(scope="module")
def lines(asked):
    """Lines of the month as they are rated now."""
    return asked["house"].mappings(LINES)


def test_nothing_but_the_answer_is_written(asked):
    house = asked["house"]
    assert len(asked["before"]) > 50
    assert asked["before"] == files_of(house)
    assert [] == asked["made"]
    assert not (house.settings.warehouse / "what_if").exists()
    assert {"what-if.html", "01-dearer_tokens-USD.svg", "customers.csv"} <= {
        path.name for path in (house.settings.data_dir / asked["answer"]["folder"]).iterdir()
    }


def test_a_price_raised_by_a_tenth_changes_its_lines_by_what_they_come_to_and_no_other(
    asked, lines
):
    """Down to the cent, by hand from the metered quantity; who has an unknown line stands apart."""
    expected = defaultdict(Decimal)
    unknown = {line["holder_id"] for line in lines if line["rating_status"] == "unknown"}
    for line in lines:
        currency = line["currency_code"]
        if line["charge_id"] == TOKENS and line["holder_id"] not in unknown:
            millions = line["quantity"] / 1_000_000
            before = rounded(millions * Decimal(OLD_PRICES[currency]), currency)
            after = rounded(millions * Decimal(NEW_PRICES[currency]), currency)
            assert before == line["amount"]
            expected[line["holder_id"]] += after - before
    expected = {holder: amount for holder, amount in expected.items() if amount}
    assert len(expected) > 5
    assert expected == differences(asked["house"], asked["answer"], "dearer_tokens")


def test_what_is_compared_and_what_stands_apart_is_all_that_is_rated(asked, lines):
    """Invariant 6's gross side: sums by customer, plan, segment and month are the same."""
    rated = defaultdict(Decimal)
    for line in lines:
        rated[line["currency_code"]] += line["amount"] or 0
    for each in asked["answer"]["scenarios"]:
        for total in each["totals"]:
            code = total["currency_code"]
            known = Decimal(total["before_amount"]) + Decimal(total["apart_before_amount"])
            assert rated[code] == known
            for table in ("plans", "segments", "months", "distribution"):
                for amount in ("before_amount", "after_amount", "difference_amount"):
                    assert Decimal(total[amount]) == sum(
                        Decimal(row[amount]) for row in each[table] if row["currency_code"] == code
                    )


def test_a_negotiated_fee_changes_one_customer_by_what_it_is_less(asked):
    assert {"cus_007": Decimal(449 - 499)} == differences(
        asked["house"], asked["answer"], "cheaper_fee"
    )
    [loss] = scenario_of(asked["answer"], "cheaper_fee")["losses"]
    assert ("cus_007", "-50.00") == (loss["customer_id"], loss["difference_amount"])
    assert ["tables/overrides"] == scenario_of(asked["answer"], "cheaper_fee")["replaces"]


def test_a_customer_whose_usage_no_charge_rates_after_stands_apart_and_is_no_loss(asked):
    """A starter's plan has no price for compute: what it would come to is unknown."""
    house, answer = asked["house"], asked["answer"]
    assert {} == differences(house, answer, "downgrade")
    added = set(apart(house, answer, "downgrade").items()) - set(
        apart(house, answer, "cheaper_fee").items()
    )
    assert {("cus_004", "usage_not_rated")} == added


@pytest.fixture(scope="module")
def recounted(asked, scenarios):
    """What the command answers where usage is counted and cut otherwise, then a price as before."""
    names = ("all_calls", "tokyo", "dearer_tokens")
    code, answer = what_if(asked["house"], *(scenarios / name for name in names))
    assert ExitCode.DONE == code
    return answer


def test_a_meter_that_counts_otherwise_is_counted_from_raw_events(asked, recounted, lines):
    """Failed calls count as well: then calls are as many as events whose bytes are summed."""
    house, answer = asked["house"], recounted
    requests = defaultdict(int)
    for line in lines:
        if line["charge_id"] == "starter_egress":
            requests[line["contract_id"]] += line["event_count"]
    unknown = {line["holder_id"] for line in lines if line["rating_status"] == "unknown"}
    expected = {}
    for line in lines:
        currency = line["currency_code"]
        if line["charge_id"] == "starter_api_calls" and line["holder_id"] not in unknown:
            price = Decimal(CALL_PRICES[currency])
            after = rounded(requests[line["contract_id"]] * price, currency)
            expected[line["holder_id"]] = after - line["amount"]
    found = differences(house, answer, "all_calls")
    assert len(expected) > 5
    assert any(expected.values())
    assert {holder: amount for holder, amount in expected.items() if amount} == {
        holder: amount for holder, amount in found.items() if holder in expected
    }


def test_a_scenario_comes_to_what_the_month_is_rated_at_once_it_is_loaded(
    asked, recounted, scenarios, tmp_path
):
    """Days that begin elsewhere: usage is cut anew, and placed in other months."""
    house = asked["house"].copy(tmp_path / "data")
    tables = house.settings.reference_dir / "tables"
    shutil.copyfile(scenarios / "tokyo" / "tables" / "contracts.csv", tables / "contracts.csv")
    (house.settings.reference_dir / "restates.yml").write_text(RESTATES, "utf-8")
    house.load_reference()
    house.build("--select", "+fct_rated_lines", "--exclude-resource-type", "test")
    expected = defaultdict(Decimal)
    for line in house.mappings(LINES):
        expected[line["holder_id"], line["currency_code"]] += line["amount"] or 0
    found = {
        (row["customer_id"], row["currency_code"]): Decimal(row[column])
        for table, column in (("customers", "after_amount"), ("apart", "after_known_amount"))
        for row in rows_of(asked["house"], recounted, table)
        if row["scenario"] == "tokyo"
    }
    assert expected == found
    changed = {"cus_010"} & (
        differences(asked["house"], recounted, "tokyo").keys()
        | apart(asked["house"], recounted, "tokyo").keys()
    )
    assert {"cus_010"} == changed


def test_a_scenario_knows_nothing_of_the_one_before_it(asked, recounted):
    """Invariant 9: in any company, the same scenario has the same rows."""
    house = asked["house"]
    for table in ("totals", "customers", "apart"):
        first, second = (
            [row for row in rows_of(house, answer, table) if row["scenario"] == "dearer_tokens"]
            for answer in (asked["answer"], recounted)
        )
        assert first
        assert first == second
    assert scenario_of(asked["answer"], "dearer_tokens") == scenario_of(recounted, "dearer_tokens")
    assert asked["before"] == files_of(house)


def test_a_folder_with_errors_is_refused_by_name_and_line_before_anything_is_rated(
    asked, scenarios
):
    house = asked["house"]
    code, answer = what_if(house, scenarios / "dearer_tokens", scenarios / "broken")
    assert (ExitCode.REFUSED, "scenario_invalid") == (code, answer["error"]["code"])
    assert "scenario broken" in answer["error"]["message"]
    assert str(scenarios / "broken" / "price_book" / "products.yml:") in answer["error"]["message"]
    assert asked["before"] == files_of(house)
