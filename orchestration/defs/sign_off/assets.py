"""From candidates to a signature: judged per period, frozen per legal entity, decided by finance.

Belongs here: the period's assets, and the form that finance fills in. Does not belong here: what a
signature needs and what it writes (orchestration/billing).
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
from pydantic import Field

from orchestration import asset_keys, period_close, pipeline
from orchestration.billing.acknowledgements import NeededAcknowledgement
from orchestration.billing.revisions import Revision
from orchestration.billing.run_scope import RunScope
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.figures import (
    NOTICE,
    Materialised,
    expectation_result,
    texts,
)
from orchestration.defs.operations.owners import FINANCE, WAREHOUSE_WRITER
from orchestration.defs.sign_off.signers import signer_of
from orchestration.exceptions import AtRisk
from orchestration.partitions import billing_periods, period_of_partition
from orchestration.period_close import CANDIDATES_CHECK, Decision
from orchestration.pipeline import Installation
from orchestration.price_book.currencies import money_text
from orchestration.reports.correction_causes import explained_words
from orchestration.reports.exceptions import at_risk_texts
from orchestration.rerating.explain import explain_corrections


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
    acknowledged_document_ids: list[str] = Field(
        default_factory=list,
        description=(
            "Documents that the policy wants acknowledged by themselves, each DOCUMENT_ID or "
            "DOCUMENT_ID=note."
        ),
    )
    acknowledgement_note: str = Field(
        default="", description="Note of every acknowledged document without one of its own."
    )
    note: str = Field(default="", description="Why; needed to reject and to hold.")
    signer: str | None = Field(
        default=None,
        description="Your name, where the installation lets a self-declared name count.",
    )

    def acknowledgements(self) -> dict[str, str]:
        """Return the note of each acknowledged document by its id."""
        pairs = (each.partition("=") for each in self.acknowledged_document_ids)
        return {
            document_id.strip(): note.strip() or self.acknowledgement_note.strip()
            for document_id, _, note in pairs
        }


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
        explained = explain_corrections(installation, revisions)
        notice = period_close.freeze_notice(installation, revisions)
        needed = {
            revision.revision_id: period_close.acknowledgements_needed(installation, revision)
            for revision in revisions
        }
        at_risk = period_close.value_at_risk(installation, billing_period=billing_period)
    yield dg.MaterializeResult(
        metadata={
            **({NOTICE: dg.MetadataValue.text(notice)} if notice else {}),
            "revisions": dg.MetadataValue.int(len(revisions)),
            **{revision.legal_entity_id: revision_text(revision) for revision in revisions},
            "corrections": dg.MetadataValue.md("\n\n".join(explained_words(explained)) or "none"),
            "documents to acknowledge": acknowledgements_table(needed),
            "unbilled value at risk": risk_text(at_risk),
        }
    )


def acknowledgements_table(
    needed: Mapping[str, Sequence[NeededAcknowledgement]],
) -> dg.MetadataValue:
    """Return which documents a signature must acknowledge, by revision, or that there is none."""
    rows = [
        f"| {revision_id} | {each.document_id} | {each.bill_to_customer_id} "
        f"| {each.currency_code} {money_text(each.amount, each.currency_code)} "
        f"| {'; '.join(reason.text for reason in each.reasons)} |"
        for revision_id, documents in needed.items()
        for each in documents
    ]
    head = ["| revision | document | customer | amount | why |", "|---|---|---|---|---|"]
    return dg.MetadataValue.md("\n".join(head + rows) if rows else "none")


def risk_text(at_risk: Sequence[AtRisk]) -> dg.MetadataValue:
    """Return what exceptions keep from being billed of the month, by currency."""
    lines = [f"* {text}" for text in at_risk_texts(at_risk)]
    return dg.MetadataValue.md("\n".join(lines) or "none")


def revision_text(revision: Revision) -> dg.MetadataValue:
    """Return what finance must see of a revision: id, state, months, documents, totals, digest."""
    totals = "\n".join(
        f"* {total.currency_code} {money_text(total.amount, total.currency_code)} "
        f"in {total.document_count} documents"
        for total in revision.totals
    )
    earlier = ", ".join(revision.pins.scope.get("earlier_periods", ()))
    expiring = (
        f"\n\nCredit of {revision.expiry_count} grants expires with it."
        if revision.expiry_count
        else ""
    )
    along = f"\n\nBilled along: what is due of {earlier}." if earlier else ""
    scope = RunScope.of_plain(revision.pins.scope)
    alone = "" if scope.has_all_contracts else f"\n\nOnly {scope.words()}; all others stay."
    return dg.MetadataValue.md(
        f"**{revision.revision_id}** is {revision.state}: {revision.document_count} documents, "
        f"{revision.line_count} lines.{alone}{along}{expiring}\n\n{totals}\n\n"
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
        billing_period = period_of_partition(context.partition_key)
        at_risk = period_close.value_at_risk(installation, billing_period=billing_period)
        revision = period_close.find_revision(
            installation,
            billing_period=billing_period,
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
            acknowledgements=config.acknowledgements(),
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
                "documents_acknowledged": ", ".join(signed.acknowledged_document_ids) or "none",
                "unbilled_value_at_risk": "; ".join(at_risk_texts(at_risk)) or "none",
                "register_sequence": signed.register_sequence,
                "manifest_sha256": signed.manifest_sha256,
            }
            | {
                f"signed_{total.currency_code}": money_text(total.amount, total.currency_code)
                for total in signed.totals
            }
        )
    )
