"""Scenes for tests of views, and an oracle: the ground that many rays find, wall by wall, with nothing clever in it."""

from __future__ import annotations

import math

import geopandas as gpd
import numba
import numpy as np
import shapely
from hypothesis import strategies as st

from analysis.visibility import prepare_obstacles, visible_polygons

UTM = 32635
RAYS = 20_000
ARC_RATIO = 3e-4
"""What chords leave out of an arc."""


def camera(x=0.0, y=0.0, *, heading_deg=0.0, hfov_deg=360.0, range_m=100.0, **pose):
    """One camera, A7."""
    columns = {"heading_deg": [heading_deg], "hfov_deg": [hfov_deg], "range_m": [range_m]}
    columns |= {name: [value] for name, value in pose.items()}
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(x, y)], crs=UTM, index=["A7"])


def obstacles(*shapes, roofs_m=None):
    """Buildings, with heights if they are given."""
    if roofs_m is None:
        return prepare_obstacles(gpd.GeoSeries(list(shapes), crs=UTM))
    buildings = gpd.GeoDataFrame({"roof_m": list(roofs_m)}, geometry=list(shapes), crs=UTM)
    return prepare_obstacles(buildings, height_column="roof_m")


def view(shapes, *, roofs_m=None, **pose):
    """What camera A7 sees among some buildings."""
    return visible_polygons(camera(**pose), obstacles(*shapes, roofs_m=roofs_m)).iloc[0]


def lost_m2(whole, part):
    """Area of what is in `whole` and not in `part`; on a grid of nanometres, or nearly equal lines upset GEOS."""
    return shapely.difference(whole, part, grid_size=1e-9).area


@st.composite
def boxes(draw, most=8, clear_m=0.5):
    """Turned boxes that may overlap, none of them over the camera."""
    shapes = []
    for _ in range(draw(st.integers(0, most))):
        x, y = draw(st.floats(-70, 70)), draw(st.floats(-70, 70))
        w, d, turn = draw(st.floats(1, 25)), draw(st.floats(1, 25)), draw(st.floats(0, 180))
        shapes.append(shapely.affinity.rotate(shapely.box(x - w, y - d, x + w, y + d), turn))
    return [shape for shape in shapes if shape.distance(shapely.Point(0, 0)) > clear_m]


poses = st.fixed_dictionaries(
    {
        "heading_deg": st.floats(0, 360, exclude_max=True),
        "hfov_deg": st.floats(5, 360),
        "range_m": st.floats(5, 120),
    }
)


def seen_by_rays_m2(
    footprints,
    x,
    y,
    *,
    heading_deg,
    hfov_deg,
    range_m,
    near_m=0.0,
    height_m=-math.inf,
    roofs_m=None,
    rays=RAYS,
):
    """
    Area of ground seen, square metres.

    A ray is hidden from where it enters a footprint: for ever if the roof (`roofs_m`, one a footprint; infinite if
    not given) is as high as the camera, else up to height / (height - roof) times where it leaves. Each ray stands
    for its slice of the sector.
    """
    shapes, roofs = np.asarray(footprints, dtype=object), np.full(len(footprints), np.inf)
    if roofs_m is not None:
        roofs = np.asarray(roofs_m, dtype=float)
    near = shapely.dwithin(shapes, shapely.Point(x, y), range_m)
    shapes, roofs = shapes[near], roofs[near]
    drawn = np.array([height_m / (height_m - roof) if roof < height_m else np.inf for roof in roofs])
    rings, owner = shapely.get_rings(shapely.get_parts(shapes)), []
    for k, shape in enumerate(shapes):
        owner += [k] * len(shapely.get_rings(shapely.get_parts(shape)))
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    walls = (np.hstack([corners[:-1], corners[1:]]) - [x, y, x, y])[ring[1:] == ring[:-1]]
    owner = np.asarray(owner, dtype=np.int64)[ring[:-1][ring[1:] == ring[:-1]]]
    starts = np.searchsorted(owner, np.arange(len(shapes) + 1))
    turn = math.radians(hfov_deg) / rays
    first = math.radians(90 - heading_deg - hfov_deg / 2) + turn / 2
    return _cast(np.ascontiguousarray(walls), starts, drawn, first, turn, rays, near_m, range_m)


@numba.njit(cache=True, nogil=True)
def _cast(walls, starts, drawn, first, turn, rays, near, reach):
    hits = np.empty(len(walls) + 1)
    begins, ends = np.empty(len(walls) + 1), np.empty(len(walls) + 1)
    area = 0.0
    for ray in range(rays):
        c, s = math.cos(first + ray * turn), math.sin(first + ray * turn)
        shadows = 0
        for k in range(len(drawn)):
            met = 0
            for w in range(starts[k], starts[k + 1]):
                one = c * walls[w, 1] - s * walls[w, 0]
                other = c * walls[w, 3] - s * walls[w, 2]
                if (one > 0) == (other > 0):
                    continue
                part = one / (one - other)
                along = c * (walls[w, 0] + part * (walls[w, 2] - walls[w, 0]))
                along += s * (walls[w, 1] + part * (walls[w, 3] - walls[w, 1]))
                if along > 0:
                    at = met
                    while at > 0 and hits[at - 1] > along:
                        hits[at] = hits[at - 1]
                        at -= 1
                    hits[at] = along
                    met += 1
            inside = met % 2
            for pair in range((met + 1) // 2):
                begin = hits[2 * pair - inside] if 2 * pair - inside >= 0 else 0.0
                end = hits[2 * pair + 1 - inside] * drawn[k]
                at = shadows
                while at > 0 and begins[at - 1] > begin:
                    begins[at], ends[at] = begins[at - 1], ends[at - 1]
                    at -= 1
                begins[at], ends[at] = begin, end
                shadows += 1
        here = near
        for k in range(shadows):
            if begins[k] > here:
                area += 0.5 * turn * (min(begins[k], reach) ** 2 - here * here)
            here = min(reach, max(here, ends[k]))
        area += 0.5 * turn * max(0.0, reach * reach - here * here)
    return area
