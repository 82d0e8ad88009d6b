"""the first tables

Revision ID: 0001
Revises:
Create Date: 2026-11-21 08:52:57.036445
"""

from __future__ import annotations

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

VIOLATION_VIEW = """
CREATE VIEW violation AS
SELECT 'case' AS origin, id, class_code, source, camera_id, cell_id, reported_at AS at,
       NULL::float8 AS confidence, simulated, geom, g3857
FROM case_file WHERE stage <> 'void'
UNION ALL
SELECT 'finding', -id, class_code, 'video', camera_id, cell_id, first_seen_at,
       confidence, simulated, geom, g3857
FROM finding
"""
"""A violation is a case or a finding with a class, a time, a place and a source."""


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS extensions")
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis SCHEMA extensions")
    op.execute("CREATE EXTENSION IF NOT EXISTS pgrouting SCHEMA extensions")
    op.execute("CREATE SEQUENCE dataset_revision")
    op.create_table(
        "area",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="MULTIPOLYGON", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["area.id"], name=op.f("fk_area_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
        sa.UniqueConstraint("code", name=op.f("uq_area_code")),
    )
    op.create_index("ix_area_geom", "area", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_area_parent_id"), "area", ["parent_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_table(
        "building",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("osm_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("use", sa.Text(), nullable=True),
        sa.Column("levels", sa.Float(precision=53), nullable=True),
        sa.Column("height_m", sa.Float(precision=53), nullable=False),
        sa.Column("height_source", sa.Text(), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="MULTIPOLYGON", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_building")),
    )
    op.create_index("ix_building_g3857", "building", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_building_geom", "building", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_building_osm_id"), "building", ["osm_id"], unique=False)
    op.create_table(
        "camera",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("component_code", sa.Text(), nullable=True),
        sa.Column("osm_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("heading_deg", sa.Float(precision=53), nullable=False),
        sa.Column("tilt_deg", sa.Float(precision=53), nullable=False),
        sa.Column("height_m", sa.Float(precision=53), nullable=False),
        sa.Column("hfov_deg", sa.Float(precision=53), nullable=False),
        sa.Column("vfov_deg", sa.Float(precision=53), nullable=False),
        sa.Column("resolution_px", sa.Integer(), nullable=False),
        sa.Column("range_m", sa.Float(precision=53), nullable=False),
        sa.Column("hours_per_day", sa.Float(precision=53), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("share_level", sa.SmallInteger(), nullable=False),
        sa.Column("area_class", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stream_url", sa.Text(), nullable=True),
        sa.Column("pose_simulated", sa.Boolean(), nullable=False),
        sa.Column("demonstration", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.CheckConstraint("heading_deg >= 0 AND heading_deg < 360", name=op.f("ck_camera_heading")),
        sa.CheckConstraint("hfov_deg > 0 AND hfov_deg <= 360", name=op.f("ck_camera_hfov")),
        sa.CheckConstraint("range_m > 0", name=op.f("ck_camera_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera")),
        sa.UniqueConstraint("code", name=op.f("uq_camera_code")),
        sa.UniqueConstraint("component_code", name=op.f("uq_camera_component_code")),
    )
    op.create_index("ix_camera_g3857", "camera", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_camera_geom", "camera", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_camera_osm_id"), "camera", ["osm_id"], unique=False)
    op.create_table(
        "car_park",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("osm_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("fee", sa.Boolean(), nullable=True),
        sa.Column("access", sa.Text(), nullable=True),
        sa.Column("geom", geoalchemy2.types.Geometry(srid=4490, spatial_index=False), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_car_park")),
    )
    op.create_index("ix_car_park_g3857", "car_park", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_car_park_geom", "car_park", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_car_park_osm_id"), "car_park", ["osm_id"], unique=False)
    op.create_table(
        "case_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "reported",
                "registered",
                "dispatched",
                "disposed",
                "verified",
                "closed",
                "void",
                name="stage",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("camera_id", sa.BigInteger(), nullable=True),
        sa.Column("cell_id", sa.BigInteger(), nullable=True),
        sa.Column("address_point_id", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", "reported_at", name=op.f("pk_case_file")),
        postgresql_partition_by="RANGE (reported_at)",
    )
    op.create_index("ix_case_file_camera_id", "case_file", ["camera_id"], unique=False)
    op.create_index("ix_case_file_cell_id_class_code", "case_file", ["cell_id", "class_code"], unique=False)
    op.create_index("ix_case_file_g3857", "case_file", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_case_file_geom", "case_file", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(
        "ix_case_file_reported_at", "case_file", ["reported_at"], unique=False, postgresql_using="brin"
    )
    op.create_table(
        "component",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_profile", sa.Text(), server_default="2013", nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("osm_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="intact", nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component")),
        sa.UniqueConstraint("code", name=op.f("uq_component_code")),
    )
    op.create_index(op.f("ix_component_class_code"), "component", ["class_code"], unique=False)
    op.create_index("ix_component_g3857", "component", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_component_geom", "component", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_component_osm_id"), "component", ["osm_id"], unique=False)
    op.create_table(
        "dataset",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("town", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
        sa.UniqueConstraint("name", name=op.f("uq_dataset_name")),
    )
    op.create_table(
        "event_class",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("code_profile", sa.Text(), server_default="2013", nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_event_class")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("queued", "running", "done", "failed", name="jobstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(op.f("ix_job_kind"), "job", ["kind"], unique=False)
    op.create_table(
        "pipe",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("osm_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("diameter_mm", sa.Float(precision=53), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("length_m", sa.Float(precision=53), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="LINESTRING", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipe")),
    )
    op.create_index("ix_pipe_g3857", "pipe", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_pipe_geom", "pipe", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_pipe_osm_id"), "pipe", ["osm_id"], unique=False)
    op.create_table(
        "pipe_node",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("osm_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("diameter_mm", sa.Float(precision=53), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipe_node")),
    )
    op.create_index("ix_pipe_node_g3857", "pipe_node", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_pipe_node_geom", "pipe_node", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_pipe_node_osm_id"), "pipe_node", ["osm_id"], unique=False)
    op.create_table(
        "poi",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("osm_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poi")),
    )
    op.create_index("ix_poi_g3857", "poi", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_poi_geom", "poi", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_poi_osm_id"), "poi", ["osm_id"], unique=False)
    op.create_table(
        "street_edge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("osm_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("highway", sa.Text(), nullable=False),
        sa.Column("drivable", sa.Boolean(), nullable=False),
        sa.Column("oneway", sa.Boolean(), nullable=False),
        sa.Column("lit", sa.Boolean(), nullable=True),
        sa.Column("maxspeed_kmh", sa.Float(precision=53), nullable=True),
        sa.Column("length_m", sa.Float(precision=53), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="LINESTRING", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_street_edge")),
    )
    op.create_index("ix_street_edge_g3857", "street_edge", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_street_edge_geom", "street_edge", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_street_edge_osm_id"), "street_edge", ["osm_id"], unique=False)
    op.create_table(
        "truth_sighting",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_truth_sighting")),
    )
    op.create_index(op.f("ix_truth_sighting_event_id"), "truth_sighting", ["event_id"], unique=False)
    op.create_table(
        "calibration",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("points", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("anchor_x_m", sa.Float(precision=53), nullable=False),
        sa.Column("anchor_y_m", sa.Float(precision=53), nullable=False),
        sa.Column("rotation_deg", sa.Float(precision=53), nullable=False),
        sa.Column("rmse_m", sa.Float(precision=53), nullable=False),
        sa.Column("max_error_m", sa.Float(precision=53), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_calibration_camera_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration")),
        sa.UniqueConstraint("camera_id", name=op.f("uq_calibration_camera_id")),
    )
    op.create_table(
        "camera_view",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("area_m2", sa.Float(precision=53), nullable=False),
        sa.Column("near_m", sa.Float(precision=53), nullable=False),
        sa.Column("detect_m", sa.Float(precision=53), nullable=False),
        sa.Column("observe_m", sa.Float(precision=53), nullable=False),
        sa.Column("recognise_m", sa.Float(precision=53), nullable=False),
        sa.Column("identify_m", sa.Float(precision=53), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="MULTIPOLYGON", srid=4490, spatial_index=False),
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
            ["camera_id"], ["camera.id"], name=op.f("fk_camera_view_camera_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_view")),
        sa.UniqueConstraint("camera_id", name=op.f("uq_camera_view_camera_id")),
    )
    op.create_index("ix_camera_view_g3857", "camera_view", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_camera_view_geom", "camera_view", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "exposure",
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("hours", sa.Float(precision=53), nullable=False),
        sa.Column("recall", sa.Float(precision=53), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_exposure_hour")),
        sa.CheckConstraint("hours >= 0", name=op.f("ck_exposure_hours")),
        sa.CheckConstraint("recall BETWEEN 0 AND 1", name=op.f("ck_exposure_recall")),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_exposure_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["class_code"], ["event_class.code"], name=op.f("fk_exposure_class_code")),
        sa.PrimaryKeyConstraint("camera_id", "class_code", "month", "hour", name=op.f("pk_exposure")),
    )
    op.create_table(
        "kerb",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("street_edge_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("legal", sa.Boolean(), nullable=True),
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("length_m", sa.Float(precision=53), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="LINESTRING", srid=4490, spatial_index=False),
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
            ["street_edge_id"], ["street_edge.id"], name=op.f("fk_kerb_street_edge_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kerb")),
    )
    op.create_index("ix_kerb_g3857", "kerb", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_kerb_geom", "kerb", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_kerb_street_edge_id"), "kerb", ["street_edge_id"], unique=False)
    op.create_table(
        "sample",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("footage_s", sa.Float(precision=53), nullable=False),
        sa.Column("frame_index", sa.Integer(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("looked_s", sa.Float(precision=53), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=True),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_sample_camera_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample")),
        sa.UniqueConstraint("camera_id", "taken_at", name=op.f("uq_sample_camera_id_taken_at")),
    )
    op.create_table(
        "unit_cell",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_profile", sa.Text(), server_default="2013", nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("area_m2", sa.Float(precision=53), nullable=False),
        sa.Column("set_up_on", sa.Date(), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="MULTIPOLYGON", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_unit_cell_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_cell")),
        sa.UniqueConstraint("code", name=op.f("uq_unit_cell_code")),
    )
    op.create_index(op.f("ix_unit_cell_area_id"), "unit_cell", ["area_id"], unique=False)
    op.create_index("ix_unit_cell_g3857", "unit_cell", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_unit_cell_geom", "unit_cell", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "zone",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("dwell_s", sa.Float(precision=53), nullable=False),
        sa.Column("polygon_px", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_zone_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["class_code"], ["event_class.code"], name=op.f("fk_zone_class_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone")),
        sa.UniqueConstraint("camera_id", "name", name=op.f("uq_zone_camera_id_name")),
    )
    op.create_index(op.f("ix_zone_camera_id"), "zone", ["camera_id"], unique=False)
    op.create_table(
        "address_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("cell_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["cell_id"], ["unit_cell.id"], name=op.f("fk_address_point_cell_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_point")),
        sa.UniqueConstraint("code", name=op.f("uq_address_point_code")),
    )
    op.create_index(op.f("ix_address_point_cell_id"), "address_point", ["cell_id"], unique=False)
    op.create_index(
        "ix_address_point_g3857", "address_point", ["g3857"], unique=False, postgresql_using="gist"
    )
    op.create_index("ix_address_point_geom", "address_point", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "cell_measure",
        sa.Column("cell_id", sa.BigInteger(), nullable=False),
        sa.Column("coverage_ratio", sa.Float(precision=53), nullable=True),
        sa.Column("cameras", sa.Integer(), nullable=True),
        sa.Column("captures", sa.Integer(), nullable=True),
        sa.Column("exposure_h", sa.Float(precision=53), nullable=True),
        sa.Column("rate", sa.Float(precision=53), nullable=True),
        sa.Column("rate_lower", sa.Float(precision=53), nullable=True),
        sa.Column("rate_upper", sa.Float(precision=53), nullable=True),
        sa.Column("reports", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cell_id"], ["unit_cell.id"], name=op.f("fk_cell_measure_cell_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cell_id", name=op.f("pk_cell_measure")),
    )
    op.create_table(
        "detection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sample_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=False),
        sa.Column("x1", sa.Float(precision=53), nullable=False),
        sa.Column("y1", sa.Float(precision=53), nullable=False),
        sa.Column("x2", sa.Float(precision=53), nullable=False),
        sa.Column("y2", sa.Float(precision=53), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4490, spatial_index=False),
            nullable=True,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["sample.id"], name=op.f("fk_detection_sample_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detection")),
    )
    op.create_index("ix_detection_geom", "detection", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_detection_sample_id"), "detection", ["sample_id"], unique=False)
    op.create_table(
        "finding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("zone_id", sa.BigInteger(), nullable=False),
        sa.Column("cell_id", sa.BigInteger(), nullable=True),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dwell_s", sa.Float(precision=53), nullable=False),
        sa.Column("confidence", sa.Float(precision=53), nullable=False),
        sa.Column("x1", sa.Float(precision=53), nullable=False),
        sa.Column("y1", sa.Float(precision=53), nullable=False),
        sa.Column("x2", sa.Float(precision=53), nullable=False),
        sa.Column("y2", sa.Float(precision=53), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=True),
        sa.Column("evidence_sha256", sa.Text(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4490, spatial_index=False),
            nullable=True,
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_finding_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["cell_id"], ["unit_cell.id"], name=op.f("fk_finding_cell_id")),
        sa.ForeignKeyConstraint(["class_code"], ["event_class.code"], name=op.f("fk_finding_class_code")),
        sa.ForeignKeyConstraint(
            ["zone_id"], ["zone.id"], name=op.f("fk_finding_zone_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint(
            "camera_id",
            "zone_id",
            "first_seen_at",
            "x1",
            "y1",
            name=op.f("uq_finding_camera_id_zone_id_first_seen_at_x1_y1"),
        ),
    )
    op.create_index(op.f("ix_finding_camera_id"), "finding", ["camera_id"], unique=False)
    op.create_index(op.f("ix_finding_cell_id"), "finding", ["cell_id"], unique=False)
    op.create_index("ix_finding_g3857", "finding", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_finding_geom", "finding", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_finding_zone_id"), "finding", ["zone_id"], unique=False)
    op.create_table(
        "truth_event",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cell_id", sa.BigInteger(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lasted_s", sa.Float(precision=53), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4490, spatial_index=False),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["cell_id"], ["unit_cell.id"], name=op.f("fk_truth_event_cell_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_truth_event")),
    )
    op.create_index(op.f("ix_truth_event_cell_id"), "truth_event", ["cell_id"], unique=False)
    op.create_index("ix_truth_event_geom", "truth_event", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "truth_rate",
        sa.Column("cell_id", sa.BigInteger(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("rate_per_h", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["cell_id"], ["unit_cell.id"], name=op.f("fk_truth_rate_cell_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cell_id", "class_code", name=op.f("pk_truth_rate")),
    )
    op.execute(VIOLATION_VIEW)


def downgrade() -> None:
    op.execute("DROP VIEW violation")
    op.execute("DROP SEQUENCE dataset_revision")
    op.drop_table("truth_rate")
    op.drop_index("ix_truth_event_geom", table_name="truth_event", postgresql_using="gist")
    op.drop_index(op.f("ix_truth_event_cell_id"), table_name="truth_event")
    op.drop_table("truth_event")
    op.drop_index(op.f("ix_finding_zone_id"), table_name="finding")
    op.drop_index("ix_finding_geom", table_name="finding", postgresql_using="gist")
    op.drop_index("ix_finding_g3857", table_name="finding", postgresql_using="gist")
    op.drop_index(op.f("ix_finding_cell_id"), table_name="finding")
    op.drop_index(op.f("ix_finding_camera_id"), table_name="finding")
    op.drop_table("finding")
    op.drop_index(op.f("ix_detection_sample_id"), table_name="detection")
    op.drop_index("ix_detection_geom", table_name="detection", postgresql_using="gist")
    op.drop_table("detection")
    op.drop_table("cell_measure")
    op.drop_index("ix_address_point_geom", table_name="address_point", postgresql_using="gist")
    op.drop_index("ix_address_point_g3857", table_name="address_point", postgresql_using="gist")
    op.drop_index(op.f("ix_address_point_cell_id"), table_name="address_point")
    op.drop_table("address_point")
    op.drop_index(op.f("ix_zone_camera_id"), table_name="zone")
    op.drop_table("zone")
    op.drop_index("ix_unit_cell_geom", table_name="unit_cell", postgresql_using="gist")
    op.drop_index("ix_unit_cell_g3857", table_name="unit_cell", postgresql_using="gist")
    op.drop_index(op.f("ix_unit_cell_area_id"), table_name="unit_cell")
    op.drop_table("unit_cell")
    op.drop_table("sample")
    op.drop_index(op.f("ix_kerb_street_edge_id"), table_name="kerb")
    op.drop_index("ix_kerb_geom", table_name="kerb", postgresql_using="gist")
    op.drop_index("ix_kerb_g3857", table_name="kerb", postgresql_using="gist")
    op.drop_table("kerb")
    op.drop_table("exposure")
    op.drop_index("ix_camera_view_geom", table_name="camera_view", postgresql_using="gist")
    op.drop_index("ix_camera_view_g3857", table_name="camera_view", postgresql_using="gist")
    op.drop_table("camera_view")
    op.drop_table("calibration")
    op.drop_index(op.f("ix_truth_sighting_event_id"), table_name="truth_sighting")
    op.drop_table("truth_sighting")
    op.drop_index(op.f("ix_street_edge_osm_id"), table_name="street_edge")
    op.drop_index("ix_street_edge_geom", table_name="street_edge", postgresql_using="gist")
    op.drop_index("ix_street_edge_g3857", table_name="street_edge", postgresql_using="gist")
    op.drop_table("street_edge")
    op.drop_index(op.f("ix_poi_osm_id"), table_name="poi")
    op.drop_index("ix_poi_geom", table_name="poi", postgresql_using="gist")
    op.drop_index("ix_poi_g3857", table_name="poi", postgresql_using="gist")
    op.drop_table("poi")
    op.drop_index(op.f("ix_pipe_node_osm_id"), table_name="pipe_node")
    op.drop_index("ix_pipe_node_geom", table_name="pipe_node", postgresql_using="gist")
    op.drop_index("ix_pipe_node_g3857", table_name="pipe_node", postgresql_using="gist")
    op.drop_table("pipe_node")
    op.drop_index(op.f("ix_pipe_osm_id"), table_name="pipe")
    op.drop_index("ix_pipe_geom", table_name="pipe", postgresql_using="gist")
    op.drop_index("ix_pipe_g3857", table_name="pipe", postgresql_using="gist")
    op.drop_table("pipe")
    op.drop_index(op.f("ix_job_kind"), table_name="job")
    op.drop_table("job")
    op.drop_table("event_class")
    op.drop_table("dataset")
    op.drop_index(op.f("ix_component_osm_id"), table_name="component")
    op.drop_index("ix_component_geom", table_name="component", postgresql_using="gist")
    op.drop_index("ix_component_g3857", table_name="component", postgresql_using="gist")
    op.drop_index(op.f("ix_component_class_code"), table_name="component")
    op.drop_table("component")
    op.drop_index("ix_case_file_reported_at", table_name="case_file", postgresql_using="brin")
    op.drop_index("ix_case_file_geom", table_name="case_file", postgresql_using="gist")
    op.drop_index("ix_case_file_g3857", table_name="case_file", postgresql_using="gist")
    op.drop_index("ix_case_file_cell_id_class_code", table_name="case_file")
    op.drop_index("ix_case_file_camera_id", table_name="case_file")
    op.drop_table("case_file")
    op.drop_index(op.f("ix_car_park_osm_id"), table_name="car_park")
    op.drop_index("ix_car_park_geom", table_name="car_park", postgresql_using="gist")
    op.drop_index("ix_car_park_g3857", table_name="car_park", postgresql_using="gist")
    op.drop_table("car_park")
    op.drop_index(op.f("ix_camera_osm_id"), table_name="camera")
    op.drop_index("ix_camera_geom", table_name="camera", postgresql_using="gist")
    op.drop_index("ix_camera_g3857", table_name="camera", postgresql_using="gist")
    op.drop_table("camera")
    op.drop_index(op.f("ix_building_osm_id"), table_name="building")
    op.drop_index("ix_building_geom", table_name="building", postgresql_using="gist")
    op.drop_index("ix_building_g3857", table_name="building", postgresql_using="gist")
    op.drop_table("building")
    op.drop_index(op.f("ix_audit_at"), table_name="audit")
    op.drop_table("audit")
    op.drop_index(op.f("ix_area_parent_id"), table_name="area")
    op.drop_index("ix_area_geom", table_name="area", postgresql_using="gist")
    op.drop_table("area")
