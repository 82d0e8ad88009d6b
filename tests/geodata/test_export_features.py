"""Features put together by the database: the same text as its own function makes, and shapes that no bit differs in."""

from __future__ import annotations

import json

import psycopg
import pytest
from sqlalchemy import text

from geodata import database
from geodata.export.arrow import column_types
from geodata.export.blocks import blocks
from geodata.export.features import feature_sql
from geodata.export.parcel import SHAPE, Parcel, opened
from layers.catalogue import LAYERS
from layers.layer import Export

pytestmark = pytest.mark.postgis

HARD = """
(VALUES
 (1, 'a "b" \\ c', NULL, E'two\nlines', 'NaN'::float8, 1.50, true, now(), '{a,NULL}'::text[], '{"k": [1]}'::jsonb,
  'x'::varchar, 3::int2, date '2026-01-31', 'Infinity'::float4, NULL::numeric),
 (2, '}', '{', '', 1e-7, 'NaN', NULL, '-infinity', NULL, 'null', NULL, NULL, NULL, 0.1, 12345678901234567890.5),
 (3, NULL, NULL, NULL, '-Infinity', -0.0, false, NULL, '{}', NULL, '慧眼', -1, 'infinity', NULL, 'NaN'))
"""
NAMES = (
    "a",
    "b",
    "c",
    "real",
    "exact",
    "flag",
    "at",
    "several",
    "body",
    "short",
    "small",
    "day",
    "half",
    "large",
)


@pytest.mark.parametrize("names", [NAMES, NAMES[::-1], NAMES[3:], NAMES[:1], NAMES * 9], ids=len)
def test_properties_are_those_of_the_databases_own_function(
    names: tuple[str, ...], town_database: str
) -> None:
    columns = {f"{name}_{at}": f"t.{name}" for at, name in enumerate(names)}
    columns["sum"] = "(t.real + 1)"
    place = "ST_SetSRID(ST_MakePoint(24.9, 60.1), 4490)"
    rows = f"(SELECT *, {place} AS geom FROM {HARD} AS v (id, {', '.join(NAMES)}))"
    parcel = Parcel("hard", "Hard", "made up", Export(rows, columns), ())
    with opened(parcel) as conn:
        feature = feature_sql(columns, column_types(conn, parcel))
        pairs = [f"'{name}', {each}" for name, each in columns.items()]
        own = " || ".join(  # it takes a hundred arguments at most
            f"substr(left(json_build_object({', '.join(pairs[at : at + 40])})::text, -1), 2)"
            + (" || ', '" if at + 40 < len(pairs) else "")
            for at in range(0, len(pairs), 40)
        )
        found = conn.execute(f"SELECT {feature}, '{{' || {own} || '}}' FROM {rows} t ORDER BY id").fetchall()
    assert len(found) == 3
    for number, (made, properties) in enumerate(found, start=1):
        head = f'{{"type":"Feature","id":{number},"geometry":'
        assert made.startswith(head + '{"type":"Point","coordinates":[24.9,60.1]},"properties":{')
        assert made.endswith(f'"properties":{properties}}}')
        assert len(json.loads(made)["properties"]) == len(columns)


def test_shapes_in_the_other_system_differ_in_no_bit(town_database: str) -> None:
    tables = sorted({layer.export.table for layer in LAYERS.values()})
    with database.connection() as conn:
        for table in tables:
            transformed = "ST_AsEWKB(ST_Transform(t.geom, 4326))"
            differ = conn.scalar(
                text(f"SELECT count(*) FROM {table} t WHERE ST_AsEWKB({SHAPE}) <> {transformed}")
            )
            assert differ == 0, table
        assert conn.scalar(text("SELECT count(*) FROM building")) > 0


@pytest.mark.parametrize("least", [1, 500, 1 << 20])
def test_blocks_are_whole_rows(least: int, town_database: str) -> None:
    with psycopg.connect(town_database) as conn:
        with conn.cursor() as cursor, cursor.copy("COPY (SELECT id, kind FROM poi) TO STDOUT") as copy:
            found = list(blocks(copy, least))
        (count,) = conn.execute("SELECT count(*) FROM poi").fetchone() or (0,)
        with conn.cursor() as cursor, cursor.copy("COPY (SELECT 1 WHERE false) TO STDOUT") as copy:
            assert list(blocks(copy, least)) == []
    assert all(each.endswith(b"\n") for each in found)
    assert all(len(each) >= least for each in found[:-1])
    assert b"".join(found).count(b"\n") == count
