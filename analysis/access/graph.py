"""The street graph that people walk: edges between shared vertices, and places on them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from analysis.checks import require_metric, require_positive
from analysis.errors import InputError

__all__ = ["NOT_WALKED", "SnappedPlaces", "StreetGraph", "snap_places", "street_graph"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOT_WALKED = frozenset(
    (
        *("motorway", "motorway_link", "raceway", "bus_guideway"),
        *("construction", "proposed", "abandoned"),
    )
)
"""OpenStreetMap classes of streets on which nobody walks; footways, steps and all other streets count."""


@dataclass(frozen=True, eq=False)
class StreetGraph:
    """
    Streets as nodes and undirected edges.

    Attributes
    ----------
    at
        Nodes in metres, (n, 2).
    begin, end
        Nodes of each edge in the direction of its line, (m,).
    length_m
        Of each edge along its line, above 0, (m,).
    lines
        LineString of each edge, (m,).
    street
        Index label of the street that the edge is a part of, (m,).
    from_m
        Where on that street the edge begins, metres from its first vertex, (m,).
    component
        Number of the connected part that each node belongs to; 0 is the longest, (n,).
    component_m
        Metres of street in each of them, longest first.
    crs
        Of the coordinates.
    """

    at: Floats
    begin: Ints
    end: Ints
    length_m: Floats
    lines: npt.NDArray[np.object_]
    street: npt.NDArray[np.object_]
    from_m: Floats
    component: Ints
    component_m: Floats
    crs: object

    @property
    def nodes(self) -> int:
        """How many."""
        return len(self.at)

    @property
    def edges(self) -> int:
        """How many."""
        return len(self.length_m)

    def degree(self) -> Ints:
        """Ends of edges at each node, (n,)."""
        return np.bincount(np.concatenate([self.begin, self.end]), minlength=self.nodes)

    def half_edges(self) -> sparse.csr_matrix:
        """Each edge in both directions, metres, (n, n); of two edges between the same nodes the shorter."""
        tail, head = np.concatenate([self.begin, self.end]), np.concatenate([self.end, self.begin])
        metres = np.concatenate([self.length_m, self.length_m])
        order = np.lexsort((metres, head, tail))
        tail, head, metres = tail[order], head[order], metres[order]
        first = np.r_[True, (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])] & (tail != head)
        return sparse.csr_matrix((metres[first], (tail[first], head[first])), shape=(self.nodes, self.nodes))


@dataclass(frozen=True, eq=False)
class SnappedPlaces:
    """
    Places on the edges of a graph.

    Attributes
    ----------
    edge
        Row of the nearest edge, −1 where none is near enough, (k,).
    along_m
        From the beginning of that edge to the point where the place joins it, (k,).
    leg_m
        From the place to that point, in a straight line; walked, too, (k,).
    """

    edge: Ints
    along_m: Floats
    leg_m: Floats

    def __len__(self) -> int:
        return len(self.edge)

    @property
    def lost(self) -> Ints:
        """Rows of the places that no street is near to."""
        return np.flatnonzero(self.edge < 0)

    def beside(self, other: SnappedPlaces) -> SnappedPlaces:
        """These places, then the others."""
        return SnappedPlaces(
            np.concatenate([self.edge, other.edge]),
            np.concatenate([self.along_m, other.along_m]),
            np.concatenate([self.leg_m, other.leg_m]),
        )


def street_graph(
    streets: gpd.GeoDataFrame,
    *,
    not_walked: Collection[str] = NOT_WALKED,
    tolerance_m: float = 0.1,
) -> StreetGraph:
    """
    The graph of all streets that can be walked, in both directions.

    Nodes are the ends of the lines and every vertex that two lines share; lines are cut there. Lines that cross without
    sharing a vertex (a bridge, a tunnel) do not meet.

    Parameters
    ----------
    streets
        LineStrings in a projected CRS in metres; `highway` holds OpenStreetMap's class, if it is there.
    not_walked
        Classes that are left out; without the column `highway` all streets count.
    tolerance_m
        Vertices that are no farther apart are one, 0 or more.

    Raises
    ------
    CrsError
        If `streets` is not in metres.
    InputError
        If no street is left, or a geometry is not a LineString.
    """
    require_metric(streets=streets)
    require_positive("tolerance_m", tolerance_m, zero=True)
    kept = streets
    if "highway" in streets.columns:
        kept = streets[~streets["highway"].isin(not_walked)]
    lines = np.asarray(kept.geometry.array, dtype=object)
    whole = (shapely.get_type_id(lines) == 1) & ~shapely.is_empty(lines)
    if not whole.all():
        row = int(np.flatnonzero(~whole)[0])
        raise InputError(
            "Street {street} is not a line.",
            "Give one LineString a street: streets.explode().",
            street=kept.index[row],
        )
    usable = shapely.length(lines) > 0
    lines, labels = lines[usable], kept.index.to_numpy(dtype=object)[usable]
    if not len(lines):
        raise InputError(
            "There are no streets that can be walked.", "Load streets; distances along them need some."
        )
    points, owner = shapely.get_coordinates(lines, return_index=True)
    node = _same_points(points, tolerance_m)
    edge_begin, edge_end, piece, vertex = _cut(node, owner)
    at = np.zeros((int(node.max()) + 1, 2))
    at[node[::-1]] = points[::-1]  # of points that are one, the first
    parts = np.asarray(shapely.linestrings(points[vertex], indices=piece), dtype=object)
    length = np.asarray(shapely.length(parts))
    source = owner[vertex[np.r_[True, piece[1:] != piece[:-1]]]]
    from_m = np.cumsum(length) - length
    from_m -= from_m[np.searchsorted(source, source)]
    kept_edge = length > 0
    used, number = np.unique(
        np.concatenate([edge_begin[kept_edge], edge_end[kept_edge]]), return_inverse=True
    )
    begin, end = number.reshape(2, -1)
    length = length[kept_edge]
    component, component_m = _components(begin, end, length, len(used))
    return StreetGraph(
        at=at[used],
        begin=begin.astype(np.int64),
        end=end.astype(np.int64),
        length_m=length,
        lines=parts[kept_edge],
        street=labels[source[kept_edge]],
        from_m=from_m[kept_edge],
        component=component,
        component_m=component_m,
        crs=streets.crs,
    )


def snap_places(
    graph: StreetGraph,
    places: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    most_m: float = 250.0,
    least_component_m: float = 0.0,
) -> SnappedPlaces:
    """
    Where places join the street: the nearest point of the nearest edge, by the lower row where two are as near.

    Parameters
    ----------
    graph
        The streets.
    places
        Any geometry in the CRS of the graph; an area joins where its outline is nearest.
    most_m
        Places farther from every street are lost, above 0.
    least_component_m
        Only parts of the graph with at least so many metres of street count: a path inside a yard that is drawn without
        its connexion leads nowhere.

    Raises
    ------
    CrsError
        If the systems differ.
    InputError
        If no part of the graph is that long.
    """
    require_metric(places=places)
    require_positive("most_m", most_m)
    if places.crs != graph.crs:
        raise InputError(
            "places are in {crs} but the streets in {other}.",
            "Project both to the same system in metres.",
            crs=places.crs.to_string(),
            other=getattr(graph.crs, "to_string", str)(),
        )
    rows = np.flatnonzero(graph.component_m[graph.component[graph.begin]] >= least_component_m)
    if not rows.size:
        raise InputError(
            "No connected part of the streets has {metres:g} m.",
            "Ask for less.",
            metres=least_component_m,
        )
    shapes = np.asarray(places.geometry.array, dtype=object)
    lines = graph.lines[rows]
    pairs = shapely.STRtree(lines).query_nearest(shapes, max_distance=most_m)
    pairs = pairs[:, np.lexsort(pairs[::-1])]
    place, first = np.unique(pairs[0], return_index=True)
    nearest = pairs[1][first]
    ways = np.asarray(shapely.shortest_line(shapes[place], lines[nearest]), dtype=object)
    edge = np.full(len(shapes), -1, dtype=np.int64)
    along, leg = np.zeros(len(shapes)), np.zeros(len(shapes))
    edge[place] = rows[nearest]
    joins = shapely.line_locate_point(lines[nearest], shapely.get_point(ways, -1))
    along[place] = np.minimum(joins, graph.length_m[rows[nearest]])
    leg[place] = shapely.length(ways)
    return SnappedPlaces(edge, along, leg)


def _same_points(points: Floats, tolerance_m: float) -> Ints:
    """A number for each point, the same for points no farther apart than the tolerance."""
    unique, number = np.unique(points, axis=0, return_inverse=True)
    number = number.ravel().astype(np.int64)
    if tolerance_m == 0:
        return number
    pairs = cKDTree(unique).query_pairs(tolerance_m, output_type="ndarray")
    if not len(pairs):
        return number
    size = len(unique)
    joined = sparse.coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    return csgraph.connected_components(joined, directed=False)[1].astype(np.int64)[number]


def _cut(node: Ints, owner: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Pieces of lines between nodes: first and last node of each, and for each vertex its piece and its row."""
    first = np.r_[True, owner[1:] != owner[:-1]]
    last = np.r_[first[1:], True]
    repeated = np.bincount(node)[node] > 1
    # a vertex that one line passes twice is a node as well: a loop that touches itself
    stop = first | last | repeated
    inner = stop & ~first & ~last
    copies = 1 + inner.astype(np.int64)
    vertex = np.repeat(np.arange(len(node)), copies)
    second = np.r_[False, vertex[1:] == vertex[:-1]]
    begins = first[vertex] | second
    piece = np.cumsum(begins) - 1
    starts = np.flatnonzero(begins)
    ends = np.r_[starts[1:] - 1, len(vertex) - 1]
    return node[vertex[starts]], node[vertex[ends]], piece, vertex


def _components(begin: Ints, end: Ints, length_m: Floats, nodes: int) -> tuple[Ints, Floats]:
    """Connected parts, numbered by the metres of street in them."""
    links = sparse.coo_matrix((np.ones(len(begin), np.int8), (begin, end)), shape=(nodes, nodes))
    found = csgraph.connected_components(links, directed=False)[1]
    metres = np.bincount(found[begin], length_m).astype(np.float64)
    order = np.argsort(-metres, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[found], metres[order]
