"""What an excerpt copies and what it builds fit each other: nothing built lacks a parent."""

import pytest

from orchestration.dbt import manifest_over
from orchestration.rerating.excerpt import ASKED_FOR, COPIED, selection
from orchestration.settings import Settings


@pytest.fixture(scope="module")
def parents(tmp_path_factory):
    """Names of the models and seeds that each one reads, in the project as it is."""
    manifest = manifest_over(Settings(data_dir=tmp_path_factory.mktemp("nothing")))
    nodes = {
        name: node
        for name, node in manifest.nodes.items()
        if node.resource_type in ("model", "seed")
    }
    return {
        node.name: {nodes[each].name for each in node.depends_on_nodes if each in nodes}
        for node in nodes.values()
    }


def with_ancestors(parents, names):
    found, waiting = set(names), list(names)
    while waiting:
        new = parents[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found


@pytest.mark.parametrize("is_counted_again", [False, True])
def test_every_parent_of_what_is_built_is_built_or_copied(parents, is_counted_again):
    arguments = selection(is_counted_again)
    excluded = set(arguments[arguments.index("--exclude") + 1 :])
    wanted = with_ancestors(parents, [each.removeprefix("+") for each in ASKED_FOR])
    built = wanted - excluded
    missing = {parent for name in built for parent in parents[name]} - built - COPIED
    assert set() == missing
    assert {"fct_invoice_candidate_lines", "fct_source_days", "int_settlements__compared"} <= built
