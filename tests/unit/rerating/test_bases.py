"""Which revision a contract is compared with: the last one signed that was about it."""

from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from reference_tables_of_a_test import tables

from orchestration.billing.run_scope import WHOLE_RUN, RunScope
from orchestration.rerating.bases import bases_of, bases_table, with_same_inputs
from orchestration.settings import Settings

BOOK = tables(
    "v",
    contracts=[
        {"contract_id": f"con_{name}", "contract_lineage_id": name, "customer_id": name}
        for name in ("acme", "bolt", "curl")
    ],
)


@pytest.fixture
def settings(tmp_path):
    settings = Settings(data_dir=tmp_path)
    folder = settings.reference_versions / "v" / "tables"
    folder.mkdir(parents=True)
    for name, table in BOOK.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return settings


def revision(number, *customers, entity="us", batches=(1,)):
    scope = RunScope(customer_ids=customers, is_of_one_month=True) if customers else WHOLE_RUN
    pins = SimpleNamespace(
        scope={"legal_entity_id": entity, **scope.plain()},
        reference_version="v",
        ingestion_batch_ids=batches,
    )
    return SimpleNamespace(
        revision_id=f"{entity}:r{number}",
        legal_entity_id=entity,
        billing_period="2026-09",
        pins=pins,
    )


def rows(settings, signed, entities=("us",), differing=("acme", "bolt", "curl")):
    bases = bases_of(settings, signed, entities, differing)
    table = bases_table("2026-09", bases).to_pylist()
    return {
        (row["legal_entity_id"], row["contract_lineage_id"]): row["base_revision_id"]
        for row in table
    }


def test_the_last_run_speaks_for_every_contract_it_was_about(settings):
    assert {("us", None): "us:r2"} == rows(settings, [revision(1), revision(2)])


def test_a_later_rerating_speaks_for_its_customers_only(settings):
    signed = [revision(1), revision(2, "acme", "bolt"), revision(3, "bolt")]
    assert {
        ("us", "bolt"): "us:r3",
        ("us", "acme"): "us:r2",
        ("us", None): "us:r1",
    } == rows(settings, signed)


def test_a_run_after_a_rerating_speaks_for_everybody_again(settings):
    signed = [revision(1), revision(2, "acme"), revision(3)]
    assert {("us", None): "us:r3"} == rows(settings, signed)


def test_an_entity_that_signed_nothing_takes_the_last_run_of_another(settings):
    signed = [revision(1), revision(1, entity="de"), revision(2, "acme")]
    assert {("jp", None): "de:r1"} == rows(settings, signed, entities=("jp",))


def test_a_rerating_of_which_nothing_differs_is_named_and_not_rated_again(settings):
    signed = [revision(1), revision(2, "acme", batches=(1, 2))]
    bases = bases_of(settings, signed, ["us"], ["bolt"])
    assert "us:r2" in bases_table("2026-09", bases)["base_revision_id"].to_pylist()
    assert [{"us": "us:r1"}] == [names for _, names in with_same_inputs(bases)]


def test_entities_with_the_same_inputs_share_a_build_and_two_bases_of_one_do_not(settings):
    signed = [revision(1), revision(1, entity="de"), revision(2, "acme")]
    bases = bases_of(settings, signed, ["de", "us"], ["acme", "bolt"])
    assert [{"de": "de:r1", "us": "us:r2"}, {"us": "us:r1"}] == [
        names for _, names in with_same_inputs(bases)
    ]
