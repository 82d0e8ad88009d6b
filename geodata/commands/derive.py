"""Places that follow from others: where no camera may look, where nobody may park, and where patrols went."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG
from geodata.commands.datasets import Provenance, record
from geodata.commands.simulate import DAYS, first_moment
from geodata.ingest.copying import copy_rows
from geodata.progress import Progress, silent
from geodata.queries.frames import read_frame
from geodata.towns.town import Town

__all__ = [
    "BUILDING_KINDS",
    "POI_KINDS",
    "derive_no_parking_areas",
    "derive_patrol_tracks",
    "derive_places",
    "derive_restricted_areas",
]

BUILDING_KINDS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        (
            *("apartments", "residential", "house", "detached", "semidetached_house", "terrace"),
            *("bungalow", "farm", "villa", "static_caravan", "houseboat"),
        ),
        "dwelling",
    )
    | dict.fromkeys(("hotel", "hostel", "guest_house", "motel"), "guest_room")
    | {"dormitory": "dormitory", "toilets": "toilet", "bathhouse": "bathing", "sauna": "bathing"}
)
"""Use of a building (OpenStreetMap's words) → what it holds that no camera may look into."""
POI_KINDS: Mapping[str, tuple[str, float]] = MappingProxyType(
    dict.fromkeys(("hotel", "hostel", "guest_house", "motel", "apartment"), ("guest_room", 15.0))
    | dict.fromkeys(("dormitory", "student_accommodation", "nursing_home"), ("dormitory", 15.0))
    | dict.fromkeys(("sauna", "public_bath", "spa"), ("bathing", 10.0))
    | dict.fromkeys(("changing_room", "dressing_room"), ("changing", 5.0))
    | {"toilets": ("toilet", 4.0)}
)
"""Category of a point → (kind, metres around it that are taken to be private where no building holds it)."""
SMALL_ROOMS = frozenset({"toilet", "changing"})
"""Rooms that are a small part of the building that holds them: a disc around the point, never the building."""
STRIP_M = 2.5
"""Width of a standing car with its doors, on the carriageway's side of the kerb."""
FORBIDDING = ("no_parking", "no_stopping")
PATROL_DAYS = 30
FIRST_HOUR, LAST_HOUR = 7.0, 18.0
"""Patrols set out in between, in the town's time."""
SIMPLE_M = 0.5
SEED = 799
"""Keeps the patrols apart from everything else that is drawn from the town's seed."""
MAIN_STREETS = frozenset({"motorway", "trunk", "primary", "secondary", "tertiary"})


@dataclass(frozen=True)
class Beat:
    """How the patrols of one level go: level of the area, means, metres seen to each side, pace, length, how often."""

    level: str
    kind: str
    means: str
    width_m: float
    speed_kmh: float
    length_m: float
    a_day: int


BEATS = (
    Beat("district", "county", "vehicle", 20.0, 22.0, 12_000.0, 3),
    Beat("street", "street", "vehicle", 15.0, 15.0, 6_000.0, 1),
    Beat("community", "community", "foot", 12.0, 4.0, 2_500.0, 1),
)

_RESTRICTED = Provenance(
    "Huiyan",
    "ODbL-1.0",
    "use of buildings as tagged; rooms known only as a point: the building that holds it, or a disc around it",
    simulated=True,
)
_NO_PARKING = Provenance(
    "Huiyan",
    "ODbL-1.0",
    "strip of 2.5 m on the carriageway's side of kerbs whose rule is no_parking or no_stopping",
    simulated=False,
)
_TRACKS = Provenance(
    "Huiyan",
    "ODbL-1.0",
    "simulated: walks along the streets that prefer what was visited least, in three levels, over 30 days",
    simulated=True,
)


def derive_places(session: Session, town: Town, progress: Progress = silent) -> dict[str, int]:
    """
    Replaces restricted areas, no-parking areas and patrol tracks by what streets, kerbs, buildings and points of
    interest imply; returns the rows of each.

    What rests on an assumption rather than on a tag is marked as simulated; `source` names the tag.
    """
    progress(0, 3, "Finding where no camera may look")
    found = {"restricted_area": derive_restricted_areas(session, town)}
    progress(1, 3, "Drawing no-parking areas")
    found["no_parking_area"] = derive_no_parking_areas(session, town)
    progress(2, 3, "Simulating patrols")
    found["patrol_track"] = derive_patrol_tracks(session, town)
    progress(3, 3, "Derived places are ready")
    return found


def derive_restricted_areas(session: Session, town: Town) -> int:
    """
    Writes guest rooms, dormitories, toilets, bathing and changing rooms, and dwellings; returns how many.

    A building whose use says so is one as it stands. A point of interest stands for the building that holds it, which
    is an assumption and marked as simulated; toilets and changing rooms, and points in no building, are discs.
    """
    session.execute(text("DELETE FROM restricted_area"))
    epsg = town.metric_epsg
    tagged = read_frame(
        session,
        "SELECT id, use, name, simulated, geom FROM building WHERE use = ANY(:uses) ORDER BY id",
        {"uses": list(BUILDING_KINDS)},
    )
    tagged = tagged.assign(kind=tagged["use"].map(BUILDING_KINDS), source="building=" + tagged["use"])
    spots = read_frame(
        session,
        "SELECT id, kind AS key, category, name, geom FROM poi WHERE category = ANY(:categories) ORDER BY id",
        {"categories": list(POI_KINDS)},
    ).to_crs(epsg)
    holding = read_frame(
        session,
        "SELECT p.id, b.id AS building_id, b.geom FROM poi p JOIN building b ON ST_Covers(b.geom, p.geom)"
        " WHERE p.category = ANY(:categories) ORDER BY p.id, b.id",
        {"categories": list(POI_KINDS)},
    ).to_crs(epsg)
    holding = holding[~holding.index.duplicated()]
    shapes, keep = [], []
    known: set[tuple[str, int]] = set(zip(tagged["kind"], tagged.index, strict=True))
    for spot in spots.itertuples():
        kind, around_m = POI_KINDS[spot.category]
        if spot.Index not in holding.index or kind in SMALL_ROOMS:
            shapes.append(spot.geom.buffer(around_m))
            keep.append(True)
            continue
        building = int(holding.at[spot.Index, "building_id"])
        shapes.append(holding.geometry.at[spot.Index])
        keep.append(
            (kind, building) not in known
        )  # several points in one building, or a building that says so
        known.add((kind, building))
    implied = gpd.GeoDataFrame(
        {
            "kind": [POI_KINDS[category][0] for category in spots["category"]],
            "name": spots["name"],
            "source": spots["key"] + "=" + spots["category"],
            "simulated": True,
        },
        geometry=shapes,
        crs=epsg,
    )[np.array(keep, dtype=bool)]
    parts = [tagged[["kind", "name", "source", "simulated", "geom"]].rename_geometry("geometry")]
    rows = pd.concat([*parts, implied.to_crs(STORAGE_EPSG)], ignore_index=True)
    count = _write(session, "restricted_area", gpd.GeoDataFrame(rows, geometry="geometry", crs=STORAGE_EPSG))
    _note(session, town, "restricted_area", _RESTRICTED, "building", simulated=bool(rows["simulated"].any()))
    return count


def derive_no_parking_areas(session: Session, town: Town) -> int:
    """Writes a strip of 2.5 m on the carriageway's side of every kerb that forbids parking; returns how many."""
    session.execute(text("DELETE FROM no_parking_area"))
    epsg = town.metric_epsg
    sql = (
        "SELECT k.id, k.rule, k.simulated, {geometry} AS geom FROM kerb k"
        " JOIN street_edge s ON s.id = k.street_edge_id WHERE k.rule = ANY(:rules) ORDER BY k.id"
    )
    sides = read_frame(session, sql.format(geometry="k.geom"), {"rules": list(FORBIDDING)}).to_crs(epsg)
    middle = read_frame(session, sql.format(geometry="s.geom"), {"rules": list(FORBIDDING)}).to_crs(epsg)
    strips = _strips(sides.geometry.to_numpy(), middle.geometry.to_numpy())
    rows = gpd.GeoDataFrame(
        {
            "kerb_id": sides.index,
            "rule": sides["rule"].to_numpy(),
            "simulated": sides["simulated"].to_numpy(),
        },
        geometry=strips,
        crs=epsg,
    )
    count = _write(session, "no_parking_area", rows)
    _note(session, town, "no_parking_area", _NO_PARKING, "kerb", simulated=bool(rows["simulated"].any()))
    return count


def derive_patrol_tracks(session: Session, town: Town) -> int:
    """
    Writes simulated patrols of the last 30 days of the town's simulated year; returns how many.

    Three levels: vehicles of the district on main streets, vehicles of each street on drivable ones, people on foot in
    each community. The same town has the same patrols.
    """
    session.execute(text("DELETE FROM patrol_track"))
    epsg = town.metric_epsg
    rng = np.random.default_rng([town.seed, SEED])
    roads = read_frame(
        session, "SELECT id, highway, drivable, length_m, geom FROM street_edge ORDER BY id"
    ).to_crs(epsg)
    areas = read_frame(session, "SELECT id, kind, geom FROM area ORDER BY code").to_crs(epsg)
    middle = shapely.line_interpolate_point(roads.geometry.to_numpy(), 0.5, normalized=True)
    tree = shapely.STRtree(middle)
    last = first_moment(town) + dt.timedelta(days=DAYS)
    days = [(last - dt.timedelta(days=back)).date() for back in range(PATROL_DAYS, 0, -1)]
    rows = []
    for beat in BEATS:
        for area in areas.geometry[areas["kind"] == beat.kind]:
            inside = np.sort(tree.query(area, predicate="intersects"))
            streets = _Streets.of(_walked(roads.iloc[inside], beat))
            for began_at, line in _patrols(streets, beat, days, town, rng):
                lasted = dt.timedelta(hours=line.length / 1000 / beat.speed_kmh)
                rows.append((beat.level, beat.means, began_at, began_at + lasted, beat.width_m, line))
    columns = ["level", "means", "began_at", "ended_at", "width_m", "geometry"]
    tracks = gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=epsg)
    tracks["simulated"] = True
    tracks = tracks.sort_values("began_at", kind="stable")
    copy_rows(session, "patrol_track", tracks.to_crs(STORAGE_EPSG))
    _note(session, town, "patrol_track", _TRACKS, "street_edge", simulated=True)
    return len(tracks)


def _strips(sides: npt.NDArray[np.object_], middle: npt.NDArray[np.object_]) -> list[shapely.MultiPolygon]:
    """A strip beside each kerb line, on the side where the middle of its street is."""
    style = {"single_sided": True, "cap_style": "flat", "join_style": "mitre"}
    left, right = (shapely.buffer(sides, sign * STRIP_M, **style) for sign in (1, -1))
    near = [shapely.distance(shapely.centroid(strip), middle) for strip in (left, right)]
    return [_multipolygon(strip) for strip in np.where(near[0] <= near[1], left, right)]


def _walked(roads: gpd.GeoDataFrame, beat: Beat) -> gpd.GeoDataFrame:
    """Streets that a beat uses: main ones for the district if there are any, drivable ones for vehicles, else all."""
    if beat.means == "vehicle":
        roads = roads[roads["drivable"].astype(bool)]
    if beat.level == "district":
        main = roads[roads["highway"].astype(str).str.removesuffix("_link").isin(MAIN_STREETS)]
        return main if len(main) else roads
    return roads


@dataclass(frozen=True)
class _Streets:
    """Streets as a graph: the two nodes of each edge, the edges at each node, points of each edge, its length."""

    ends: list[tuple[int, int]]
    at: dict[int, list[int]]
    points: list[npt.NDArray[np.float64]]
    length_m: list[float]

    @classmethod
    def of(cls, roads: gpd.GeoDataFrame) -> _Streets:
        """
        Streets cut where they meet, of which the longest net that hangs together: nobody drives from one into another.
        """
        points, owner = shapely.get_coordinates(roads.geometry.to_numpy(), return_index=True)
        _, node, met = np.unique(np.round(points, 1), axis=0, return_inverse=True, return_counts=True)
        tip = np.ones(len(owner), dtype=bool)
        tip[1:-1] = (owner[1:-1] != owner[:-2]) | (owner[1:-1] != owner[2:])
        cuts = np.flatnonzero(tip | (met[node] > 1))
        start, end = cuts[:-1], cuts[1:]
        along = owner[start] == owner[end]
        start, end = start[along], end[along]
        lines = shapely.simplify(
            np.array(
                [shapely.LineString(points[a : b + 1]) for a, b in zip(start, end, strict=True)], dtype=object
            ),
            SIMPLE_M,
        )
        if len(lines):
            net = _nets(node[start], node[end], len(met))
            whole = net == np.bincount(net, weights=shapely.length(lines)).argmax()
            lines, start, end = lines[whole], start[whole], end[whole]
        ends = [(int(a), int(b)) for a, b in zip(node[start], node[end], strict=True)]
        at: dict[int, list[int]] = {}
        for edge, both in enumerate(ends):
            for each in dict.fromkeys(both):
                at.setdefault(each, []).append(edge)
        return cls(
            ends, at, [shapely.get_coordinates(line) for line in lines], shapely.length(lines).tolist()
        )

    def walk(self, length_m: float, visits: list[int], rng: np.random.Generator) -> shapely.LineString:
        """A walk from the least visited edge on, always to the least visited next one; counts its visits."""
        edge = _least(range(len(self.ends)), visits, rng)
        node, gone, path = self.ends[edge][0], 0.0, []
        while True:
            start, end = self.ends[edge]
            path.append(self.points[edge] if start == node else self.points[edge][::-1])
            visits[edge] += 1
            gone += self.length_m[edge]
            node = end if start == node else start
            if gone >= length_m:
                return shapely.LineString(np.vstack(path))
            edge = _least([each for each in self.at[node] if each != edge] or [edge], visits, rng)


def _nets(start: npt.NDArray[np.intp], end: npt.NDArray[np.intp], nodes: int) -> npt.NDArray[np.int32]:
    """Number of the net that each edge belongs to."""
    links = sparse.coo_matrix((np.ones(len(start)), (start, end)), shape=(nodes, nodes))
    found: npt.NDArray[np.int32] = csgraph.connected_components(links, directed=False)[1]
    return found[start]


def _least(edges: Sequence[int], visits: list[int], rng: np.random.Generator) -> int:
    """One of the least visited edges, by chance."""
    fewest = min(visits[edge] for edge in edges)
    least = [edge for edge in edges if visits[edge] == fewest]
    return least[int(rng.random() * len(least))]


def _patrols(
    streets: _Streets, beat: Beat, days: list[dt.date], town: Town, rng: np.random.Generator
) -> Iterator[tuple[dt.datetime, shapely.LineString]]:
    """When each patrol of an area set out, and where it went."""
    if sum(streets.length_m) <= 0:
        return
    visits = [0] * len(streets.ends)
    for day in days:
        for _ in range(beat.a_day):
            hour = dt.timedelta(hours=float(rng.uniform(FIRST_HOUR, LAST_HOUR)))
            midnight = dt.datetime(day.year, day.month, day.day, tzinfo=town.time_zone)
            line = streets.walk(beat.length_m, visits, rng)
            yield (midnight + hour).astimezone(dt.UTC), line


def _write(session: Session, table: str, rows: gpd.GeoDataFrame) -> int:
    """Writes the rows that have an area and returns how many."""
    rows = rows.set_geometry([_multipolygon(shape) for shape in rows.geometry], crs=rows.crs)
    return copy_rows(session, table, rows[~rows.geometry.is_empty].to_crs(STORAGE_EPSG))


def _note(session: Session, town: Town, table: str, made: Provenance, base: str, *, simulated: bool) -> None:
    """Notes the dataset under source and licence of the one it rests on."""
    row = session.execute(
        text("SELECT source, licence FROM dataset WHERE name = :name"), {"name": base}
    ).first()
    if row is not None:
        made = replace(made, source=row.source, licence=row.licence)
    record(session, table, town.name, replace(made, simulated=simulated))


def _multipolygon(shape: shapely.Geometry) -> shapely.MultiPolygon:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0]
    return shapely.MultiPolygon(parts)
