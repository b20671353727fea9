"""Fixtures of the tests of exceptions."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from billing_rows import NOW, VERSION
from billing_world import BillingWorld
from exception_house import ExceptionHouse, history_row

from orchestration.operations_db.tables import reference_versions


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ExceptionHouse]:
    world = BillingWorld(tmp_path)
    world.put_reference()
    (world.settings.reference_versions / VERSION / "version.json").write_text("{}", "utf-8")
    with world.engine.begin() as connection:
        connection.execute(
            sa.insert(reference_versions),
            [{"reference_version": VERSION, "loaded_at": NOW, "content_sha256": "a" * 64}],
        )
    company = ExceptionHouse(world)
    company.put(
        history_row("held"),
        history_row(
            "unmapped",
            exception_code="unmapped_subject",
            steward="identity",
            object_kind="subject",
            legal_entity_id=None,
            customer_id=None,
            customer_name=None,
            amount_at_risk=None,
            currency_code=None,
        ),
        history_row("gone", resolved_at=NOW, resolved_batch_id=2),
    )
    yield company
    world.engine.dispose()
