"""What may leave the house: the reader of the open door sees the public views, and nothing else of the database."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from types import ModuleType
from typing import Any

import asyncpg
import psycopg
import pytest
from sqlalchemy import make_url, text

from geodata import database
from geodata.errors import DatabaseUnavailable, TwinError
from geodata.models import Base
from geodata.queries.reader import READER, reader_pool
from geodata.settings import ROOT

pytestmark = pytest.mark.postgis

PERSONAL = re.compile(r"stream|url|phone|mail|description|note|reporter|contact|token|given_by|decided_by")


def migration() -> ModuleType:
    path = ROOT / "geodata" / "migrations" / "versions" / "0007_open_door.py"
    spec = importlib.util.spec_from_file_location("open_door", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def nothing(_conn: Any) -> None:
    """Nothing to prepare."""


def test_the_reader_reads_the_public_views_and_no_table(town_database: str) -> None:
    with database.connection() as conn:
        everything = conn.execute(
            text(
                "SELECT c.oid::regclass::text, n.nspname, has_table_privilege(:reader, c.oid, 'SELECT') AS reads,"
                " has_table_privilege(:reader, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes"
                " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname IN ('public', 'open')"
            ),
            {"reader": READER},
        ).all()
        rights = conn.execute(
            text(
                "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = :reader"
            ),
            {"reader": READER},
        ).one()
        member_of = conn.scalar(
            text("SELECT count(*) FROM pg_auth_members WHERE member = CAST(:reader AS regrole)"),
            {"reader": READER},
        )
        creates = conn.scalar(
            text(
                "SELECT has_schema_privilege(:reader, 'public', 'CREATE') OR"
                " has_schema_privilege(:reader, 'open', 'CREATE')"
            ),
            {"reader": READER},
        )
    assert {schema for _, schema, reads, _ in everything if reads} == {"open"}
    assert sum(reads for _, _, reads, _ in everything) == len(migration().VIEWS)
    assert len(everything) > len(Base.metadata.tables)
    assert not any(writes for *_, writes in everything)
    assert not any(rights) and member_of == 0 and not creates


def test_views_hold_nothing_of_persons_and_every_column_says_what_it_is(town_database: str) -> None:
    with database.connection() as conn:
        columns = conn.execute(
            text(
                "SELECT c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class')"
                " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                " WHERE c.relnamespace = 'open'::regnamespace AND a.attnum > 0"
            )
        ).all()
        hidden = conn.scalar(text("SELECT count(*) FROM camera WHERE share_level < 3"))
        shown = conn.scalar(text("SELECT count(*) FROM open.cameras"))
        total = conn.scalar(text("SELECT count(*) FROM camera"))
        unsaid = conn.scalar(
            text("SELECT count(*) FROM open.cases WHERE class_en IS NULL OR cell_code IS NULL")
        )
    assert len(columns) > 100
    assert [each for each in columns if PERSONAL.search(each[1])] == []
    assert [each for each in columns if not (each[2] and each[3])] == []
    assert hidden > 0 and shown == total - hidden and unsaid == 0


@pytest.mark.parametrize("itself", [True, False], ids=["logs in itself", "takes the role"])
def test_whoever_comes_through_the_pool_is_the_reader(
    itself: bool, town_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not itself:
        made = asyncpg.create_pool

        def refuse(dsn: str, **more: Any) -> Any:
            if READER in dsn:
                raise asyncpg.InvalidPasswordError("no password")
            return made(dsn, **more)

        monkeypatch.setattr(asyncpg, "create_pool", refuse)

    async def ask() -> tuple[str, str, int]:
        pool = await reader_pool(nothing, town_url)
        try:
            async with pool.acquire() as conn:
                for forbidden in (
                    "SELECT * FROM camera",
                    "DELETE FROM open.streets",
                    "SELECT * FROM api_client",
                ):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await conn.execute(forbidden)
                found = await conn.fetchval("SELECT count(*) FROM open.unit_cells")
            async with pool.acquire() as conn:  # a connection that was given back is the reader's still
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await conn.execute("SELECT * FROM case_file")
                return *await conn.fetchrow("SELECT session_user, current_user"), found
        finally:
            pool.terminate()

    session, current, cells = asyncio.run(ask())
    assert (current, cells) == (READER, 208)
    assert (session == READER) == itself


def test_a_database_without_the_role_says_what_to_do(town_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geodata.queries.reader.READER", "nobody_at_all")
    with pytest.raises(TwinError, match=r"no role nobody_at_all.*CREATE ROLE nobody_at_all"):
        asyncio.run(reader_pool(nothing, town_url))
    away = make_url(town_url).set(query={"host": "/nonexistent"}).render_as_string(hide_password=False)
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(reader_pool(nothing, away))


def test_a_reader_cannot_look_behind_the_condition_of_a_view(town_url: str) -> None:
    """The cameras that are not shared stay unseen, whatever a condition computes from their columns."""
    with psycopg.connect(database.psycopg_url(town_url)) as conn:
        conn.execute("SET default_transaction_read_only = off")
        conn.rollback()
        notices: list[str] = []
        conn.add_notice_handler(lambda told: notices.append(told.message_primary or ""))
        conn.execute("SET TRANSACTION READ WRITE")
        conn.execute(
            "CREATE FUNCTION pg_temp.spy(x float8) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS"
            " $$ BEGIN RAISE NOTICE 'saw'; RETURN true; END $$"
        )
        [seen] = conn.execute("SELECT count(*) FROM open.cameras WHERE pg_temp.spy(height_m)").fetchone() or [
            0
        ]
        conn.rollback()
    assert len(notices) == seen > 0


@pytest.mark.parametrize("view", ["cameras", "camera_views"])
def test_a_box_goes_through_the_spatial_index_behind_the_barrier(view: str, town_url: str) -> None:
    box = "ST_MakeEnvelope(24.94, 60.17, 24.95, 60.18, 4490)"
    with psycopg.connect(database.psycopg_url(town_url)) as conn:
        conn.execute("SET LOCAL search_path TO public, extensions")
        conn.execute("SET LOCAL enable_seqscan TO off")
        conn.execute("SET LOCAL ROLE huiyan_reader")
        plan = conn.execute(f"EXPLAIN SELECT * FROM open.{view} WHERE ST_Intersects(geom, {box})").fetchall()
        told = "\n".join(line for (line,) in plan)
        [fast] = conn.execute(
            f"SELECT count(*) FROM open.{view} WHERE ST_Intersects(geom, {box})"
        ).fetchone() or [0]
        [slow] = conn.execute(
            f"SELECT count(*) FROM open.{view} WHERE NOT ST_Disjoint(geom, {box})"
        ).fetchone() or [0]
    assert "Index Cond: (geom &&" in told and f"ix_{view[:-1]}_geom" in told
    assert fast == slow > 0
