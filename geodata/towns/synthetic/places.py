"""Lamps along the streets, points of interest in the buildings, car parks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from geodata.errors import IngestError
from geodata.towns.synthetic.land import Use

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geodata.towns.synthetic.land import Land
    from geodata.towns.synthetic.lots import Frames

__all__ = ["Sides", "beside", "car_parks_of", "lamps_of", "pois_of"]

_LAMP_ASIDE_M = 0.8
_LAMP_MARGIN_M = 13.0
_BOTH_SIDES = ("primary", "secondary")
_SPACING_M = {"primary": 32.0, "secondary": 32.0, "tertiary": 28.0, "residential": 28.0, "unclassified": 42.0}
_OTHER_SPACING_M = 36.0
_STRETCH = (0.2, 20.0)
_LEAST_APART_M = 4.0
_SPARE = 1.06
"""Lamps that are laid out for each that is wanted: at corners some come too near to one another."""

_SHOPS = {
    ("shop", "convenience"): 0.16,
    ("amenity", "restaurant"): 0.2,
    ("amenity", "fast_food"): 0.08,
    ("shop", "clothes"): 0.12,
    ("shop", "supermarket"): 0.05,
    ("shop", "hairdresser"): 0.08,
    ("shop", "mobile_phone"): 0.05,
    ("shop", "hardware"): 0.06,
    ("amenity", "pharmacy"): 0.05,
    ("amenity", "bank"): 0.04,
    ("amenity", "cafe"): 0.04,
    ("leisure", "fitness_centre"): 0.02,
    ("amenity", "public_bath"): 0.01,
    ("amenity", "clinic"): 0.02,
}
_OFFICES = {("office", "company"): 0.8, ("office", "government"): 0.12, ("office", "estate_agent"): 0.08}
_VILLAGE = {
    ("shop", "convenience"): 0.5,
    ("amenity", "community_centre"): 0.14,
    ("amenity", "clinic"): 0.1,
    ("tourism", "guest_house"): 0.12,
    ("amenity", "restaurant"): 0.14,
}
_ONE_A_BLOCK = {
    "school": ("amenity", "school", "学校"),
    "hospital": ("amenity", "hospital", "医院"),
    "hotel": ("tourism", "hotel", "宾馆"),
    "toilets": ("amenity", "toilets", "公共厕所"),
}
_KINDERGARTEN = ("amenity", "kindergarten", "幼儿园")
_KINDERGARTEN_RATIO = 0.12
_HOMES = ("apartments", "terrace")
_AT_GATE = ("school", "kindergarten")
_GATE_ASIDE_M = 1.5


class Sides(NamedTuple):
    """Places beside streets: points, the street's bearing there and the way to its middle, unit vectors, (n, 2)."""

    at: NDArray[np.float64]
    along: NDArray[np.float64]
    inward: NDArray[np.float64]


def beside(lines: NDArray[np.object_], along_m: NDArray[np.float64], aside_m: NDArray[np.float64]) -> Sides:
    """Points at `along_m` metres of each line and `aside_m` to its left; below 0: to its right."""
    ends = [
        shapely.get_coordinates(shapely.line_interpolate_point(lines, along_m + step)) for step in (-0.5, 0.5)
    ]
    along = ends[1] - ends[0]
    along /= np.hypot(*along.T)[:, None]
    left = np.column_stack([-along[:, 1], along[:, 0]])
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, along_m))
    return Sides(middle + aside_m[:, None] * left, along, -np.sign(aside_m)[:, None] * left)


def lamps_of(streets: gpd.GeoDataFrame, count: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """
    Exactly `count` lamps along the lit streets: on both sides of wide ones, on alternate sides elsewhere.

    Returns one lamp a row, in the order of the streets: street (index of `streets`), to_end_m (to the nearer end of the
    edge), along_x, along_y, inward_x, inward_y (unit vectors of `Sides`) and a geometry of Points.

    Raises
    ------
    IngestError
        If the streets are too few for that many.
    """
    lit = streets[streets["lit"].to_numpy(dtype=bool) & (streets.length > 2 * _LAMP_MARGIN_M)]
    length = lit.length.to_numpy() - 2 * _LAMP_MARGIN_M
    spacing = lit["highway"].map(_SPACING_M).fillna(_OTHER_SPACING_M).to_numpy(dtype=float)
    sides = np.where(lit["highway"].isin(_BOTH_SIDES) & lit["in_town"], 2, 1)

    def posts(stretch: float) -> NDArray[np.intp]:
        return np.floor(length / (spacing * stretch)).astype(np.intp) + 1

    low, high = _STRETCH
    some_too_near = count * _SPARE
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if (posts(middle) * sides).sum() >= some_too_near else (low, middle)
    found = posts(low)
    total = found * sides
    street = np.repeat(np.arange(len(lit)), total)
    within = np.arange(len(street)) - np.repeat(np.cumsum(total) - total, total)
    post, second = within // sides[street], within % sides[street]
    step = length / np.maximum(found - 1, 1)
    along_m = _LAMP_MARGIN_M + np.where(found[street] > 1, post * step[street], length[street] / 2)
    on_left = np.where(sides[street] == 2, second, post % 2) == 0
    aside = (lit["half_width_m"].to_numpy()[street] + _LAMP_ASIDE_M) * np.where(on_left, 1.0, -1.0)
    at = beside(lit.geometry.to_numpy()[street], along_m, aside).at
    lone = np.setdiff1d(
        np.arange(len(street)), cKDTree(at).query_pairs(_LEAST_APART_M, output_type="ndarray")[:, 1]
    )
    if len(lone) < count:
        raise IngestError(
            "The streets have no room for {count} lamps.", "Plan fewer lamps or more blocks.", count=count
        )
    kept = np.sort(rng.permutation(lone)[:count])
    street, along_m, aside = street[kept], along_m[kept], aside[kept]
    placed = beside(lit.geometry.to_numpy()[street], along_m, aside)
    whole = lit.length.to_numpy()[street]
    return gpd.GeoDataFrame(
        {
            "street": lit.index.to_numpy()[street],
            "to_end_m": np.minimum(along_m, whole - along_m),
            "along_x": placed.along[:, 0],
            "along_y": placed.along[:, 1],
            "inward_x": placed.inward[:, 0],
            "inward_y": placed.inward[:, 1],
        },
        geometry=shapely.points(placed.at),
        crs=streets.crs,
    )


def pois_of(
    buildings: gpd.GeoDataFrame,
    frames: Frames,
    land: Land,
    names: NDArray[np.object_],
    count: int,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    """
    `count` points of interest.

    Each school, hospital, hotel and public toilet has one, and some blocks of flats a kindergarten; schools and
    kindergartens at their gate on the southern street. The others lie in shops, offices and farmhouses.

    Parameters
    ----------
    buildings
        From `footprints`.
    frames, land
        Blocks.
    names
        Name of each block's community, (n,).
    count
        How many.
    rng
        Source of randomness.
    """
    single = buildings[buildings["use"].isin(_ONE_A_BLOCK)].drop_duplicates(["block", "use"])
    homes = np.unique(buildings["block"].to_numpy()[buildings["use"].isin(_HOMES)])
    homes = homes[rng.random(len(homes)) < _KINDERGARTEN_RATIO]
    block = np.concatenate([single["block"].to_numpy(), homes])[:count]
    told = [*(_ONE_A_BLOCK[use] for use in single["use"]), *([_KINDERGARTEN] * len(homes))][:count]
    gate = (
        frames.origin[block]
        + frames.right[block] * (frames.width[block] / 2)[:, None]
        - frames.up[block] * _GATE_ASIDE_M
    )
    at_gate = np.array([each[1] in _AT_GATE for each in told], dtype=bool)
    within = np.concatenate([_inside(single, rng), np.zeros((len(homes), 2))])[:count]
    at = np.where(at_gate[:, None], gate, within)
    fixed = pd.DataFrame(
        {
            "kind": [each[0] for each in told],
            "category": [each[1] for each in told],
            "name": [f"{names[b]}{each[2]}" for b, each in zip(block, told, strict=True)],
        }
    )
    shops = _drawn_pois(buildings, land, count - len(fixed), rng)
    every = pd.concat([fixed, shops.drop(columns=["x", "y"])], ignore_index=True)
    return gpd.GeoDataFrame(
        every,
        geometry=shapely.points(np.concatenate([at, shops[["x", "y"]].to_numpy()])),
        crs=buildings.crs,
    )


def _drawn_pois(
    buildings: gpd.GeoDataFrame, land: Land, count: int, rng: np.random.Generator
) -> pd.DataFrame:
    use = buildings["use"].to_numpy()
    hamlet = land.use[buildings["block"].to_numpy()] == Use.HAMLET
    weight = np.select(
        [use == "retail", use == "office", use == "terrace", use == "apartments", hamlet & (use == "house")],
        [np.clip(buildings.area.to_numpy() / 60, 1.0, 14.0), 3.0, 0.25, 0.4, 0.02],
        0.0,
    )
    chosen = np.sort(rng.choice(len(use), count, p=weight / weight.sum()))
    at = _inside(buildings.iloc[chosen], rng)
    kind = np.empty(count, dtype=object)
    category = np.empty(count, dtype=object)
    in_office, in_hamlet = use[chosen] == "office", hamlet[chosen]
    groups = ((~in_office & ~in_hamlet, _SHOPS), (in_office, _OFFICES), (in_hamlet, _VILLAGE))
    for rows, words in groups:
        shares = np.array(list(words.values()))
        drawn = rng.choice(len(words), int(rows.sum()), p=shares / shares.sum())
        pairs = list(words)
        kind[rows] = [pairs[n][0] for n in drawn]
        category[rows] = [pairs[n][1] for n in drawn]
    return pd.DataFrame({"kind": kind, "category": category, "name": None, "x": at[:, 0], "y": at[:, 1]})


def _inside(buildings: gpd.GeoDataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    """A drawn place in each footprint; a point surely inside where the draw misses."""
    shapes = buildings.geometry.to_numpy()
    bounds = shapely.bounds(shapes)
    at = bounds[:, :2] + rng.uniform(0.15, 0.85, (len(shapes), 2)) * (bounds[:, 2:] - bounds[:, :2])
    missed = ~shapely.contains_xy(shapes, at[:, 0], at[:, 1])
    at[missed] = shapely.get_coordinates(shapely.point_on_surface(shapes[missed]))
    return at


def car_parks_of(
    frames: Frames, land: Land, settled: NDArray[np.bool_], count: int, epsg: int, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """At most `count` entrances of car parks, at the northern side of town blocks."""
    town = np.flatnonzero(settled & (land.use > Use.ESTATE) & (frames.width > 30))
    block = np.sort(rng.permutation(town)[:count])
    size = len(block)
    use = land.use[block]
    below = np.isin(use, (Use.SLABS, Use.TOWERS, Use.COMMERCE)) & (rng.random(size) < 0.7)
    at = (
        frames.origin[block]
        + frames.right[block] * (frames.width[block] * rng.uniform(0.6, 0.9, size))[:, None]
        + frames.up[block] * (frames.depth[block] + 1.0)[:, None]
    )
    most = np.where(below, 700, 180)
    return gpd.GeoDataFrame(
        {
            "kind": np.where(below, "underground", "surface"),
            "capacity": (20 + rng.random(size) ** 2 * most).astype(int),
            "fee": rng.random(size) < 0.6,
            "access": np.where(np.isin(use, (Use.COMMERCE, Use.PARK)), "yes", "private"),
        },
        geometry=shapely.points(at),
        crs=epsg,
    )
