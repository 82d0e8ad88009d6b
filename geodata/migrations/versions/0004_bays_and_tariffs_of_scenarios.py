"""scenarios: bays that they add, tariffs that they change

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-21 18:30:00
"""

from __future__ import annotations

import geoalchemy2
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scenario_bay",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("scenario_id", sa.BigInteger(), nullable=False),
        sa.Column("street", sa.Text(), nullable=True),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("cost", sa.Float(precision=53), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry("MULTIPOLYGON", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.CheckConstraint("places > 0", name=op.f("ck_scenario_bay_places")),
        sa.CheckConstraint("cost >= 0", name=op.f("ck_scenario_bay_cost")),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("fk_scenario_bay_scenario_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario_bay")),
    )
    op.create_index("ix_scenario_bay_geom", "scenario_bay", ["geom"], postgresql_using="gist")
    op.create_index(op.f("ix_scenario_bay_scenario_id"), "scenario_bay", ["scenario_id"])
    op.create_table(
        "scenario_tariff",
        sa.Column("scenario_id", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.Text(), nullable=False),
        sa.Column("before", sa.Float(precision=53), nullable=False),
        sa.Column("tariff", sa.Float(precision=53), nullable=False),
        sa.CheckConstraint("tariff > 0 AND before > 0", name=op.f("ck_scenario_tariff_tariff")),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("fk_scenario_tariff_scenario_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("scenario_id", "block", name=op.f("pk_scenario_tariff")),
    )


def downgrade() -> None:
    op.drop_table("scenario_tariff")
    op.drop_table("scenario_bay")
