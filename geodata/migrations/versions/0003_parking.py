"""parking: exposure by hour of the week, recall, demand by place

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-21 15:40:00
"""

from __future__ import annotations

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DEMAND_VIEWS = (
    """
CREATE VIEW cell_demand AS
SELECT e.id, c.code, e.class_code, e.length_m, e.captures, e.reports, e.exposure_mh, e.seen_m, e.evidence, e.weight,
       e.rate, e.lower80, e.upper80, e.lower95, e.upper95, e.per_h, e.simulated, c.id AS cell_id, c.geom, c.g3857
FROM demand_estimate e JOIN unit_cell c ON c.id = e.place_id WHERE e.place = 'unit_cell'
""",
    """
CREATE VIEW edge_demand AS
SELECT e.id, s.name, s.highway, e.class_code, e.length_m, e.captures, e.reports, e.exposure_mh, e.seen_m, e.evidence,
       e.weight, e.rate, e.lower80, e.upper80, e.lower95, e.upper95, e.per_h, e.simulated, s.id AS street_edge_id,
       s.geom, s.g3857
FROM demand_estimate e JOIN street_edge s ON s.id = e.place_id WHERE e.place = 'street_edge'
""",
)
"""Demand where it is."""

BY_WEEK = """
INSERT INTO exposure_by_week (camera_id, class_code, month, hours, simulated)
SELECT k.camera_id, k.class_code, k.month, array_agg(coalesce(e.hours, 0) / 7 ORDER BY d.day, h.hour), k.simulated
FROM (SELECT camera_id, class_code, month, bool_or(simulated) AS simulated FROM exposure GROUP BY 1, 2, 3) k
CROSS JOIN generate_series(0, 6) AS d(day) CROSS JOIN generate_series(0, 23) AS h(hour)
LEFT JOIN exposure e ON e.camera_id = k.camera_id AND e.class_code = k.class_code AND e.month = k.month
     AND e.hour = h.hour
GROUP BY k.camera_id, k.class_code, k.month, k.simulated
"""
"""Hours of the day become hours of the week, alike on all days."""

RECALL = """
INSERT INTO detector_recall (class_code, hits, misses, reports, caught, method)
SELECT class_code, greatest(20 * avg(recall), 0.1), greatest(20 * (1 - avg(recall)), 0.1), 0, 0, 'assumed'
FROM exposure GROUP BY class_code
"""

BY_DAY = """
INSERT INTO exposure_by_day (camera_id, class_code, month, hour, hours, recall, simulated)
SELECT e.camera_id, e.class_code, e.month, (u.at - 1) % 24, sum(u.hours),
       coalesce((SELECT r.hits / (r.hits + r.misses) FROM detector_recall r WHERE r.class_code = e.class_code), 1),
       e.simulated
FROM exposure e CROSS JOIN LATERAL unnest(e.hours) WITH ORDINALITY AS u(hours, at)
GROUP BY e.camera_id, e.class_code, e.month, (u.at - 1) % 24, e.simulated
"""


def upgrade() -> None:
    op.create_table(
        "detector_recall",
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("hits", sa.Float(precision=53), nullable=False),
        sa.Column("misses", sa.Float(precision=53), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("caught", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.CheckConstraint("hits > 0 AND misses > 0", name=op.f("ck_detector_recall_numbers")),
        sa.ForeignKeyConstraint(
            ["class_code"], ["event_class.code"], name=op.f("fk_detector_recall_class_code")
        ),
        sa.PrimaryKeyConstraint("class_code", name=op.f("pk_detector_recall")),
    )
    op.create_table(
        "exposure_by_week",
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("hours", postgresql.ARRAY(sa.Double()), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute(BY_WEEK)
    op.execute(RECALL)
    op.drop_table("exposure")
    op.rename_table("exposure_by_week", "exposure")
    op.create_check_constraint(
        op.f("ck_exposure_hours"), "exposure", "cardinality(hours) = 168 AND 0 <= ALL (hours)"
    )
    _keys_of_exposure()
    op.create_primary_key(op.f("pk_exposure"), "exposure", ["camera_id", "class_code", "month"])
    op.create_table(
        "demand_estimate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("length_m", sa.Float(precision=53), nullable=False),
        sa.Column("captures", sa.Integer(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("exposure_mh", sa.Float(precision=53), nullable=False),
        sa.Column("seen_m", sa.Float(precision=53), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("weight", sa.Float(precision=53), nullable=False),
        sa.Column("rate", sa.Float(precision=53), nullable=True),
        sa.Column("lower80", sa.Float(precision=53), nullable=True),
        sa.Column("upper80", sa.Float(precision=53), nullable=True),
        sa.Column("lower95", sa.Float(precision=53), nullable=True),
        sa.Column("upper95", sa.Float(precision=53), nullable=True),
        sa.Column("per_h", sa.Float(precision=53), nullable=True),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "evidence IN ('observed', 'modelled', 'none')", name=op.f("ck_demand_estimate_evidence")
        ),
        sa.CheckConstraint("length_m > 0", name=op.f("ck_demand_estimate_length")),
        sa.ForeignKeyConstraint(
            ["class_code"], ["event_class.code"], name=op.f("fk_demand_estimate_class_code")
        ),
        sa.PrimaryKeyConstraint("place", "place_id", "class_code", name=op.f("pk_demand_estimate")),
        sa.UniqueConstraint("id", name=op.f("uq_demand_estimate_id")),
    )
    op.create_table(
        "demand_profile",
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("weight", sa.Float(precision=53), nullable=False),
        sa.Column("cv", sa.Float(precision=53), nullable=False),
        sa.CheckConstraint("hour BETWEEN 0 AND 167", name=op.f("ck_demand_profile_hour")),
        sa.ForeignKeyConstraint(
            ["class_code"], ["event_class.code"], name=op.f("fk_demand_profile_class_code")
        ),
        sa.PrimaryKeyConstraint("class_code", "hour", name=op.f("pk_demand_profile")),
    )
    op.create_table(
        "sensor",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pipe_node_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "geom", geoalchemy2.types.Geometry("POINT", srid=4490, spatial_index=False), nullable=False
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "g3857",
            geoalchemy2.types.Geometry(srid=3857, spatial_index=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.CheckConstraint("state IN ('online', 'offline')", name=op.f("ck_sensor_state")),
        sa.ForeignKeyConstraint(
            ["pipe_node_id"], ["pipe_node.id"], name=op.f("fk_sensor_pipe_node_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sensor")),
        sa.UniqueConstraint("code", name=op.f("uq_sensor_code")),
    )
    op.create_index("ix_sensor_g3857", "sensor", ["g3857"], unique=False, postgresql_using="gist")
    op.create_index("ix_sensor_geom", "sensor", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_sensor_pipe_node_id"), "sensor", ["pipe_node_id"], unique=False)
    for view in DEMAND_VIEWS:
        op.execute(view)


def downgrade() -> None:
    op.execute("DROP VIEW edge_demand")
    op.execute("DROP VIEW cell_demand")
    op.drop_table("sensor")
    op.drop_table("demand_profile")
    op.drop_table("demand_estimate")
    op.create_table(
        "exposure_by_day",
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("hours", sa.Float(precision=53), nullable=False),
        sa.Column("recall", sa.Float(precision=53), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute(BY_DAY)
    op.drop_table("exposure")
    op.rename_table("exposure_by_day", "exposure")
    op.create_check_constraint(op.f("ck_exposure_hour"), "exposure", "hour BETWEEN 0 AND 23")
    op.create_check_constraint(op.f("ck_exposure_hours"), "exposure", "hours >= 0")
    op.create_check_constraint(op.f("ck_exposure_recall"), "exposure", "recall BETWEEN 0 AND 1")
    _keys_of_exposure()
    op.create_primary_key(op.f("pk_exposure"), "exposure", ["camera_id", "class_code", "month", "hour"])
    op.drop_table("detector_recall")


def _keys_of_exposure() -> None:
    op.create_foreign_key(
        op.f("fk_exposure_camera_id"), "exposure", "camera", ["camera_id"], ["id"], ondelete="CASCADE"
    )
    op.create_foreign_key(op.f("fk_exposure_class_code"), "exposure", "event_class", ["class_code"], ["code"])
