"""What must be true of the graph itself, whatever runs on it."""

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetNode

from orchestration import asset_keys
from orchestration.defs.exceptions.watch import AGE_CHECK
from orchestration.defs.transform.checkpoints import PAIRS, check_name
from orchestration.defs.transform.conservation import CHECK_OF_INVARIANT

VERBS = (
    *("replay", "ingest", "load", "watch", "rate", "rerate", "reconcile"),
    *("close", "freeze", "sign", "post", "read", "push"),
    *("list", "waive", "withdraw"),
    *("prepare", "validate", "show", "explain", "price", "verify", "compare", "reproduce"),
)
WRITES_THE_WAREHOUSE = (
    "warehouse_inputs",
    "dbt_models",
    "conservation",
    "checkpoints",
    "compared_checkpoints",
    "compared_control_totals",
    "ingestion__usage_events_no_announced_source_day_is_overdue",
    "ingestion__usage_events_no_control_total_is_overdue",
    "sign_off__frozen_revisions",
    "publishing__published_marts",
    "signals__crm_signals",
    "invoice_differences",
    "rated_again",
)


def nodes(definitions: dg.Definitions) -> list[BaseAssetNode]:
    graph = definitions.resolve_asset_graph()
    return [graph.get(key) for key in sorted(graph.get_all_asset_keys())]


def test_no_asset_is_a_stub(definitions: dg.Definitions) -> None:
    """A misspelt dependency becomes a stub, and Dagster's own validation passes."""
    stubs = [node.key.to_user_string() for node in nodes(definitions) if not node.is_materializable]

    assert [] == stubs


def test_every_asset_has_an_owner_a_group_and_a_description(definitions: dg.Definitions) -> None:
    bare = [
        node.key.to_user_string()
        for node in nodes(definitions)
        if not (node.owners and node.group_name and (node.description or "").strip())
    ]

    assert [] == bare


def test_every_key_is_stage_and_name_and_the_stage_is_the_group(
    definitions: dg.Definitions,
) -> None:
    odd = [
        node.key.to_user_string()
        for node in nodes(definitions)
        if len(node.key.path) != 2 or node.key.path[0] != node.group_name
    ]

    assert [] == odd


def test_jobs_are_verbs_and_say_what_they_do(definitions: dg.Definitions) -> None:
    odd = [
        job.name
        for job in definitions.jobs
        if not job.name.startswith(VERBS) or not job.description
    ]

    assert [] == odd


def test_the_seven_invariants_are_blocking_checks(definitions: dg.Definitions) -> None:
    """Invariants 1-7."""
    graph = definitions.resolve_asset_graph()

    checks = {
        key.name: graph.get(key).blocking
        for key in graph.asset_check_keys
        if key.asset_key == asset_keys.CONSERVATION and key.name in CHECK_OF_INVARIANT.values()
    }

    assert dict.fromkeys(CHECK_OF_INVARIANT.values(), True) == checks


def test_red_data_tests_stop_what_comes_after_them(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()

    lenient = [
        key.to_user_string()
        for key in graph.asset_check_keys
        if key.asset_key.path[0] in {"rating", "billing", "reconciliation"}
        and key.name != AGE_CHECK  # it warns: an exception stops itself only
        and key.name not in {check_name(*pair) for pair in PAIRS}  # invariants stop what they find
        and not graph.get(key).blocking
    ]

    assert [] == lenient


def test_unit_tests_are_no_checks_of_a_production_build(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    described = [
        spec.metadata.get("dagster_dbt/unique_id", "")
        for assets in definitions.assets
        if isinstance(assets, dg.AssetsDefinition)
        for spec in assets.check_specs
    ]

    assert [] == [name for name in described if str(name).startswith("unit_test")]
    assert len(graph.asset_check_keys) > 50


@pytest.mark.parametrize("operation", WRITES_THE_WAREHOUSE)
def test_whatever_opens_the_warehouse_waits_for_its_only_place(
    definitions: dg.Definitions, operation: str
) -> None:
    pools = {
        node.name: node.pool
        for job in definitions.jobs
        for node in definitions.resolve_job_def(job.name).all_node_defs
        if isinstance(node, dg.OpDefinition)
    }

    assert "warehouse_writer" == pools[operation]


def test_a_range_of_landing_days_is_one_run(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()

    assert dg.BackfillPolicy.single_run() == graph.get(asset_keys.USAGE_EVENTS).backfill_policy


def test_what_was_signed_comes_back_in_only_at_the_top(definitions: dg.Definitions) -> None:
    """The graph has no circle: candidates do not stand on the sign-off that stands on them."""
    graph = definitions.resolve_asset_graph()

    above = {key.path[0] for key in ancestors(graph, asset_keys.INVOICE_CANDIDATES)}

    assert {"sign_off", "posting", "publishing"}.isdisjoint(above)
    assert {"ingestion", "inputs", "staging", "intermediate", "rating"} <= above


def test_no_step_retries_but_through_the_two_kinds_of_failure(definitions: dg.Definitions) -> None:
    policies = {
        node.name: node.retry_policy
        for job in definitions.jobs
        for node in definitions.resolve_job_def(job.name).all_node_defs
        if isinstance(node, dg.OpDefinition) and node.retry_policy is not None
    }

    assert {} == policies


def test_silence_is_watched_for_daily_and_by_no_run_that_loads(
    definitions: dg.Definitions,
) -> None:
    """Invariant 1: what was just loaded is not in the models yet, so a load cannot judge."""
    watches = {
        "ingestion__usage_events_no_announced_source_day_is_overdue",
        "ingestion__usage_events_no_control_total_is_overdue",
    }
    steps = {
        job.name: {node.name for node in definitions.resolve_job_def(job.name).all_node_defs}
        for job in definitions.jobs
    }
    schedules = definitions.get_repository_def().schedule_defs

    assert ["watch_sources"] == [name for name, nodes in steps.items() if watches & nodes]
    assert watches == steps["watch_sources"]
    assert "watch_sources" in {schedule.job_name for schedule in schedules}


def test_no_job_that_bills_builds_the_comparison_with_another_system(
    definitions: dg.Definitions,
) -> None:
    """A file of somebody else's invoices never stops a bill."""
    graph = definitions.resolve_asset_graph()
    compared = {key for key in graph.get_all_asset_keys() if key.path[0] == "shadow"}
    built = {
        key
        for job in definitions.jobs
        if (layer := definitions.resolve_job_def(job.name).asset_layer) is not None
        for key in layer.selected_asset_keys
    }

    assert asset_keys.SHADOW_DIFFERENCES in compared
    assert compared.isdisjoint(built)


def test_nothing_but_people_freezes_or_signs(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    started = {
        *(sensor.job_name for sensor in repository.sensor_defs),
        *(schedule.job_name for schedule in repository.schedule_defs),
    }

    assert {"close_period", "freeze_period", "sign_off_period"}.isdisjoint(started)


def test_close_period_goes_from_reference_data_to_frozen_revisions(
    definitions: dg.Definitions,
) -> None:
    selected = definitions.resolve_job_def("close_period").asset_layer.selected_asset_keys

    assert {
        asset_keys.REFERENCE_VERSION,
        asset_keys.MANIFEST_INPUTS,
        asset_keys.CONSERVATION,
        asset_keys.FROZEN_REVISIONS,
        asset_keys.PUBLISHED_MARTS,
    } <= set(selected)
    assert asset_keys.PERIOD_SIGN_OFF not in selected


def ancestors(graph: AssetGraph, key: dg.AssetKey) -> set[dg.AssetKey]:
    found: set[dg.AssetKey] = set()
    waiting = [key]
    while waiting:
        for parent in graph.get(waiting.pop()).parent_keys:
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found
