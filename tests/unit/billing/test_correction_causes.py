"""Why a revision corrects what was signed: shared over its lines, committed, asked for.

Belongs here: rows, the commit, acknowledgements and entries that follow. Does not belong here: how
a key's causes are found (tests/scenarios).
"""

from collections import defaultdict
from decimal import Decimal

import pyarrow as pa
import pytest
from billing_rows import NOW, Line
from billing_world import policy
from hypothesis import given
from hypothesis import strategies as st

from orchestration.actors import TALLYHOUSE
from orchestration.audit.deeds import deeds_of_commit
from orchestration.billing.correction_causes import (
    Difference,
    causes_of_lines,
    causes_of_revision,
    is_explained,
)
from orchestration.billing.explanations import put_causes
from orchestration.billing.refusals import AcknowledgementMissingError
from orchestration.billing.revisions import LINE_SCHEMA
from orchestration.price_book.policy import Corrections

REVISION = "us:2026-10:r2"
RULES = Corrections()


def lines(*amounts, key="k", currency_code="USD"):
    return pa.Table.from_pylist(
        [
            {
                "document_id": f"C{number}",
                "line_number": 1,
                "settlement_key": key,
                "currency_code": currency_code,
                "amount": Decimal(amount),
                "cause": "correction",
            }
            for number, amount in enumerate(amounts, 1)
        ],
        schema=LINE_SCHEMA,
    )


def differences(*parts, key="k"):
    return {
        key: [
            Difference(cause_number=number, cause=cause, amount=Decimal(amount))
            for number, (cause, amount) in enumerate(parts)
        ]
    }


def told(found):
    return [
        (row["document_id"], row["cause"], row["correction_kind"], str(row["amount"]))
        for row in found.to_pylist()
    ]


def test_a_line_has_the_causes_of_its_key_and_each_is_an_error_or_an_estimate():
    causes = differences(("late_usage", "3"), ("contract", "-20.00"), ("price", "5.00"))
    assert [
        ("C1", "late_usage", "estimate", "3.0000"),
        ("C1", "contract", "error", "-20.0000"),
        ("C1", "price", "error", "5.0000"),
    ] == told(causes_of_lines(REVISION, lines("-12.00"), causes, RULES))


def test_a_policy_says_which_causes_are_an_estimate():
    rules = Corrections.model_validate({"estimates": ["contract"]})
    causes = differences(("late_usage", "3"), ("contract", "9"))
    found = causes_of_lines(REVISION, lines("12"), causes, rules)
    assert ["error", "estimate"] == found["correction_kind"].to_pylist()


def test_what_no_cause_comes_to_is_unexplained():
    causes = differences(("price", "5"))
    assert [("C1", "price", "error", "5.0000"), ("C1", "unexplained", "error", "2.0000")] == told(
        causes_of_lines(REVISION, lines("7"), causes, RULES)
    )
    assert [("C1", "unexplained", "error", "7.0000")] == told(
        causes_of_lines(REVISION, lines("7"), {}, RULES)
    )


def test_a_key_on_several_documents_has_each_cause_in_proportion_and_the_cents_are_rounding():
    causes = differences(("late_usage", "1.00"), ("contract", "1.00"), ("price", "1.00"))
    found = told(causes_of_lines(REVISION, lines("1.00", "2.00"), causes, RULES))
    assert [
        ("C1", "late_usage", "estimate", "0.3300"),
        ("C1", "contract", "error", "0.3300"),
        ("C1", "price", "error", "0.3300"),
        ("C1", "rounding", "error", "0.0100"),
        ("C2", "late_usage", "estimate", "0.6700"),
    ] == found[:5]
    assert ("C2", "rounding", "error", "-0.0100") == found[-1]


def test_lines_of_a_key_that_cancel_out_have_no_proportion():
    assert [
        ("C1", "unexplained", "error", "5.0000"),
        ("C2", "unexplained", "error", "-5.0000"),
    ] == (told(causes_of_lines(REVISION, lines("5", "-5"), {}, RULES)))


CENTS = st.integers(-(10**9), 10**9)


@given(
    st.lists(CENTS, min_size=1, max_size=5),
    st.lists(CENTS, max_size=6),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_over_the_causes_of_a_line_its_amount_adds_up(amounts, parts, currency_code):
    unit = {"USD": 2, "JPY": 0, "KWD": 3}[currency_code]
    given_lines = lines(
        *(Decimal(each).scaleb(-unit) for each in amounts), currency_code=currency_code
    )
    causes = differences(*(("price", Decimal(each).scaleb(-unit)) for each in parts))
    sums = defaultdict(Decimal)
    for row in causes_of_lines(REVISION, given_lines, causes, RULES).to_pylist():
        assert row["amount"] == round(row["amount"], unit)
        sums[row["document_id"]] += row["amount"]
    expected = {row["document_id"]: row["amount"] for row in given_lines.to_pylist()}
    assert {name: amount for name, amount in expected.items() if amount} == {
        name: amount for name, amount in sums.items() if amount
    }


@pytest.fixture
def corrected(world):
    """September's document was signed at 100; October's run takes 30 of it back."""
    world.policy = policy(acknowledgements={})
    world.build(Line(document_id="INV"))
    world.sign(world.freeze()[0].revision_id)
    world.put_candidates(
        Line(
            document_id="CRM",
            original_document_id="INV",
            cause="correction",
            rated="70.00",
            before="100.00",
        )
    )
    return world.freeze()[0]


def tell(world, revision, *parts):
    line = pa.Table.from_pylist(
        [
            {
                "document_id": "CRM",
                "line_number": 1,
                "settlement_key": "us|acme|tokens|2026-10-01",
                "currency_code": "USD",
                "amount": Decimal(-30),
                "cause": "correction",
            }
        ],
        schema=LINE_SCHEMA,
    )
    causes = causes_of_lines(
        revision.revision_id, line, differences(*parts, key="us|acme|tokens|2026-10-01"), RULES
    )
    return put_causes(world.settings, revision, causes, now=NOW, actor=TALLYHOUSE)


def refusal(world, revision):
    with pytest.raises(AcknowledgementMissingError) as refused:
        world.sign(revision.revision_id)
    return str(refused.value)


def test_a_correction_whose_causes_are_not_told_is_acknowledged_by_itself(world, corrected):
    assert "CRM (USD -30.00: corrects 30.00 whose causes are not told)" in refusal(world, corrected)
    signed = world.sign(corrected.revision_id, acknowledgements={"CRM": "looked at"})
    assert ("CRM",) == signed.acknowledged_document_ids


def test_another_version_of_the_program_never_corrects_a_bill_by_itself(world, corrected):
    tell(world, corrected, ("engine_version", "-10"), ("price", "-20"))
    assert "corrects 10.00 for another version of the program" in refusal(world, corrected)


def test_what_no_cause_explains_never_corrects_a_bill_by_itself(world, corrected):
    tell(world, corrected, ("price", "-29.99"))
    assert "corrects 0.01 for no known cause" in refusal(world, corrected)


def test_a_policy_may_leave_unexplained_corrections_to_a_signature(world, corrected):
    world.policy = policy(acknowledgements={"unexplained_correction": False})
    assert 1 == world.sign(corrected.revision_id).signed_document_count


def test_the_signed_entry_says_what_corrected_it_and_the_log_who_told(world, corrected):
    assert tell(world, corrected, ("late_usage", "10"), ("price", "-40"))
    world.sign(corrected.revision_id)
    entries = world.register.entries()
    assert [(None, None), ("error and estimate", "late_usage, price")] == list(
        zip(
            entries["correction_kind"].to_pylist(),
            entries["correction_causes"].to_pylist(),
            strict=True,
        )
    )
    deeds = [deed for each in world.register.chain() for deed in deeds_of_commit(each)]
    assert ["freeze", "sign", "freeze", "explain", "sign"] == [deed.action for deed in deeds]


def test_causes_are_told_once_and_not_of_what_was_decided(world, corrected):
    assert tell(world, corrected, ("price", "-30"))
    assert not tell(world, corrected, ("contract", "-30"))
    found = causes_of_revision(
        world.settings.register, world.register.chain(), corrected.revision_id
    )
    assert ["price"] == found["cause"].to_pylist()


def test_causes_of_a_superseded_revision_are_not_told(world, corrected):
    world.put_candidates(
        Line(
            document_id="CRM",
            original_document_id="INV",
            cause="correction",
            rated="60.00",
            before="100.00",
        )
    )
    world.freeze()
    assert not tell(world, corrected, ("price", "-30"))
    assert not is_explained(world.register.chain(), corrected.revision_id)


@pytest.mark.parametrize("killed_at", range(12))
def test_killed_anywhere_causes_are_told_or_not_and_the_next_run_tells_them(
    world, corrected, killed_at
):
    class Killed(BaseException):
        pass

    seen = []

    def steps(name):
        seen.append(name)
        if len(seen) > killed_at:
            raise Killed

    causes = causes_of_lines(
        corrected.revision_id, lines("-30"), differences(("price", "-30")), RULES
    )
    try:
        put_causes(world.settings, corrected, causes, now=NOW, actor=TALLYHOUSE, steps=steps)
    except Killed:
        assert () == tuple(world.register.verify())
    put_causes(world.settings, corrected, causes, now=NOW, actor=TALLYHOUSE)
    chain = world.register.chain()
    assert 1 == sum(each.kind == "explain" for each in chain)
    assert 1 == causes_of_revision(world.settings.register, chain, corrected.revision_id).num_rows
