"""planning: scenarios, reviews, coverage by group

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-21 11:28:41.406369
"""

from __future__ import annotations

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CELL_COVERAGE_VIEW = """
CREATE VIEW cell_coverage AS
SELECT s.id, c.code, s.grouping, s.once_ratio, s.twice_ratio, c.simulated, c.geom, c.g3857
FROM coverage_share s JOIN unit_cell c ON c.id = s.place_id WHERE s.place = 'unit_cell'
"""
"""What each group of cameras sees of each cell."""


def upgrade() -> None:
    op.create_table(
        "building_review",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("applicant", sa.Text(), nullable=False),
        sa.Column("proposal", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sheet", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column(
            "submitted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('submitted', 'approved', 'returned')", name=op.f("ck_building_review_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_building_review")),
        sa.UniqueConstraint("number", name=op.f("uq_building_review_number")),
    )
    op.create_table(
        "coverage_part",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("cameras", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_coverage_part")),
    )
    op.create_table(
        "coverage_share",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("grouping", sa.Text(), nullable=False),
        sa.Column("once_ratio", sa.Float(precision=53), nullable=False),
        sa.Column("twice_ratio", sa.Float(precision=53), nullable=False),
        sa.CheckConstraint(
            "once_ratio BETWEEN 0 AND 1 AND twice_ratio BETWEEN 0 AND once_ratio",
            name=op.f("ck_coverage_share_ratios"),
        ),
        sa.PrimaryKeyConstraint("place", "place_id", "grouping", name=op.f("pk_coverage_share")),
        sa.UniqueConstraint("id", name=op.f("uq_coverage_share_id")),
    )
    op.create_table(
        "patrol_track",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("width_m", sa.Float(precision=53), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry("LINESTRING", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_track")),
    )
    op.create_index(op.f("ix_patrol_track_began_at"), "patrol_track", ["began_at"], unique=False)
    op.create_index("ix_patrol_track_g3857", "patrol_track", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_patrol_track_geom", "patrol_track", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "restricted_area",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry("MULTIPOLYGON", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restricted_area")),
    )
    op.create_index(
        "ix_restricted_area_g3857", "restricted_area", ["g3857"], unique=False, postgresql_using="gist"
    )
    op.create_index(
        "ix_restricted_area_geom", "restricted_area", ["geom"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "scenario",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario")),
        sa.UniqueConstraint("token", name=op.f("uq_scenario_token")),
    )
    op.create_table(
        "camera_preset",
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("heading_deg", sa.Float(precision=53), nullable=False),
        sa.Column("tilt_deg", sa.Float(precision=53), nullable=False),
        sa.Column("hfov_deg", sa.Float(precision=53), nullable=False),
        sa.Column("share", sa.Float(precision=53), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("heading_deg >= 0 AND heading_deg < 360", name=op.f("ck_camera_preset_heading")),
        sa.CheckConstraint("hfov_deg > 0 AND hfov_deg < 180", name=op.f("ck_camera_preset_hfov")),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("ck_camera_preset_share")),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_camera_preset_camera_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("camera_id", "number", name=op.f("pk_camera_preset")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("scenario_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("fk_run_scenario_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(op.f("ix_run_kind"), "run", ["kind"], unique=False)
    op.create_index(op.f("ix_run_scenario_id"), "run", ["scenario_id"], unique=False)
    op.create_table(
        "scenario_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("scenario_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("heading_deg", sa.Float(precision=53), nullable=True),
        sa.Column("tilt_deg", sa.Float(precision=53), nullable=True),
        sa.Column("height_m", sa.Float(precision=53), nullable=True),
        sa.Column("hfov_deg", sa.Float(precision=53), nullable=True),
        sa.Column("vfov_deg", sa.Float(precision=53), nullable=True),
        sa.Column("resolution_px", sa.Integer(), nullable=True),
        sa.Column("range_m", sa.Float(precision=53), nullable=True),
        sa.Column("presets", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("cost", sa.Float(precision=53), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry("POINT", srid=4490, spatial_index=False),
            nullable=True,
        ),
        sa.CheckConstraint("(action = 'add') = (camera_id IS NULL)", name=op.f("ck_scenario_item_camera")),
        sa.CheckConstraint("action IN ('add', 'change', 'remove')", name=op.f("ck_scenario_item_action")),
        sa.CheckConstraint("heading_deg >= 0 AND heading_deg < 360", name=op.f("ck_scenario_item_heading")),
        sa.CheckConstraint("hfov_deg > 0 AND hfov_deg <= 360", name=op.f("ck_scenario_item_hfov")),
        sa.CheckConstraint("range_m > 0", name=op.f("ck_scenario_item_range")),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_scenario_item_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("fk_scenario_item_scenario_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario_item")),
        sa.UniqueConstraint("scenario_id", "camera_id", name=op.f("uq_scenario_item_scenario_id_camera_id")),
    )
    op.create_index("ix_scenario_item_geom", "scenario_item", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_scenario_item_scenario_id"), "scenario_item", ["scenario_id"], unique=False)
    op.create_table(
        "no_parking_area",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kerb_id", sa.BigInteger(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry("MULTIPOLYGON", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["kerb_id"], ["kerb.id"], name=op.f("fk_no_parking_area_kerb_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_no_parking_area")),
    )
    op.create_index(
        "ix_no_parking_area_g3857", "no_parking_area", ["g3857"], unique=False, postgresql_using="gist"
    )
    op.create_index(
        "ix_no_parking_area_geom", "no_parking_area", ["geom"], unique=False, postgresql_using="gist"
    )
    op.create_index(op.f("ix_no_parking_area_kerb_id"), "no_parking_area", ["kerb_id"], unique=False)
    op.add_column("camera", sa.Column("kind", sa.Text(), server_default="fixed", nullable=False))
    op.add_column("camera", sa.Column("tier", sa.Text(), server_default="street", nullable=False))
    op.add_column("camera", sa.Column("pan_from_deg", sa.Float(precision=53), nullable=True))
    op.add_column("camera", sa.Column("pan_to_deg", sa.Float(precision=53), nullable=True))
    op.add_column(
        "camera", sa.Column("heading_sd_deg", sa.Float(precision=53), server_default="0", nullable=False)
    )
    op.execute(CELL_COVERAGE_VIEW)


def downgrade() -> None:
    op.execute("DROP VIEW cell_coverage")
    op.drop_column("camera", "heading_sd_deg")
    op.drop_column("camera", "pan_to_deg")
    op.drop_column("camera", "pan_from_deg")
    op.drop_column("camera", "tier")
    op.drop_column("camera", "kind")
    op.drop_index(op.f("ix_no_parking_area_kerb_id"), table_name="no_parking_area")
    op.drop_index("ix_no_parking_area_geom", table_name="no_parking_area", postgresql_using="gist")
    op.drop_index("ix_no_parking_area_g3857", table_name="no_parking_area", postgresql_using="gist")
    op.drop_table("no_parking_area")
    op.drop_index("ix_scenario_item_geom", table_name="scenario_item", postgresql_using="gist")
    op.drop_index(op.f("ix_scenario_item_scenario_id"), table_name="scenario_item")
    op.drop_table("scenario_item")
    op.drop_index(op.f("ix_run_scenario_id"), table_name="run")
    op.drop_index(op.f("ix_run_kind"), table_name="run")
    op.drop_table("run")
    op.drop_table("camera_preset")
    op.drop_table("scenario")
    op.drop_index("ix_restricted_area_geom", table_name="restricted_area", postgresql_using="gist")
    op.drop_index("ix_restricted_area_g3857", table_name="restricted_area", postgresql_using="gist")
    op.drop_table("restricted_area")
    op.drop_index("ix_patrol_track_geom", table_name="patrol_track", postgresql_using="gist")
    op.drop_index("ix_patrol_track_g3857", table_name="patrol_track", postgresql_using="gist")
    op.drop_index(op.f("ix_patrol_track_began_at"), table_name="patrol_track")
    op.drop_table("patrol_track")
    op.drop_table("coverage_share")
    op.drop_table("coverage_part")
    op.drop_table("building_review")
