"""Revisions share one build only where nothing between their freezes could change what is due."""

from types import SimpleNamespace

import pytest

from orchestration.billing.run_scope import WHOLE_RUN, RunScope
from orchestration.reproduction.reproduce import _with_same_inputs

MONTH, OTHER = "2026-10", "2026-09"


def freeze(sequence, period):
    content = {"billing_period": period}
    return SimpleNamespace(kind="freeze", sequence=sequence, subject={"content": content})


def decision(sequence, kind):
    return SimpleNamespace(kind=kind, sequence=sequence, subject={})


def revision(name, head, batches=(1,), version="v", scope=WHOLE_RUN):
    return SimpleNamespace(
        name=name,
        billing_period=MONTH,
        register_head=SimpleNamespace(sequence=head),
        pins=SimpleNamespace(
            ingestion_batch_ids=batches,
            reference_version=version,
            scope={"legal_entity_id": name, **scope.plain()},
        ),
    )


def groups(revisions, chain):
    found = _with_same_inputs(revisions, chain)
    return sorted(sorted(each.name for each in together) for together in found)


def test_entities_that_were_frozen_one_after_the_other_share_a_build():
    chain = [freeze(1, MONTH), freeze(2, MONTH)]
    assert [["de", "us"]] == groups([revision("de", 0), revision("us", 1)], chain)


@pytest.mark.parametrize("kind", ["sign", "reject", "record"])
def test_a_decision_between_their_freezes_parts_them(kind):
    chain = [freeze(1, MONTH), decision(2, kind), freeze(3, MONTH)]
    assert [["de"], ["us"]] == groups([revision("de", 0), revision("us", 2)], chain)


def test_a_freeze_of_another_month_parts_them_since_that_month_is_open_then():
    chain = [freeze(1, MONTH), freeze(2, OTHER), freeze(3, MONTH)]
    assert [["de"], ["us"]] == groups([revision("de", 0), revision("us", 2)], chain)


def test_other_batches_or_another_reference_version_part_them():
    chain = [freeze(1, MONTH)]
    revisions = [
        revision("de", 0),
        revision("jp", 0, batches=(1, 2)),
        revision("us", 0, version="w"),
    ]
    assert [["de"], ["jp"], ["us"]] == groups(revisions, chain)


def test_a_rerating_of_some_contracts_is_built_by_itself():
    chain = [freeze(1, MONTH), freeze(2, MONTH)]
    alone = RunScope(customer_ids=("acme",), is_of_one_month=True)
    assert [["de"], ["us"]] == groups([revision("us", 0, scope=alone), revision("de", 1)], chain)
