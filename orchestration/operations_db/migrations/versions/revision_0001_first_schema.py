"""The first schema: ingestion manifest, reference versions, sign-off, posting, CRM pushes.

Revision 0001. Does not belong here: any later change, which is a revision of its own.
"""

import sqlalchemy as sa
from alembic import op

from orchestration.operations_db.column_types import ExactDecimal

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
AMOUNT = ExactDecimal(4)


def upgrade() -> None:
    """Create every table of the first schema."""
    _create_ingestion()
    _create_ingestion_parts()
    _create_reference_and_sign_off()
    _create_posting()
    _create_receipts()


def downgrade() -> None:
    """Drop them again, dependents first."""
    for table in (
        "erp_documents",
        "crm_pushes",
        "posting_attempts",
        "postings",
        "sign_offs",
        "check_results",
        "revisions",
        "reference_versions",
        "raw_parts",
        "file_sightings",
        "ingestion_files",
        "ingestion_batches",
    ):
        op.drop_table(table)


def _create_ingestion() -> None:
    op.create_table(
        "ingestion_batches",
        sa.Column("ingestion_batch_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("batch_kind", sa.Text(), server_default="load", nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("committed_at", INSTANT, nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("lines_read", sa.BigInteger(), nullable=False),
        sa.Column("lines_accepted", sa.BigInteger(), nullable=False),
        sa.Column("lines_rejected", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "batch_kind IN ('load', 'replay')", name="ck_ingestion_batches_batch_kind"
        ),
        sa.CheckConstraint(
            "lines_read = lines_accepted + lines_rejected", name="ck_ingestion_batches_lines_add_up"
        ),
        sa.PrimaryKeyConstraint("ingestion_batch_id", name="pk_ingestion_batches"),
    )
    op.create_table(
        "ingestion_files",
        sa.Column("file_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ingestion_batch_id", sa.Integer(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=True),
        sa.Column("byte_size", sa.BigInteger(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("header", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("lines_read", sa.BigInteger(), nullable=False),
        sa.Column("lines_accepted", sa.BigInteger(), nullable=False),
        sa.Column("lines_rejected", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("superseded_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "status <> 'accepted' OR "
            "(content_sha256 IS NOT NULL AND ingestion_batch_id IS NOT NULL)",
            name="ck_ingestion_files_accepted_is_complete",
        ),
        sa.CheckConstraint("status IN ('accepted', 'refused')", name="ck_ingestion_files_status"),
        sa.CheckConstraint(
            "lines_read = lines_accepted + lines_rejected", name="ck_ingestion_files_lines_add_up"
        ),
        sa.ForeignKeyConstraint(
            ["ingestion_batch_id"],
            ["ingestion_batches.ingestion_batch_id"],
            name="fk_ingestion_files_ingestion_batch_id",
        ),
        sa.PrimaryKeyConstraint("file_id", name="pk_ingestion_files"),
    )
    op.create_index(
        "ix_ingestion_files_ingestion_batch_id",
        "ingestion_files",
        ["ingestion_batch_id"],
        unique=False,
    )
    op.create_index("ix_ingestion_files_path", "ingestion_files", ["path"], unique=False)
    op.create_index(
        "uq_ingestion_files_accepted_content",
        "ingestion_files",
        ["content_sha256"],
        unique=True,
        sqlite_where=sa.text("status = 'accepted'"),
        postgresql_where=sa.text("status = 'accepted'"),
    )


def _create_ingestion_parts() -> None:
    op.create_table(
        "file_sightings",
        sa.Column("sighting_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=True),
        sa.Column("byte_size", sa.BigInteger(), nullable=True),
        sa.Column("modified_at", INSTANT, nullable=True),
        sa.Column("stat_fingerprint", sa.Text(), nullable=True),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('loaded', 'same_content', 'changed_content', 'refused', "
            "'still_being_written', 'unreadable')",
            name="ck_file_sightings_outcome",
        ),
        sa.PrimaryKeyConstraint("sighting_id", name="pk_file_sightings"),
    )
    op.create_index("ix_file_sightings_path", "file_sightings", ["path"], unique=False)
    op.create_table(
        "raw_parts",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("ingestion_batch_id", sa.Integer(), nullable=False),
        sa.Column("part_kind", sa.Text(), nullable=False),
        sa.Column("event_date", sa.Date(), nullable=True),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "part_kind IN ('events', 'keys', 'rejects', 'affected', 'replays')",
            name="ck_raw_parts_part_kind",
        ),
        sa.ForeignKeyConstraint(
            ["ingestion_batch_id"],
            ["ingestion_batches.ingestion_batch_id"],
            name="fk_raw_parts_ingestion_batch_id",
        ),
        sa.PrimaryKeyConstraint("path", name="pk_raw_parts"),
    )
    op.create_index(
        "ix_raw_parts_ingestion_batch_id", "raw_parts", ["ingestion_batch_id"], unique=False
    )


def _create_reference_and_sign_off() -> None:
    op.create_table(
        "reference_versions",
        sa.Column("reference_version", sa.Text(), nullable=False),
        sa.Column("loaded_at", INSTANT, nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("reference_version", name="pk_reference_versions"),
    )
    op.create_table(
        "revisions",
        sa.Column("revision_id", sa.Text(), nullable=False),
        sa.Column("legal_entity_id", sa.Text(), nullable=False),
        sa.Column("billing_period", sa.Text(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("frozen_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=True),
        sa.Column("ingestion_batch_ids", sa.JSON(), nullable=True),
        sa.Column("reference_version", sa.Text(), nullable=True),
        sa.Column("engine_version", sa.Text(), nullable=True),
        sa.Column("register_sequence", sa.Integer(), nullable=True),
        sa.Column("register_manifest_sha256", sa.Text(), nullable=True),
        sa.Column("document_count", sa.Integer(), nullable=True),
        sa.Column("line_count", sa.Integer(), nullable=True),
        sa.Column("amounts", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "state IN ('frozen', 'signed', 'rejected', 'superseded')", name="ck_revisions_state"
        ),
        sa.PrimaryKeyConstraint("revision_id", name="pk_revisions"),
        sa.UniqueConstraint(
            "legal_entity_id", "billing_period", "revision_number", name="uq_revisions_number"
        ),
    )
    op.create_table(
        "check_results",
        sa.Column("revision_sha256", sa.Text(), nullable=False),
        sa.Column("check_name", sa.Text(), nullable=False),
        sa.Column("invariant", sa.Integer(), nullable=True),
        sa.Column("is_passed", sa.Boolean(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=True),
        sa.Column("computed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("revision_sha256", "check_name", name="pk_check_results"),
    )
    op.create_table(
        "sign_offs",
        sa.Column("sign_off_id", sa.Text(), nullable=False),
        sa.Column("revision_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("signer_source", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("signed_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("manifest_sha256", sa.Text(), nullable=True),
        sa.Column("held_document_ids", sa.JSON(), nullable=True),
        sa.CheckConstraint("decision IN ('sign', 'reject')", name="ck_sign_offs_decision"),
        sa.CheckConstraint(
            "signer_source IN ('verified', 'self_declared')", name="ck_sign_offs_signer_source"
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.revision_id"], name="fk_sign_offs_revision_id"
        ),
        sa.PrimaryKeyConstraint("sign_off_id", name="pk_sign_offs"),
    )
    op.create_index("ix_sign_offs_revision_id", "sign_offs", ["revision_id"], unique=False)


def _create_posting() -> None:
    op.create_table(
        "postings",
        sa.Column("posting_key", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("revision_id", sa.Text(), nullable=False),
        sa.Column("legal_entity_id", sa.Text(), nullable=False),
        sa.Column("erp", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payload_sha256", sa.Text(), nullable=False),
        sa.Column("document_number", sa.Text(), nullable=True),
        sa.Column("erp_document_id", sa.Text(), nullable=True),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("currency_code", sa.Text(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'sending', 'posted', 'rejected', 'unknown', 'abandoned')",
            name="ck_postings_state",
        ),
        sa.PrimaryKeyConstraint("posting_key", name="pk_postings"),
    )
    op.create_index("ix_postings_document_id", "postings", ["document_id"], unique=False)
    op.create_index("ix_postings_revision_id", "postings", ["revision_id"], unique=False)
    op.create_index("ix_postings_state", "postings", ["state"], unique=False)
    op.create_table(
        "posting_attempts",
        sa.Column("attempt_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("posting_key", sa.Text(), nullable=False),
        sa.Column("attempt_number", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("request", sa.JSON(), nullable=True),
        sa.Column("response", sa.JSON(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["posting_key"], ["postings.posting_key"], name="fk_posting_attempts_posting_key"
        ),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_posting_attempts"),
        sa.UniqueConstraint("posting_key", "attempt_number", name="uq_posting_attempts_number"),
    )
    op.create_index(
        "ix_posting_attempts_posting_key", "posting_attempts", ["posting_key"], unique=False
    )


def _create_receipts() -> None:
    op.create_table(
        "crm_pushes",
        sa.Column("push_key", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("payload_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("push_key", name="pk_crm_pushes"),
    )
    op.create_table(
        "erp_documents",
        sa.Column("posting_key", sa.Text(), nullable=False),
        sa.Column("erp_document_id", sa.Text(), nullable=False),
        sa.Column("document_number", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("total_amount", AMOUNT, nullable=False),
        sa.Column("balance_amount", AMOUNT, nullable=True),
        sa.Column("currency_code", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("legal_entity_id", sa.Text(), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=True),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("posting_key", name="pk_erp_documents"),
    )
