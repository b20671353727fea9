"""The tables of the operations database: the only transactional state of an installation.

Belongs here: tables, keys and the closed lists of states. Every instant is UTC, every amount
stands beside its currency. Does not belong here: queries, which are the rooms' that own the rows;
anything that must last for years, which is also in raw/, reference/ or register/.
"""

import sqlalchemy as sa

from orchestration.operations_db.column_types import ExactDecimal, UtcInstant

AMOUNT_SCALE = 4
QUANTITY_SCALE = 9

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _one_of(column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


ingestion_batches = sa.Table(
    "ingestion_batches",
    metadata,
    sa.Column("ingestion_batch_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("batch_kind", sa.Text, nullable=False, server_default="load"),
    sa.Column("started_at", UtcInstant, nullable=False),
    sa.Column("committed_at", UtcInstant, nullable=False),
    sa.Column("file_count", sa.Integer, nullable=False),
    sa.Column("lines_read", sa.BigInteger, nullable=False),
    sa.Column("lines_accepted", sa.BigInteger, nullable=False),
    sa.Column("lines_rejected", sa.BigInteger, nullable=False),
    _one_of("batch_kind", "load", "replay", "decisions", "control_totals"),
    sa.CheckConstraint("lines_read = lines_accepted + lines_rejected", name="lines_add_up"),
)

ingestion_files = sa.Table(
    "ingestion_files",
    metadata,
    sa.Column("file_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column(
        "ingestion_batch_id",
        sa.Integer,
        sa.ForeignKey("ingestion_batches.ingestion_batch_id"),
        index=True,
    ),
    sa.Column("path", sa.Text, nullable=False, index=True),
    sa.Column("content_sha256", sa.Text),
    sa.Column("byte_size", sa.BigInteger),
    sa.Column("format", sa.Text),
    sa.Column("header", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("lines_read", sa.BigInteger, nullable=False),
    sa.Column("lines_accepted", sa.BigInteger, nullable=False),
    sa.Column("lines_rejected", sa.BigInteger, nullable=False),
    sa.Column("first_seen_at", UtcInstant, nullable=False),
    sa.Column("superseded_at", UtcInstant),
    _one_of("status", "accepted", "refused"),
    sa.CheckConstraint("lines_read = lines_accepted + lines_rejected", name="lines_add_up"),
    sa.CheckConstraint(
        "status <> 'accepted' OR (content_sha256 IS NOT NULL AND ingestion_batch_id IS NOT NULL)",
        name="accepted_is_complete",
    ),
)
sa.Index(
    "uq_ingestion_files_accepted_content",
    ingestion_files.c.content_sha256,
    unique=True,
    sqlite_where=sa.text("status = 'accepted'"),
    postgresql_where=sa.text("status = 'accepted'"),
)

file_sightings = sa.Table(
    "file_sightings",
    metadata,
    sa.Column("sighting_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("path", sa.Text, nullable=False, index=True),
    sa.Column("content_sha256", sa.Text),
    sa.Column("byte_size", sa.BigInteger),
    sa.Column("modified_at", UtcInstant),
    sa.Column("stat_fingerprint", sa.Text),
    sa.Column("seen_at", UtcInstant, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("detail", sa.Text),
    _one_of(
        "outcome",
        "loaded",
        "same_content",
        "changed_content",
        "refused",
        "still_being_written",
        "unreadable",
    ),
)

raw_parts = sa.Table(
    "raw_parts",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column(
        "ingestion_batch_id",
        sa.Integer,
        sa.ForeignKey("ingestion_batches.ingestion_batch_id"),
        nullable=False,
        index=True,
    ),
    sa.Column("part_kind", sa.Text, nullable=False),
    sa.Column("event_date", sa.Date),
    sa.Column("content_sha256", sa.Text, nullable=False),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    sa.Column("byte_size", sa.BigInteger, nullable=False),
    _one_of(
        "part_kind",
        *("events", "keys", "rejects", "affected", "replays", "decisions"),
        *("control_totals", "control_total_files"),
    ),
)

reference_versions = sa.Table(
    "reference_versions",
    metadata,
    sa.Column("reference_version", sa.Text, primary_key=True),
    sa.Column("loaded_at", UtcInstant, nullable=False),
    sa.Column("content_sha256", sa.Text, nullable=False),
    sa.Column("author", sa.Text),
    sa.Column("author_source", sa.Text),
    sa.Column("run_id", sa.Text),
)

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("revision_id", sa.Text, primary_key=True),
    sa.Column("legal_entity_id", sa.Text, nullable=False),
    sa.Column("billing_period", sa.Text, nullable=False),
    sa.Column("revision_number", sa.Integer, nullable=False),
    sa.Column("content_sha256", sa.Text, nullable=False),
    sa.Column("frozen_at", UtcInstant, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("folder", sa.Text),
    sa.Column("ingestion_batch_ids", sa.JSON(none_as_null=True)),
    sa.Column("reference_version", sa.Text),
    sa.Column("engine_version", sa.Text),
    sa.Column("register_sequence", sa.Integer),
    sa.Column("register_manifest_sha256", sa.Text),
    sa.Column("document_count", sa.Integer),
    sa.Column("line_count", sa.Integer),
    sa.Column("amounts", sa.JSON(none_as_null=True)),
    sa.UniqueConstraint(
        "legal_entity_id", "billing_period", "revision_number", name="uq_revisions_number"
    ),
    _one_of("state", "frozen", "signed", "rejected", "superseded"),
)

check_results = sa.Table(
    "check_results",
    metadata,
    sa.Column("revision_sha256", sa.Text, primary_key=True),
    sa.Column("check_name", sa.Text, primary_key=True),
    sa.Column("invariant", sa.Integer),
    sa.Column("is_passed", sa.Boolean, nullable=False),
    sa.Column("figures", sa.JSON(none_as_null=True)),
    sa.Column("computed_at", UtcInstant, nullable=False),
)

sign_offs = sa.Table(
    "sign_offs",
    metadata,
    sa.Column("sign_off_id", sa.Text, primary_key=True),
    sa.Column(
        "revision_id",
        sa.Text,
        sa.ForeignKey("revisions.revision_id"),
        nullable=False,
        index=True,
    ),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("signer", sa.Text, nullable=False),
    sa.Column("signer_source", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text),
    sa.Column("signed_at", UtcInstant, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("manifest_sha256", sa.Text),
    sa.Column("held_document_ids", sa.JSON(none_as_null=True)),
    sa.Column("acknowledgements", sa.JSON(none_as_null=True)),
    _one_of("decision", "sign", "reject"),
    _one_of("signer_source", "verified", "self_declared"),
)

postings = sa.Table(
    "postings",
    metadata,
    sa.Column("posting_key", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, nullable=False, index=True),
    sa.Column("revision_id", sa.Text, nullable=False, index=True),
    sa.Column("legal_entity_id", sa.Text, nullable=False),
    sa.Column("erp", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("payload_sha256", sa.Text, nullable=False),
    sa.Column("document_number", sa.Text),
    sa.Column("erp_document_id", sa.Text),
    sa.Column("amount", ExactDecimal(AMOUNT_SCALE), nullable=False),
    sa.Column("currency_code", sa.Text, nullable=False),
    sa.Column("updated_at", UtcInstant, nullable=False),
    sa.Column("error_code", sa.Text),
    sa.Column("error_detail", sa.Text),
    _one_of("state", "planned", "sending", "posted", "rejected", "unknown", "abandoned"),
)

posting_attempts = sa.Table(
    "posting_attempts",
    metadata,
    sa.Column("attempt_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column(
        "posting_key", sa.Text, sa.ForeignKey("postings.posting_key"), nullable=False, index=True
    ),
    sa.Column("attempt_number", sa.Integer, nullable=False),
    sa.Column("started_at", UtcInstant, nullable=False),
    sa.Column("finished_at", UtcInstant),
    sa.Column("outcome", sa.Text),
    sa.Column("request", sa.JSON(none_as_null=True)),
    sa.Column("response", sa.JSON(none_as_null=True)),
    sa.Column("correlation_id", sa.Text),
    sa.Column("latency_ms", sa.Integer),
    sa.Column("actor_name", sa.Text),
    sa.Column("actor_source", sa.Text),
    sa.Column("run_id", sa.Text),
    sa.Column("audit_sequence", sa.BigInteger, index=True),
    sa.UniqueConstraint("posting_key", "attempt_number", name="uq_posting_attempts_number"),
)

audit_anchors = sa.Table(
    "audit_anchors",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entry_sha256", sa.Text, nullable=False),
    sa.Column("register_sequence", sa.Integer, nullable=False),
    sa.Column("reference_loaded_at", UtcInstant),
    sa.Column("control_totals_batch_id", sa.Integer, nullable=False, server_default="0"),
    sa.Column("anchored_at", UtcInstant, nullable=False),
)

crm_pushes = sa.Table(
    "crm_pushes",
    metadata,
    sa.Column("push_key", sa.Text, primary_key=True),
    sa.Column("object_name", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("payload_sha256", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("acknowledged_at", UtcInstant),
    sa.Column("detail", sa.Text),
)

erp_documents = sa.Table(
    "erp_documents",
    metadata,
    sa.Column("posting_key", sa.Text, primary_key=True),
    sa.Column("erp_document_id", sa.Text, nullable=False),
    sa.Column("document_number", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("total_amount", ExactDecimal(AMOUNT_SCALE), nullable=False),
    sa.Column("balance_amount", ExactDecimal(AMOUNT_SCALE)),
    sa.Column("currency_code", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text),
    sa.Column("legal_entity_id", sa.Text),
    sa.Column("lines", sa.JSON(none_as_null=True)),
    sa.Column("read_at", UtcInstant, nullable=False),
)

exceptions = sa.Table(
    "exceptions",
    metadata,
    sa.Column("exception_id", sa.Text, primary_key=True),
    sa.Column("exception_code", sa.Text, nullable=False),
    sa.Column("steward", sa.Text, nullable=False),
    sa.Column("object_kind", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("object_name", sa.Text, nullable=False),
    sa.Column("legal_entity_id", sa.Text),
    sa.Column("customer_id", sa.Text),
    sa.Column("customer_name", sa.Text),
    sa.Column("billing_period", sa.Text),
    sa.Column("quantity_at_risk", ExactDecimal(QUANTITY_SCALE)),
    sa.Column("unit", sa.Text),
    sa.Column("amount_at_risk", ExactDecimal(AMOUNT_SCALE)),
    sa.Column("currency_code", sa.Text),
    sa.Column("event_count", sa.BigInteger),
    sa.Column("first_seen_date", sa.Date),
    sa.Column("what_to_do", sa.Text, nullable=False),
    sa.Column("opened_at", UtcInstant, nullable=False),
    sa.Column("opened_batch_id", sa.Integer, nullable=False),
    sa.Column("last_seen_at", UtcInstant, nullable=False),
    sa.Column("last_seen_batch_id", sa.Integer, nullable=False),
    sa.Column("resolved_at", UtcInstant),
    sa.Column("resolved_batch_id", sa.Integer),
    sa.Column("reopened_at", UtcInstant),
    sa.Column("reopened_count", sa.Integer, nullable=False),
)

journal_marks = sa.Table(
    "journal_marks",
    metadata,
    sa.Column("journal", sa.Text, primary_key=True),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("entry_sha256", sa.Text, nullable=False),
)
