"""Two posters, a person or a lost database come between: still one document (invariant 11)."""

import pytest
import sqlalchemy as sa
from posting_house import House, SignedDocument, faults_of_posting, usual_documents

from adapters.sandbox.faults import Fault, FaultPlan
from orchestration.billing.posting_states import claim, open_postings
from orchestration.operations_db.tables import posting_attempts, postings

SETTLED = 10


def test_a_claim_that_was_taken_over_changes_nothing(house):
    house.sign(SignedDocument("U1", [("SEATS", "1", "2.00")]))
    house.plan()
    seen = open_postings(house.engine, erp=house.erp_name)["U1"]
    assert claim(house.engine, seen, now=house.clock.now(), request={}) is not None
    assert claim(house.engine, seen, now=house.clock.now(), request={}) is None
    with house.engine.connect() as connection:
        assert (
            1
            == connection.execute(
                sa.select(sa.func.count()).select_from(posting_attempts)
            ).scalar_one()
        )


@pytest.mark.parametrize("meanwhile", ["abandoned", "delayed", "posted"])
def test_what_was_read_before_it_moved_cannot_be_claimed(house, meanwhile):
    house.sign(SignedDocument("U1", [("SEATS", "1", "2.00")]))
    house.plan()
    seen = open_postings(house.engine, erp=house.erp_name)["U1"]
    if meanwhile == "abandoned":
        with house.engine.begin() as connection:
            connection.execute(sa.update(postings).values(state="abandoned"))
    elif meanwhile == "delayed":
        away = {number: Fault("refuse_connection") for number in range(1, 30)}
        house.post(FaultPlan({("create_draft", number): each for number, each in away.items()}))
    else:
        house.post()
    before = (house.states(), len(house.attempts("U1")))
    assert claim(house.engine, seen, now=house.clock.now(), request={}) is None
    assert before == (house.states(), len(house.attempts("U1")))


def test_a_draft_that_a_person_posted_by_hand_is_taken_as_it_is(house):
    """Invariant 11."""
    document = SignedDocument("U1", [("SEATS", "1", "2.00")])
    house.sign(document)
    house.plan()

    class Busybody(Sleeper):
        def act(self, erp_document_id, **_keywords):
            self._erp.ledger.finalise(erp_document_id)

    assert 1 == house.post(erp=Busybody(house, "finalise")).posted
    assert [] == faults_of_posting(house, [document])
    assert "error_code" in str(house.attempts("U1")[0].response)


def test_a_document_that_was_abandoned_meanwhile_is_not_posted(house):
    house.sign(SignedDocument("U1", [("SEATS", "1", "2.00")]))
    house.plan()

    class Abandoner(Sleeper):
        def act(self, *_arguments, **_keywords):
            with self._house.engine.begin() as connection:
                connection.execute(sa.update(postings).values(state="abandoned"))

    assert 1 == house.post(erp=Abandoner(house, "create_draft")).taken
    assert {"U1": "abandoned"} == house.states()
    assert [True] == [each.is_draft for each in house.erp_documents()]


def test_documents_that_the_erp_has_are_found_again_after_the_operations_database_was_lost(house):
    """Invariant 11."""
    documents = usual_documents(4)
    house.sign(*documents)
    house.plan()
    house.post()
    house.engine.dispose()
    for path in house.data_dir.glob("operations.db*"):
        path.unlink()
    again = House(house.data_dir, house.erp_name)
    assert 4 == again.plan()
    assert 4 == again.post().posted
    assert [] == faults_of_posting(again, documents)
    again.engine.dispose()


def test_a_poster_that_slept_through_a_takeover_never_makes_a_second_document(house):
    """Invariant 11: it wakes after the other one posted, at each of its calls."""
    documents = []
    for number, call in enumerate(["create_draft", "find_by_key", "finalise"]):
        document = SignedDocument(f"U{number}", [("SEATS", "1", f"{number + 1}.00")])
        documents.append(document)
        house.sign(document)
        house.plan()
        house.post(erp=Sleeper(house, call))
    assert [] == faults_of_posting(house, documents)


class Sleeper:
    """An ERP adapter whose poster is overtaken by another one just before one call."""

    def __init__(self, house, call):
        self._house, self._call = house, call
        self._erp = house.erp()

    def __getattr__(self, name):
        target = getattr(self._erp, name)
        if name != self._call:
            return target

        def overtaken(*arguments, **keywords):
            self._call = None
            self.act(*arguments, **keywords)
            return target(*arguments, **keywords)

        return overtaken

    def act(self, *_arguments, **_keywords):
        self._house.clock.advance(SETTLED)
        self._house.post()
