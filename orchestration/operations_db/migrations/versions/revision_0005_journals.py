"""How far the operations database has taken the journals over.

Revision 0005. Does not belong here: any later change, which is a revision of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of marks; a journal begins with the next change, and with all rows there."""
    op.create_table(
        "journal_marks",
        sa.Column("journal", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("entry_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("journal", name=op.f("pk_journal_marks")),
    )


def downgrade() -> None:
    """Drop it again; the journals stay where they are."""
    op.drop_table("journal_marks")
