"""Candidates for a placement: sites × headings × lenses, and which demand each of them covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy import sparse

from analysis.checks import require_metric, require_positive
from analysis.errors import InputError
from analysis.placement.walking import walking_reach

__all__ = ["Lens", "candidate_cameras", "candidate_sites", "cover_matrix"]

Frame: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

BRACKET_M = 0.3
"""How far in front of its wall a camera hangs."""
TURN_DEG = 90.0
"""How far from straight ahead a camera on a wall can be turned."""
POSE = ("hfov_deg", "range_m", "height_m", "tilt_deg", "vfov_deg", "resolution_px")


@dataclass(frozen=True)
class Lens:
    """
    A camera that can be bought, or a sign or QR point that can be put up.

    Attributes
    ----------
    name
        How it is called in lists.
    hfov_deg, vfov_deg
        Fields, (0, 360] and (0, 180); a vertical field of None loses no ground under the camera.
    range_m
        How far it is of use, above 0.
    height_m, tilt_deg
        How it is hung; None if it is not known.
    resolution_px
        Picture width; None if it makes no picture.
    cost
        What one costs, 0 or more, in any one currency.
    """

    name: str
    hfov_deg: float
    range_m: float
    height_m: float | None = None
    tilt_deg: float | None = None
    vfov_deg: float | None = None
    resolution_px: int | None = None
    cost: float = 1.0


class _Places(NamedTuple):
    """Sites of one kind: row of their frame, coordinates, facing."""

    kind: str
    row: Ints
    at: Floats
    facing_deg: Floats
    frame: Frame


def candidate_sites(
    *,
    poles: Frame | None = None,
    streets: Frame | None = None,
    buildings: Frame | None = None,
    spacing_m: float = 25.0,
    offset_m: float = 4.0,
    near_street_m: float = 30.0,
) -> gpd.GeoDataFrame:
    """
    Where something could hang or stand: poles that are there, new ones along streets, walls that face a street.

    Parameters
    ----------
    poles
        Points of lamps or poles; each is a site.
    streets
        Lines; new poles stand every `spacing_m` metres, by turns `offset_m` metres to the left and to the
        right, but not inside `buildings`.
    buildings
        Footprints; sites hang 0.3 m in front of the outer walls, every `spacing_m` metres, where no other
        footprint is in the way and, if `streets` are given, one of them is within `near_street_m` metres.
    spacing_m, offset_m, near_street_m
        Metres; the first above 0, the others 0 or more.

    Returns
    -------
    sites
        Counted from 0. Columns `kind` (pole, street or wall), `source` (label of the pole, street or
        building), `facing_deg` (clockwise from north, straight away from the wall; not a number unless on a
        wall); points in the CRS of what was given.

    Raises
    ------
    CrsError
        If one is not in metres, or two differ.
    InputError
        If nothing was given, or a distance is out of range.
    """
    given = {"poles": poles, "streets": streets, "buildings": buildings}
    frames = {name: frame for name, frame in given.items() if frame is not None}
    if not frames:
        raise InputError(
            "There is nothing to hang cameras on.", "Give poles, streets or buildings as frames in metres."
        )
    require_metric(**frames)
    require_positive("spacing_m", spacing_m)
    require_positive("offset_m", offset_m, zero=True)
    require_positive("near_street_m", near_street_m, zero=True)
    walls = None if buildings is None else shapely.STRtree(_shapes(buildings))
    parts: list[_Places] = []
    if poles is not None:
        at = shapely.get_coordinates(_points(poles))
        parts.append(_Places("pole", np.arange(len(poles)), at, np.full(len(poles), np.nan), poles))
    if streets is not None:
        row, at = _along_streets(_shapes(streets), spacing_m, offset_m, walls)
        parts.append(_Places("street", row, at, np.full(row.size, np.nan), streets))
    if buildings is not None:
        row, at, facing = _along_walls(_shapes(buildings), spacing_m, walls)
        if streets is not None:
            tree = shapely.STRtree(_shapes(streets))
            near = np.unique(tree.query(shapely.points(at), predicate="dwithin", distance=near_street_m)[0])
            row, at, facing = row[near], at[near], facing[near]
        parts.append(_Places("wall", row, at, facing, buildings))
    columns = {
        "kind": np.concatenate([np.full(len(part.row), part.kind, dtype=object) for part in parts]),
        "source": np.concatenate([part.frame.index.to_numpy()[part.row] for part in parts]),
        "facing_deg": np.concatenate([part.facing_deg for part in parts]),
    }
    points = shapely.points(np.concatenate([part.at for part in parts]))
    return gpd.GeoDataFrame(columns, geometry=points, crs=parts[0].frame.crs)


def candidate_cameras(
    sites: Frame,
    headings: int | Sequence[float] = 8,
    *,
    lenses: Sequence[Lens] | None = None,
    hfov_deg: float = 90.0,
    range_m: float = 60.0,
    height_m: float | None = None,
    tilt_deg: float | None = None,
    vfov_deg: float | None = None,
) -> gpd.GeoDataFrame:
    """
    One camera for every site, heading and lens, ready for `visible_polygons`.

    A lens that sees all around (360°) is tried with the first heading only. A site on a wall, which has a
    `facing_deg`, gets only headings within 90° of it.

    Parameters
    ----------
    sites
        Points where a camera could hang, in a projected CRS in metres; a column `cost` is added to the cost
        of the lens.
    headings
        So many, evenly from north clockwise, or a list of degrees in [0, 360).
    lenses
        What can be hung there; they bring their pose and their cost.
    hfov_deg, range_m, height_m, tilt_deg, vfov_deg
        Pose and lens of all of them, as in `visible_polygons`, where no `lenses` are given; a column is left
        out if not given.

    Returns
    -------
    candidates
        Columns `site` (label of the site), `heading_deg`, lens and pose, with `lenses` also `lens` (name) and
        `cost`; rows counted from 0, as the rows of `cover_matrix` are.

    Raises
    ------
    CrsError
        If `sites` is not in metres.
    InputError
        If there is no heading or no lens, one is out of range, or a name or cost is not usable.
    """
    require_metric(sites=sites)
    turns = _turns(headings)
    plain = lenses is None
    kinds = [Lens("", hfov_deg, range_m, height_m, tilt_deg, vfov_deg)] if lenses is None else list(lenses)
    _require_lenses(kinds)
    whole = np.array([lens.hfov_deg >= 360 for lens in kinds])
    site, turn, kind = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(len(sites)), np.arange(turns.size), np.arange(len(kinds)), indexing="ij"
        )
    )
    kept = ~whole[kind] | (turn == 0)
    if isinstance(sites, gpd.GeoDataFrame) and "facing_deg" in sites.columns:
        facing = sites["facing_deg"].to_numpy(dtype=float)[site]
        aside = np.abs((turns[turn] - facing + 180.0) % 360.0 - 180.0)
        kept &= np.isnan(facing) | (aside <= TURN_DEG) | whole[kind]
    site, turn, kind = site[kept], turn[kept], kind[kept]
    columns: dict[str, npt.NDArray[np.generic]] = {
        "site": sites.index.to_numpy()[site],
        "heading_deg": turns[turn],
    }
    for name in POSE:
        values = np.array([getattr(lens, name) for lens in kinds], dtype=float)
        if not np.isnan(values).all():
            columns[name] = values[kind]
    if not plain:
        extra = sites["cost"].to_numpy(dtype=float) if "cost" in sites else np.zeros(len(sites))
        require_positive("cost of sites", extra, zero=True)
        columns["lens"] = np.array([lens.name for lens in kinds], dtype=object)[kind]
        columns["cost"] = np.array([lens.cost for lens in kinds], dtype=float)[kind] + extra[site]
    return gpd.GeoDataFrame(columns, geometry=_shapes(sites)[site], crs=sites.crs)


def cover_matrix(
    views: Frame, points: Frame, *, distance_m: float | None = None, streets: Frame | None = None
) -> sparse.csr_matrix:
    """
    Which candidate covers which point of demand: by what it sees, or by how far one has to go.

    For demand in cells, take `coverage.share_matrix(cells, views) >= 0.5` or the like instead.

    Parameters
    ----------
    views
        Ground that each candidate sees, in a projected CRS in metres; or, with `distance_m`, the places of
        signs or QR points.
    points
        Points of demand, in the CRS of `views`.
    distance_m
        A place covers the demand that is at most so far away, metres above 0: as the crow flies, or along
        `streets`.
    streets
        Lines that one walks along, in the CRS of `views`; they meet where they share a corner. From a place
        to the nearest street it is straight.

    Returns
    -------
    covers
        Views in rows, points in columns; 1 where the point lies in the view or on its edge, or within the
        distance.

    Raises
    ------
    CrsError
        If one is not in metres, or two differ.
    InputError
        If the distance is out of range, streets are given without one, or a place is not a point.
    """
    frames = {"views": views, "points": points} | ({} if streets is None else {"streets": streets})
    require_metric(**frames)
    shape = (len(views), len(points))
    if distance_m is None:
        if streets is not None:
            raise InputError(
                "streets are given, but no distance to walk along them.", "Give distance_m, such as 150."
            )
        tree = shapely.STRtree(_shapes(points))
        view, point = tree.query(_shapes(views), predicate="intersects")
    else:
        require_positive("distance_m", distance_m)
        starts, ends = _points(views), _points(points)
        if streets is None:
            view, point = shapely.STRtree(ends).query(starts, predicate="dwithin", distance=distance_m)
        else:
            view, point = walking_reach(starts, ends, _shapes(streets), distance_m)
    return sparse.csr_matrix((np.ones(view.size, np.int8), (view, point)), shape=shape)


def _shapes(frame: Frame) -> Shapes:
    return np.asarray(frame.geometry.array, dtype=object)


def _points(frame: Frame) -> Shapes:
    """Shapes that are all points."""
    shapes = _shapes(frame)
    good = (shapely.get_type_id(shapes) == shapely.GeometryType.POINT) & ~shapely.is_empty(shapes)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InputError(
            "Row {row} is {kind}, not a point.",
            "Give one point for each place; take the centroid of an area.",
            row=frame.index[row],
            kind="missing" if shapes[row] is None else shapes[row].geom_type,
        )
    return shapes


def _turns(headings: int | Sequence[float]) -> Floats:
    """Headings in degrees."""
    if isinstance(headings, int):
        require_positive("headings", headings)
        return np.arange(headings) * 360.0 / headings
    turns = np.asarray(headings, dtype=float)
    if not turns.size or not ((turns >= 0) & (turns < 360)).all():
        raise InputError(
            "headings is {value}; each must be in [0, 360), and there must be one.",
            "Give a number of headings, such as 8, or degrees clockwise from north.",
            value=turns.tolist(),
        )
    return turns


def _require_lenses(lenses: Sequence[Lens]) -> None:
    """Every lens has a name of its own, a field, a range and a cost that can be."""
    if not lenses:
        raise InputError("There is no lens to choose from.", "Name at least one.")
    names = [lens.name for lens in lenses]
    for lens in lenses:
        if names.count(lens.name) > 1:
            raise InputError(
                "Two lenses are called {name!r}.", "Give each a name of its own.", name=lens.name
            )
        if not 0 < lens.hfov_deg <= 360:
            raise InputError(
                "hfov_deg of lens {name!r} is {value}; it must be in (0, 360].",
                "Give the horizontal field in degrees.",
                name=lens.name,
                value=lens.hfov_deg,
            )
        require_positive(f"range_m of lens {lens.name!r}", lens.range_m)
        require_positive(f"cost of lens {lens.name!r}", lens.cost, zero=True)


def _along(lines: Shapes, spacing_m: float) -> tuple[Ints, Floats, Floats]:
    """Places about `spacing_m` apart along lines: line, coordinates, unit direction of the line there."""
    corners, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.r_[True, owner[1:] != owner[:-1]][: owner.size]
    step = np.diff(corners, axis=0, prepend=corners[:1])
    total = np.cumsum(np.where(first, 0.0, np.hypot(*step.T)))
    length = shapely.length(lines)
    number = np.where(length > 0, np.maximum(np.rint(length / spacing_m), 1), 0).astype(np.int64)
    line = np.repeat(np.arange(len(lines)), number)
    order = np.arange(line.size) - np.repeat(np.cumsum(number) - number, number)
    begins = np.zeros(len(lines))
    begins[owner[first]] = total[first]
    along = begins[line] + (order + 0.5) * (length / np.maximum(number, 1))[line]
    corner = np.searchsorted(total, along, side="right") - 1
    way = step[corner + 1] / np.hypot(*step[corner + 1].T)[:, None]
    return line, corners[corner] + way * (along - total[corner])[:, None], way


def _along_streets(
    streets: Shapes, spacing_m: float, offset_m: float, walls: shapely.STRtree | None
) -> tuple[Ints, Floats]:
    """Street and coordinates of new poles, left and right by turns."""
    lines, street = shapely.get_parts(streets, return_index=True)
    part, at, way = _along(lines, spacing_m)
    side = np.where(np.arange(part.size) % 2 == 0, 1.0, -1.0)[:, None]
    at = at + side * offset_m * np.column_stack([-way[:, 1], way[:, 0]])
    free = np.ones(part.size, dtype=bool)
    if walls is not None:
        free[walls.query(shapely.points(at), predicate="intersects")[0]] = False
    return street[part[free]], at[free]


def _along_walls(
    buildings: Shapes, spacing_m: float, walls: shapely.STRtree | None
) -> tuple[Ints, Floats, Floats]:
    """Building, coordinates and facing of brackets on outer walls."""
    polygons, building = shapely.get_parts(buildings, return_index=True)
    areal = shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON
    rings = shapely.get_exterior_ring(shapely.orient_polygons(polygons[areal]))
    ring, at, way = _along(rings, spacing_m)
    out = np.column_stack([way[:, 1], -way[:, 0]])  # the building is on the left of its ring
    at = at + BRACKET_M * out
    free = np.ones(ring.size, dtype=bool)
    if walls is not None:
        free[walls.query(shapely.points(at), predicate="intersects")[0]] = False
    facing = np.rad2deg(np.arctan2(out[:, 0], out[:, 1])) % 360.0
    return building[areal][ring[free]], at[free], facing[free]
