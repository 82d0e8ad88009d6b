"""What parking supply and access rest on: streets to walk, kerbs, car parks, and what must be kept clear."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from analysis.access import SnappedPlaces, StreetGraph, Walks, snap_places, street_graph, walking_distances
from analysis.errors import InputError
from analysis.parking import Fault, Supply, car_park_supply, joined_supply, junctions_and_bends, kerb_supply
from geodata.queries.frames import read_frame
from geodata.towns.town import Town

__all__ = ["ParkingGround", "bay_kerbs", "car_parks", "cell_places", "clear_points", "load_parking_ground"]

CLEAR_KINDS = {
    "crossing": "crossing",
    "level_crossing": "level_crossing",
    "bus_stop": "bus_stop",
    "tram_stop": "bus_stop",
    "bus_station": "bus_stop",
    "fire_station": "fire_station",
    "fuel": "petrol_station",
    "hospital": "first_aid",
}
"""Category of a point of interest → kind of `analysis.parking.Clearance`; a hospital stands for its emergency door."""
LEAST_COMPONENT_M = 500.0
"""Streets that hang together for less lead nowhere: paths in yards, drawn without their connexion."""
MOST_LEG_M = 250.0
"""Places farther from every street are lost."""


@dataclass(frozen=True, eq=False)
class ParkingGround:
    """
    The town as parking supply sees it, in its metric CRS.

    Attributes
    ----------
    graph
        Streets that are walked.
    places
        Where demand joins the streets: one point a unit cell, indexed by cell; see `cell_places`.
    snapped
        They on the graph.
    kerbs, car_parks
        As stored; kerbs with the `highway` of their street.
    supply
        Legal bays and car parks with capacity; None where there are none.
    clear
        Points with `kind` that bays keep away from, junctions and bends included.
    problems
        What is missing or wrong; the rest goes on without it.
    """

    graph: StreetGraph
    places: gpd.GeoSeries
    snapped: SnappedPlaces
    kerbs: gpd.GeoDataFrame
    car_parks: gpd.GeoDataFrame
    supply: Supply | None
    clear: gpd.GeoDataFrame
    problems: tuple[InputError, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Rows of kerbs and car parks that were left out or rest on an assumption."""
        return self.supply.faults if self.supply is not None else ()

    def walks(self, limit_m: float) -> Walks:
        """
        Ways from every cell to every supply within the limit.

        Raises
        ------
        InputError
            If there is no supply.
        """
        if self.supply is None:
            raise InputError(
                "There are no legal bays and no car parks with capacity.",
                "Load kerbs with parking tags or car parks; without them all demand is shortage.",
            )
        return self.walks_to(self.supply.places, limit_m)

    def walks_to(self, targets: gpd.GeoDataFrame, limit_m: float) -> Walks:
        """Ways from every cell to other places, such as blocks of bays."""
        onto = snap_places(self.graph, targets, most_m=MOST_LEG_M, least_component_m=_least(self.graph))
        return walking_distances(self.graph, self.snapped, onto, limit_m)


def load_parking_ground(conn: Connection | Session, town: Town) -> ParkingGround:
    """
    Reads the loaded town.

    Raises
    ------
    InputError
        If it has no streets that can be walked, or no unit cells.
    """
    epsg = town.metric_epsg
    streets = read_frame(conn, "SELECT id, highway, drivable, geom FROM street_edge ORDER BY id").to_crs(epsg)
    graph = street_graph(streets)
    places = cell_places(conn, epsg)
    if places.empty:
        raise InputError("The town has no unit cells.", "Load a town with communities.")
    kerbs, parks, points = bay_kerbs(conn, epsg), car_parks(conn, epsg), clear_points(conn, epsg)
    problems: list[InputError] = []
    if kerbs.empty:
        problems.append(InputError("The town has no kerbs.", "Load a town with drivable streets."))
    if parks.empty:
        problems.append(InputError("The town has no car parks.", "Load a town with car parks."))
    supply = None
    try:
        supply = joined_supply(kerb_supply(kerbs), car_park_supply(parks))
    except InputError as error:
        problems.append(error)
    clear = points
    driven = streets[streets["drivable"].to_numpy(dtype=bool)]
    if len(driven):
        corners = junctions_and_bends(street_graph(driven))
        clear = gpd.GeoDataFrame(pd.concat([corners, points], ignore_index=True), crs=epsg)
    snapped = snap_places(graph, places, most_m=MOST_LEG_M, least_component_m=_least(graph))
    if len(snapped.lost):
        problems.append(
            InputError(
                "{count} of {cells} unit cells have no street within {metres:g} m.",
                "Their demand cannot be served; draw the streets that lead there.",
                count=len(snapped.lost),
                cells=len(places),
                metres=MOST_LEG_M,
            )
        )
    return ParkingGround(graph, places, snapped, kerbs, parks, supply, clear, tuple(problems))


def _least(graph: StreetGraph) -> float:
    """Small towns have nothing longer than their longest part."""
    return min(LEAST_COMPONENT_M, float(graph.component_m[0]))


def bay_kerbs(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """
    Kerbs with street_edge_id, side, rule, legal, length_m, the highway class and name of their street, and `width_m`.

    The width is from the middle of a kerb to the other kerb of its street; missing where there is none. Towns read from
    OpenStreetMap draw all kerbs 3.5 m beside the centre line, so there it is 7 m everywhere.
    """
    sql = (
        "SELECT k.id, k.street_edge_id, k.side, k.rule, k.legal, k.length_m, s.highway, s.name, k.simulated, k.geom"
        " FROM kerb k JOIN street_edge s ON s.id = k.street_edge_id ORDER BY k.id"
    )
    found = read_frame(conn, sql).to_crs(epsg)
    own = pd.MultiIndex.from_arrays([found["street_edge_id"], found["side"]])
    other = pd.MultiIndex.from_arrays(
        [found["street_edge_id"], found["side"].map({"left": "right", "right": "left"})]
    )
    row = own.get_indexer(other) if own.is_unique else np.full(len(found), -1)
    lines = np.append(np.asarray(found.geometry.array, dtype=object), None)
    middle = shapely.line_interpolate_point(lines[:-1], 0.5, normalized=True)
    return found.assign(width_m=np.round(shapely.distance(middle, lines[row]), 2))


def car_parks(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Car parks with name, kind, capacity, fee and access."""
    sql = "SELECT id, name, kind, capacity, fee, access, simulated, geom FROM car_park ORDER BY id"
    return read_frame(conn, sql).to_crs(epsg)


def clear_points(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Crossings, stops, hydrants, fire, petrol and first-aid stations: `kind` and a point."""
    found = read_frame(
        conn,
        "SELECT category AS kind, geom FROM poi WHERE category = ANY(:categories)"
        " UNION ALL SELECT 'hydrant', geom FROM pipe_node WHERE kind = 'hydrant'",
        {"categories": list(CLEAR_KINDS)},
        index=None,
    ).to_crs(epsg)
    return found.assign(kind=found["kind"].replace(CLEAR_KINDS)).rename_geometry("geometry")


def cell_places(conn: Connection | Session, epsg: int) -> gpd.GeoSeries:
    """One point a unit cell, indexed by cell: the mean of its kerbs' middles, or its centroid where it has none."""
    sql = (
        "SELECT c.id, coalesce(ST_Centroid(ST_Collect(ST_LineInterpolatePoint(k.geom, 0.5) ORDER BY k.id)),"
        " ST_PointOnSurface(c.geom)) AS geom FROM unit_cell c"
        # the boxes of whole kerbs have an index, their middles have none
        " LEFT JOIN kerb k ON k.geom && c.geom AND ST_Contains(c.geom, ST_LineInterpolatePoint(k.geom, 0.5))"
        " GROUP BY c.id, c.geom ORDER BY c.id"
    )
    return read_frame(conn, sql).to_crs(epsg).geometry
