"""The schema goes up and down, is the one of the models, and one of a newer program is left alone."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import text

from geodata import database
from geodata.errors import SchemaTooNew
from geodata.models import Base

pytestmark = pytest.mark.postgis

VIEWS = {"violation", "cell_coverage", "camera_health", "cell_demand", "cell_leads", "edge_demand"}


def relations() -> set[str]:
    """Tables, views, sequences and indexes of ours."""
    with database.connection() as conn:
        return set(
            conn.scalars(text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"))
        )


def test_an_empty_database_is_brought_to_the_head_once(bare_database: str) -> None:
    head = database.migrate()
    first = relations()
    assert (
        set(Base.metadata.tables)
        | {
            *VIEWS,
            "dataset_revision",
            "procrastinate_jobs",
        }
        <= first
    )
    assert database.migrate() == head
    assert relations() == first


def test_models_and_migrations_agree(empty_database: str) -> None:
    command.check(database.alembic_config(empty_database))


def test_a_loaded_town_does_not_look_like_drift(town_database: str) -> None:
    command.check(database.alembic_config(town_database))


def test_every_table_with_a_place_has_one_spatial_index_a_column(empty_database: str) -> None:
    with database.connection() as conn:
        rows = conn.execute(
            text(
                "SELECT g.f_table_name, g.f_geometry_column, count(i.indexrelid) FROM geometry_columns g"
                " JOIN pg_attribute a ON a.attrelid = format('%I.%I', g.f_table_schema, g.f_table_name)::regclass"
                " AND a.attname = g.f_geometry_column LEFT JOIN pg_index i ON i.indrelid = a.attrelid"
                " AND a.attnum = ANY (i.indkey) WHERE g.f_table_schema = 'public' AND g.f_table_name <> ALL (:views)"
                " GROUP BY 1, 2"
            ),
            {"views": list(VIEWS)},
        ).all()
    assert len(rows) > 25
    assert {(table, column): n for table, column, n in rows if n != 1} == {}


def test_a_newer_schema_is_refused_and_left_alone(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.execute(text("CREATE TABLE of_the_future (id int)"))
    before = relations()
    with pytest.raises(SchemaTooNew, match=r"schema 9999.*newer program"):
        database.migrate()
    assert relations() == before
    with database.connection() as conn:
        assert conn.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
        assert conn.scalar(text("SELECT count(*) FROM building")) > 0


def test_down_to_nothing_and_up_again(town_copy: str) -> None:
    full = relations()
    command.downgrade(database.alembic_config(town_copy), "base")
    assert {name for name in relations() if "procrastinate" not in name} == {
        "alembic_version",
        "alembic_version_pkc",
    }
    database.migrate()
    partitions = {name for name in full if name.startswith("case_file_2")}
    assert partitions
    assert relations() == full - partitions


def test_hours_of_the_day_become_hours_of_the_week_and_back(town_copy: str) -> None:
    def looked() -> dict[int, float]:
        with database.connection() as conn:
            hours = "hours" if by_day else "(SELECT sum(h) FROM unnest(hours) AS h)"
            rows = conn.execute(text(f"SELECT camera_id, sum({hours}) FROM exposure GROUP BY 1"))
            return {camera: float(total) for camera, total in rows}

    by_day = False
    before = looked()
    config = database.alembic_config(town_copy)
    command.downgrade(config, "0002")
    by_day = True
    assert looked() == pytest.approx(before)
    command.upgrade(config, "head")
    by_day = False
    assert looked() == pytest.approx(before)
    with database.connection() as conn:
        assert conn.scalar(text("SELECT count(*) FROM detector_recall")) == 1
