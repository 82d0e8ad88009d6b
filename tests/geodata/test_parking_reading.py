"""A town's parking kept from one start to the next: never old figures, and a damaged file is no harm."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from analysis.errors import InputError, Term
from geodata import database
from geodata.parts import files
from geodata.parts.trees import from_bytes, to_bytes
from geodata.queries import parking as queries
from geodata.queries import parking_reading as readings
from geodata.queries.datasets import loaded_town
from geodata.queries.parking_access import Rules
from geodata.settings import settings

WEEK = queries.week_hours("all", 0, 24)


@dataclass(frozen=True, eq=False)
class Held:
    """Some of everything."""

    name: str
    at: dt.datetime
    parts: dict[str, Any]
    _memory: list[int] = field(default_factory=list)


def same(one: Any, other: Any, path: str = "value") -> None:  # noqa: PLR0912 - one branch a kind
    """Fails where two nested values differ, in kind too."""
    assert type(one) is type(other), path
    if is_dataclass(one):
        for each in fields(one):
            if not each.name.startswith("_memory") and each.name != "_needs":
                same(getattr(one, each.name), getattr(other, each.name), f"{path}.{each.name}")
    elif isinstance(one, dict):
        assert list(one) == list(other), path
        for key in one:
            same(one[key], other[key], f"{path}[{key}]")
    elif isinstance(one, (tuple, list)):
        assert len(one) == len(other), path
        for row, (first, second) in enumerate(zip(one, other, strict=True)):
            same(first, second, f"{path}[{row}]")
    elif isinstance(one, InputError):
        assert one.told() == other.told(), path
    elif isinstance(one, gpd.GeoDataFrame):
        assert one.geometry.name == other.geometry.name, path
        same(one.geometry, other.geometry, path)
        pd.testing.assert_frame_equal(
            pd.DataFrame(one.drop(columns=one.geometry.name)),
            pd.DataFrame(other.drop(columns=other.geometry.name)),
        )
    elif isinstance(one, gpd.GeoSeries):
        assert one.crs == other.crs and one.name == other.name, path
        assert np.array_equal(shapely.to_wkb(one.to_numpy()), shapely.to_wkb(other.to_numpy())), path
        pd.testing.assert_index_equal(one.index, other.index)
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
    elif isinstance(one, pd.Series) and any(isinstance(each, InputError) for each in one):
        pd.testing.assert_index_equal(one.index, other.index)
        same(list(one), list(other), path)
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other)
    elif isinstance(one, pd.Index):
        pd.testing.assert_index_equal(one, other, exact=True)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape, path
        if one.dtype == object and one.size and isinstance(one.flat[0], shapely.Geometry):
            one, other = shapely.to_wkb(one), shapely.to_wkb(other)
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), path
    elif isinstance(one, shapely.STRtree):
        same(one.geometries, other.geometries, path)
    else:
        assert one == other or (np.isnan(one) and np.isnan(other)), path


def held() -> Held:
    moments = pd.to_datetime(["2026-03-29T00:30Z", "2026-03-29T01:30Z"]).tz_convert("Europe/Helsinki")
    rows = pd.Index([7, 3], name="id")
    points = [shapely.Point(1, 2), None]
    return Held(
        "some",
        dt.datetime(2026, 3, 29, 5, tzinfo=ZoneInfo("Europe/Helsinki")),
        {
            "plain": (1, -2.5, True, None, [float("nan"), "words · 词"]),
            "number": np.int32(4),
            "arrays": [
                np.arange(6).reshape(2, 3),
                np.array([True]),
                np.zeros((0, 4)),
                np.array([1, 2], dtype=object),
            ],
            "mixed": np.array([None, "a", 1.5, True], dtype=object),
            "shapes": np.array(points, dtype=object),
            "none": gpd.GeoSeries([], crs=3067),
            "tree": shapely.STRtree([shapely.Point(5, 6)]),
            "frame": pd.DataFrame(
                {"at": moments, "word": ["x", None], "n": [1, 2], "any": [None, "y"]}, index=rows
            ),
            "table": pd.DataFrame(np.eye(2), columns=range(2)),
            "places": gpd.GeoDataFrame(
                {"kind": ["a", "b"]}, geometry=gpd.GeoSeries(points), crs=4490, index=rows
            ),
            "named": gpd.GeoDataFrame({"geom": points}, geometry="geom", crs=4326),
            "series": pd.Series([1.0, np.nan], index=rows, name="seen_m"),
            "faults": pd.Series(
                {3: InputError("Row {row} is {what}.", "Mend it.", row=3, what=Term("late"))}
            ),
        },
    )


def test_what_was_kept_is_what_was() -> None:
    one = held()
    one._memory.append(1)
    other = from_bytes(to_bytes(one, (Held, InputError)), (Held, InputError))
    same(one, other)
    assert other._memory == [], "what is only remembered begins anew"
    assert to_bytes(one, (Held, InputError)) == to_bytes(other, (Held, InputError))
    other.parts["table"].loc[0, 0] = 5.0  # as writable as what was read


def test_what_cannot_be_kept_is_told() -> None:
    for value in (object(), {1, 2}, held(), np.array([object()], dtype=object), dt.datetime.now(dt.UTC)):
        with pytest.raises(TypeError, match="cannot be kept"):
            to_bytes(value, ())
    with pytest.raises(KeyError):
        from_bytes(to_bytes(held(), (Held, InputError)), (InputError,))


def kept_files() -> list[Path]:
    return sorted((settings().data_dir / files.FOLDER).glob("parking-*"))


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder in which nothing was kept yet."""
    monkeypatch.setattr(settings(), "data_dir", tmp_path)
    yield tmp_path


def read() -> queries.ParkingGround:
    with database.connection() as conn:
        still = conn.execution_options(isolation_level="REPEATABLE READ")
        return readings.read_parking(still, loaded_town(still))


def digest() -> bytes:
    with database.connection() as conn:
        return readings.parking_digest(conn, loaded_town(conn))


def refuse(*_: object) -> queries.ParkingGround:
    raise AssertionError("the town was read")


@pytest.mark.postgis
def test_a_second_start_reads_what_the_first_kept(
    town_database: str, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read()
    assert len(kept_files()) == 1
    monkeypatch.setattr(readings, "load_parking", refuse)
    second = read()
    same(first, second)
    tables = [
        queries.place_table(each, each.now, queries.needed(each, each.now, Rules()), place, WEEK)
        for each in (first, second)
        for place in queries.PLACES
    ]
    for one, other in zip(tables[:2], tables[2:], strict=True):
        pd.testing.assert_frame_equal(one, other)


@pytest.mark.postgis
def test_a_change_that_nobody_noted_shows_new_figures(town_copy: str, data_folder: Path) -> None:
    before = read()
    caught = before.events.rows.index[before.events.rows["source"] == "camera"][:50].tolist()
    with database.transaction() as session:
        session.execute(text("DELETE FROM case_file WHERE id = ANY (:ids)"), {"ids": caught})
    after = read()
    assert len(after.events.rows) == len(before.events.rows) - len(caught)
    totals = [each.now.found.demand[queries.EDGE].places["captures"].sum() for each in (before, after)]
    assert totals[1] < totals[0]
    assert len(kept_files()) == 1, "the older one is gone"


@pytest.mark.postgis
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE exposure SET hours = (SELECT array_agg(h / 2 ORDER BY n) FROM unnest(hours) WITH ORDINALITY AS u(h, n))"
        " WHERE camera_id = (SELECT min(id) FROM camera WHERE NOT demonstration)",
        "UPDATE camera_view SET area_m2 = area_m2 WHERE camera_id = (SELECT min(camera_id) FROM camera_view)",
        "UPDATE car_park SET capacity = capacity + 1 WHERE id = (SELECT min(id) FROM car_park)",
        "UPDATE case_file SET stage = 'void' WHERE id = (SELECT min(id) FROM case_file WHERE source = 'qr')",
        "DELETE FROM poi WHERE id = (SELECT max(id) FROM poi)",
        "UPDATE kerb SET legal = NOT legal WHERE id = (SELECT min(id) FROM kerb WHERE legal IS NOT NULL)",
        "UPDATE area SET name_en = 'Elsewhere' WHERE id = (SELECT max(id) FROM area)",
    ],
)
def test_every_row_that_is_read_counts(town_copy: str, change: str) -> None:
    before = digest()
    assert digest() == before
    with database.transaction() as session:
        assert session.execute(text(change)).rowcount > 0  # type: ignore[attr-defined]
    assert digest() != before


@pytest.mark.postgis
def test_hours_of_the_demonstration_do_not_count(town_copy: str) -> None:
    """They grow with every look, and nobody reads them."""
    before = digest()
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO exposure (camera_id, class_code, month, hours, simulated)"
                " SELECT id, (SELECT min(class_code) FROM exposure), '2031-01-01', array_fill(1.0, ARRAY[168]), true"
                " FROM camera WHERE demonstration"
            )
        )
    assert digest() == before


@pytest.mark.postgis
def test_other_code_reads_anew(town_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest()
    monkeypatch.setattr(readings, "_code", lambda: "another")
    assert digest() != before


@pytest.mark.postgis
@pytest.mark.parametrize("damage", ["cut", "turned", "empty"])
def test_a_damaged_file_is_told_and_made_anew(
    town_database: str, data_folder: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = read()
    (path,) = kept_files()
    whole = path.read_bytes()
    turned = bytearray(whole)
    turned[len(whole) // 2] ^= 0xFF
    path.write_bytes({"cut": whole[:-100], "turned": bytes(turned), "empty": b""}[damage])
    with caplog.at_level(logging.WARNING):
        second = read()
    assert "damaged" in caplog.text
    same(first.now.found, second.now.found)
    assert path.read_bytes() == whole


@pytest.mark.postgis
def test_where_nothing_can_be_kept_the_town_is_read_all_the_same(
    town_database: str, data_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (data_folder / files.FOLDER).write_text("a file where the folder would be")
    with caplog.at_level(logging.WARNING):
        assert read().missing == ()
    assert "cannot be kept" in caplog.text


@pytest.mark.postgis
def test_without_hours_on_record_nothing_is_kept(town_copy: str, data_folder: Path) -> None:
    """The period is then the hour that is, and another at the next start."""
    with database.transaction() as session:
        session.execute(text("DELETE FROM exposure"))
    assert "exposure" in read().missing
    assert not kept_files()
