"""Making a town up: from its boundary and a seed to streets, buildings and cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.codes import build_camera_code, build_component_code
from analysis.crs import STORAGE_EPSG
from geodata.errors import IngestError
from geodata.progress import Progress, silent
from geodata.towns.city import City
from geodata.towns.simulation import turning_presets
from geodata.towns.synthetic.boundary import district_boundary
from geodata.towns.synthetic.edges import built_edges, edges_of
from geodata.towns.synthetic.footprints import footprints
from geodata.towns.synthetic.grounds import divide
from geodata.towns.synthetic.land import Use, use_land
from geodata.towns.synthetic.lattice import draw_lattice
from geodata.towns.synthetic.lots import all_lots, block_frames
from geodata.towns.synthetic.pipes import drains_of, sensors_of
from geodata.towns.synthetic.places import car_parks_of, lamps_of, pois_of
from geodata.towns.synthetic.poses import cameras_of
from geodata.towns.synthetic.sites import camera_sites
from geodata.towns.synthetic.streets import kerbs_of, streets_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geodata.towns.synthetic.grounds import Grounds
    from geodata.towns.synthetic.land import Land
    from geodata.towns.synthetic.lattice import Lattice
    from geodata.towns.town import Plan, Town

__all__ = ["synthetic_city"]

LAMP_CLASS, CAMERA_CLASS = ("01", "18"), ("01", "36")
_MARGIN_M = 400.0
"""So far beyond the outermost building of a town made in part do its streets reach."""
_STEPS = (
    "grounds",
    "land",
    "edges",
    "lots",
    "footprints",
    "streets",
    "kerbs",
    "lamps",
    "pois",
    "sites",
    "eyes",
    "sensors",
)


def synthetic_city(town: Town, progress: Progress = silent, *, steps: tuple[int, int] = (0, 1)) -> City:
    """
    A whole city inside the boundary of a district, made up from the town's seed.

    Each kind of thing draws from a generator of its own, so that a change of one leaves the others as they are.

    Parameters
    ----------
    town
        A town with a plan (`Town.scaled` for a part of it).
    progress, steps
        Told what is being made, each time as the first of `steps` out of the second.

    Raises
    ------
    IngestError
        If the plan asks for more than there is room for; the message says what.
    NotFound
        If the boundary is not known.
    """
    plan = town.plan
    assert plan is not None, "a made-up town has a plan"
    draw = {name: np.random.default_rng([town.seed, n]) for n, name in enumerate(_STEPS)}
    progress(*steps, "Dividing the ground")
    boundary = district_boundary(plan.district).to_crs(town.metric_epsg).iloc[0]
    seats = _metric([plan.seats[code] for code in town.streets], town.metric_epsg)
    lattice = draw_lattice(boundary, _metric(plan.shore, town.metric_epsg), np.random.default_rng(town.seed))
    grounds = divide(lattice, town, plan, seats, draw["grounds"])
    progress(*steps, "Laying out streets and buildings")
    land = use_land(lattice, grounds, town, seats, draw["land"])
    edges = edges_of(lattice, land, draw["edges"])
    frames = block_frames(lattice, land, edges)
    lots, reach = _built_lots(all_lots(frames, land, draw["lots"]), lattice, land, plan, seats[0])
    buildings = _numbered(footprints(lots, frames, town.metric_epsg, draw["footprints"]))
    settled = np.zeros(len(land.use), dtype=bool)
    settled[lots["block"]] = True
    built = built_edges(edges, lattice, land, settled, reach)
    streets = _numbered(streets_of(edges, built, lattice, land, draw["streets"]).set_crs(town.metric_epsg))
    streets["length_m"] = streets.length.round(3)
    lamps = _numbered(lamps_of(streets, plan.lamps, draw["lamps"]))
    lamps["code"] = _numbers(build_component_code(town.county_code, *LAMP_CLASS, 1).text, len(lamps))
    lamps["class_code"] = "-".join(LAMP_CLASS)
    names = np.array([each.name_zh for each in town.communities], dtype=object)
    pois = pois_of(buildings, frames, land, names[grounds.owner], plan.pois, draw["pois"])
    progress(*steps, "Hanging cameras")
    sites = camera_sites(streets, lamps, buildings, land, plan, draw["sites"])
    cameras = _numbered(cameras_of(sites, town.metric_epsg, draw["eyes"]))
    progress(*steps, "Laying drains")
    pipes, manholes = (_numbered(each) for each in drains_of(streets, plan.drains_km, town.metric_epsg))
    return City(
        communities=grounds.frame,
        streets=streets,
        kerbs=_numbered(kerbs_of(streets, draw["kerbs"])),
        buildings=buildings.set_geometry(_multi(buildings.geometry.to_numpy()), crs=buildings.crs),
        pois=_numbered(pois),
        car_parks=_numbered(
            car_parks_of(frames, land, settled, plan.car_parks, town.metric_epsg, draw["pois"])
        ),
        lamps=lamps,
        pipes=pipes,
        pipe_nodes=manholes,
        sensors=_numbered(sensors_of(manholes, plan.gas_sensors, town.county_code, draw["sensors"])),
        cameras=_registered(cameras, streets, grounds, town),
        presets=turning_presets(cameras, draw["eyes"]),
    )


def _metric(degrees: Sequence[tuple[float, float]], epsg: int) -> NDArray[np.float64]:
    points = gpd.GeoSeries(shapely.points(np.array(degrees)), crs=STORAGE_EPSG).to_crs(epsg)
    return np.column_stack([points.x, points.y])


def _built_lots(
    lots: pd.DataFrame, lattice: Lattice, land: Land, plan: Plan, middle: NDArray[np.float64]
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """
    As many lots as the plan has buildings, and the nodes in the part of the town that they make.

    Towns are built first, then hamlets from their middles on. If the towns alone hold more, as in a town made in part,
    those nearest to its middle are built, with the hamlets between them.
    """
    if len(lots) < plan.buildings:
        raise IngestError(
            "The town has room for {room} buildings, not for {count}.",
            "Plan fewer buildings.",
            room=len(lots),
            count=plan.buildings,
        )
    block = lots["block"].to_numpy()
    in_towns = int((land.use[block] != Use.HAMLET).sum())
    if in_towns <= plan.buildings:
        late = np.where(land.use == Use.HAMLET, 1.0 + land.score, 0.0)
        reach = np.ones_like(lattice.dry)
    else:
        late = np.hypot(*(lattice.centres - middle).T)
        reach = None
    kept = np.sort(np.argsort(late[block], kind="stable")[: plan.buildings])
    if reach is None:
        farthest = late[block[kept]].max() + _MARGIN_M
        reach = np.hypot(*np.moveaxis(lattice.nodes - middle, -1, 0)) < farthest
    return lots.iloc[kept].reset_index(drop=True), reach


def _numbered(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    rows.index = pd.RangeIndex(1, len(rows) + 1, name="id")
    return rows


def _numbers(first: str, count: int) -> list[str]:
    """Codes that end in six digits, from `first` on."""
    start = int(first[-6:])
    return [f"{first[:-6]}{number:06d}" for number in range(start, start + count)]


def _multi(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return shapely.multipolygons(shapes, indices=np.arange(len(shapes)))


def _registered(
    cameras: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, grounds: Grounds, town: Town
) -> gpd.GeoDataFrame:
    """The cameras with both codes and a name: community, then road or private unit, then number."""
    centre = town.county_code + "00"
    prefix = {
        industry: build_camera_code(centre, 1, industry=industry).text[:-6]
        for industry in cameras["industry"].unique()
    }
    numbers = cameras.index.to_numpy()
    tree = shapely.STRtree(grounds.frame.geometry.to_numpy())
    within = np.zeros(len(cameras), dtype=np.intp)
    camera, community = tree.query(cameras.geometry.to_numpy(), predicate="intersects")
    within[camera] = community
    place = grounds.frame["name_zh"].to_numpy()[within]
    road = cameras["street"].map(streets["name"]).fillna("").to_numpy(dtype=object)
    return cameras.assign(
        code=[f"{prefix[industry]}{n:06d}" for industry, n in zip(cameras["industry"], numbers, strict=True)],
        component_code=_numbers(build_component_code(town.county_code, *CAMERA_CLASS, 1).text, len(cameras)),
        name=[
            f"{where} 单位{unit:04d} {n:05d}" if unit else " ".join(filter(None, (where, street, f"{n:05d}")))
            for where, street, unit, n in zip(place, road, cameras["unit"], numbers, strict=True)
        ],
    )
