"""What an excerpt copies and what it builds fit each other: nothing built lacks a parent."""

import pytest

from orchestration.dbt import manifest_over
from orchestration.rerating.excerpt import (
    ASKED_FOR,
    COPIED,
    DEDUPLICATED,
    METERED,
    selection,
)
from orchestration.rerating.reference_tables import PRICE_TABLES
from orchestration.settings import Settings


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """The project as it is."""
    return manifest_over(Settings(data_dir=tmp_path_factory.mktemp("nothing")))


@pytest.fixture(scope="module")
def parents(manifest):
    """Names of the models, seeds and sources that each model or seed reads."""
    nodes = {
        name: node
        for name, node in manifest.nodes.items()
        if node.resource_type in ("model", "seed")
    }
    found = {
        node.name: {
            (nodes.get(each) or manifest.sources[each]).name
            for each in node.depends_on_nodes
            if each in nodes or each in manifest.sources
        }
        for node in nodes.values()
    }
    return {source.name: set() for source in manifest.sources.values()} | found


@pytest.fixture(scope="module")
def inputs(manifest):
    """Names of the sources."""
    return {source.name for source in manifest.sources.values()}


def with_ancestors(parents, names):
    found, waiting = set(names), list(names)
    while waiting:
        new = parents[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found


@pytest.mark.parametrize("is_counted_again", [False, True])
def test_every_parent_of_what_is_built_is_built_or_copied(parents, inputs, is_counted_again):
    arguments = selection(is_counted_again)
    excluded = set(arguments[arguments.index("--exclude") + 1 :])
    wanted = with_ancestors(parents, [each.removeprefix("+") for each in ASKED_FOR])
    built = wanted - excluded
    missing = {parent for name in built for parent in parents[name]} - built - COPIED - inputs
    assert set() == missing
    assert {"fct_invoice_candidate_lines", "fct_source_days", "int_settlements__compared"} <= built


def test_no_price_and_no_term_reaches_what_is_left_out_where_only_they_changed(parents, inputs):
    assert set(PRICE_TABLES) <= inputs
    assert set() == with_ancestors(parents, METERED | DEDUPLICATED) & PRICE_TABLES


def test_only_batches_reach_what_is_left_out_where_none_came(parents, inputs):
    assert {"raw_parts"} == with_ancestors(parents, DEDUPLICATED) & inputs
