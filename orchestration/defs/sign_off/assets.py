"""From candidates to a signature: judged per period, frozen per legal entity, decided by finance.

Belongs here: the period's assets, and the form that finance fills in. Does not belong here: what a
signature needs and what it writes (orchestration/billing).
"""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from orchestration import asset_keys, period_close, pipeline
from orchestration.billing.revisions import Revision
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.figures import (
    NOTICE,
    Materialised,
    expectation_result,
    texts,
)
from orchestration.defs.operations.owners import FINANCE, WAREHOUSE_WRITER
from orchestration.defs.sign_off.signers import signer_of
from orchestration.partitions import billing_periods, period_of_partition
from orchestration.period_close import CANDIDATES_CHECK, Decision
from orchestration.pipeline import Installation
from orchestration.price_book.currencies import money_text


class SignOffConfig(dg.Config):
    """What finance fills in to sign or reject one legal entity's revision of the period."""

    legal_entity_id: str = Field(description="Whose documents, for example tallyhouse_us.")
    decision: Decision = Field(default=Decision.SIGN, description="sign or reject.")
    revision: str = Field(
        default="latest",
        description="Number or id of the frozen revision that you looked at; latest only locally.",
    )
    held_document_ids: list[str] = Field(
        default_factory=list, description="Documents to leave out of this signature."
    )
    note: str = Field(default="", description="Why; needed to reject and to hold.")
    signer: str | None = Field(
        default=None,
        description="Your name, where the installation lets a self-declared name count.",
    )


@dg.asset(
    key=asset_keys.FROZEN_REVISIONS,
    deps=[
        asset_keys.INVOICE_CANDIDATES,
        asset_keys.INVOICE_CANDIDATE_LINES,
        asset_keys.CONSERVATION,
    ],
    group_name="sign_off",
    owners=[FINANCE],
    kinds={"parquet"},
    partitions_def=billing_periods,
    pool=WAREHOUSE_WRITER,
    check_specs=[
        dg.AssetCheckSpec(
            CANDIDATES_CHECK,
            asset=asset_keys.FROZEN_REVISIONS,
            blocking=True,
            description="Great Expectations suites over documents and lines, before finance.",
        )
    ],
    description=(
        "One revision per legal entity: the candidates of the period, and of closed earlier ones, "
        "pinned to ingestion batches, reference version, checks and code. People look at and sign "
        "a revision."
    ),
)
def frozen_revisions(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
) -> Iterator[dg.AssetCheckResult | Materialised]:
    """Judge the period's candidates, then freeze them; red candidates are not frozen."""
    billing_period = period_of_partition(context.partition_key)
    with failures_sorted(retry_number=context.retry_number):
        report = pipeline.judge_candidates(installation, billing_period=billing_period)
    yield expectation_result(
        report, check_name=CANDIDATES_CHECK, asset_key=asset_keys.FROZEN_REVISIONS
    )
    with failures_sorted(retry_number=context.retry_number):
        period_close.refuse_unexpected(report)
        revisions = period_close.freeze_period(
            installation, billing_period=billing_period, expectations=report
        )
        notice = period_close.freeze_notice(installation, revisions)
    yield dg.MaterializeResult(
        metadata={
            **({NOTICE: dg.MetadataValue.text(notice)} if notice else {}),
            "revisions": dg.MetadataValue.int(len(revisions)),
            **{revision.legal_entity_id: revision_text(revision) for revision in revisions},
        }
    )


def revision_text(revision: Revision) -> dg.MetadataValue:
    """Return what finance must see of a revision: id, state, months, documents, totals, digest."""
    totals = "\n".join(
        f"* {total.currency_code} {money_text(total.amount, total.currency_code)} "
        f"in {total.document_count} documents"
        for total in revision.totals
    )
    earlier = ", ".join(revision.pins.scope.get("earlier_periods", ()))
    along = f"\n\nBilled along: what is due of {earlier}." if earlier else ""
    return dg.MetadataValue.md(
        f"**{revision.revision_id}** is {revision.state}: {revision.document_count} documents, "
        f"{revision.line_count} lines.{along}\n\n{totals}\n\n"
        f"content `{revision.content_sha256}`"
    )


@dg.asset(
    key=asset_keys.PERIOD_SIGN_OFF,
    deps=[asset_keys.FROZEN_REVISIONS],
    group_name="sign_off",
    owners=[FINANCE],
    kinds={"parquet"},
    partitions_def=billing_periods,
    op_tags={"dagster/max_retries": "0"},
    description=(
        "Finance's decision about one legal entity's revision of the period. Materialise it with "
        "the launchpad: name the legal entity, sign or reject, hold documents, leave a note."
    ),
)
def period_sign_off(
    context: dg.AssetExecutionContext,
    config: SignOffConfig,
    installation: dg.ResourceParam[Installation],
) -> Materialised:
    """Sign or reject; see period_close.decide. Refused for good where a rule stands in the way."""
    with failures_sorted(retry_number=context.retry_number):
        revision = period_close.find_revision(
            installation,
            billing_period=period_of_partition(context.partition_key),
            legal_entity_id=config.legal_entity_id,
            revision=config.revision,
        )
        signed = period_close.decide(
            installation,
            revision_id=revision.revision_id,
            decision=config.decision,
            signer=signer_of(
                installation.settings,
                run_id=context.run.run_id,
                tags=context.run.tags,
                declared=config.signer,
            ),
            note=config.note,
            held_document_ids=config.held_document_ids,
        )
    return dg.MaterializeResult(
        metadata=texts(
            {
                "revision": signed.revision_id,
                "decision": signed.decision,
                "signer": f"{signed.signer.name} ({signed.signer.source})",
                "signed_at": signed.signed_at.isoformat(),
                "documents_signed": signed.signed_document_count,
                "documents_held": ", ".join(signed.held_document_ids) or "none",
                "register_sequence": signed.register_sequence,
                "manifest_sha256": signed.manifest_sha256,
            }
            | {
                f"signed_{total.currency_code}": money_text(total.amount, total.currency_code)
                for total in signed.totals
            }
        )
    )
