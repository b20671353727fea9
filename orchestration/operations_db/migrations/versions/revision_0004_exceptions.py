"""The history of exceptions, and the acknowledgements of a decision.

Revision 0004. Does not belong here: any later change, which is a revision of its own.
"""

import sqlalchemy as sa
from alembic import op

from orchestration.operations_db.column_types import ExactDecimal

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table of exceptions and the column of acknowledgements."""
    op.add_column("sign_offs", sa.Column("acknowledgements", sa.JSON(none_as_null=True)))
    op.create_table(
        "exceptions",
        sa.Column("exception_id", sa.Text(), nullable=False),
        sa.Column("exception_code", sa.Text(), nullable=False),
        sa.Column("steward", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("legal_entity_id", sa.Text()),
        sa.Column("customer_id", sa.Text()),
        sa.Column("customer_name", sa.Text()),
        sa.Column("billing_period", sa.Text()),
        sa.Column("quantity_at_risk", ExactDecimal(9)),
        sa.Column("unit", sa.Text()),
        sa.Column("amount_at_risk", ExactDecimal(4)),
        sa.Column("currency_code", sa.Text()),
        sa.Column("event_count", sa.BigInteger()),
        sa.Column("first_seen_date", sa.Date()),
        sa.Column("what_to_do", sa.Text(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_batch_id", sa.Integer(), nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("last_seen_batch_id", sa.Integer(), nullable=False),
        sa.Column("resolved_at", INSTANT),
        sa.Column("resolved_batch_id", sa.Integer()),
        sa.Column("reopened_at", INSTANT),
        sa.Column("reopened_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("exception_id", name=op.f("pk_exceptions")),
    )


def downgrade() -> None:
    """Drop them again; the history of exceptions is lost with it."""
    op.drop_table("exceptions")
    with op.batch_alter_table("sign_offs") as sign_offs:
        sign_offs.drop_column("acknowledgements")
