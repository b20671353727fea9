"""Posters are killed, raced and lied to; each document is in the ERP once (invariant 11)."""

from random import Random

import pytest
from posting_house import House, faults_of_posting, usual_documents

ERPS = ["sandbox", "sandbox_draft_then_post"]
KILLED = {"signal": 9, "status": 0}
DONE = {"signal": 0, "status": 0}
MOST_ROUNDS = 60


def planned_house(folder, erp_name, documents):
    house = House(folder, erp_name)
    house.open_books()
    house.sign(*documents)
    house.plan()
    house.engine.dispose()
    return house


@pytest.mark.slow
@pytest.mark.parametrize("erp_name", ERPS)
def test_a_poster_killed_before_any_of_its_steps_leaves_no_document_twice_and_none_out(
    erp_name, tmp_path, poster_processes
):
    """Invariant 11, at every SQL statement of both databases."""
    documents = usual_documents(120)
    house = planned_house(tmp_path, erp_name, documents)
    for step in range(1, len(documents)):
        posters = ({"kill_at_step": step, "limit": 1}, {"limit": 1})
        first, second = (
            poster_processes.run(house, poster, offset_seconds=step * 100 + position * 50)[0]
            for position, poster in enumerate(posters)
        )
        assert DONE == second
        if first == DONE:
            break
        assert KILLED == first
    print(f"{erp_name}: killed at each of {step - 1} steps")  # noqa: T201 - shown with -s and on failure
    assert step + 1 == list(house.states().values()).count("posted")
    assert [DONE] == poster_processes.run(house, {}, offset_seconds=step * 200)
    assert [] == faults_of_posting(house, documents)
    assert 50 < step


@pytest.mark.parametrize("erp_name", ERPS)
@pytest.mark.parametrize("seed", range(1, 7))
def test_random_faults_and_kills_with_two_posters_end_with_each_document_once(
    erp_name, seed, tmp_path, poster_processes
):
    """Invariant 11, with lost answers, late commits, throttling, two posters and kill -9."""
    print(f"seed {seed}")  # noqa: T201 - shown with -s and on failure
    draws = Random(seed)  # noqa: S311 - repeatable faults, no secret
    documents = usual_documents(8)
    house = planned_house(tmp_path / "data", erp_name, documents)
    endings = []
    for round_number in range(1, MOST_ROUNDS):
        posters = [
            {"seed": draws.randrange(1 << 30), "kill_at_step": draws.randrange(20, 400)}
            for _ in range(2)
        ]
        endings += poster_processes.run(house, *posters, offset_seconds=round_number * 300)
        if set(house.states().values()) == {"posted"}:
            break
    print(f"{endings.count(KILLED)} killed of {len(endings)} posters in {round_number} rounds")  # noqa: T201 - shown with -s and on failure
    poster_processes.run(house, {}, offset_seconds=MOST_ROUNDS * 300)
    house.clock.advance(MOST_ROUNDS * 300 + 60)
    house.read_back()
    assert [] == faults_of_posting(house, documents)
    assert all(each in (KILLED, DONE) for each in endings)


@pytest.mark.parametrize("erp_name", ERPS)
def test_four_posters_at_once_post_each_document_once(erp_name, tmp_path, poster_processes):
    """Invariant 11."""
    documents = usual_documents(12)
    house = planned_house(tmp_path / "data", erp_name, documents)
    endings = poster_processes.run(house, {}, {}, {}, {}, offset_seconds=60)
    assert [DONE] * 4 == endings
    assert [] == faults_of_posting(house, documents)
    assert [1] * 12 == [len(house.attempts(each.posting_key)) for each in documents]
