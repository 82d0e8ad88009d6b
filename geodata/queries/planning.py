"""Planning from what is stored: where the next cameras go."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

from analysis import placement, visibility
from analysis.crs import DISPLAY_EPSG
from analysis.errors import InputError
from geodata.errors import NotFound, TwinError
from geodata.progress import Progress, silent
from geodata.queries.city import buildings, cells, kerbs, lamps, streets, views
from geodata.towns.simulation import bare_kerbs
from geodata.towns.town import Town

__all__ = ["METHOD", "Plan", "demand_points", "place_more"]

METHOD = (
    "maximal covering (Church & ReVelle 1974) over lamp posts x 8 headings; demand: kerbs without bays every 10 m, "
    "weighted by the exposure-corrected violation rate of their cell, by the town's mean rate where nobody looked"
)
SPACING_M = 10.0
LENS = {"hfov_deg": 90.0, "range_m": 60.0, "height_m": 5.0, "tilt_deg": 20.0, "vfov_deg": 56.0}
HEADINGS = 8
MOST = 100


@dataclass(frozen=True)
class Plan:
    """
    Proposed cameras and how good the proposal is.

    Attributes
    ----------
    cameras
        In order of choice: order (from 1), lamp (component code), heading_deg, gain_ratio (share of the unseen demand
        that it adds), lon_deg, lat_deg; Points in WGS 84.
    views
        What each would see, same index, WGS 84.
    covered_ratio, bound_ratio
        Share of the demand that no camera sees now which they cover, and which no other choice could exceed; [0, 1].
    gap_ratio
        How much of what could be gained is missed at most, [0, 1].
    proven_optimal
        The bound is reached.
    candidates
        How many were weighed.
    """

    cameras: gpd.GeoDataFrame
    views: gpd.GeoDataFrame
    covered_ratio: float
    bound_ratio: float
    gap_ratio: float
    proven_optimal: bool
    candidates: int

    def geojson(self) -> str:
        """The proposal as RFC 7946 GeoJSON with its method and figures."""
        body = json.loads(self.cameras.to_json(drop_id=True))
        body.pop("crs", None)
        body |= {
            "title": f"{len(self.cameras)} more cameras",
            "method": METHOD,
            "covered_ratio": round(self.covered_ratio, 6),
            "bound_ratio": round(self.bound_ratio, 6),
            "gap_ratio": round(self.gap_ratio, 6),
            "proven_optimal": self.proven_optimal,
            "licence": "ODbL-1.0",
            "attribution": "© OpenStreetMap contributors, ODbL",
            "simulated": True,
        }
        return json.dumps(body, ensure_ascii=False, indent=1)

    def write(self, path: Path) -> None:
        """Writes the GeoJSON; TwinError if the folder cannot be written."""
        try:
            path.write_text(self.geojson() + "\n", encoding="utf-8")
        except OSError as error:
            raise TwinError(
                "{path} cannot be written ({why}).", "Choose a folder that exists.", path=path, why=error
            ) from error


def place_more(conn: Connection, town: Town, count: int, progress: Progress = silent) -> Plan:
    """
    Where `count` more cameras would see most of what no camera sees.

    Raises
    ------
    InputError
        If `count` is outside 1-100.
    NotFound
        If the town has no lamp posts, or cameras see everything already.
    """
    if not 1 <= count <= MOST:
        raise InputError(
            "{count} more cameras cannot be placed.", "Ask for 1 to {most}.", count=count, most=MOST
        )
    epsg = town.metric_epsg
    progress(0, 3, "Reading the town")
    points = demand_points(conn, town)
    poles = lamps(conn, epsg)
    if poles.empty:
        raise NotFound("The town has no lamp posts to hang cameras on.", "Load a town with street lamps.")
    progress(1, 3, "Computing what each candidate would see")
    candidates = placement.candidate_cameras(poles, HEADINGS, **LENS)
    seen = visibility.visible_polygons(candidates, visibility.prepare_obstacles(buildings(conn, epsg)))
    looked = views(conn, epsg)
    now = np.zeros(len(points), dtype=bool)
    now[shapely.STRtree(points.geometry.values).query(looked.geometry.values, predicate="intersects")[1]] = (
        True
    )
    progress(2, 3, "Choosing")
    answer = placement.maximal_covering(
        placement.cover_matrix(seen, points), points["weight"], count, already_covered=now
    )
    unseen = float(points["weight"][~now].sum())
    progress(3, 3, "The proposal is ready")
    chosen = candidates.iloc[answer.chosen]
    places = gpd.GeoDataFrame(
        {
            "order": np.arange(1, len(chosen) + 1),
            "lamp": poles["code"].reindex(chosen["site"]).to_numpy(),
            "heading_deg": chosen["heading_deg"].to_numpy(),
            "gain_ratio": np.round(answer.gains / unseen, 6) if unseen else 0.0,
        },
        geometry=chosen.geometry.to_numpy(),
        crs=epsg,
    ).to_crs(DISPLAY_EPSG)
    places["lon_deg"], places["lat_deg"] = places.geometry.x.round(7), places.geometry.y.round(7)
    shapes = gpd.GeoDataFrame(
        {"order": places["order"]}, geometry=seen.iloc[answer.chosen].to_numpy(), crs=epsg
    ).to_crs(DISPLAY_EPSG)
    gained = answer.covered_weight - answer.already_weight
    return Plan(
        cameras=places,
        views=shapes,
        covered_ratio=gained / unseen if unseen else 0.0,
        bound_ratio=min(1.0, (answer.upper_bound - answer.already_weight) / unseen) if unseen else 0.0,
        gap_ratio=answer.gap_ratio,
        proven_optimal=answer.proven_optimal,
        candidates=len(candidates),
    )


def demand_points(conn: Connection, town: Town) -> gpd.GeoDataFrame:
    """Points every 10 m along kerbs without bays; `weight` is expected violations an hour on their stretch."""
    epsg = town.metric_epsg
    roads, sides, grid = streets(conn, epsg), kerbs(conn, epsg), cells(conn, epsg)
    bare = bare_kerbs(roads[roads["drivable"]], sides[sides["legal"].eq(True)])
    lines = shapely.segmentize(bare.geometry.to_numpy(), SPACING_M)
    ends = shapely.get_coordinates(lines)
    spots = gpd.GeoDataFrame(geometry=gpd.points_from_xy(ends[:, 0], ends[:, 1]), crs=epsg)
    spots = spots.drop_duplicates("geometry").sjoin(grid[["rate", "geom"]], predicate="within")
    spots = spots[~spots.index.duplicated()]
    held = spots.groupby("id")["rate"].transform("size")
    rate = pd.to_numeric(spots["rate"])
    mean = float((rate / held).mean()) if rate.notna().any() else 1.0
    spots["weight"] = (rate / held).fillna(mean)
    return spots.reset_index(drop=True)


_demand = demand_points
