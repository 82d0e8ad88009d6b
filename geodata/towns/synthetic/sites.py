"""Where the cameras of a made-up town hang, and which way their mounts face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geodata.errors import IngestError
from geodata.towns.synthetic.land import Use
from geodata.towns.synthetic.places import beside

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from geodata.towns.synthetic.land import Land
    from geodata.towns.town import Plan

__all__ = ["camera_sites"]

_OFF_WALL_M, _CLEAR_M = 0.3, 3.0
"""A camera hangs so far off its wall, and nothing is built within so much before it."""
_LEAST_WALL_M, _LEAST_HEIGHT_M = 3.0, 3.4
_JUNCTION_M = 22.0
_ROUNDS = 30
_POLE_WEIGHT = {"primary": 3.0, "secondary": 3.0, "tertiary": 2.0, "residential": 0.7, "unclassified": 0.35}
_OTHER_WEIGHT, _JUNCTION_WEIGHT, _TOWN_WEIGHT = 0.4, 5.0, 3.5
_AT_JUNCTION, _ELSEWHERE = (0.25, 0.4, 0.25, 0.1), (0.72, 0.22, 0.06, 0.0)
"""Shares of the poles with one to four cameras."""
_UNIT_WEIGHT = {
    Use.HAMLET: 0.02,
    Use.ESTATE: 0.3,
    Use.INDUSTRY: 5.0,
    Use.SLABS: 1.2,
    Use.TOWERS: 2.0,
    Use.OLD: 0.4,
    Use.COMMERCE: 4.0,
    Use.SCHOOL: 3.0,
}
_UNIT_CLASS = {
    Use.HAMLET: "village",
    Use.ESTATE: "residence",
    Use.INDUSTRY: "industry",
    Use.SLABS: "residence",
    Use.TOWERS: "residence",
    Use.OLD: "residence",
    Use.COMMERCE: "commerce",
    Use.SCHOOL: "school",
}
_HIGH_LEVELS = 15.0
_ON_ROOFS = 0.6
"""Share of the high cameras on roofs; the others on masts beside main roads."""
_MAST_M = (30.0, 45.0)


def camera_sites(
    streets: gpd.GeoDataFrame,
    lamps: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    land: Land,
    plan: Plan,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """
    A place for every camera of the plan.

    Public cameras hang on lamp posts, one to four on each, most at junctions of main roads. Private units are blocks
    of a town, the most of them factories and shops; each has cameras on the walls of its buildings. High cameras stand
    on roofs and masts; some ride in vehicles.

    Returns
    -------
    sites
        One camera a row: x, y (metres), facing_deg (bearing from the mount into the open), along_deg (bearing of
        the street, or of the wall), height_m, mount (pole, wall, mast or vehicle), turn (which camera of its pole,
        from 0), unit (from 1 for private cameras, else 0), area_class, tier and street (index of `streets`, or 0).
    """
    private = _unit_sites(buildings, land, plan, rng)
    high = _high_sites(streets, lamps, buildings, plan.high_cameras, rng)
    riding = _vehicle_sites(streets, plan.vehicle_cameras, rng)
    public = plan.cameras - len(private) - len(high) - len(riding)
    return pd.concat([_pole_sites(streets, lamps, public, rng), private, high, riding], ignore_index=True)


def _bearing(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.degrees(np.arctan2(vectors[:, 0], vectors[:, 1])) % 360


def _lamp_vectors(lamps: gpd.GeoDataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return lamps[["along_x", "along_y"]].to_numpy(), lamps[["inward_x", "inward_y"]].to_numpy()


def _pole_sites(
    streets: gpd.GeoDataFrame, lamps: gpd.GeoDataFrame, count: int, rng: np.random.Generator
) -> pd.DataFrame:
    road = streets.loc[lamps["street"]]
    junction = lamps["to_end_m"].to_numpy() < _JUNCTION_M
    weight = road["highway"].map(_POLE_WEIGHT).fillna(_OTHER_WEIGHT).to_numpy(dtype=float)
    weight = weight * np.where(junction, _JUNCTION_WEIGHT, 1.0) * np.where(road["in_town"], _TOWN_WEIGHT, 1.0)
    # a drawing without putting back: the largest of the keys (Gumbel)
    order = np.argsort(-(np.log(weight) + rng.gumbel(size=len(weight))), kind="stable")
    drawn = rng.random(len(order))
    shares = np.where(junction[order][:, None], np.cumsum(_AT_JUNCTION), np.cumsum(_ELSEWHERE))
    hung = np.minimum((drawn[:, None] > shares).sum(axis=1), 3) + 1
    if hung.sum() < count:
        raise IngestError(
            "The lamp posts have no room for {count} cameras.",
            "Plan more lamps or fewer cameras.",
            count=count,
        )
    lamp = np.repeat(order, hung)[:count]
    turn = (np.arange(hung.sum()) - np.repeat(np.cumsum(hung) - hung, hung))[:count]
    along, inward = _lamp_vectors(lamps)
    at = np.column_stack([lamps.geometry.x, lamps.geometry.y])[lamp]
    in_town = road["in_town"].to_numpy(dtype=bool)[lamp]
    place = np.where(junction[lamp], "junction", np.where(in_town, "street", "village"))
    return pd.DataFrame(
        {
            "x": at[:, 0],
            "y": at[:, 1],
            "facing_deg": _bearing(inward)[lamp],
            "along_deg": _bearing(along)[lamp],
            "height_m": rng.uniform(4.5, 6.5, len(lamps)).round(1)[lamp],
            "mount": "pole",
            "turn": turn,
            "unit": 0,
            "area_class": place,
            "tier": "street",
            "street": lamps["street"].to_numpy()[lamp],
        }
    )


def _unit_sites(
    buildings: gpd.GeoDataFrame, land: Land, plan: Plan, rng: np.random.Generator
) -> pd.DataFrame:
    """Cameras on the walls of private units: few have many, many have few."""
    walls = _Walls(buildings)
    block = np.unique(walls.block)
    weight = np.array([_UNIT_WEIGHT.get(Use(use), 0.0) for use in land.use[block]])
    able = int((weight > 0).sum())
    chosen = rng.choice(block, plan.private_units, replace=able < plan.private_units, p=weight / weight.sum())
    size = rng.lognormal(0.0, 0.9, len(chosen))
    counts = 1 + rng.multinomial(plan.private_cameras - len(chosen), size / size.sum())
    unit = np.repeat(np.arange(1, len(chosen) + 1), counts)
    owned = np.repeat(chosen, counts)
    hung = walls.hang(owned, buildings, rng)
    return hung.assign(
        unit=unit, area_class=[_UNIT_CLASS[Use(use)] for use in land.use[owned]], tier="street", street=0
    )


class _Walls:
    """Outer walls on which a camera can hang, sorted by block."""

    def __init__(self, buildings: gpd.GeoDataFrame, *, least_levels: float = 0.0) -> None:
        good = (buildings["height_m"] >= _LEAST_HEIGHT_M) & (buildings["levels"] >= least_levels)
        good &= buildings.is_valid
        chosen = buildings[good]
        turned = shapely.orient_polygons(chosen.geometry.to_numpy(), exterior_cw=False)
        points, ring = shapely.get_coordinates(shapely.get_exterior_ring(turned), return_index=True)
        joined = ring[1:] == ring[:-1]
        start, end, owner = points[:-1][joined], points[1:][joined], ring[:-1][joined]
        long = np.hypot(*(end - start).T) >= _LEAST_WALL_M
        block = chosen["block"].to_numpy()[owner[long]]
        order = np.argsort(block, kind="stable")
        self.block = block[order]
        self.start, self.end = start[long][order], end[long][order]
        self.height = chosen["height_m"].to_numpy()[owner[long]][order]
        self.reach = np.concatenate([[0.0], np.cumsum(np.hypot(*(self.end - self.start).T))])

    def hang(
        self, blocks: NDArray[np.intp], buildings: gpd.GeoDataFrame, rng: np.random.Generator
    ) -> pd.DataFrame:
        """A place on a wall of each block, with nothing built within 3 m before it."""
        tree = shapely.STRtree(buildings.geometry.to_numpy())
        at, outward = np.zeros((len(blocks), 2)), np.zeros((len(blocks), 2))
        wall = np.zeros(len(blocks), dtype=np.intp)
        todo = np.arange(len(blocks))
        for _ in range(_ROUNDS):
            foot, normal, piece = self._drawn(blocks[todo], rng)
            clear = np.ones(len(todo), dtype=bool)
            for off_m in (_OFF_WALL_M, _CLEAR_M / 2, _CLEAR_M):
                clear[tree.query(shapely.points(foot + off_m * normal), predicate="intersects")[0]] = False
            hung = todo[clear]
            at[hung], outward[hung], wall[hung] = (
                (foot + _OFF_WALL_M * normal)[clear],
                normal[clear],
                piece[clear],
            )
            todo = todo[~clear]
            if not len(todo):
                break
        else:
            raise IngestError(
                "{count} cameras find no free wall in their block.",
                "Plan fewer private cameras or more buildings.",
                count=len(todo),
            )
        facing, roof = _bearing(outward), self.height[wall]
        return pd.DataFrame(
            {
                "x": at[:, 0],
                "y": at[:, 1],
                "facing_deg": facing,
                "along_deg": (facing + 90) % 360,
                "height_m": np.minimum(rng.uniform(3.0, 5.5, len(blocks)), roof - 0.4).round(1),
                "mount": "wall",
                "turn": 0,
                "roof_m": roof,
            }
        )

    def _drawn(
        self, blocks: NDArray[np.intp], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
        """Anywhere along the walls of each block: the place, which way it faces, and the wall."""
        first = np.searchsorted(self.block, blocks, side="left")
        last = np.searchsorted(self.block, blocks, side="right")
        drawn = rng.uniform(self.reach[first], self.reach[last])
        piece = np.clip(np.searchsorted(self.reach, drawn, side="right") - 1, first, last - 1)
        along = self.end[piece] - self.start[piece]
        along /= np.hypot(*along.T)[:, None]
        foot = self.start[piece] + (drawn - self.reach[piece])[:, None] * along
        return foot, np.column_stack([along[:, 1], -along[:, 0]]), piece


def _high_sites(
    streets: gpd.GeoDataFrame,
    lamps: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    count: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """On the edge of tall roofs, and on masts beside main roads."""
    walls = _Walls(buildings, least_levels=_HIGH_LEVELS)
    tall = np.unique(walls.block)
    on_roofs = round(count * _ON_ROOFS) if len(tall) else 0
    roofs = walls.hang(rng.choice(tall, on_roofs), buildings, rng) if on_roofs else pd.DataFrame()
    if on_roofs:
        roofs["height_m"] = (roofs["roof_m"] + 1.5).round(1)
    main = streets["highway"].isin(("primary", "secondary", "tertiary")).reindex(lamps["street"]).to_numpy()
    lamp = rng.permutation(np.flatnonzero(main))[: count - on_roofs]
    along, inward = _lamp_vectors(lamps)
    at = np.column_stack([lamps.geometry.x, lamps.geometry.y]) - 1.2 * inward
    masts = pd.DataFrame(
        {
            "x": at[lamp, 0],
            "y": at[lamp, 1],
            "facing_deg": _bearing(inward)[lamp],
            "along_deg": _bearing(along)[lamp],
            "height_m": rng.uniform(*_MAST_M, len(lamp)).round(1),
            "mount": "mast",
            "turn": 0,
        }
    )
    return pd.concat([roofs, masts], ignore_index=True).assign(
        unit=0, area_class="high", tier="high", street=0
    )


def _vehicle_sites(streets: gpd.GeoDataFrame, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """In the right lane of streets in towns."""
    driven = streets[streets["drivable"] & streets["in_town"] & (streets.length > 40)]
    road = rng.choice(len(driven), count)
    length = driven.length.to_numpy()[road]
    placed = beside(
        driven.geometry.to_numpy()[road], length * rng.uniform(0.2, 0.8, count), np.full(count, -2.0)
    )
    bearing = _bearing(placed.along)
    return pd.DataFrame(
        {
            "x": placed.at[:, 0],
            "y": placed.at[:, 1],
            "facing_deg": bearing,
            "along_deg": bearing,
            "height_m": 2.2,
            "mount": "vehicle",
            "turn": 0,
            "unit": 0,
            "area_class": "street",
            "tier": "vehicle",
            "street": driven.index.to_numpy()[road],
        }
    )
