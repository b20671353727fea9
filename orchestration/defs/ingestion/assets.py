"""The two assets at the top: the reference version in force, and the raw usage events.

Belongs here: which files a landing day means, and what a run tells about its batch. Does not
belong here: parsing (orchestration/ingest); when a run starts (automation.py beside this file).
"""

from collections import Counter
from datetime import date
from typing import Final

import dagster as dg

from orchestration import asset_keys, pipeline
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.figures import Materialised, expectation_result, texts
from orchestration.defs.operations.owners import DATA_ENGINEERING, REVENUE_OPERATIONS
from orchestration.ingest import IngestionResult
from orchestration.partitions import files_of_days, landing_days, landing_files
from orchestration.pipeline import Installation

LINES_CHECK: Final = "lines_read_equal_lines_accepted_and_rejected"
EXPECTATIONS_CHECK: Final = "raw_events_meet_their_expectations"


@dg.asset(
    key=asset_keys.REFERENCE_VERSION,
    group_name="ingestion",
    owners=[REVENUE_OPERATIONS],
    kinds={"yaml", "parquet"},
    description=(
        "The version of price book, event contracts, customers, contracts and policy that is in "
        "force, stored by its digest. An invalid reference folder never becomes a version."
    ),
)
def reference_version(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
) -> Materialised:
    """Load the reference folder; see pipeline.load_reference_data."""
    with failures_sorted(retry_number=context.retry_number):
        loaded = pipeline.load_reference_data(installation)
    return dg.MaterializeResult(
        metadata={
            "reference_version": loaded.reference_version,
            "is_new": loaded.is_new,
            "folder": dg.MetadataValue.path(str(loaded.folder)),
        },
        data_version=dg.DataVersion(loaded.reference_version),
    )


@dg.asset(
    key=asset_keys.USAGE_EVENTS,
    deps=[asset_keys.REFERENCE_VERSION],
    group_name="ingestion",
    owners=[DATA_ENGINEERING],
    kinds={"parquet"},
    partitions_def=landing_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(
            LINES_CHECK,
            asset=asset_keys.USAGE_EVENTS,
            blocking=True,
            description="Invariant 1: every line read is accepted, or rejected and kept.",
        ),
        dg.AssetCheckSpec(
            EXPECTATIONS_CHECK,
            asset=asset_keys.USAGE_EVENTS,
            blocking=True,
            description="Great Expectations suite over the raw events of the batch.",
        ),
    ],
    description=(
        "Raw usage events by landing day: typed, contract-checked, append-only. A file that was "
        "loaded before is not loaded again, whatever its name. A range of days is one run."
    ),
)
def usage_events(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
) -> Materialised:
    """Load the files of the run's landing days as one ingestion batch."""
    first_day, last_day = context.partition_keys[0], context.partition_keys[-1]
    wanted = files_of_days(
        landing_files(installation.settings.landing_usage),
        first_day=date.fromisoformat(first_day),
        last_day=date.fromisoformat(last_day),
    )
    context.log.info("%d landing files belong to %s to %s", len(wanted), first_day, last_day)
    with failures_sorted(retry_number=context.retry_number):
        result = pipeline.load_usage_files(installation, paths=wanted)
        expectations = expectations_result(installation, result.ingestion_batch_id)
    return dg.MaterializeResult(
        metadata=batch_metadata(result),
        check_results=[lines_result(result), expectations],
    )


@dg.asset(
    key=asset_keys.REPLAYED_REJECTS,
    deps=[asset_keys.REFERENCE_VERSION],
    group_name="ingestion",
    owners=[DATA_ENGINEERING],
    kinds={"parquet"},
    description=(
        "Rejected lines that today's event contracts accept, as raw events of a batch of their "
        "own, under the file and line they came from. Replaying twice changes nothing."
    ),
)
def replayed_rejects(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
) -> Materialised:
    """Judge every rejected line again; see pipeline.replay_rejected_lines."""
    with failures_sorted(retry_number=context.retry_number):
        result = pipeline.replay_rejected_lines(installation)
    return dg.MaterializeResult(metadata=batch_metadata(result))


def batch_metadata(result: IngestionResult) -> dict[str, dg.MetadataValue]:
    """Return what a run tells about its batch: lines, files that are no news, and each refusal."""
    outcomes = Counter(str(outcome.outcome) for outcome in result.files)
    batch = result.ingestion_batch_id
    return {
        "ingestion_batch_id": dg.MetadataValue.text("none" if batch is None else str(batch)),
        "lines_read": dg.MetadataValue.int(result.lines_read),
        "lines_accepted": dg.MetadataValue.int(result.lines_accepted),
        "lines_rejected": dg.MetadataValue.int(result.lines_rejected),
        "control_totals": dg.MetadataValue.int(result.control_total_count),
        **{f"files_{outcome}": dg.MetadataValue.int(n) for outcome, n in outcomes.items()},
    }


def lines_result(result: IngestionResult) -> dg.AssetCheckResult:
    """Return invariant 1 over the batch that was just loaded, with both figures."""
    accounted = result.lines_accepted + result.lines_rejected
    return dg.AssetCheckResult(
        passed=result.lines_read == accounted,
        asset_key=asset_keys.USAGE_EVENTS,
        check_name=LINES_CHECK,
        metadata=texts(
            {
                "invariant": 1,
                "lines read": result.lines_read,
                "lines accepted and rejected": accounted,
                "difference": result.lines_read - accounted,
            }
        ),
    )


def expectations_result(
    installation: Installation, ingestion_batch_id: int | None
) -> dg.AssetCheckResult:
    """Return the suite's result over a batch; without a batch nothing can be wrong with it."""
    if ingestion_batch_id is None:
        return dg.AssetCheckResult(
            passed=True,
            asset_key=asset_keys.USAGE_EVENTS,
            check_name=EXPECTATIONS_CHECK,
            description="No file brought anything new, so there is no new batch.",
        )
    report = pipeline.judge_raw_events(installation, ingestion_batch_id=ingestion_batch_id)
    return expectation_result(
        report, check_name=EXPECTATIONS_CHECK, asset_key=asset_keys.USAGE_EVENTS
    )
