"""Batches and raw files of control totals, and how far the audit log has told of them.

Revision 0006. Does not belong here: any later change, which is a revision of its own.

SQLite cannot change a constraint: each table is made anew with its rows. The caller opens the
transaction with foreign keys off, since the other tables refer to ingestion_batches meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BATCH_KINDS = ("load", "replay", "decisions")
PART_KINDS = ("events", "keys", "rejects", "affected", "replays", "decisions")
TOTALS = "control_totals"
FILES = "control_total_files"


def upgrade() -> None:
    """Let a batch and a raw file be of these kinds; anchors name the last batch told of."""
    _restrict((*BATCH_KINDS, TOTALS), (*PART_KINDS, TOTALS, FILES))
    op.add_column(
        "audit_anchors",
        sa.Column("control_totals_batch_id", sa.Integer(), server_default="0", nullable=False),
    )


def downgrade() -> None:
    """Forbid them again; fails where there are some."""
    op.drop_column("audit_anchors", "control_totals_batch_id")
    _restrict(BATCH_KINDS, PART_KINDS)


def _restrict(batch_kinds: tuple[str, ...], part_kinds: tuple[str, ...]) -> None:
    batch_check = _one_of("batch_kind", batch_kinds, "ck_ingestion_batches_batch_kind")
    part_check = _one_of("part_kind", part_kinds, "ck_raw_parts_part_kind")
    if op.get_context().dialect.name == "sqlite":
        for table in (_ingestion_batches(batch_check), _raw_parts(part_check)):
            with op.batch_alter_table(table.name, copy_from=table, recreate="always"):
                pass
        return
    for name, check in (("ingestion_batches", batch_check), ("raw_parts", part_check)):
        op.drop_constraint(str(check.name), name, type_="check")
        op.create_check_constraint(str(check.name), name, check.sqltext)


def _one_of(column: str, values: tuple[str, ...], name: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=name)


def _ingestion_batches(check: sa.CheckConstraint) -> sa.Table:
    return sa.Table(
        "ingestion_batches",
        sa.MetaData(),
        sa.Column("ingestion_batch_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("batch_kind", sa.Text(), server_default="load", nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("committed_at", INSTANT, nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("lines_read", sa.BigInteger(), nullable=False),
        sa.Column("lines_accepted", sa.BigInteger(), nullable=False),
        sa.Column("lines_rejected", sa.BigInteger(), nullable=False),
        check,
        sa.CheckConstraint(
            "lines_read = lines_accepted + lines_rejected", name="ck_ingestion_batches_lines_add_up"
        ),
        sa.PrimaryKeyConstraint("ingestion_batch_id", name="pk_ingestion_batches"),
    )


def _raw_parts(check: sa.CheckConstraint) -> sa.Table:
    table = sa.Table(
        "raw_parts",
        sa.MetaData(),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("ingestion_batch_id", sa.Integer(), nullable=False),
        sa.Column("part_kind", sa.Text(), nullable=False),
        sa.Column("event_date", sa.Date(), nullable=True),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        check,
        sa.ForeignKeyConstraint(
            ["ingestion_batch_id"],
            ["ingestion_batches.ingestion_batch_id"],
            name="fk_raw_parts_ingestion_batch_id",
        ),
        sa.PrimaryKeyConstraint("path", name="pk_raw_parts"),
    )
    sa.Index("ix_raw_parts_ingestion_batch_id", table.c.ingestion_batch_id)
    return table
