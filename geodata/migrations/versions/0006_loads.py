"""loads: what files brought, and how to take it back

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-21 22:00:00
"""

from __future__ import annotations

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEYED = ("building", "car_park", "pipe", "pipe_node", "poi")
"""Tables whose rows have no code of their own."""


def upgrade() -> None:
    for table in KEYED:
        op.add_column(table, sa.Column("source_name", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("source_key", sa.Text(), nullable=True))
        op.create_index(
            f"uq_{table}_source",
            table,
            ["source_name", "source_key"],
            unique=True,
            postgresql_where=sa.text("source_key IS NOT NULL"),
        )
    op.create_index("ix_case_file_number", "case_file", ["number"])
    op.create_table(
        "load",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("mapping", JSONB(), nullable=False),
        sa.Column("crs", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("same", sa.BigInteger(), nullable=False),
        sa.Column("faulty", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("before", JSONB(), nullable=True),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("rolled_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rolled_back_by", sa.Text(), nullable=True),
        sa.Column("rolled_back_xid", sa.BigInteger(), nullable=True),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_load")),
        sa.UniqueConstraint("revision", name=op.f("uq_load_revision")),
    )
    op.create_index(op.f("ix_load_dataset"), "load", ["dataset"])
    op.create_table(
        "load_row",
        sa.Column("load_id", sa.BigInteger(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("before", JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("load_id", "row_id", name=op.f("pk_load_row")),
    )
    op.create_table(
        "column_mapping",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("mapping", JSONB(), nullable=False),
        sa.Column("crs", sa.Text(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("kind", "source", name=op.f("pk_column_mapping")),
    )
    op.create_table(
        "raster_asset",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("crs", sa.Text(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("bands", sa.Integer(), nullable=False),
        sa.Column("resolution_m", sa.Float(precision=53), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "bounds",
            geoalchemy2.types.Geometry(geometry_type="POLYGON", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raster_asset")),
        sa.UniqueConstraint("name", name=op.f("uq_raster_asset_name")),
    )
    op.create_index("ix_raster_asset_bounds", "raster_asset", ["bounds"], postgresql_using="gist")


def downgrade() -> None:
    for table in ("raster_asset", "column_mapping", "load_row", "load"):
        op.drop_table(table)
    op.drop_index("ix_case_file_number", table_name="case_file")
    for table in KEYED:
        op.drop_index(f"uq_{table}_source", table_name=table)
        op.drop_column(table, "source_key")
        op.drop_column(table, "source_name")
