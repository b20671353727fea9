"""A signed month is rebuilt from its inputs after usage, prices and contracts went on.

Everything that came later is there when it is rebuilt: late usage for the month, a price that was
put right, a contract that was amended, and the next month, signed with what they correct.
"""

import hashlib
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise

pytestmark = pytest.mark.slow

MONTH, NEXT_MONTH = "2026-09", "2026-10"
ENTITIES = ["de_gmbh", "jp_kk", "us_inc"]
WITHOUT_DATA_TESTS = ("--exclude-resource-type", "test")
WRITE_ONCE = ("raw", "reference", "register")
PRICE, PRICE_PUT_RIGHT = 'USD: {unit_price: "4.00"}', 'USD: {unit_price: "4.40"}'
AMENDED = "con_004,2,2026-09-16,starter,contracts@brightloop.example\n"
LATE = {
    "specversion": "1.0",
    "id": "late-1",
    "source": "/gateway/us-east",
    "type": "llm.completion",
    "subject": "tenant-quarry-street",
    "time": "2026-09-20T15:00:00Z",
    "dataschema": "https://schemas.brightloop.example/llm.completion/1",
    "data": {"model": "atlas-small", "input_tokens": 4_000_000, "output_tokens": 750_000},
}


def reproduce(house, *arguments):
    answer = CliRunner().invoke(
        app,
        ["reproduce", *arguments, "--data-dir", str(house.settings.data_dir), "--json"],
        catch_exceptions=False,
    )
    return answer.exit_code, json.loads(answer.stdout)


def what_came_later(house):
    """Late usage, a corrected price, an amendment, all with effect in the signed month."""
    reference = house.settings.reference_dir
    prices = reference / "price_book" / "starter.yml"
    prices.write_text(prices.read_text("utf-8").replace(PRICE, PRICE_PUT_RIGHT), "utf-8")
    with (reference / "tables" / "contract_versions.csv").open("a", encoding="utf-8") as rows:
        rows.write(AMENDED)
    house.deliver("2026-11-03/late.jsonl", json.dumps(LATE).encode() + b"\n")


@pytest.fixture(scope="module")
def house(house_of_the_signed_month):
    """The signed month, and all that came later, signed with the next one."""
    house = house_of_the_signed_month
    initialise(house.settings)
    what_came_later(house)
    house.load_reference()
    house.load()
    house.build(*WITHOUT_DATA_TESTS)
    for revision in house.freeze(NEXT_MONTH):
        house.sign(revision)
    return house


@pytest.fixture(scope="module")
def rebuilt(house):
    """What rebuilding said of the signed month and of the next one, and what it left behind."""
    before = house.file_digests(*WRITE_ONCE)
    answers = {month: reproduce(house, "--period", month) for month in (MONTH, NEXT_MONTH)}
    return answers | {"before": before, "after": house.file_digests(*WRITE_ONCE)}


def test_what_came_later_changed_the_month(house):
    corrected = [
        entry
        for entry in house.register_entries()
        if entry["entry_kind"] == "correct" and entry["billing_period"] == MONTH
    ]
    assert {"con_018", "con_004"} <= {
        house.mappings(
            f"select contract_id from billing.dim_contracts "
            f"where contract_lineage_id = '{entry['contract_lineage_id']}'"
        )[0]["contract_id"]
        for entry in corrected
    }


@pytest.mark.parametrize("month", [MONTH, NEXT_MONTH])
def test_every_entity_has_the_digest_that_was_signed(house, rebuilt, month):
    """Invariant 13; the next month rests on what was signed of this one."""
    code, answer = rebuilt[month]
    signed = {
        row["revision_id"]: row["content_sha256"]
        for row in house.operations("revisions")
        if row["billing_period"] == month
    }
    assert ExitCode.DONE == code
    assert signed == {
        each["revision_id"]: each["content_sha256"]
        for each in answer["reproductions"]
        if each["is_same"] and not each["lines"]
    }


def test_nothing_of_the_installation_is_touched(house, rebuilt):
    assert rebuilt["before"] == rebuilt["after"]
    assert not (house.settings.warehouse / "reproduced").exists()


def test_a_revision_that_is_not_there_is_refused_by_name(house):
    code, answer = reproduce(house, "--period", MONTH, "--revision", "7", "--entity", "us_inc")
    assert (ExitCode.REFUSED, "revision_unknown") == (code, answer["error"]["code"])
    assert "us_inc:2026-09:r1" in answer["error"]["message"]


def test_a_raw_file_with_another_byte_is_named_before_anything_is_built(house):
    part = next(row for row in house.operations("raw_parts") if row["ingestion_batch_id"] == 1)
    path = house.settings.data_dir / part["path"]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        code, answer = reproduce(house, "--period", MONTH)
    finally:
        path.write_bytes(content)
    assert (ExitCode.REFUSED, "inputs_gone") == (code, answer["error"]["code"])
    assert part["path"] in answer["error"]["message"]


def test_other_prices_under_the_version_that_was_signed_are_found_line_by_line(house):
    """Somebody rewrote the version's compiled prices, and its list of digests too."""
    signed = next(
        row for row in house.operations("revisions") if row["revision_id"] == f"jp_kk:{MONTH}:r1"
    )
    version = house.settings.reference_versions / signed["reference_version"]
    tiers = version / "tables" / "charge_tiers.parquet"
    kept = {path: path.read_bytes() for path in (tiers, version / "version.json")}
    try:
        double_prices(tiers)
        listed = json.loads(kept[version / "version.json"])
        for table in listed["tables"]:
            if table["name"] == "charge_tiers":
                table["sha256"] = hashlib.sha256(tiers.read_bytes()).hexdigest()
        (version / "version.json").write_text(json.dumps(listed), "utf-8")
        code, answer = reproduce(house, "--period", MONTH, "--entity", "jp_kk")
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    [found] = answer["reproductions"]
    assert ExitCode.CHECKS_RED == code
    assert ["documents", "lines"] == [each for each in found["differing"] if each != "provenance"]
    assert found["lines"]
    assert all(
        abs(Decimal(line["rebuilt_amount"])) > abs(Decimal(line["amount"]))
        for line in found["lines"]
    )


def double_prices(path):
    table = pq.read_table(path)
    place = table.schema.get_field_index("unit_price")
    doubled = [None if price is None else price * 2 for price in table["unit_price"].to_pylist()]
    column = pa.array(doubled, table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), column), path)
