"""After a month is signed, usage, prices and contracts go on: what differs is told by its cause.

Decisions on its events, late usage for it, a price that was put right and a contract that was
amended are told apart before anybody signs what they correct. Then the next month is signed with
it, and both months are rebuilt to the digests that were signed.
"""

import csv
import hashlib
import json
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.billing.provenance import PROVENANCE_SCHEMA
from orchestration.billing.refusals import AcknowledgementMissingError
from orchestration.billing.register import Register
from orchestration.billing.sign_off import Signer
from orchestration.billing.signed_rows import read_rows
from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise
from orchestration.price_book import ReferenceInvalidError
from orchestration.rerating.explain import explain_corrections
from orchestration.stewardship import EventDecision, record_event_decisions

pytestmark = pytest.mark.slow

MONTH, NEXT_MONTH = "2026-09", "2026-10"
WITHOUT_DATA_TESTS = ("--exclude-resource-type", "test")
WRITE_ONCE = ("raw", "reference", "register")
STEWARD = Signer(name="ines", source="self_declared")
DECIDED = "retractions_and_resolved_conflicts"
CONFLICTS = """
    select event_source, event_id, min(content_digest) as content_digest
    from billing.fct_conflicting_events
    where content_standing = 'conflicting'
    group by event_source, event_id
"""
# The largest signed event of a charge that has one price, and that nothing else changes but it.
LARGEST = f"""
    select
        events.event_source, events.event_id, lines.settlement_key,
        lines.quantity, raw.q_input_tokens as tokens
    from rating.fct_line_events as events
    inner join rating.fct_rated_lines as lines on events.rated_line_id = lines.rated_line_id
    inner join read_parquet($raw, union_by_name = true) as raw
        on events.file_id = raw.file_id and events.line_number = raw.line_number
    where
        lines.charge_id = 'starter_input_tokens' and lines.currency_code = 'USD'
        and lines.billing_period = '{MONTH}' and lines.rating_status <> 'unknown'
        and lines.contract_id not in ('con_004', 'con_018')
    order by tokens desc limit 1
"""
PRICE, PRICE_PUT_RIGHT = 'USD: {unit_price: "4.00"}', 'USD: {unit_price: "4.40"}'
NEW_PRICE = Decimal("4.40")
AMENDED = "con_004,2,2026-09-16,starter,contracts@brightloop.example\n"
STATED_CHARGE, STATED_CONTRACT = "starter_input_tokens", "con_004"
RESTATES = f"""restates:
  - reason: The price list had 4.00 for 4.40.
    author: prices@brightloop.example
    from: 2026-09-01
    charges: [{STATED_CHARGE}]
  - reason: Signed on paper in September, filed in November.
    author: contracts@brightloop.example
    from: 2026-09-16
    contracts: [{STATED_CONTRACT}]
"""
DUE = f"""
    select settlement_key, due_amount from billing.int_settlements__compared
    where outcome = 'candidate' and billing_period = '{MONTH}'
"""
QUANTITIES = f"""
    select settlement_key, quantity from rating.fct_rated_lines
    where
        charge_id = 'starter_input_tokens' and currency_code = 'USD'
        and billing_period = '{MONTH}'
"""
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
    return house.tallyhouse("reproduce", *arguments)


def what_came_later(house):
    """Late usage, a corrected price, an amendment, all with effect in the signed month."""
    reference = house.settings.reference_dir
    prices = reference / "price_book" / "starter.yml"
    prices.write_text(prices.read_text("utf-8").replace(PRICE, PRICE_PUT_RIGHT), "utf-8")
    with (reference / "tables" / "contract_versions.csv").open("a", encoding="utf-8") as rows:
        rows.write(AMENDED)
    house.deliver("2026-11-03/late.jsonl", json.dumps(LATE).encode() + b"\n")


def decide_on_events(house):
    """Pick a content of every conflict and retract one signed event; returns the retracted one."""
    raw = house.settings.raw / "events" / "**" / "*.parquet"
    [wrong] = house.mappings(LARGEST.replace("$raw", f"'{raw}'"))
    decisions = [
        EventDecision(decision="pick", reason="asked the source", **each)
        for each in house.mappings(CONFLICTS)
    ]
    wrong_event = {name: wrong[name] for name in ("event_source", "event_id")}
    decisions.append(EventDecision(decision="retract", reason="test traffic", **wrong_event))
    with house.installation.operations() as engine:
        recorded = record_event_decisions(
            house.settings, engine, decisions, signer=STEWARD, now=house.installation.clock()
        )
    return wrong | {"recorded": recorded}


@pytest.fixture(scope="module")
def story(house_of_the_signed_month):
    """What was told of the month before the next one was signed, and what was due of it."""
    house = house_of_the_signed_month
    initialise(house.settings)
    what_came_later(house)
    told = {"house": house, "wrong": decide_on_events(house)}
    with pytest.raises(ReferenceInvalidError) as unstated:
        house.load_reference()
    validated, problems = house.tallyhouse("validate")
    (house.settings.reference_dir / "restates.yml").write_text(RESTATES, "utf-8")
    house.load_reference()
    house.load()
    told |= {"unstated": unstated.value.problems, "validated": (validated, problems["problems"])}
    told["unsigned"] = house.tallyhouse("diff", "--period", NEXT_MONTH)
    told["code"], told["answer"] = house.tallyhouse("diff", "--period", MONTH)
    told["due"] = {row["settlement_key"]: row["due_amount"] for row in house.mappings(DUE)}
    told["quantities"] = house.mappings(QUANTITIES)
    revisions = house.freeze(NEXT_MONTH)
    corrected = next(each for each in revisions if each.legal_entity_id == "us_inc")
    with pytest.raises(AcknowledgementMissingError) as unexplained:
        house.sign(corrected)
    told["unexplained"] = str(unexplained.value)
    told["explained"] = explain_corrections(house.installation, revisions)
    told["explained_again"] = explain_corrections(house.installation, revisions)
    for revision in revisions:
        house.sign(revision)
    return told


@pytest.fixture(scope="module")
def house(story):
    """The signed month, and all that came later, signed with the next one."""
    return story["house"]


def test_an_edit_that_reaches_into_the_signed_month_is_refused_until_it_says_so(story):
    """ledger.md, Corrections."""
    named = [problem.message.split(":")[0] for problem in story["unstated"]]
    assert [f"charge {STATED_CHARGE}", f"contract {STATED_CONTRACT}"] == named
    assert {"restatement_unstated"} == {problem.code for problem in story["unstated"]}
    code, problems = story["validated"]
    assert ExitCode.REFUSED == code
    told = [problem["message"] for problem in problems if problem["code"] == "restatement_unstated"]
    assert [problem.message for problem in story["unstated"]] == told


def of_cause(story, cause):
    return [row for row in story["answer"]["rows"] if row["cause"] == cause]


def test_nothing_is_told_of_a_month_that_nobody_signed(story):
    code, answer = story["unsigned"]
    assert (ExitCode.REFUSED, "period_not_signed") == (code, answer["error"]["code"])


def test_the_causes_of_each_key_add_up_to_what_is_due_of_it(story):
    """Invariant 6."""
    sums = defaultdict(Decimal)
    for row in story["answer"]["rows"]:
        sums[row["settlement_key"]] += Decimal(row["difference_amount"])
    assert ExitCode.DONE == story["code"]
    assert {DECIDED, "late_usage", "contract", "price"} == {
        row["cause"] for row in story["answer"]["rows"]
    }
    assert story["due"] == {key: amount for key, amount in sums.items() if amount}


def test_a_retracted_event_is_taken_off_its_line_at_the_price_that_was_signed(story):
    """Invariant 3, in money: what is left of the line's tokens, priced and rounded once."""
    wrong = story["wrong"]
    [found] = [
        row for row in of_cause(story, DECIDED) if row["settlement_key"] == wrong["settlement_key"]
    ]
    before, after = (
        (tokens * Decimal(4) / 1_000_000).quantize(Decimal("0.01"), ROUND_HALF_UP)
        for tokens in (wrong["quantity"], wrong["quantity"] - wrong["tokens"])
    )
    assert before > after
    assert (format(before, "f"), format(after, "f")) == (
        found["before_amount"],
        found["after_amount"],
    )


def test_what_a_conflict_held_is_due_once_it_is_decided(story):
    freed = [row for row in of_cause(story, DECIDED) if Decimal(row["before_amount"]) == 0]
    assert freed
    assert all(Decimal(row["after_amount"]) > 0 for row in freed)
    house = story["house"]
    assert [] == house.mappings(
        "select * from billing.fct_exceptions where exception_code = 'conflicting_events'"
    )
    assert [(0,)] == house.rows("select count(*) from rating.int_charges__conflicted")
    assert [] == house.broken_invariants()


def test_every_decision_stands_with_its_author_and_every_event_has_one_place(story):
    """Invariants 2 and 3."""
    found = dict(
        story["house"].rows(
            "select content_standing, count(*) from billing.fct_conflicting_events "
            "where decision_author = 'ines' group by content_standing"
        )
    )
    decided = story["wrong"]["recorded"].decision_count
    assert {"picked": decided - 1, "retracted": 1} == {
        name: found[name] for name in ("picked", "retracted")
    }
    assert found["dropped"] >= decided - 1
    assert {"dropped": found["dropped"], "retracted": 1} == dict(
        story["house"].rows(
            "select set_aside_reason, count(*) from intermediate.int_events__set_aside "
            "where set_aside_reason <> 'exact_repeat' group by set_aside_reason"
        )
    )


def test_the_next_months_revisions_rest_on_every_decision_with_who_made_it(story, house):
    """design.md, Sign-off: four eyes."""
    register = Register(house.settings.register)
    facts = read_rows(
        register.folder, register.chain(), role="provenance", schema=PROVENANCE_SCHEMA
    ).to_pylist()
    decided = [fact for fact in facts if fact["object_kind"] == "event_decision"]
    assert {STEWARD.name} == {fact["author"] for fact in decided}
    identities = {fact["object_id"].split(" ", 1)[1] for fact in decided}
    assert story["wrong"]["recorded"].decision_count == len(identities)
    wrong = "{event_source} {event_id}".format(**story["wrong"])
    assert f"retract {wrong}" in {fact["object_id"] for fact in decided}


def test_late_usage_is_told_at_the_prices_that_were_signed(story):
    # 4 million at 4.00, and 0.75 million at 16.00, before the price was put right
    assert [("starter_input_tokens", "16.00"), ("starter_output_tokens", "12.00")] == [
        (row["charge_id"], row["difference_amount"]) for row in of_cause(story, "late_usage")
    ]


def test_what_was_told_is_what_is_frozen_then(story):
    """Candidates are as up to date as what was told; nothing else was built in between."""
    corrected = defaultdict(Decimal)
    for entry in story["house"].register_entries():
        if entry["billing_period"] == MONTH and f":{NEXT_MONTH}:" in entry["revision_id"]:
            corrected[entry["settlement_key"]] += entry["amount"]
    assert story["due"] == dict(corrected)


def test_corrections_are_not_signed_before_their_causes_are_told(story):
    assert "whose causes are not told" in story["unexplained"]


def test_each_signed_correction_says_its_causes_as_they_were_told(story):
    """ledger.md, Corrections: cause, error or estimate; over its causes what it corrects."""
    story["house"].build(*WITHOUT_DATA_TESTS, "--select", "+fct_correction_causes")
    found = defaultdict(Decimal)
    for row in story["house"].mappings("select * from billing.fct_correction_causes"):
        found[row["settlement_key"], row["cause"], row["correction_kind"]] += row["amount"]
    estimates = ("late_usage", "not_billed_then")
    corrected = {
        entry["settlement_key"]
        for entry in story["house"].register_entries()
        if entry["entry_kind"] == "correct"
    }
    assert {
        (
            row["settlement_key"],
            row["cause"],
            "estimate" if row["cause"] in estimates else "error",
        ): Decimal(row["difference_amount"])
        for row in story["answer"]["rows"]
        if row["settlement_key"] in corrected
    } == dict(found)


def test_causes_are_told_once(story):
    assert story["explained"]
    assert [] == story["explained_again"]


def test_an_amendment_moves_the_charges_of_its_contract_alone(story):
    found = of_cause(story, "contract")
    assert {"cus_004"} == {row["customer_id"] for row in found}
    assert {"starter", "growth"} == {row["charge_id"].partition("_")[0] for row in found}


def test_a_price_is_told_last_on_all_that_is_used_by_then(story):
    found = {row["settlement_key"]: row["after_amount"] for row in of_cause(story, "price")}
    expected = defaultdict(Decimal)
    for row in story["quantities"]:
        amount = row["quantity"] * NEW_PRICE / 1_000_000
        expected[row["settlement_key"]] += amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert len(found) > 5
    assert found == {key: format(expected[key], "f") for key in found}


def test_the_file_for_finance_has_every_row(story):
    path = story["house"].settings.data_dir / story["answer"]["file"]
    with path.open(encoding="utf-8", newline="") as content:
        rows = list(csv.DictReader(content))
    assert [Decimal(row["difference_amount"]) for row in story["answer"]["rows"]] == [
        Decimal(row["difference_amount"]) for row in rows
    ]


def test_what_was_told_is_gone_from_the_mart_once_it_is_signed(house):
    house.build(*WITHOUT_DATA_TESTS, "--select", "fct_rerating_diff")
    assert [(0,)] == house.rows("select count(*) from reconciliation.fct_rerating_diff")


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
