"""GeoPackages of strangers: tables are read, what computes is refused before anybody opens it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from geodata.errors import IngestError
from geodata.ingest.formats import opened
from geodata.ingest.sqlite import require_tables_only
from geodata.ingest.tables import open_table

FOR_EVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


def package(folder: Path, *statements: str) -> Path:
    """A GeoPackage as GDAL writes it, changed by hand."""
    path = folder / "cameras.gpkg"
    rows = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.Point(24.94, 60.17)], crs=4326)
    pyogrio.write_dataframe(rows, path, layer="cameras")
    with closing(sqlite3.connect(path)) as link:
        for each in statements:
            link.execute(each)
        link.commit()
    return path


def test_tables_with_their_index_are_read(tmp_path: Path) -> None:
    path = package(tmp_path)
    with closing(sqlite3.connect(path)) as link:
        assert link.execute("SELECT count(*) FROM sqlite_master WHERE sql LIKE '%rtree%'").fetchone() > (0,)
    require_tables_only("c", path)
    with opened(path) as source:
        assert source.rows == 1
    assert len(open_table("c.gpkg", path.read_bytes()).rows) == 1


def test_views_that_programs_write_do_no_harm(tmp_path: Path) -> None:
    require_tables_only(
        "c",
        package(
            tmp_path,
            "CREATE VIEW st_spatial_ref_sys AS SELECT srs_name, srs_id, definition FROM gpkg_spatial_ref_sys",
            "CREATE VIEW st_geometry_columns AS SELECT table_name, g.srs_id, srs_name FROM gpkg_geometry_columns AS g"
            " JOIN gpkg_spatial_ref_sys AS s WHERE g.srs_id = s.srs_id",
            "CREATE VIEW geometry_columns AS SELECT table_name AS f_table_name, code4name (geometry_type_name) AS"
            " geometry_type, 2 + (CASE z WHEN 1 THEN 1 ELSE 0 END) AS coord_dimension FROM gpkg_geometry_columns",
        ),
    )


@pytest.mark.parametrize(
    "statement",
    [
        f"CREATE VIEW seen AS {FOR_EVER}",
        f"CREATE VIEW st_spatial_ref_sys AS {FOR_EVER}",
        "CREATE VIEW spatial_ref_sys AS SELECT 1 FROM cameras a, cameras b, cameras c",
        "create /* no */ view 'seen' -- none\n as select 1",
        "CREATE VIRTUAL TABLE seen USING fts5(code)",
        "CREATE VIRTUAL TABLE seen USING fts5(code, content = 'x using rtree (y')",
        'CREATE VIRTUAL TABLE "a using rtree (" USING fts5(code)',
        "CREATE VIEW spatial_ref_sys AS SELECT hex(zeroblob(900000000)) AS srid FROM gpkg_spatial_ref_sys",
        "CREATE VIEW spatial_ref_sys AS SELECT \"hex\" ('a') AS srid FROM gpkg_spatial_ref_sys",
    ],
)
def test_what_computes_is_refused_at_both_doors(tmp_path: Path, statement: str) -> None:
    path = package(tmp_path, statement)
    with pytest.raises(IngestError, match="holds a view"), opened(path):
        pass
    with pytest.raises(IngestError, match="holds a view"):
        open_table("c.gpkg", path.read_bytes())


def test_a_column_that_computes_is_refused(tmp_path: Path) -> None:
    for n, column in enumerate(("b GENERATED ALWAYS AS (a + 1)", "b INTEGER as (a + 1) STORED")):
        (tmp_path / str(n)).mkdir()
        path = package(tmp_path / str(n), f"CREATE TABLE sums (a INTEGER, {column})")
        with pytest.raises(IngestError, match="computed column: sums"):
            require_tables_only("c", path)


def test_a_damaged_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.gpkg"
    path.write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    with pytest.raises(IngestError, match="cannot be read"):
        require_tables_only("c", path)
