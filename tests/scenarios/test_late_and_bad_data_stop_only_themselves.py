"""After the month is signed, late usage comes, and with it a broken file and events of nobody.

On the same day the file that the sample had cut short comes again under its own name, and whole.
"""

import gzip
import json
from collections import Counter
from decimal import Decimal

import pytest

pytestmark = pytest.mark.slow

MONTH = "2026-09"
NEXT_MONTH = "2026-10"
WITHOUT_DATA_TESTS = ("--exclude-resource-type", "test")
WRITE_ONCE = ("register",)
# On the starter plan of Brightloop Inc., in New York: 4.00 and 16.00 USD per million tokens.
LATE_CONTRACT = "con_018"
SMALL_MODEL = '{"model":"atlas-small"}'
LATE_TENANT = "tenant-quarry-street"
# The last millisecond of September there is October everywhere to the east.
LAST_INSTANT = "2026-10-01T03:59:59.999Z"
# Also on the starter plan, which has no price for compute.
UNPRICED_CONTRACT = "con_015"
UNPRICED_ACCOUNT = "acct-100305"
LATE_FILE = "2026-11-03/late.jsonl"
WHOLE_BY_CUT = {
    "2026-10-20/gateway-eu-central.jsonl.gz": "2026-10-20/gateway-eu-central-sent-again.jsonl.gz"
}
BROKEN_FILE = "2026-11-03/broken.jsonl.gz"
STRAY_FILE = "2026-11-03/stray.jsonl"
EXCEPTIONS = """
    select exception_code, object_id, billing_period, event_count from billing.fct_exceptions
"""
LINES = "select * from rating.fct_rated_lines order by rated_line_id"


def line(event_id, event_type, subject, at, **data):
    system = {"llm.completion": "gateway", "compute.job": "platform"}[event_type]
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/{system}/us-east",
        "type": event_type,
        "subject": subject,
        "time": at,
        "dataschema": f"https://schemas.brightloop.example/{event_type}/1",
        "data": data,
    }
    return json.dumps(event).encode() + b"\n"


def completion(event_id, subject, at, *, tokens_in, tokens_out):
    data = {"model": "atlas-small", "input_tokens": tokens_in, "output_tokens": tokens_out}
    return line(event_id, "llm.completion", subject, at, **data)


LATE = completion(
    "late-1", LATE_TENANT, "2026-09-20T15:00:00Z", tokens_in=4_000_000, tokens_out=750_000
) + completion("late-2", LATE_TENANT, LAST_INSTANT, tokens_in=1_000_000, tokens_out=250_000)
# Usage of a good customer, in a file that ends before its content does.
BROKEN = gzip.compress(
    b"".join(
        completion(f"lost-{n}", "tenant-alder-peak", LAST_INSTANT, tokens_in=n, tokens_out=n)
        for n in range(200)
    )
)[:-40]
STRAY = (
    completion("stray-1", "tenant-nobody", "2026-09-20T15:00:00Z", tokens_in=7, tokens_out=7)
    + completion("stray-2", "tenant-nobody", "2026-09-21T15:00:00Z", tokens_in=7, tokens_out=7)
    + b"this is no event\n"
    + line("stray-3", "compute.job", UNPRICED_ACCOUNT, "2026-09-20T15:00:00Z").replace(
        b'"data": {}', b'"data": {"cores": 2, "seconds": 90, "memory_gb": 8}'
    )
)


NEW_FILES = {LATE_FILE: LATE, BROKEN_FILE: BROKEN, STRAY_FILE: STRAY}


def keyed(rows):
    return {row["rated_line_id"]: row for row in rows}


@pytest.fixture(scope="module")
def story(house_of_the_signed_month):
    """What was there before, what is there after one more load and build, and what was signed."""
    house = house_of_the_signed_month
    told = {
        "house": house,
        "register": house.file_digests(*WRITE_ONCE),
        "entries": house.register_entries(),
        "lines": keyed(house.mappings(LINES)),
        "exceptions": Counter(house.rows(EXCEPTIONS)),
    }
    for name, content in NEW_FILES.items():
        house.deliver(name, content)
    for name, whole in WHOLE_BY_CUT.items():
        house.deliver(name, (house.settings.landing_usage / whole).read_bytes())
    told["loaded"] = house.load(
        sorted(house.settings.landing_usage / name for name in (*NEW_FILES, *WHOLE_BY_CUT))
    )
    house.build(*WITHOUT_DATA_TESTS)
    told |= {
        "register_after": house.file_digests(*WRITE_ONCE),
        "lines_after": keyed(house.mappings(LINES)),
        "exceptions_after": Counter(house.rows(EXCEPTIONS)),
        "broken": house.broken_invariants(),
        "candidates": house.mappings(
            "select * from billing.fct_invoice_candidate_lines "
            f"where billing_period = '{MONTH}' order by charge_id"
        ),
    }
    frozen = [*house.freeze(MONTH), *house.freeze(NEXT_MONTH)]
    told["signed"] = [house.sign(revision, acknowledges=True).revision_id for revision in frozen]
    told["entries_after"] = house.register_entries()
    return told


def test_the_broken_file_and_the_bad_line_leave_every_good_line_to_be_loaded(story):
    """Invariants 1 and 12: two late lines and three of the strays' four."""
    loaded = story["loaded"]
    assert (6, 5, 1) == (loaded.lines_read, loaded.lines_accepted, loaded.lines_rejected)
    assert {
        "broken.jsonl.gz": "refused",
        "gateway-eu-central.jsonl.gz": "same_content",
        "late.jsonl": "loaded",
        "stray.jsonl": "loaded",
    } == {file.path.name: file.outcome for file in loaded.files}


def test_late_usage_changes_nothing_that_was_signed(story):
    """Invariant 10, byte for byte."""
    assert len(story["register"]) > 10
    assert story["register"] == story["register_after"]


def test_late_usage_becomes_a_correction_of_exactly_its_own_keys(story):
    """Invariants 6 and 14: 5 million tokens at 4.00, 1 million at 16.00, in its local month."""
    assert [
        ("lin_018", "starter_input_tokens", SMALL_MODEL, "correction", "USD", 20),
        ("lin_018", "starter_output_tokens", SMALL_MODEL, "correction", "USD", 16),
    ] == [
        (
            each["contract_lineage_id"],
            each["charge_id"],
            each["dimension_key"],
            each["cause"],
            each["currency_code"],
            each["amount"],
        )
        for each in story["candidates"]
    ]
    assert [Decimal(20), Decimal(16)] == [
        each["rated_amount"] - each["billed_amount_before"] for each in story["candidates"]
    ]


def test_every_other_line_is_rated_as_before(story):
    """Invariant 12: all columns of all lines but the two, and those grow by the late usage."""
    before, after = story["lines"], story["lines_after"]
    assert set(before) == set(after)
    changed = [key for key in before if before[key] != after[key]]
    assert {
        "starter_input_tokens": (LATE_CONTRACT, MONTH, 5_000_000, 2),
        "starter_output_tokens": (LATE_CONTRACT, MONTH, 1_000_000, 2),
    } == {
        after[key]["charge_id"]: (
            after[key]["contract_id"],
            after[key]["billing_period"],
            after[key]["quantity"] - before[key]["quantity"],
            after[key]["event_count"] - before[key]["event_count"],
        )
        for key in changed
    }


def test_everything_that_is_bad_is_an_exception_and_nothing_else_is(story):
    """Invariants 1, 3, 4 and 12."""
    assert Counter(
        {
            ("file_refused", f"landing/usage/{BROKEN_FILE} truncated_file", None, 1): 1,
            ("rejected_lines", f"landing/usage/{STRAY_FILE} broken_json", None, 1): 1,
            ("unmapped_subject", "gateway tenant-nobody", MONTH, 2): 1,
            ("unpriced_usage", f"{UNPRICED_CONTRACT} core_seconds", MONTH, 1): 1,
            ("unpriced_usage", f"{UNPRICED_CONTRACT} peak_memory_gb", MONTH, 1): 1,
        }
    ) == (story["exceptions_after"] - story["exceptions"])


def test_a_refused_file_that_came_again_whole_is_an_exception_no_more(story):
    """Invariant 12: it clears itself, and nothing else is cleared with it."""
    assert [
        ("file_refused", f"landing/usage/{name} truncated_file", None, 1) for name in WHOLE_BY_CUT
    ] == list(story["exceptions"] - story["exceptions_after"])


def test_every_invariant_holds_with_the_bad_data_in_the_books(story):
    """Invariants 1 to 7."""
    assert [] == story["broken"]


def test_the_correction_and_the_next_month_are_signed_all_the_same(story):
    """Invariants 6, 10 and 12: a second revision where something is due, a first of October."""
    before, after = story["entries"], story["entries_after"]
    assert ["us_inc:2026-09:r2", "de_gmbh:2026-10:r1", "jp_kk:2026-10:r1", "us_inc:2026-10:r1"] == (
        story["signed"]
    )
    assert before == after[: len(before)]
    assert [("correct", "starter_input_tokens", 20), ("correct", "starter_output_tokens", 16)] == [
        (entry["entry_kind"], entry["charge_id"], entry["amount"])
        for entry in after[len(before) :]
        if entry["billing_period"] == MONTH
    ]
    assert len(after) > len(before) + 300
