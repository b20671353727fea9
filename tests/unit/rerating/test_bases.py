"""Which revision a contract is compared with: the last one signed that was about it."""

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reference_tables_of_a_test import tables

from orchestration.billing.run_scope import WHOLE_RUN, RunScope
from orchestration.rerating.bases import (
    bases_of,
    bases_table,
    lineages_by_entity,
    with_same_inputs,
)
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


ALL = ("acme", "bolt", "curl")


def bases(settings, signed, entities=("us",), differing=ALL):
    return bases_of(settings, "2026-09", signed, dict.fromkeys(entities, differing))


def rows(settings, signed, **asked):
    return {
        (row["legal_entity_id"], row["contract_lineage_id"]): row["base_revision_id"]
        for row in bases_table(bases(settings, signed, **asked)).to_pylist()
    }


def test_the_last_run_speaks_for_every_contract_it_was_about(settings):
    expected = {("us", name): "us:r2" for name in ALL}
    assert expected == rows(settings, [revision(1), revision(2)])


def test_a_later_rerating_speaks_for_its_customers_only(settings):
    signed = [revision(1), revision(2, "acme", "bolt"), revision(3, "bolt")]
    assert {
        ("us", "bolt"): "us:r3",
        ("us", "acme"): "us:r2",
        ("us", "curl"): "us:r1",
    } == rows(settings, signed)


def test_a_run_after_a_rerating_speaks_for_everybody_again(settings):
    signed = [revision(1), revision(2, "acme"), revision(3)]
    assert {"us:r3"} == set(rows(settings, signed).values())


def test_an_entity_that_signed_nothing_takes_the_last_run_of_another(settings):
    signed = [revision(1), revision(1, entity="de"), revision(2, "acme")]
    assert {("jp", "acme"): "de:r1"} == rows(
        settings, signed, entities=("jp",), differing=("acme",)
    )


def test_a_revision_of_whose_contracts_none_differs_has_no_row_and_is_not_built(settings):
    signed = [revision(1), revision(2, "acme", batches=(1, 2))]
    found = bases(settings, signed, differing=("bolt",))
    assert ["us:r1"] == bases_table(found)["base_revision_id"].to_pylist()
    assert [["us:r1"]] == built(found)


def test_nothing_is_built_where_no_contract_differs(settings):
    found = bases(settings, [revision(1)], differing=())
    assert ["us:r1"] == [base.revision.revision_id for base in found]
    assert [] == built(found)


def built(found):
    return [
        [base.revision.revision_id for base in together] for together in with_same_inputs(found)
    ]


def test_bases_with_the_same_inputs_share_a_build_whatever_month_they_are_of(settings):
    signed = [revision(1), revision(1, entity="de"), revision(2, "acme", batches=(1, 2))]
    found = bases(settings, signed, entities=("de", "us"))
    other_month = bases_of(settings, "2026-08", signed[:1], {"us": ["curl"]})
    assert [["de:r1", "us:r1", "us:r1"], ["us:r2"]] == built([*found, *other_month])


def test_keys_are_gathered_by_entity_and_an_entity_may_have_none():
    keys = pa.table({"legal_entity_id": ["us", "us"], "contract_lineage_id": ["acme", "bolt"]})
    assert {"de": set(), "us": {"acme", "bolt"}} == lineages_by_entity(keys, ["de", "us"])
