"""Each story of the settlement ledger, month after month: what is billed, corrected and held.

Belongs here: the comparison. Does not belong here: stories (*.yml beside it).
"""

from decimal import Decimal

import pytest
from ledger_run import close_all
from ledger_stories import CLOSES, read_stories

STORIES = read_stories()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """All stories in one company, every month closed once."""
    return close_all(STORIES, tmp_path_factory.mktemp("ledger") / "data")


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_a_story_bills_corrects_and_holds_what_it_says(ledger, story):
    for number, (expected, found) in enumerate(zip(story.closes, ledger.closed, strict=True), 1):
        documents = found.documents[story.name]
        assert expected.documents == sorted(text for text, _ in documents), f"close {number}"
        told = {text: lines for text, lines in documents if text in expected.lines}
        assert expected.lines == told, f"close {number}"
        assert expected.held == found.held[story.name], f"close {number}"


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_documents_and_credit_draws_are_the_gross_rating_to_the_cent(ledger, story):
    """Invariant 6: what is held is all that is not billed."""
    documents, draws = Decimal(0), Decimal(0)
    for entry in ledger.entries:
        if entry["customer_id"].split(".")[0] == story.name:
            documents += entry["amount"] if entry["document_id"] else 0
            draws += -entry["amount"] if entry["credit_grant_id"] else 0
    assert ledger.rated[story.name] == documents + draws + ledger.held[story.name]


def test_every_invariant_holds_before_each_signature_and_in_the_end(ledger):
    """Invariants 1-7; what a close posted is in the build of the next one."""
    assert [[]] * (CLOSES + 1) == [*(close.broken for close in ledger.closed), ledger.broken]


def test_every_signed_document_is_in_the_erp_once(ledger):
    """Invariant 11."""
    signed = {entry["posting_key"] for entry in ledger.entries if entry["posting_key"]}
    assert sorted(signed) == ledger.in_erp
