"""The status: what is signed, what is posted, and as of when each figure is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from billing_rows import NOW, Line
from billing_world import BillingWorld
from rich.console import Console
from signing import frozen

from orchestration.reports.publication import publish, published_at
from orchestration.reports.status import (
    ExceptionFigures,
    InstallationStatus,
    MoneyFigures,
    installation_status,
)
from orchestration.reports.tables import print_status


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
        money=(MoneyFigures("de_gmbh", "2026-10", "EUR", Decimal(3), Decimal(2), 1),),
        published_at=datetime(2026, 11, 21, 8, 15, 17, 650802, tzinfo=UTC),
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
