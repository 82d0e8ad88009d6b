"""Near repeat: whether an event makes another nearby and soon more likely (Knox's test)."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["near_repeat", "repeated_events"]

MOST_PAIRS = 60_000_000


def near_repeat(
    places: NDArray[np.float64],
    times: NDArray[np.float64],
    *,
    distances_m: Sequence[float],
    delays: Sequence[float],
    permutations: int = 199,
    seed: int = 0,
) -> pd.DataFrame:
    """
    Knox's table: pairs of events by distance and delay, against what chance makes of the same places and times.

    Places keep their events and times theirs; only which time belongs to which place is shuffled. What cameras see
    often is therefore close in every shuffle too: the test needs no exposure, as long as a camera's hours do not
    change much over the period.

    Parameters
    ----------
    places
        Shape (events, 2): x and y in metres.
    times
        Shape (events,), in any unit.
    distances_m
        Upper limits of the bands of distance, rising, above 0.
    delays
        Upper limits of the bands of delay, rising, 0 or more, in the unit of `times`.
    permutations
        1 or more.
    seed
        Of the permutations.

    Returns
    -------
    table
        One row a pair of bands: `distance_m` and `delay` (upper limits), `pairs`, `expected` (mean of the
        permutations), `ratio` (pairs / expected) and `p` (one-sided: share of permutations with at least as many).

    Raises
    ------
    InputError
        If places and times differ in number, one is not finite, limits do not rise, or there are too many pairs.

    References
    ----------
    .. [1] Knox (1964), The detection of space-time interactions.
    .. [2] Johnson & Bowers (2004), The burglary as clue to the future: the beginnings of prospective hot-spotting.
    """
    spots = np.asarray(places, dtype=np.float64).reshape(-1, 2)
    moments = np.ascontiguousarray(times, dtype=np.float64)
    near, soon = _rising("distances_m", distances_m), _rising("delays", delays, zero=True)
    require_positive("permutations", permutations)
    if len(moments) != len(spots):
        raise InputError(
            "There are {places} places but {times} times.",
            "Give both of every event.",
            places=len(spots),
            times=len(moments),
        )
    if not np.isfinite(spots).all() or not np.isfinite(moments).all():
        raise InputError("An event lacks its place or its time.", "Leave such events out.")
    tree = cKDTree(spots)
    if len(spots) and (tree.count_neighbors(tree, near[-1]) - len(spots)) // 2 > MOST_PAIRS:
        raise InputError(
            "Within {distance:g} m there are too many pairs of {events} events.",
            "Take a shorter distance, a shorter period, or a random part of the events.",
            distance=near[-1],
            events=len(spots),
        )
    pairs = tree.query_pairs(near[-1], output_type="ndarray")
    apart = np.hypot(*(spots[pairs[:, 0]] - spots[pairs[:, 1]]).T)
    band = np.searchsorted(near, apart, side="left").astype(np.int8)
    first, second = pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32)
    tables = _shuffled(first, second, band, moments, soon, len(near), int(permutations), seed)
    observed, chance = tables[0], tables[1:]
    expected = chance.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(expected > 0, observed / expected, np.nan)
    p = ((chance >= observed).sum(axis=0) + 1) / (len(chance) + 1)
    return pd.DataFrame(
        {
            "distance_m": np.repeat(near, len(soon)),
            "delay": np.tile(soon, len(near)),
            "pairs": observed.ravel(),
            "expected": expected.ravel(),
            "ratio": ratio.ravel(),
            "p": p.ravel(),
        }
    )


def repeated_events(
    places: NDArray[np.float64], times: NDArray[np.float64], *, distance_m: float, delay: float
) -> NDArray[np.bool_]:
    """
    Events that followed another one nearby and soon.

    Parameters
    ----------
    places, times
        As in `near_repeat`.
    distance_m, delay
        How near, above 0, and how soon, 0 or more in the unit of `times`.

    Returns
    -------
    repeated
        Shape (events,): true for the later one of each such pair; of two at the same time, both.
    """
    spots = np.asarray(places, dtype=np.float64).reshape(-1, 2)
    moments = np.asarray(times, dtype=np.float64)
    require_positive("distance_m", distance_m)
    require_positive("delay", delay, zero=True)
    pairs = cKDTree(spots).query_pairs(distance_m, output_type="ndarray")
    later = moments[pairs[:, 0]] - moments[pairs[:, 1]]
    repeated = np.zeros(len(spots), dtype=bool)
    repeated[pairs[(later >= 0) & (later <= delay), 0]] = True
    repeated[pairs[(later <= 0) & (later >= -delay), 1]] = True
    return repeated


def _rising(name: str, limits: Sequence[float], *, zero: bool = False) -> NDArray[np.float64]:
    bands = np.asarray(limits, dtype=np.float64)
    require_positive(name, bands, zero=zero)
    if not len(bands) or (np.diff(bands) <= 0).any():
        raise InputError("{name} must rise.", "Pass for instance (50, 100, 200).", name=name)
    return bands


@numba.njit(cache=True, nogil=True)
def _shuffled(
    first: NDArray[np.int32],
    second: NDArray[np.int32],
    band: NDArray[np.int8],
    times: NDArray[np.float64],
    soon: NDArray[np.float64],
    bands: int,
    permutations: int,
    seed: int,
) -> NDArray[np.int64]:
    """Pairs by band of distance and of delay: as they are, then of every shuffle; shape (1 + permutations, …)."""
    np.random.seed(seed)
    moments = times.copy()
    found = np.zeros((1 + permutations, bands, len(soon)), np.int64)
    longest = soon[-1]
    for turn in range(1 + permutations):
        if turn:
            np.random.shuffle(moments)
        for pair in range(len(first)):
            delay = abs(moments[first[pair]] - moments[second[pair]])
            if delay <= longest:
                late = 0
                while delay > soon[late]:
                    late += 1
                found[turn, band[pair], late] += 1
    return found
