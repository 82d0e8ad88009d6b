"""Access on foot: the street graph, ways along it, supply within a walk, and who finds none."""

from analysis.access.catchment import Catchment, flat, floating_catchment, gaussian, supply_in_reach, zones
from analysis.access.graph import NOT_WALKED, SnappedPlaces, StreetGraph, snap_places, street_graph
from analysis.access.search import Reached, reached_nodes
from analysis.access.shortage import Shortage, occupied_places, shortage
from analysis.access.walks import Decay, Walks, walking_distances

__all__ = [
    "NOT_WALKED",
    "Catchment",
    "Decay",
    "Reached",
    "Shortage",
    "SnappedPlaces",
    "StreetGraph",
    "Walks",
    "flat",
    "floating_catchment",
    "gaussian",
    "occupied_places",
    "reached_nodes",
    "shortage",
    "snap_places",
    "street_graph",
    "supply_in_reach",
    "walking_distances",
    "zones",
]
