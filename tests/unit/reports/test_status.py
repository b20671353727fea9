"""The status: what is signed, what is posted, and as of when each figure is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from billing_rows import NOW, Line
from billing_world import BillingWorld
from rich.console import Console
from signing import frozen

from orchestration.operations_db.tables import ingestion_files
from orchestration.quality.conservation import ConservationFigure, ConservedSides
from orchestration.reports.publication import publish, published_at
from orchestration.reports.status import InstallationStatus, installation_status
from orchestration.reports.status_figures import ExceptionFigures, MoneyFigures, UsageFigures
from orchestration.reports.tables import print_status

PUBLISHED_AT = datetime(2026, 11, 21, 8, 15, 17, 650802, tzinfo=UTC)
MONEY = MoneyFigures(
    legal_entity_id="de_gmbh",
    billing_period="2026-10",
    currency_code="EUR",
    rated=Decimal("48768.6000"),
    due=Decimal("40000.0000"),
    documents_due=12,
    not_due_yet=Decimal("68.6000"),
    held=Decimal("132.7100"),
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BillingWorld]:
    company = BillingWorld(tmp_path)
    yield company
    company.engine.dispose()


def printed(status: InstallationStatus) -> str:
    console = Console(file=StringIO(), width=200)
    print_status(console, status)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_what_is_signed_counts_before_its_posting_is_planned(world: BillingWorld) -> None:
    world.sign(frozen(world, Line(), Line(charge_id="storage", rated="0.50")).revision_id)

    [row] = installation_status(world.settings).currencies

    assert (1, Decimal("100.50")) == (row.documents_signed, row.signed)
    assert (0, Decimal(0)) == (row.documents_posted, row.posted)


def test_a_document_that_was_held_is_not_signed(world: BillingWorld) -> None:
    revision = frozen(world, Line(), Line(customer_id="bolt", document_id="doc-2", rated="7.25"))
    documents = world.sign(revision.revision_id, held_document_ids=["doc-2"], note="disputed")

    [row] = installation_status(world.settings).currencies

    assert ("doc-2",) == documents.held_document_ids
    assert (1, Decimal("100.00")) == (row.documents_signed, row.signed)


def test_what_is_only_frozen_is_not_signed(world: BillingWorld) -> None:
    frozen(world)

    assert () == installation_status(world.settings).currencies


def test_a_published_copy_says_when_it_was_published(world: BillingWorld) -> None:
    world.build(Line())
    publish(world.settings, now=NOW)

    assert NOW == published_at(world.settings)


def test_the_status_says_in_words_as_of_when_the_marts_figures_are(world: BillingWorld) -> None:
    status = replace(
        installation_status(world.settings),
        money=(MONEY,),
        published_at=PUBLISHED_AT,
    )

    lines = printed(status).splitlines()

    assert "Files, lines, revisions, signatures and postings are as of now." == lines[0]
    assert "as of 2026-11-21 08:15:17 UTC, the last publication." in lines[1]
    title = next(place for place, line in enumerate(lines) if line.startswith("Rated and due"))
    assert "(as of 2026-11-21 08:15:17 UTC)" == lines[title + 1].strip()


def test_before_any_publication_the_status_says_that_there_are_no_marts(
    world: BillingWorld,
) -> None:
    assert "No marts are published yet" in printed(installation_status(world.settings))


def test_a_charge_that_a_conflict_holds_is_not_named_like_the_conflict(
    world: BillingWorld,
) -> None:
    conflict = ExceptionFigures(
        "conflicting_events", "subject", "integration", 65, 130, None, None, "Send it anew."
    )
    held = replace(conflict, object_kind="settlement_key", exception_count=3)

    text = printed(replace(installation_status(world.settings), exceptions=(conflict, held)))

    assert 1 == text.count("charges held: conflicting events")
    assert 2 == text.count("conflicting events")


def test_after_a_red_run_unique_events_are_those_of_the_published_marts(
    world: BillingWorld,
) -> None:
    """Files and lines are as of now; no figure mixes both instants."""
    usage = UsageFigures(
        files_loaded=3,
        files_refused=0,
        lines_read=1_500,
        lines_accepted=1_400,
        lines_rejected=100,
        events_in_marts=1_000,
        exact_repeats=20,
        conflicting=5,
        dropped=3,
        retracted=2,
    )
    status = replace(installation_status(world.settings), usage=usage, published_at=PUBLISHED_AT)

    text = " ".join(printed(status).split())

    assert "accepted as events 1,400" in text
    assert "events in the published marts 1,000" in text
    assert "dropped by a decision, not counted 3 unique events 972" in text
    assert "retracted of them, not counted 2" in text
    assert 972 == status.as_json()["usage"]["unique"]


def test_before_any_publication_no_event_is_called_unique(world: BillingWorld) -> None:
    status = installation_status(world.settings)

    assert status.as_json()["usage"]["unique"] is None
    assert "unique events" not in printed(status)


def test_what_is_held_stands_beside_what_is_rated_with_the_sum_that_it_is_not_in(
    world: BillingWorld,
) -> None:
    status = replace(installation_status(world.settings), money=(MONEY,), published_at=PUBLISHED_AT)

    text = " ".join(printed(status).split())

    assert "2026-10 de_gmbh EUR 48,768.60 68.60 40,000.00 132.71" in text
    assert "rated = billed before + due + what credits pay of what is due + not due yet." in text


def test_a_file_that_is_refused_at_every_run_is_one_file(world: BillingWorld) -> None:
    refused = {
        "path": "landing/usage/a.jsonl.gz",
        "content_sha256": "0" * 64,
        "byte_size": 10,
        "format": "json_lines",
        "status": "refused",
        "code": "compression_broken",
        "detail": "cut off",
        "lines_read": 0,
        "lines_accepted": 0,
        "lines_rejected": 0,
        "first_seen_at": NOW,
    }
    with world.engine.begin() as connection:
        rows = [refused | {"file_id": file_id} for file_id in (1, 2)]
        connection.execute(sa.insert(ingestion_files), rows)

    assert 1 == installation_status(world.settings).usage.files_refused


def test_the_status_warns_that_what_was_signed_since_the_publication_is_still_shown_as_due(
    world: BillingWorld,
) -> None:
    warning = "What was signed after that publication is still shown as due, until the next run."
    world.sign(frozen(world).revision_id)
    status = installation_status(world.settings)
    [signed_at] = [row.signed_at for row in status.revisions]
    assert signed_at is not None

    before = printed(replace(status, published_at=signed_at - timedelta(seconds=1)))
    after = printed(replace(status, published_at=signed_at))

    assert warning in before
    assert warning not in after


def test_json_writes_an_amount_with_its_currencys_decimals_and_keeps_a_quantitys_digits(
    world: BillingWorld,
) -> None:
    world.sign(frozen(world).revision_id)
    at_risk = ExceptionFigures(
        "conflicting_events",
        "settlement_key",
        "integration",
        1,
        2,
        Decimal("73193.0000"),
        "JPY",
        "",
    )
    unknown = replace(at_risk, amount_at_risk=None, currency_code=None)
    figure = ConservationFigure(
        invariant_number=6,
        check_name="rated_amount_is_billed_due_or_held",
        is_headline=True,
        is_held=True,
        left_label="rated",
        right_label="billed",
        sides=(
            _sides("KWD", "1.500000000", is_amount=True),
            _sides("byte", "12.500000000", is_amount=False),
        ),
        scope_count=2,
        broken=(),
        what_to_do="",
    )
    state = replace(
        installation_status(world.settings),
        money=(replace(MONEY, currency_code="JPY", rated=Decimal("1800.0000")),),
        exceptions=(at_risk, unknown),
        conservation=(figure,),
    ).as_json()

    assert ("100.00", "0.00") == (state["currencies"][0]["signed"], state["currencies"][0]["due"])
    assert ("1800", "68.6") == (state["money"][0]["rated"], state["money"][0]["not_due_yet"])
    assert {"USD": "100.00"} == state["revisions"][0]["amounts"]
    assert ["73193", None] == [row["amount_at_risk"] for row in state["exceptions"]]
    assert [("1.500", "0.000"), (Decimal("12.500000000"), Decimal(0))] == [
        (side["left_figure"], side["difference"]) for side in state["conservation"][0]["sides"]
    ]


def _sides(unit: str, figure: str, *, is_amount: bool) -> ConservedSides:
    both = Decimal(figure)
    return ConservedSides(
        unit=unit, is_amount=is_amount, left_figure=both, right_figure=both, difference=Decimal(0)
    )
