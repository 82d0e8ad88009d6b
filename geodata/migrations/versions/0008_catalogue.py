"""the catalogue: checks and lineage of datasets

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-21 22:00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Cards of datasets and what their checks found."""
    op.create_table(
        "dataset_card",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("renew_days", sa.Float(53), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("renew_days > 0", name=op.f("ck_dataset_card_renew")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_dataset_card")),
    )
    op.create_table(
        "dataset_check",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("faults", sa.BigInteger(), nullable=False),
        sa.Column("examples", postgresql.JSONB(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.CheckConstraint(
            "kind IN ('code', 'geometry', 'duplicate', 'time', 'null')", name=op.f("ck_dataset_check_kind")
        ),
        sa.CheckConstraint("0 <= faults AND faults <= rows", name=op.f("ck_dataset_check_faults")),
        sa.PrimaryKeyConstraint("name", "revision", "kind", "subject", name=op.f("pk_dataset_check")),
    )


def downgrade() -> None:
    """Takes both away."""
    op.drop_table("dataset_check")
    op.drop_table("dataset_card")
