"""Stories and random histories of the settlement ledger, month after month.

Belongs here: what a story says that is billed, corrected and held; what holds for every one of
them. Does not belong here: stories (*.yml beside it), how histories are drawn (ledger_histories).
LEDGER_SEED and LEDGER_HISTORIES draw other histories and more of them.
"""

from collections import defaultdict
from decimal import Decimal

import pytest
from golden_cases import plain
from ledger_histories import random_histories
from ledger_run import close_all
from ledger_stories import CLOSES, read_stories

STORIES = read_stories()
HISTORIES = random_histories()
COUNTED = {"bill", "correct"}
MOVED = {*COUNTED, "release", "external", "concession", "credit_draw", "credit_restore"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """All stories and histories in one company, every month closed once."""
    return close_all(STORIES + HISTORIES, tmp_path_factory.mktemp("ledger") / "data")


def entries_of(ledger, story):
    return [entry for entry in ledger.entries if entry["customer_id"].startswith(f"{story.name}.")]


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_a_story_bills_corrects_and_holds_what_it_says(ledger, story):
    for number, (expected, found) in enumerate(zip(story.closes, ledger.closed, strict=True), 1):
        documents = found.documents[story.name]
        assert expected.documents == sorted(text for text, _ in documents), f"close {number}"
        told = {text: lines for text, lines in documents if text in expected.lines}
        assert expected.lines == told, f"close {number}"
        assert expected.held == found.held[story.name], f"close {number}"
        dates = {text: found.dates[story.name].get(text) for text in expected.dates}
        assert expected.dates == dates, f"close {number}"
        bill_to = {text: found.bill_to[story.name].get(text) for text in expected.bill_to}
        assert expected.bill_to == bill_to, f"close {number}"
        assert expected.expires == sorted(found.expires[story.name]), f"close {number}"
    unbilled = {bucket: plain(ledger.unbilled[story.name][bucket]) for bucket in story.unbilled}
    assert story.unbilled == unbilled


@pytest.mark.parametrize("story", STORIES + HISTORIES, ids=lambda story: story.name)
def test_documents_and_credit_draws_are_the_gross_rating_to_the_cent(ledger, story):
    """Invariant 6: what is not billed is in a named bucket; goodwill is beside what is rated."""
    documents, draws = Decimal(0), Decimal(0)
    for entry in entries_of(ledger, story):
        if entry["entry_kind"] in MOVED:
            documents += entry["amount"]
            draws += -entry["amount"] if entry["credit_grant_id"] else 0
    unbilled = sum(ledger.unbilled[story.name].values(), Decimal(0))
    rated = documents + draws + unbilled - ledger.conceded[story.name]
    assert ledger.rated[story.name] == rated


@pytest.mark.parametrize("story", STORIES + HISTORIES, ids=lambda story: story.name)
def test_no_document_is_credited_below_zero_for_any_key(ledger, story):
    """ledger.md, Corrections."""
    entries = [entry for entry in entries_of(ledger, story) if entry["entry_kind"] in COUNTED]
    totals, billed, open_amounts = defaultdict(Decimal), set(), defaultdict(Decimal)
    for entry in entries:
        totals[entry["document_id"]] += entry["amount"]
    for entry in entries:
        document = entry["document_id"]
        if totals[document] <= 0:  # it lowers what it corrects; an invoice is to be paid itself
            document = entry["original_document_id"] or document
        open_amounts[document, entry["settlement_key"]] += entry["amount"]
        if entry["amount"] > 0 and entry["line_kind"] != "cap":
            billed.add((document, entry["settlement_key"]))
    assert [] == [place for place in billed if open_amounts[place] < 0]


@pytest.mark.parametrize("story", STORIES + HISTORIES, ids=lambda story: story.name)
def test_credit_is_never_given_back_in_money(ledger, story):
    """What was paid in money for a document and its corrections never falls below zero."""
    money, corrected = defaultdict(Decimal), {}
    for entry in entries_of(ledger, story):
        document, original = entry["document_id"], entry["original_document_id"]
        if document is None and original:
            money[corrected[original]] += entry["amount"]
        elif document:
            corrected[document] = corrected[original] if original else document
            money[corrected[document]] += entry["amount"]
    assert [] == [name for name, amount in money.items() if amount < 0]


@pytest.mark.parametrize("story", STORIES + HISTORIES, ids=lambda story: story.name)
def test_no_grant_pays_and_expires_beyond_what_was_granted(ledger, story):
    """Invariant 6, from the register alone; and nothing expires twice."""
    gone, drawn = defaultdict(Decimal), defaultdict(Decimal)
    for entry in entries_of(ledger, story):
        if entry["credit_grant_id"]:
            moved = entry["quantity"] if entry["unit_label"] else entry["amount"]
            gone[entry["credit_grant_id"]] -= moved
            if entry["entry_kind"] != "credit_expire":
                drawn[entry["credit_grant_id"]] -= moved
    granted = {
        f"{story.name}.{grant['id']}": Decimal(grant["amount"])
        for grant in story.closes[-1].case.fields["grants"]
    }
    assert [] == [grant for grant, amount in gone.items() if amount > granted[grant]]
    assert [] == [grant for grant, amount in drawn.items() if not 0 <= amount <= gone[grant]]


def test_histories_correct_and_credit_and_hold_often_enough_to_tell(ledger):
    found = defaultdict(int)
    for story in HISTORIES:
        for entry in entries_of(ledger, story):
            found[entry["entry_kind"]] += 1
            found[entry["document_kind"]] += 1
        found["held"] += sum(len(close.held[story.name]) for close in ledger.closed)
    kinds = ("bill", "correct", "credit_draw", "credit_restore", "credit_memo", "held")
    recorded = ("external", "concession", "release", "credit_expire")
    assert [] == [kind for kind in recorded if not found[kind]]
    assert {} == {kind: found[kind] for kind in kinds if found[kind] < len(HISTORIES) / 8}


def test_every_invariant_holds_before_each_signature_and_in_the_end(ledger):
    """Invariants 1-7; what a close posted is in the build of the next one."""
    assert [[]] * (CLOSES + 1) == [*(close.broken for close in ledger.closed), ledger.broken]


def test_every_signed_document_is_in_the_erp_once(ledger):
    """Invariant 11."""
    signed = {entry["posting_key"] for entry in ledger.entries if entry["posting_key"]}
    assert sorted(signed - {*ledger.refused}) == ledger.in_erp


def test_half_of_the_contracts_come_to_the_same_when_they_are_rated_apart(ledger):
    """Prices, terms, credits, hierarchies and what was signed, cut out of the warehouse."""
    [(differences, row_count, left_out_count)] = [
        close.told_otherwise for close in ledger.closed if close.told_otherwise is not None
    ]
    assert {} == differences
    assert 500 < row_count
    assert 0 < left_out_count


@pytest.fixture(scope="module")
def causes(ledger):
    """What was told of what a close corrects of half of the contracts, in several months."""
    [told] = [close.causes for close in ledger.closed if close.causes is not None]
    return told


def test_contracts_that_differ_come_to_the_same_when_their_states_are_rated_apart(causes):
    """As signed, after contracts, after prices; late usage and decisions lie between."""
    assert {
        "as_signed",
        "late_usage",
        "retractions_and_resolved_conflicts",
        "contract",
        "price",
    } == set(causes.states)
    assert {"as_signed", "contract", "price"} == set(causes.whole)
    assert 2 <= causes.months
    assert 10 < len(causes.due)
    told = {name: causes.states[name] for name in causes.whole}
    assert causes.whole == told


def test_the_causes_of_corrections_of_several_months_add_up_to_what_is_corrected(causes):
    """ledger.md, Corrections."""
    sums = defaultdict(Decimal)
    for row in causes.rows:
        sums[row["settlement_key"]] += row["difference_amount"]
    assert causes.due == sums
    assert "unexplained" not in {row["cause"] for row in causes.rows}
