"""video: how cameras are sampled, leads with their evidence, verdicts, escalation

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-21 18:40:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

VIEWS = (
    """
CREATE VIEW camera_health AS
SELECT c.id, c.code, c.name, w.state, w.state_since, w.failures, w.last_sampled_at, w.sampled_h, w.priority,
       c.demonstration AS simulated, c.geom, c.g3857
FROM camera_watch w JOIN camera c ON c.id = w.camera_id
""",
    """
CREATE VIEW cell_leads AS
SELECT u.id, u.code, w.hours, coalesce(l.leads, 0) AS leads, coalesce(l.leads, 0) / w.hours AS leads_per_h,
       w.simulated, u.geom, u.g3857
FROM unit_cell u
JOIN (
  SELECT c.id, sum(k.sampled_h) AS hours, bool_or(e.demonstration) AS simulated
  FROM camera_watch k JOIN camera e ON e.id = k.camera_id JOIN camera_view v ON v.camera_id = k.camera_id
  JOIN unit_cell c ON c.geom && v.geom AND ST_Intersects(c.geom, v.geom)
  WHERE k.sampled_h > 0 GROUP BY c.id
) w ON w.id = u.id
LEFT JOIN (
  SELECT cell_id, count(*) AS leads FROM finding
  WHERE merged_into IS NULL AND state <> 'rejected' AND NOT hint GROUP BY cell_id
) l ON l.cell_id = u.id
""",
)
"""How streams are, where they are; leads for each hour that a cell was looked at, whoever looked."""

VIOLATION = """
CREATE VIEW violation AS
SELECT 'case' AS origin, id, class_code, source, camera_id, cell_id, reported_at AS at,
       NULL::float8 AS confidence, simulated, geom, g3857
FROM case_file WHERE stage <> 'void'
UNION ALL
SELECT 'finding', -id, class_code, 'video', camera_id, cell_id, first_seen_at,
       confidence, simulated, geom, g3857
FROM finding{where}
"""
CONFIRMED = (
    " WHERE state = 'confirmed' AND merged_into IS NULL"
    " AND NOT EXISTS (SELECT FROM ladder_step l WHERE l.finding_id = finding.id AND l.step = 'case')"
)
"""A lead is no violation until a person says so; leads that are one thing count once, and so does one with a case."""


def upgrade() -> None:
    op.create_table(
        "camera_watch",
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Float(precision=53), server_default="1", nullable=False),
        sa.Column("min_interval_s", sa.Float(precision=53), nullable=False),
        sa.Column("max_interval_s", sa.Float(precision=53), nullable=False),
        sa.Column("state", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unanswered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_event", sa.Text(), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sampled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_lead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sampled_h", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "state IN ('unknown', 'online', 'stalled', 'unreachable')", name=op.f("ck_camera_watch_state")
        ),
        sa.CheckConstraint(
            "min_interval_s > 0 AND max_interval_s >= min_interval_s", name=op.f("ck_camera_watch_interval")
        ),
        sa.CheckConstraint("priority >= 0", name=op.f("ck_camera_watch_priority")),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_camera_watch_camera_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_camera_watch")),
    )
    op.create_table(
        "sample_patch",
        sa.Column("sample_id", sa.BigInteger(), nullable=False),
        sa.Column("zone_id", sa.BigInteger(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("grey", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["sample.id"], name=op.f("fk_sample_patch_sample_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["zone_id"], ["zone.id"], name=op.f("fk_sample_patch_zone_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sample_id", "zone_id", name=op.f("pk_sample_patch")),
    )
    op.create_table(
        "finding_frame",
        sa.Column("finding_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.CheckConstraint("role IN ('before', 'after', 'recheck')", name=op.f("ck_finding_frame_role")),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name=op.f("fk_finding_frame_finding_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("finding_id", "role", name=op.f("pk_finding_frame")),
    )
    op.create_table(
        "ladder_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("finding_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("step IN ('remind', 'warn', 'case')", name=op.f("ck_ladder_step_step")),
        sa.ForeignKeyConstraint(["class_code"], ["event_class.code"], name=op.f("fk_ladder_step_class_code")),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name=op.f("fk_ladder_step_finding_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder_step")),
    )
    op.create_index(op.f("ix_ladder_step_finding_id"), "ladder_step", ["finding_id"], unique=False)
    op.create_index(op.f("ix_ladder_step_place"), "ladder_step", ["place"], unique=False)
    op.create_table(
        "verdict",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("finding_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("verdict IN ('confirmed', 'rejected', 'unsure')", name=op.f("ck_verdict_verdict")),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name=op.f("fk_verdict_finding_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
    )
    op.create_index(op.f("ix_verdict_finding_id"), "verdict", ["finding_id"], unique=False)
    op.add_column("calibration", sa.Column("loo_rmse_m", sa.Float(precision=53), nullable=True))
    op.add_column("calibration", sa.Column("loo_max_m", sa.Float(precision=53), nullable=True))
    op.add_column("finding", sa.Column("error_m", sa.Float(precision=53), nullable=True))
    op.add_column("finding", sa.Column("rule", sa.Text(), server_default="standing", nullable=False))
    op.add_column("finding", sa.Column("rule_version", sa.Text(), server_default="1", nullable=False))
    op.add_column("finding", sa.Column("lead_key", sa.Text(), nullable=True))
    op.add_column("finding", sa.Column("quiet_s", sa.Float(precision=53), server_default="0", nullable=False))
    op.add_column("finding", sa.Column("placed", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("finding", sa.Column("hint", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("finding", sa.Column("boxes", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("finding", sa.Column("state", sa.Text(), server_default="lead", nullable=False))
    op.add_column("finding", sa.Column("merged_into", sa.BigInteger(), nullable=True))
    op.add_column("finding", sa.Column("verdict_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("finding", sa.Column("disposed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("finding", sa.Column("recheck", sa.Text(), nullable=True))
    op.add_column("finding", sa.Column("recheck_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_finding_merged_into"), "finding", ["merged_into"], unique=False)
    op.create_index(op.f("ix_finding_state"), "finding", ["state"], unique=False)
    op.create_foreign_key(
        op.f("fk_finding_merged_into"), "finding", "finding", ["merged_into"], ["id"], ondelete="SET NULL"
    )
    op.add_column("sample", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sample", sa.Column("taken_from", sa.Text(), server_default="footage", nullable=False))
    op.create_unique_constraint(op.f("uq_sample_camera_id_due_at"), "sample", ["camera_id", "due_at"])
    op.add_column(
        "zone",
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("zone", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("zone", sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False))
    op.create_check_constraint(
        op.f("ck_finding_state"), "finding", "state IN ('lead', 'confirmed', 'rejected', 'unsure')"
    )
    op.create_check_constraint(
        op.f("ck_finding_recheck"), "finding", "recheck IN ('solved', 'not_solved', 'cannot_say')"
    )
    op.execute("DROP VIEW violation")
    op.execute(VIOLATION.format(where=CONFIRMED))
    for view in VIEWS:
        op.execute(view)


def downgrade() -> None:
    op.execute("DROP VIEW cell_leads")
    op.execute("DROP VIEW camera_health")
    op.execute("DROP VIEW violation")
    op.execute(VIOLATION.format(where=""))
    op.drop_constraint(op.f("ck_finding_recheck"), "finding", type_="check")
    op.drop_constraint(op.f("ck_finding_state"), "finding", type_="check")
    op.drop_column("zone", "enabled")
    op.drop_column("zone", "version")
    op.drop_column("zone", "settings")
    op.drop_constraint(op.f("uq_sample_camera_id_due_at"), "sample", type_="unique")
    op.drop_column("sample", "taken_from")
    op.drop_column("sample", "due_at")
    op.drop_constraint(op.f("fk_finding_merged_into"), "finding", type_="foreignkey")
    op.drop_index(op.f("ix_finding_state"), table_name="finding")
    op.drop_index(op.f("ix_finding_merged_into"), table_name="finding")
    op.drop_column("finding", "recheck_at")
    op.drop_column("finding", "recheck")
    op.drop_column("finding", "disposed_at")
    op.drop_column("finding", "verdict_at")
    op.drop_column("finding", "merged_into")
    op.drop_column("finding", "state")
    op.drop_column("finding", "boxes")
    op.drop_column("finding", "hint")
    op.drop_column("finding", "placed")
    op.drop_column("finding", "quiet_s")
    op.drop_column("finding", "lead_key")
    op.drop_column("finding", "rule_version")
    op.drop_column("finding", "rule")
    op.drop_column("finding", "error_m")
    op.drop_column("calibration", "loo_max_m")
    op.drop_column("calibration", "loo_rmse_m")
    op.drop_index(op.f("ix_verdict_finding_id"), table_name="verdict")
    op.drop_table("verdict")
    op.drop_index(op.f("ix_ladder_step_place"), table_name="ladder_step")
    op.drop_index(op.f("ix_ladder_step_finding_id"), table_name="ladder_step")
    op.drop_table("ladder_step")
    op.drop_table("finding_frame")
    op.drop_table("sample_patch")
    op.drop_table("camera_watch")
