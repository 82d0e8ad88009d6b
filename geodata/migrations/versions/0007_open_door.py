"""the open door: public views, clients and their tokens

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-21 22:00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

VIEWS: tuple[tuple[str, str, str, dict[str, tuple[str, str]]], ...] = (
    (
        "areas",
        "Divisions of the city: county, streets, communities",
        "area t LEFT JOIN area p ON p.id = t.parent_id",
        {
            "id": ("t.id", "number of the row"),
            "kind": ("t.kind", "county, street or community"),
            "code": ("t.code", "6, 9 or 12 digits of GB/T 2260 and its extension"),
            "name_zh": ("t.name_zh", "name in Chinese"),
            "name_en": ("t.name_en", "name in English"),
            "parent_code": ("p.code", "code of the division above"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "outline, EPSG:4490"),
        },
    ),
    (
        "unit_cells",
        "Unit cells of GB/T 30428.1 with what is computed of them; missing numbers are not known, never zero",
        "unit_cell t JOIN area p ON p.id = t.area_id LEFT JOIN cell_measure m ON m.cell_id = t.id",
        {
            "id": ("t.id", "number of the row"),
            "code": ("t.code", "15 digits of GB/T 30428.1"),
            "code_profile": ("t.code_profile", "edition of the standard"),
            "area_code": ("p.code", "code of the community"),
            "area_m2": ("t.area_m2", "square metres"),
            "coverage_ratio": ("m.coverage_ratio", "share of the ground that a camera sees, 0 to 1"),
            "cameras": ("m.cameras", "cameras that see any of it"),
            "captures": ("m.captures", "parking captures in the period of the estimate"),
            "reports": ("m.reports", "reports by people in the same period"),
            "exposure_h": ("m.exposure_h", "hours of full view"),
            "rate": ("m.rate", "violations begun an hour of full view; missing where nobody looked"),
            "rate_lower": ("m.rate_lower", "lower end of the 95 % interval"),
            "rate_upper": ("m.rate_upper", "upper end of the 95 % interval"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "outline, EPSG:4490"),
        },
    ),
    (
        "cameras",
        "Cameras that their owners share with all (share level 3), without the addresses of their streams",
        "camera t",
        {
            "id": ("t.id", "number of the row"),
            "code": ("t.code", "20 digits of GB/T 28181"),
            "name": ("t.name", "name"),
            "kind": ("t.kind", "fixed, dome, ptz or panorama"),
            "tier": ("t.tier", "high, street or vehicle"),
            "state": ("t.state", "online, offline or maintenance"),
            "owner": ("t.owner", "office that it belongs to"),
            "height_m": ("t.height_m", "metres above ground"),
            "heading_deg": ("t.heading_deg", "degrees clockwise from north"),
            "heading_sd_deg": ("t.heading_sd_deg", "standard deviation of the heading; 0 where surveyed"),
            "tilt_deg": ("t.tilt_deg", "degrees down from the horizon"),
            "hfov_deg": ("t.hfov_deg", "horizontal field of view, degrees"),
            "range_m": ("t.range_m", "metres to which the picture is used"),
            "pose_simulated": ("t.pose_simulated", "heading, tilt and field were not surveyed"),
            "demonstration": ("t.demonstration", "plays recorded footage from another place"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "place, EPSG:4490"),
        },
    ),
    (
        "camera_views",
        "Ground that those cameras see behind the buildings",
        "camera_view t JOIN camera c ON c.id = t.camera_id",
        {
            "id": ("t.id", "number of the row"),
            "camera_code": ("c.code", "20 digits of GB/T 28181"),
            "area_m2": ("t.area_m2", "square metres"),
            "near_m": ("t.near_m", "nearest ground in the picture, metres"),
            "detect_m": ("t.detect_m", "distance for detection (EN 62676-4), metres"),
            "observe_m": ("t.observe_m", "distance for observation, metres"),
            "recognise_m": ("t.recognise_m", "distance for recognition, metres"),
            "identify_m": ("t.identify_m", "distance for identification, metres"),
            "method": ("t.method", "how it was computed"),
            "computed_at": ("t.computed_at", "when"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "visible ground, EPSG:4490"),
        },
    ),
    (
        "streets",
        "Pieces of street between junctions",
        "street_edge t",
        {
            "id": ("t.id", "number of the row"),
            "osm_id": ("t.osm_id", "number in OpenStreetMap"),
            "name": ("t.name", "name"),
            "highway": ("t.highway", "class of OpenStreetMap"),
            "drivable": ("t.drivable", "open to motor vehicles"),
            "oneway": ("t.oneway", "one way only"),
            "lit": ("t.lit", "has street lamps"),
            "maxspeed_kmh": ("t.maxspeed_kmh", "speed limit, km/h"),
            "length_m": ("t.length_m", "metres"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "centre line, EPSG:4490"),
        },
    ),
    (
        "buildings",
        "Building footprints with heights",
        "building t",
        {
            "id": ("t.id", "number of the row"),
            "osm_id": ("t.osm_id", "number in OpenStreetMap"),
            "name": ("t.name", "name"),
            "use": ("t.use", "use"),
            "levels": ("t.levels", "storeys above ground"),
            "height_m": ("t.height_m", "metres above ground"),
            "height_source": ("t.height_source", "tag (measured), levels (3.2 m each) or assumed"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "footprint, EPSG:4490"),
        },
    ),
    (
        "components",
        "City components of GB/T 30428.2, such as lamps and manhole covers",
        "component t",
        {
            "id": ("t.id", "number of the row"),
            "code": ("t.code", "16 digits of GB/T 30428.2"),
            "code_profile": ("t.code_profile", "edition of the standard"),
            "class_code": ("t.class_code", "class, 2 + 2 digits"),
            "state": ("t.state", "intact, damaged, lost or abandoned"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "place, EPSG:4490"),
        },
    ),
    (
        "address_points",
        "Street points with a QR code that people scan to report",
        "address_point t LEFT JOIN unit_cell c ON c.id = t.cell_id",
        {
            "id": ("t.id", "number of the row"),
            "code": ("t.code", "code on the sign; address_id of a service request"),
            "name": ("t.name", "name"),
            "cell_code": ("c.code", "unit cell, 15 digits"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "place, EPSG:4490"),
        },
    ),
    (
        "kerbs",
        "Sides of streets and what may stand there",
        "kerb t",
        {
            "id": ("t.id", "number of the row"),
            "street_edge_id": ("t.street_edge_id", "id of the street"),
            "side": ("t.side", "left or right in the direction of the street"),
            "rule": (
                "t.rule",
                "inline, parallel, diagonal, perpendicular, no_parking, no_stopping or untagged",
            ),
            "legal": ("t.legal", "true: bays; false: forbidden; missing: nobody tagged it"),
            "condition": ("t.condition", "when the rule holds"),
            "length_m": ("t.length_m", "metres"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "line, EPSG:4490"),
        },
    ),
    (
        "car_parks",
        "Car parks off the street",
        "car_park t",
        {
            "id": ("t.id", "number of the row"),
            "osm_id": ("t.osm_id", "number in OpenStreetMap"),
            "name": ("t.name", "name"),
            "kind": ("t.kind", "surface, underground or multi-storey"),
            "capacity": ("t.capacity", "vehicles"),
            "fee": ("t.fee", "costs something"),
            "access": ("t.access", "who may park"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "point or outline, EPSG:4490"),
        },
    ),
    (
        "no_parking_areas",
        "Where nobody may park or stop",
        "no_parking_area t",
        {
            "id": ("t.id", "number of the row"),
            "rule": ("t.rule", "no_parking or no_stopping"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "outline, EPSG:4490"),
        },
    ),
    (
        "cases",
        "Cases: class, place, time and stage; nothing that anybody wrote, and no camera",
        "case_file t LEFT JOIN unit_cell c ON c.id = t.cell_id LEFT JOIN event_class e ON e.code = t.class_code",
        {
            "id": ("t.id", "number of the row"),
            "number": ("t.number", "county, day and sequence; service_request_id of Open311"),
            "class_code": ("t.class_code", "event class of GB/T 30428.2, 2 + 2 digits"),
            "class_zh": ("e.name_zh", "its name in Chinese"),
            "class_en": ("e.name_en", "its name in English"),
            "source": ("t.source", "camera, qr, hotline, 311 …"),
            "stage": ("t.stage", "reported, registered, dispatched, disposed, verified, closed or void"),
            "cell_code": ("c.code", "unit cell, 15 digits"),
            "reported_at": ("t.reported_at", "when it was reported"),
            "closed_at": ("t.closed_at", "when it was closed"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "place, EPSG:4490"),
        },
    ),
    (
        "pipes",
        "Pipes; offered only where TWIN_OPEN_PIPES says so",
        "pipe t",
        {
            "id": ("t.id", "number of the row"),
            "osm_id": ("t.osm_id", "number in OpenStreetMap"),
            "kind": ("t.kind", "water, drain, gas, heat, power, telecom or unknown"),
            "diameter_mm": ("t.diameter_mm", "millimetres"),
            "location": ("t.location", "underground, overground …"),
            "length_m": ("t.length_m", "metres"),
            "simulated": ("t.simulated", "nobody measured it"),
            "geom": ("t.geom", "line, EPSG:4490"),
        },
    ),
)
"""Name, what it holds, what it is read from, and its columns: expression and meaning. This is all that leaves."""

CONDITIONS = {"cameras": "t.share_level = 3", "camera_views": "c.share_level = 3"}
"""Rows that leave, where not all do; such views let no condition of a reader see the other rows (security_barrier)."""


def upgrade() -> None:
    op.create_table(
        "api_client",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("per_minute > 0", name=op.f("ck_api_client_per_minute")),
        sa.CheckConstraint(
            "scopes <@ ARRAY['read', 'report', 'exchange']", name=op.f("ck_api_client_scopes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_client")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_api_client_token_sha256")),
    )
    op.create_index(
        "uq_api_client_name",
        "api_client",
        ["name"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "service_request",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("media_url", sa.Text(), nullable=True),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["client_id"], ["api_client.id"], name=op.f("fk_service_request_client_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_service_request")),
    )
    op.create_table(
        "exchanged_case",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["api_client.id"], name=op.f("fk_exchanged_case_client_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_exchanged_case")),
    )
    op.add_column(
        "case_file",
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("case_file", sa.Column("component_code", sa.Text(), nullable=True))
    op.create_index("ix_case_file_changed_at_id", "case_file", ["changed_at", "id"])
    op.execute(
        "CREATE FUNCTION case_file_changed() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.changed_at := now(); RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER case_file_changed BEFORE UPDATE ON case_file"
        " FOR EACH ROW EXECUTE FUNCTION case_file_changed()"
    )
    op.execute("CREATE SCHEMA open")
    for name, about, source, columns in VIEWS:
        _make_view(name, about, source, columns)
    _let_the_reader_in()


def _make_view(name: str, about: str, source: str, columns: dict[str, tuple[str, str]]) -> None:
    picked = ", ".join(f"{expression} AS {column}" for column, (expression, _) in columns.items())
    condition = CONDITIONS.get(name)
    options = " WITH (security_barrier)" if condition else ""
    where = f" WHERE {condition}" if condition else ""
    op.execute(f"CREATE VIEW open.{name}{options} AS SELECT {picked} FROM {source}{where}")  # noqa: S608
    op.execute(f"COMMENT ON VIEW open.{name} IS '{about}'")
    for column, (_, meaning) in columns.items():
        op.execute(f"COMMENT ON COLUMN open.{name}.{column} IS '{meaning}'")


def _let_the_reader_in() -> None:
    """
    The role that reads these views and nothing else; it has no password.

    Where this program may not make roles, an administrator does it later: the open door says how.
    """
    op.execute(
        """
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'huiyan_reader') THEN
                CREATE ROLE huiyan_reader LOGIN;
            END IF;
            EXECUTE format('GRANT huiyan_reader TO %I', current_user);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN RAISE NOTICE 'this account may not make the role huiyan_reader';
        END $$
        """
    )
    op.execute(
        """
        DO $$
        BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'huiyan_reader') THEN
                GRANT USAGE ON SCHEMA open TO huiyan_reader;
                GRANT SELECT ON ALL TABLES IN SCHEMA open TO huiyan_reader;
            END IF;
        END $$
        """
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA open CASCADE")
    op.execute("DROP TRIGGER case_file_changed ON case_file")
    op.execute("DROP FUNCTION case_file_changed()")
    op.drop_index("ix_case_file_changed_at_id", table_name="case_file")
    op.drop_column("case_file", "component_code")
    op.drop_column("case_file", "changed_at")
    op.drop_table("exchanged_case")
    op.drop_table("service_request")
    op.drop_table("api_client")
