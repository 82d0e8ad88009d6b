"""
Kernel density along streets: events a metre of street, where distance is walked and not flown.

A kernel starts at an event and runs along the street both ways. At a junction it is shared out (Okabe & Sugihara
[1]_), so that a busy crossing does not look like a hot spot of its own:

* *equal split, discontinuous*: each street but the one it came by gets 1 / (n - 1) of it; at a dead end it stops;
* *equal split, continuous*: each other street gets 2 / n, and 2 / n - 1 runs back (at a dead end all of it), so that
  the density has no step at the junction and nothing is lost.

All paths count, also those around a block [2]_. Instead of following the paths of each event, which grow beyond
number, the streets are cut into pieces of one step, all events start at once, and one wave of all their kernels moves
a piece a step: what a kernel is worth depends on the steps alone. The work is pieces × steps, however many events
there are.

References
----------
.. [1] Okabe & Sugihara (2012), Spatial analysis along networks, chapter 9.
.. [2] McSwiggan, Baddeley & Nair (2017), Kernel density estimation on a linear network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from analysis.checks import require_metric, require_positive
from analysis.errors import InputError

__all__ = ["StreetPieces", "cut_streets", "network_density"]

Split = Literal["discontinuous", "continuous"]
SNAP_M = 0.05
"""Ends of streets this near to each other are one junction."""


@dataclass(frozen=True, slots=True)
class StreetPieces:
    """
    Streets cut into pieces of about one step.

    Parameters
    ----------
    step_m
        Length of a piece; streets whose length is no multiple of it have slightly longer or shorter ones.
    starts
        Shape (streets + 1,): the pieces of street i are `starts[i]` to `starts[i + 1]`, from its beginning.
    lengths_m
        Shape (streets,).
    ends
        Shape (streets, 2): junctions at its beginning and its end.
    index
        Labels of the streets.
    """

    step_m: float
    starts: NDArray[np.int64]
    lengths_m: NDArray[np.float64]
    ends: NDArray[np.int64]
    index: pd.Index

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def street(self) -> NDArray[np.int64]:
        """Row of the street of each piece."""
        return np.repeat(np.arange(len(self.lengths_m)), np.diff(self.starts))

    @property
    def piece_m(self) -> NDArray[np.float64]:
        """Length of each piece."""
        return np.repeat(self.lengths_m / np.diff(self.starts), np.diff(self.starts))

    @property
    def network_m(self) -> NDArray[np.float64]:
        """Length of all streets that can be reached from each piece."""
        count = int(self.ends.max()) + 1
        links = sparse.coo_array(
            (np.ones(len(self.ends)), (self.ends[:, 0], self.ends[:, 1])), (count, count)
        )
        _, part = csgraph.connected_components(links, directed=False)
        of_street = part[self.ends[:, 0]]
        return np.asarray(np.bincount(of_street, self.lengths_m)[of_street][self.street])

    def shared_out(
        self,
        street: NDArray[np.integer],
        along_m: NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """
        Events on pieces: each between the two nearest middles of its street, by nearness.

        Parameters
        ----------
        street, along_m
            Row of each event's street, and metres from its beginning.
        weights
            One number an event; None counts each as one.
        """
        rows = np.asarray(street, dtype=np.int64)
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self.lengths_m)):
            raise InputError(
                "An event names street {row}, but there are {streets}.",
                "Number the streets from 0 in the order in which they were cut.",
                row=int(rows.min() if rows.min() < 0 else rows.max()),
                streets=len(self.lengths_m),
            )
        pieces = np.diff(self.starts)[rows]
        at = np.clip(along_m / np.maximum(self.lengths_m[rows], 1e-9), 0, 1) * pieces - 0.5
        lower = np.clip(np.floor(at), 0, pieces - 1).astype(np.int64)
        upper = np.minimum(lower + 1, pieces - 1)
        share = np.clip(at - lower, 0, 1)
        weight = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
        first = self.starts[rows]
        found = np.bincount(first + lower, weight * (1 - share), len(self))
        return np.asarray(found + np.bincount(first + upper, weight * share, len(self)))

    def by_street(self, density: NDArray[np.float64]) -> pd.Series[float]:
        """Mean of a density over the pieces of each street."""
        sums = np.add.reduceat(density, self.starts[:-1]) if len(self) else np.zeros(0)
        return pd.Series(sums / np.diff(self.starts), index=self.index, name="density")


def cut_streets(streets: gpd.GeoDataFrame, *, step_m: float = 5.0) -> StreetPieces:
    """
    Cuts streets into pieces and finds where they meet.

    Parameters
    ----------
    streets
        LineStrings between junctions, in a projected CRS in metres; they meet at their ends only.
    step_m
        Above 0; finer follows short streets better and takes longer.

    Raises
    ------
    CrsError
        If `streets` is not in metres.
    InputError
        If there are none, or one has no length.
    """
    require_metric(streets=streets)
    require_positive("step_m", step_m)
    if streets.empty:
        raise InputError("There are no streets.", "Load a town with a street graph, or take cells as places.")
    lines = streets.geometry.to_numpy()
    lengths = shapely.length(lines)
    if not (lengths > 0).all():
        raise InputError(
            "Street {street} has no length.", "Leave it out.", street=streets.index[~(lengths > 0)][0]
        )
    tips = np.stack(
        [
            shapely.get_coordinates(shapely.get_point(lines, 0)),
            shapely.get_coordinates(shapely.get_point(lines, -1)),
        ],
        axis=1,
    )
    keys = np.round(tips.reshape(-1, 2) / SNAP_M).astype(np.int64)
    _, junction = np.unique(keys, axis=0, return_inverse=True)
    pieces = np.maximum(1, np.round(lengths / step_m)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(pieces)])
    return StreetPieces(step_m, starts, lengths, junction.reshape(-1, 2).astype(np.int64), streets.index)


def network_density(
    pieces: StreetPieces,
    events: NDArray[np.float64],
    *,
    bandwidth_m: float,
    split: Split = "continuous",
) -> NDArray[np.float64]:
    """
    Events a metre of street around each piece, by a quartic kernel along the streets.

    Parameters
    ----------
    pieces
        From `cut_streets`.
    events
        Shape (pieces,): events on each piece, see `StreetPieces.shared_out`. Pass seen-hours to lay exposure the
        same way; events over hours is then a rate, and pieces without hours have no evidence.
    bandwidth_m
        A kernel ends here; at least two steps.
    split
        How a junction shares out a kernel, see above.

    Returns
    -------
    density
        Shape (pieces,), 0 or more but for rounding of the continuous split. Where every street is a multiple of
        the step, density times length adds up to the events (continuous), less what ran out of dead ends
        (discontinuous).

    Raises
    ------
    InputError
        If there is not one number a piece, one is not finite, or the bandwidth is under two steps.
    """
    weights = np.ascontiguousarray(events, dtype=np.float64)
    if weights.shape != (len(pieces),) or not np.isfinite(weights).all():
        raise InputError(
            "events must hold one finite number for each of the {count} pieces.",
            "Make it with StreetPieces.shared_out.",
            count=len(pieces),
        )
    require_positive("bandwidth_m", bandwidth_m)
    if bandwidth_m < 2 * pieces.step_m:
        raise InputError(
            "A bandwidth of {bandwidth:g} m is under two steps of {step:g} m.",
            "Cut the streets finer, or take a wider kernel.",
            bandwidth=bandwidth_m,
            step=pieces.step_m,
        )
    if split not in ("discontinuous", "continuous"):
        raise InputError("There is no split {split!r}.", 'Use "discontinuous" or "continuous".', split=split)
    kernel = kernel_steps(bandwidth_m, pieces.step_m)
    return np.asarray(_wave(pieces.starts, pieces.ends, weights, kernel, split == "continuous"))


def kernel_steps(bandwidth_m: float, step_m: float) -> NDArray[np.float64]:
    """The quartic kernel at 0, 1, 2 … steps, a metre; both ways together it adds up to one."""
    steps = np.arange(int(np.ceil(bandwidth_m / step_m)))
    kernel = (1 - (steps * step_m / bandwidth_m) ** 2) ** 2
    return np.asarray(kernel / (step_m * (2 * kernel.sum() - kernel[0])))


@numba.njit(cache=True, nogil=True)
def _wave(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    events: NDArray[np.float64],
    kernel: NDArray[np.float64],
    continuous: bool,
) -> NDArray[np.float64]:
    """Both directions of every piece, step by step."""
    streets = len(starts) - 1
    junctions = ends.max() + 1
    degree = np.zeros(junctions)
    for street in range(streets):
        degree[ends[street, 0]] += 1
        degree[ends[street, 1]] += 1
    onward, back = np.zeros(junctions), np.zeros(junctions)
    for junction in range(junctions):
        ways = degree[junction]
        if continuous:
            onward[junction], back[junction] = 2 / ways, 2 / ways - 1
        elif ways > 1:
            onward[junction] = 1 / (ways - 1)
    ahead, behind = events.copy(), events.copy()
    density = events * kernel[0]
    arriving = np.empty(junctions)
    for step in range(1, len(kernel)):
        arriving[:] = 0.0
        for street in range(streets):
            arriving[ends[street, 1]] += ahead[starts[street + 1] - 1]
            arriving[ends[street, 0]] += behind[starts[street]]
        worth = kernel[step]
        for street in range(streets):
            first, last = starts[street], starts[street + 1] - 1
            head, tail = ends[street, 0], ends[street, 1]
            from_head, from_tail = behind[first], ahead[last]
            enter_head = onward[head] * (arriving[head] - from_head) + back[head] * from_head
            enter_tail = onward[tail] * (arriving[tail] - from_tail) + back[tail] * from_tail
            for piece in range(last, first, -1):
                ahead[piece] = ahead[piece - 1]
            for piece in range(first, last):
                behind[piece] = behind[piece + 1]
            ahead[first], behind[last] = enter_head, enter_tail
            for piece in range(first, last + 1):
                density[piece] += worth * (ahead[piece] + behind[piece])
    return density
