"""Candidates for a question, and which demand each of them would cover."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy import sparse
from sqlalchemy import Connection

from analysis import visibility
from analysis.placement import candidate_cameras, cover_matrix
from geodata.errors import NotFound
from geodata.progress import Progress, silent
from geodata.queries.city import standing_views, streets
from geodata.queries.frames import read_frame
from geodata.queries.questions import Question
from geodata.queries.sites import obstacles_near, possible_sites, promising
from geodata.queries.wanted import planning_area, wanted_points
from geodata.towns.town import Town

__all__ = ["STEPS", "Weighed", "times_seen", "weigh"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS = 6
"""Of a plan; the first four are these."""


class Weighed(NamedTuple):
    """
    What a choice is made from.

    Attributes
    ----------
    candidates
        Sites × headings × lenses, counted from 0, with `site_kind` and `site_source`; metric CRS.
    views
        Ground that each sees or is seen from; of a QR point the place itself.
    covers
        Candidates × demand points.
    points
        Demand with `weight`.
    seen
        How often each point is covered now.
    possible
        How many candidates there are in all.
    """

    candidates: gpd.GeoDataFrame
    views: gpd.GeoSeries
    covers: sparse.csr_matrix
    points: gpd.GeoDataFrame
    seen: Ints
    possible: int

    def open_weight(self, question: Question) -> Floats:
        """What could still be gained of each point."""
        weight = self.points["weight"].to_numpy(dtype=float)
        second = question.backup_ratio if question.model == "backup" else 0.0
        return weight * ((self.seen < 1) + second * (self.seen < 2))


def weigh(
    conn: Connection,
    town: Town,
    question: Question,
    views: gpd.GeoSeries | None = None,
    progress: Progress = silent,
) -> Weighed:
    """
    Reads demand and sites, and computes sight lines or walking distances.

    Takes what `make_plan` takes.

    Raises
    ------
    NotFound
        If there are no sites or no demand, or all demand near sites is covered already.
    """
    progress(0, STEPS, "Reading where more eyes are wanted")
    within = planning_area(conn, town, question.area, question.cells)
    points = wanted_points(conn, town, question.weights, within)
    roads = streets(conn, town.metric_epsg) if question.kind == "qr" else None
    seen = _seen_now(conn, town, question, points, views, roads)
    progress(1, STEPS, "Reading lamp posts, streets and walls")
    sites = possible_sites(conn, town, question.sites, spacing_m=question.spacing_m, within=within)
    reach = max(lens.range_m for lens in question.hung)
    weight = points["weight"].to_numpy(dtype=float)
    unseen = np.where(seen < question.looks, weight, 0.0)
    rows = promising(sites, points, unseen, reach, max(question.most_candidates // question.each_site, 1))
    if not rows.size:
        raise NotFound(
            "No site has any demand near that is not covered already.",
            "Choose another kind of demand, other sites or a larger area.",
        )
    chosen = sites.iloc[rows]
    candidates = candidate_cameras(chosen, question.turns, lenses=question.hung)
    seat = chosen.loc[candidates["site"]]
    candidates["site_kind"], candidates["site_source"] = seat["kind"].to_numpy(), seat["source"].to_numpy()
    progress(2, STEPS, "Computing what each candidate would see")
    if roads is None:
        shapes = visibility.visible_polygons(candidates, obstacles_near(conn, town, chosen.geometry, reach))
        progress(3, STEPS, "Finding which demand each candidate covers")
        covers = cover_matrix(shapes, points)
    else:
        shapes = candidates.geometry
        covers = _walked(candidates, points, roads)
    return Weighed(candidates, shapes, covers, points, seen, len(sites) * question.each_site)


def times_seen(points: gpd.GeoDataFrame, views: gpd.GeoSeries) -> Ints:
    """How many views hold each point; views in any CRS."""
    tree = shapely.STRtree(points.geometry.to_numpy())
    hit = tree.query(views.to_crs(points.crs).to_numpy(), predicate="intersects")[1]
    return np.bincount(hit, minlength=len(points)).astype(np.int64)


def _seen_now(
    conn: Connection,
    town: Town,
    question: Question,
    points: gpd.GeoDataFrame,
    views: gpd.GeoSeries | None,
    roads: gpd.GeoDataFrame | None,
) -> Ints:
    """How often each point is covered by what stands."""
    if views is not None:
        return times_seen(points, views)
    if question.kind == "camera":
        near = shapely.box(*points.total_bounds)
        return times_seen(points, standing_views(conn, town.metric_epsg, near).geometry)
    if roads is None:  # no sign is on record
        return np.zeros(len(points), np.int64)
    standing = read_frame(conn, "SELECT id, geom FROM address_point ORDER BY id").to_crs(town.metric_epsg)
    covers = cover_matrix(standing, points, distance_m=question.hung[0].range_m, streets=roads)
    return np.bincount(covers.indices, minlength=len(points)).astype(np.int64)


def _walked(
    candidates: gpd.GeoDataFrame, points: gpd.GeoDataFrame, roads: gpd.GeoDataFrame
) -> sparse.csr_matrix:
    """Which points are within walking distance of each candidate: its range."""
    groups = list(candidates.groupby("range_m", sort=False))
    parts = [cover_matrix(part, points, distance_m=range_m, streets=roads) for range_m, part in groups]
    order = np.concatenate([part.index.to_numpy() for _, part in groups])
    return sparse.vstack(parts, format="csr")[np.argsort(order)]
