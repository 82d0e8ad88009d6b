"""what a job found: reports of files that people upload

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-22 02:00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A job may leave a result."""
    op.add_column("job", sa.Column("result", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    """Takes it away."""
    op.drop_column("job", "result")
