"""When the machine starts a run by itself: states decide, so nothing is done twice or forgotten."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.automation import (
    InputsState,
    books_to_reconcile,
    documents_to_post,
    documents_to_read,
    files_waiting,
    inputs_state,
    signals_to_push,
    usage_to_rate,
)
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import (
    erp_documents,
    file_sightings,
    ingestion_batches,
    postings,
)
from orchestration.settings import Settings

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
RATED = InputsState(3, "0a1b2c3d4e5f6071", 7, "aa")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    opened = open_operations(settings)
    yield opened
    opened.dispose()


def land(settings: Settings, name: str, *, modified_at: datetime = LONG_AGO) -> Path:
    path = settings.landing_usage / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n")
    os.utime(path, (modified_at.timestamp(), modified_at.timestamp()))
    return path


def see(engine: Engine, settings: Settings, path: Path, outcome: str) -> None:
    status = path.stat()
    with engine.begin() as connection:
        connection.execute(
            sa.insert(file_sightings).values(
                path=path.relative_to(settings.data_dir).as_posix(),
                byte_size=status.st_size,
                modified_at=datetime.fromtimestamp(status.st_mtime, tz=UTC),
                seen_at=NOW,
                outcome=outcome,
            )
        )


def keep_posting(engine: Engine, posting_key: str, state: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.insert(postings).values(
                posting_key=posting_key,
                document_id=f"document of {posting_key}",
                revision_id="us_inc:2026-09:r1",
                legal_entity_id="us_inc",
                erp="sandbox",
                state=state,
                payload_sha256="00",
                amount=Decimal("10.00"),
                currency_code="USD",
                updated_at=NOW,
            )
        )


def read_from_erp(engine: Engine, posting_key: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.insert(erp_documents).values(
                posting_key=posting_key,
                erp_document_id="1",
                status="open",
                total_amount=Decimal("10.00"),
                currency_code="USD",
                read_at=NOW,
            )
        )


def test_new_files_are_one_run_over_the_days_they_span(settings: Settings, engine: Engine) -> None:
    land(settings, "gateway/2026-09-30.jsonl")
    land(settings, "gateway/2026-10-02.jsonl")

    work = files_waiting(settings, engine, now=NOW)

    assert work is not None
    assert (date(2026, 9, 30), date(2026, 10, 2)) == (work.first_day, work.last_day)


def test_the_same_files_ask_for_the_same_run(settings: Settings, engine: Engine) -> None:
    """Invariant 9: a second tick over the same state starts nothing new."""
    land(settings, "gateway/2026-09-30.jsonl")

    first = files_waiting(settings, engine, now=NOW)
    second = files_waiting(settings, engine, now=NOW + timedelta(minutes=5))

    assert first is not None
    assert second is not None
    assert first.run_key == second.run_key


@pytest.mark.parametrize("outcome", ["loaded", "same_content", "refused", "unreadable"])
def test_a_file_that_was_looked_at_waits_no_more_until_it_changes(
    settings: Settings, engine: Engine, outcome: str
) -> None:
    path = land(settings, "gateway/2026-09-30.jsonl")
    see(engine, settings, path, outcome)

    before = files_waiting(settings, engine, now=NOW)
    land(settings, "gateway/2026-09-30.jsonl", modified_at=LONG_AGO + timedelta(hours=1))
    after = files_waiting(settings, engine, now=NOW)

    assert before is None
    assert after is not None


def test_a_file_that_is_still_being_written_is_left_alone(
    settings: Settings, engine: Engine
) -> None:
    land(settings, "gateway/2026-11-21.jsonl", modified_at=NOW - timedelta(seconds=1))

    assert files_waiting(settings, engine, now=NOW) is None


def test_a_file_that_was_still_being_written_at_the_last_look_waits(
    settings: Settings, engine: Engine
) -> None:
    path = land(settings, "gateway/2026-11-21.jsonl")
    see(engine, settings, path, "still_being_written")

    assert files_waiting(settings, engine, now=NOW) is not None


@pytest.mark.parametrize("state", ["planned", "sending", "unknown"])
def test_an_open_posting_is_looked_at_again_every_ten_minutes(
    settings: Settings, engine: Engine, state: str
) -> None:
    keep_posting(engine, "TH-0001", state)

    keys = [
        work.run_key
        for minutes in (0, 5, 10)
        if (work := documents_to_post(settings, engine, now=NOW + timedelta(minutes=minutes)))
    ]

    assert 3 == len(keys)
    assert 2 == len(set(keys))


@pytest.mark.parametrize("state", ["posted", "rejected", "abandoned"])
def test_what_is_posted_or_waits_for_a_person_starts_no_posting(
    settings: Settings, engine: Engine, state: str
) -> None:
    keep_posting(engine, "TH-0001", state)

    assert documents_to_post(settings, engine, now=NOW) is None


def test_a_posted_document_is_read_back_once(engine: Engine) -> None:
    keep_posting(engine, "TH-0001", "posted")

    before = documents_to_read(engine, now=NOW)
    read_from_erp(engine, "TH-0001")
    after = documents_to_read(engine, now=NOW)

    assert before is not None
    assert after is None


def test_nothing_is_rated_before_something_was_loaded(settings: Settings, engine: Engine) -> None:
    assert usage_to_rate(None, inputs_state(settings, engine)) is None


def test_a_new_batch_is_rated(settings: Settings, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.insert(ingestion_batches).values(
                ingestion_batch_id=4,
                started_at=NOW,
                committed_at=NOW,
                file_count=1,
                lines_read=1,
                lines_accepted=1,
                lines_rejected=0,
            )
        )

    state = inputs_state(settings, engine)

    assert 4 == state.ingestion_batch_id


@pytest.mark.parametrize(
    ("state", "is_rated_again"),
    [
        (RATED, False),
        (InputsState(4, RATED.reference_version, 7, "aa"), True),
        (InputsState(3, "ffffffffffffffff", 7, "aa"), True),
        (InputsState(3, RATED.reference_version, 8, "bb"), False),
    ],
)
def test_usage_is_rated_again_for_new_usage_or_new_prices_only(
    state: InputsState, *, is_rated_again: bool
) -> None:
    assert is_rated_again is (usage_to_rate(RATED, state) is not None)


@pytest.mark.parametrize(
    ("state", "is_reconciled"),
    [
        (RATED, False),
        (InputsState(3, RATED.reference_version, 8, "aa"), True),
        (InputsState(3, RATED.reference_version, 7, "bb"), True),
        (InputsState(4, RATED.reference_version, 8, "bb"), False),
    ],
)
def test_the_books_are_reconciled_when_they_moved_and_no_rating_does_it_anyway(
    state: InputsState, *, is_reconciled: bool
) -> None:
    assert is_reconciled is (books_to_reconcile(RATED, state) is not None)


def test_the_state_of_a_build_survives_its_way_through_metadata() -> None:
    assert RATED == InputsState.from_metadata(RATED.as_metadata())
    assert InputsState.from_metadata({"ingestion_batch_id": "none"}) is None


@pytest.mark.parametrize(
    ("published_at", "pushed_at", "is_due"),
    [(None, None, False), (10.0, None, True), (10.0, 9.0, True), (10.0, 10.5, False)],
)
def test_each_publication_is_followed_by_its_signals(
    published_at: float | None, pushed_at: float | None, *, is_due: bool
) -> None:
    work = signals_to_push(published_at=published_at, pushed_at=pushed_at)

    assert is_due is (work is not None)
