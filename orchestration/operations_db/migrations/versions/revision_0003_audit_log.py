"""The audit log: anchors of its head, and who loaded a reference version or posted a document.

Revision 0003. Does not belong here: any later change, which is a revision of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
_AUTHOR = ("author_source", "run_id")
_ACTOR = ("actor_name", "actor_source", "run_id")


def upgrade() -> None:
    """Create the table of anchors, and add who did what."""
    op.create_table(
        "audit_anchors",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_sha256", sa.Text(), nullable=False),
        sa.Column("register_sequence", sa.Integer(), nullable=False),
        sa.Column("reference_loaded_at", INSTANT, nullable=True),
        sa.Column("anchored_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit_anchors"),
    )
    for name in _AUTHOR:
        op.add_column("reference_versions", sa.Column(name, sa.Text(), nullable=True))
    for name in _ACTOR:
        op.add_column("posting_attempts", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("posting_attempts", sa.Column("audit_sequence", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_posting_attempts_audit_sequence", "posting_attempts", ["audit_sequence"], unique=False
    )


def downgrade() -> None:
    """Take all of it away again."""
    op.drop_index("ix_posting_attempts_audit_sequence", table_name="posting_attempts")
    for name in ("audit_sequence", *reversed(_ACTOR)):
        op.drop_column("posting_attempts", name)
    for name in reversed(_AUTHOR):
        op.drop_column("reference_versions", name)
    op.drop_table("audit_anchors")
