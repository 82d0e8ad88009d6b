"""Walking distances between places on the street graph, as far as a limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.access.graph import SnappedPlaces, StreetGraph
from analysis.access.search import reached_nodes
from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["Decay", "Walks", "walking_distances"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Decay = Callable[[Floats], Floats]
"""Metres → weight in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Walks:
    """
    Every pair of an origin and a target that are no farther apart than the limit.

    Attributes
    ----------
    starts
        The targets of origin o stand from starts[o] to starts[o + 1], (origins + 1,).
    target
        Rows of targets, rising within an origin, (pairs,).
    metres
        The way, 0 or more, (pairs,).
    targets
        How many there are, whether any of them is reached or not.
    limit_m
        How far was looked.
    """

    starts: Ints
    target: Ints
    metres: Floats
    targets: int
    limit_m: float

    @property
    def origins(self) -> int:
        """How many."""
        return len(self.starts) - 1

    @property
    def origin(self) -> Ints:
        """Row of the origin of each pair."""
        return np.repeat(np.arange(self.origins), np.diff(self.starts))

    @classmethod
    def of_pairs(
        cls,
        origin: npt.ArrayLike,
        target: npt.ArrayLike,
        metres: npt.ArrayLike,
        shape: tuple[int, int],
        limit_m: float,
    ) -> Walks:
        """
        Walks from a list of pairs, such as distances known from elsewhere; those beyond the limit are left out.

        Raises
        ------
        InputError
            If a distance is negative or missing, a row is outside the shape, or a pair stands twice.
        """
        require_positive("metres", metres, zero=True)
        require_positive("limit_m", limit_m, zero=True)
        far = np.asarray(metres, dtype=np.float64)
        rows, columns = np.asarray(origin, dtype=np.int64), np.asarray(target, dtype=np.int64)
        for name, numbers, most in (("origin", rows, shape[0]), ("target", columns, shape[1])):
            if numbers.size and not (numbers.min() >= 0 and numbers.max() < most):
                raise InputError(
                    "{name} must hold rows from 0 to {last}.",
                    "Correct it, or give the true shape.",
                    name=name,
                    last=most - 1,
                )
        near = far <= limit_m
        order = np.lexsort((columns[near], rows[near]))
        rows, columns, far = rows[near][order], columns[near][order], far[near][order]
        twice = (rows[1:] == rows[:-1]) & (columns[1:] == columns[:-1])
        if twice.any():
            at = int(np.flatnonzero(twice)[0])
            raise InputError(
                "The pair of origin {origin} and target {target} stands twice.",
                "Keep the shorter way.",
                origin=int(rows[at]),
                target=int(columns[at]),
            )
        starts = np.searchsorted(rows, np.arange(shape[0] + 1)).astype(np.int64)
        return cls(starts, columns, far, shape[1], float(limit_m))

    def within(self, limit_m: float) -> Walks:
        """The same walks as far as a shorter limit."""
        if limit_m > self.limit_m:
            raise InputError(
                "Walks were looked for as far as {limit:g} m, not {wanted:g} m.",
                "Compute them anew with the longer limit.",
                limit=self.limit_m,
                wanted=limit_m,
            )
        keep = self.metres <= limit_m
        starts = np.concatenate([[0], np.cumsum(keep)])[self.starts].astype(np.int64)
        return Walks(starts, self.target[keep], self.metres[keep], self.targets, float(limit_m))

    def beside(self, other: Walks) -> Walks:
        """The same origins with the targets of `other` after these: what a scenario adds is searched alone."""
        if other.origins != self.origins or other.limit_m != self.limit_m:
            raise InputError(
                "Walks of {origins} origins within {limit:g} m and of {others} within {other:g} m do not fit.",
                "Compute both from the same origins with the same limit.",
                origins=self.origins,
                limit=self.limit_m,
                others=other.origins,
                other=other.limit_m,
            )
        return Walks.of_pairs(
            np.concatenate([self.origin, other.origin]),
            np.concatenate([self.target, other.target + self.targets]),
            np.concatenate([self.metres, other.metres]),
            (self.origins, self.targets + other.targets),
            self.limit_m,
        )

    def only(self, targets: npt.ArrayLike) -> Walks:
        """Walks to some of the targets, in the order given."""
        rows = np.asarray(targets, dtype=np.int64)
        place = np.full(self.targets, -1)
        place[rows] = np.arange(len(rows))
        keep = place[self.target] >= 0
        return Walks.of_pairs(
            self.origin[keep],
            place[self.target[keep]],
            self.metres[keep],
            (self.origins, len(rows)),
            self.limit_m,
        )

    def turned(self) -> Walks:
        """The same walks from the targets to the origins."""
        return Walks.of_pairs(
            self.target, self.origin, self.metres, (self.targets, self.origins), self.limit_m
        )

    def weights(self, decay: Decay) -> sparse.csr_matrix:
        """What each pair counts, origins in rows, (origins, targets)."""
        return sparse.csr_matrix(
            (decay(self.metres), self.target, self.starts), shape=(self.origins, self.targets)
        )


def walking_distances(
    graph: StreetGraph, origins: SnappedPlaces, targets: SnappedPlaces, limit_m: float
) -> Walks:
    """
    The shortest way on foot from every origin to every target within the limit.

    A way goes from the place straight to its street, along streets, and straight to the other place; two places on the
    same edge may take the edge between them.

    Parameters
    ----------
    graph
        The streets, walked in both directions.
    origins, targets
        Places on that graph; those that are lost reach nothing. Search from the side with fewer places:
        `Walks.turned` gives the other.
    limit_m
        How far to look, above 0.

    Raises
    ------
    InputError
        If the limit is not above 0.
    """
    require_positive("limit_m", limit_m)
    edge, placed = np.maximum(origins.edge, 0), origins.edge >= 0
    seeds = np.column_stack([graph.begin[edge], graph.end[edge]])
    away = np.column_stack(
        [origins.along_m + origins.leg_m, graph.length_m[edge] - origins.along_m + origins.leg_m]
    )
    reached = reached_nodes(graph.half_edges(), np.where(placed[:, None], seeds, -1), away, limit_m)
    at_node, after = _attached(graph, targets)
    at_edge = _grouped(targets.edge, graph.edges)
    starts, target, metres = _joined(
        *reached, *at_node, after, *at_edge, origins.edge, origins.along_m, origins.leg_m,
        targets.along_m, targets.leg_m, float(limit_m),
    )  # fmt: skip
    return Walks(starts, target, metres, len(targets), float(limit_m))


def _attached(graph: StreetGraph, targets: SnappedPlaces) -> tuple[tuple[Ints, Ints], Floats]:
    """Targets that are entered from each node, and how far each is from there."""
    rows = np.flatnonzero(targets.edge >= 0)
    edge = targets.edge[rows]
    node = np.concatenate([graph.begin[edge], graph.end[edge]])
    far = np.concatenate([targets.along_m[rows], graph.length_m[edge] - targets.along_m[rows]])
    far += np.concatenate([targets.leg_m[rows]] * 2)
    order = np.argsort(node, kind="stable")
    starts = np.searchsorted(node[order], np.arange(graph.nodes + 1)).astype(np.int64)
    return (starts, np.concatenate([rows, rows])[order]), far[order]


def _grouped(edge: Ints, edges: int) -> tuple[Ints, Ints]:
    """Places of each edge."""
    order = np.argsort(edge, kind="stable")
    order = order[edge[order] >= 0]
    return np.searchsorted(edge[order], np.arange(edges + 1)).astype(np.int64), order.astype(np.int64)


def _joined(  # the pairs of one origin after another
    starts: Ints, node: npt.NDArray[np.int32], far: Floats, node_first: Ints, node_target: Ints, after: Floats,
    edge_first: Ints, edge_target: Ints, edge: Ints, along: Floats, leg: Floats, target_along: Floats,
    target_leg: Floats, limit: float,
) -> tuple[Ints, Ints, Floats]:  # fmt: skip
    best, marks = np.full(len(target_along), np.inf), np.empty(len(target_along), np.int64)
    found = np.zeros(len(edge) + 1, np.int64)
    targets, metres = [], []
    origin = total = 0
    while origin < len(edge):
        room = max(1 << 20, len(target_along))
        target, metre = np.empty(room, np.int64), np.empty(room)
        origin, held = _join(
            starts, node, far, node_first, node_target, after, edge_first, edge_target, edge, along, leg,
            target_along, target_leg, limit, best, marks, target, metre, found, origin, total,
        )  # fmt: skip
        total += held
        targets.append(target[:held])
        metres.append(metre[:held])
    if not targets:
        return found, np.zeros(0, np.int64), np.zeros(0)
    return found, np.concatenate(targets), np.concatenate(metres)


@numba.njit(cache=True, nogil=True)
def _join(  # type: ignore[no-untyped-def]
    starts, node, far, node_first, node_target, after, edge_first, edge_target, edge, along, leg,
    target_along, target_leg, limit, best, marks, target, metre, found, origin, total,
):  # fmt: skip
    """Origins from `origin` on until the buffer may be too small for the next; which is next, rows written."""
    held = 0
    while origin < edge.shape[0] and held + best.shape[0] <= target.shape[0]:
        count = 0
        if edge[origin] >= 0:
            for row in range(edge_first[edge[origin]], edge_first[edge[origin] + 1]):
                t = edge_target[row]
                best[t] = abs(target_along[t] - along[origin]) + leg[origin] + target_leg[t]
                marks[count] = t
                count += 1
        for row in range(starts[origin], starts[origin + 1]):
            u, d = node[row], far[row]
            for entry in range(node_first[u], node_first[u + 1]):
                t = node_target[entry]
                way = d + after[entry]
                if way <= limit and way < best[t]:
                    if best[t] == np.inf:
                        marks[count] = t
                        count += 1
                    best[t] = way
        for t in np.sort(marks[:count]):
            if best[t] <= limit:
                target[held] = t
                metre[held] = best[t]
                held += 1
            best[t] = np.inf
        origin += 1
        found[origin] = total + held
    return origin, held
