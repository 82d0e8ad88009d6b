"""Shortest paths from many origins, no farther than a limit; compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Reached", "reached_nodes"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROOM = 1 << 20
"""Rows of a buffer at least; what does not fit goes into the next one."""


class Reached(NamedTuple):
    """
    Nodes that each origin reaches, nearest first.

    Attributes
    ----------
    starts
        The nodes of origin o stand from starts[o] to starts[o + 1].
    node, metres
        Each node and how far it is.
    """

    starts: Ints
    node: npt.NDArray[np.int32]
    metres: Floats


def reached_nodes(
    half_edges: sparse.csr_matrix, seeds: npt.ArrayLike, seed_m: npt.ArrayLike, limit_m: float
) -> Reached:
    """
    Every node within the limit of each origin, by Dijkstra's algorithm with a binary heap [1]_.

    Parameters
    ----------
    half_edges
        Metres from node to node, (n, n), 0 or more.
    seeds, seed_m
        Nodes at which each origin enters the graph and how far they are from it, (o, s); −1 for none.
    limit_m
        How far to go, 0 or more.

    Returns
    -------
    reached
        Equal to `scipy.sparse.csgraph.dijkstra(…, limit=limit_m)` but for rounding.

    References
    ----------
    .. [1] Dijkstra (1959), A note on two problems in connexion with graphs.
    """
    entry = np.atleast_2d(np.asarray(seeds, dtype=np.int64))
    away = np.atleast_2d(np.asarray(seed_m, dtype=np.float64))
    nodes = half_edges.shape[0]
    first, head = half_edges.indptr.astype(np.int64), half_edges.indices.astype(np.int32)
    metres = half_edges.data.astype(np.float64)
    distance, done = np.full(nodes, np.inf), np.full(nodes, -1, np.int64)
    room = len(head) + entry.shape[1] + 1
    heap_m, heap_node = np.empty(room), np.empty(room, np.int32)
    starts = np.zeros(len(entry) + 1, np.int64)
    found_node, found_m = [], []
    origin = total = 0
    while origin < len(entry):
        node, far = np.empty(max(ROOM, nodes), np.int32), np.empty(max(ROOM, nodes))
        origin, held = _search(
            *(first, head, metres, entry, away, float(limit_m)),
            *(distance, done, heap_m, heap_node, node, far, starts, origin, total),
        )
        total += held
        found_node.append(node[:held])
        found_m.append(far[:held])
    if not found_node:
        return Reached(starts, np.zeros(0, np.int32), np.zeros(0))
    return Reached(starts, np.concatenate(found_node), np.concatenate(found_m))


@numba.njit(cache=True, nogil=True)
def _search(  # type: ignore[no-untyped-def]
    first,
    head,
    metres,
    entry,
    away,
    limit,
    distance,
    done,
    heap_m,
    heap_node,
    node,
    far,
    starts,
    origin,
    total,
):
    """Origins from `origin` on until the buffer may be too small for the next; which is next, rows written."""
    held = 0
    nodes = first.shape[0] - 1
    while origin < entry.shape[0] and held + nodes <= node.shape[0]:
        begun = held
        size = 0
        for seed in range(entry.shape[1]):
            u, d = entry[origin, seed], away[origin, seed]
            if u >= 0 and d <= limit and d < distance[u]:
                distance[u] = d
                size = _push(heap_m, heap_node, size, d, u)
        while size > 0:
            d, u = heap_m[0], heap_node[0]
            size = _pop(heap_m, heap_node, size)
            if done[u] == origin or d > distance[u]:
                continue
            done[u] = origin
            node[held] = u
            far[held] = d
            held += 1
            for arc in range(first[u], first[u + 1]):
                v = head[arc]
                longer = d + metres[arc]
                if longer <= limit and longer < distance[v]:
                    distance[v] = longer
                    size = _push(heap_m, heap_node, size, longer, v)
        for row in range(begun, held):
            distance[node[row]] = np.inf
        origin += 1
        starts[origin] = total + held
    return origin, held


@numba.njit(cache=True, inline="always")
def _push(heap_m, heap_node, size, d, u):  # type: ignore[no-untyped-def]
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if heap_m[above] <= d:
            break
        heap_m[place] = heap_m[above]
        heap_node[place] = heap_node[above]
        place = above
    heap_m[place] = d
    heap_node[place] = u
    return size + 1


@numba.njit(cache=True, inline="always")
def _pop(heap_m, heap_node, size):  # type: ignore[no-untyped-def]
    size -= 1
    d, u = heap_m[size], heap_node[size]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and heap_m[below + 1] < heap_m[below]:
            below += 1
        if heap_m[below] >= d:
            break
        heap_m[place] = heap_m[below]
        heap_node[place] = heap_node[below]
        place = below
    heap_m[place] = d
    heap_node[place] = u
    return size
