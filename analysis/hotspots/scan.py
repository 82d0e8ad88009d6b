"""Kulldorff's space scan: circles in which more happened than the hours of looking explain."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["ScanCluster", "space_scan"]

MOST_STORED = 60_000_000
"""Places times the largest circle's places: four bytes each."""


@dataclass(frozen=True, slots=True)
class ScanCluster:
    """
    A circle of places that stands out.

    Parameters
    ----------
    centre
        Label of the place in its middle.
    members
        Labels of its places, the centre first, then by distance.
    radius_m
        To the farthest of them.
    observed, expected
        Events, and how many there would be if its share of the expectation were all.
    relative_risk
        Rate inside over rate outside.
    llr
        Log likelihood ratio (natural logarithm), above 0.
    p
        Share of simulated towns whose best circle is at least as good, among them the real one.
    """

    centre: object
    members: pd.Index
    radius_m: float
    observed: int
    expected: float
    relative_risk: float
    llr: float
    p: float


def space_scan(
    counts: pd.Series[int],
    expected: pd.Series[float],
    places: NDArray[np.float64],
    *,
    most_share: float = 0.25,
    most_radius_m: float = np.inf,
    simulations: int = 999,
    most_clusters: int = 10,
    seed: int = 0,
) -> list[ScanCluster]:
    """
    Circles with more events than expected, the most likely first [1]_.

    Events are Poisson with a mean proportional to `expected`, everywhere by the same factor. Every place is the
    middle of circles of growing size; the likelihood of a higher factor inside is compared with one factor for all.
    The best circle is judged against the best circles of towns in which the same number of events fell at random.

    Parameters
    ----------
    counts
        Events at each place: whole numbers, 0 or more.
    expected
        With the index of `counts`: seen-hours, area, or anything to which events would be proportional; 0 or more.
        Places with 0 are left out, with their events: nobody looked.
    places
        Shape (places, 2): x and y in metres, in the order of `counts`.
    most_share
        A circle holds at most this share of the expectation, in (0, 1).
    most_radius_m
        And reaches at most so far.
    simulations
        Towns that are made up, 1 or more.
    most_clusters
        Further circles that share no place with a better one are told up to this number.
    seed
        Of the simulations.

    Returns
    -------
    clusters
        Best first; empty where no circle has more than expected.

    Raises
    ------
    InputError
        If counts, expectation and places do not fit together, nothing is expected anywhere, or circles hold too
        many places to be kept in memory.

    References
    ----------
    .. [1] Kulldorff (1997), A spatial scan statistic.
    """
    events, means, spots, kept = _fitting(counts, expected, places)
    if not 0 < most_share < 1:
        raise InputError(
            "most_share must lie in (0, 1), not {share}.", "Pass for instance 0.25.", share=most_share
        )
    require_positive("simulations", simulations)
    total = int(events.sum())
    if total == 0:
        return []
    means = means * (total / means.sum())
    order, sizes = _circles(spots, means, most_share * total, most_radius_m)
    ratios, widths = _best_circles(order, sizes, events[:, None], means, float(total))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(total, means / total, size=int(simulations)).T.astype(np.float64)
    best = _best_of_towns(order, sizes, np.ascontiguousarray(drawn), means, float(total))
    return _told(
        counts.index[kept], spots, events, means, order, ratios, widths, np.sort(best), most_clusters
    )


def log_likelihood_ratio(observed: float, expected: float, total: float) -> float:
    """Kulldorff's ratio for a circle; 0 where it holds no more than expected."""
    return float(_ratio(float(observed), float(expected), float(total)))


def _fitting(
    counts: pd.Series[int], expected: pd.Series[float], places: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Events, expectation and places where something is expected."""
    spots = np.asarray(places, dtype=np.float64).reshape(-1, 2)
    if not counts.index.equals(expected.index) or len(spots) != len(counts):
        raise InputError(
            "counts, expected and places are not of the same places.",
            "Align them first: counts.reindex(expected.index, fill_value=0).",
        )
    require_positive("expected", expected, zero=True) if len(expected) else None
    require_positive("counts", counts, zero=True) if len(counts) else None
    means = np.asarray(expected, dtype=np.float64)
    kept = means > 0
    if kept.sum() < 2:
        raise InputError(
            "Only {count} places have an expectation above zero; a scan compares at least 2.",
            "Choose a longer period, or the area of the places as expectation.",
            count=int(kept.sum()),
        )
    events = np.asarray(counts, dtype=np.float64)[kept]
    return events, means[kept], spots[kept], kept


def _circles(
    spots: NDArray[np.float64], means: NDArray[np.float64], most: float, radius_m: float
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Places around each place by distance, and how many of them its largest circle holds."""
    count = len(spots)
    tree = cKDTree(spots)
    width = min(count, 64)
    while True:
        distances, order = tree.query(spots, k=width)
        distances = np.asarray(distances).reshape(count, -1)
        order = np.asarray(order).reshape(count, -1)
        held = np.cumsum(means[order], axis=1)
        allowed = (held <= most) & (distances <= radius_m)
        allowed[:, 0] = True
        sizes = np.where(allowed.all(axis=1), width, np.argmin(allowed, axis=1))
        if width == count or (sizes < width).all():
            return order.astype(np.int32)[:, : int(sizes.max())], sizes.astype(np.int64)
        width = min(count, width * 2)
        if count * width > MOST_STORED:
            raise InputError(
                "Circles of {width} of {count} places are too many to keep.",
                "Give most_radius_m, or a smaller most_share.",
                width=width,
                count=count,
            )


def _told(
    index: pd.Index,
    spots: NDArray[np.float64],
    events: NDArray[np.float64],
    means: NDArray[np.float64],
    order: NDArray[np.int32],
    ratios: NDArray[np.float64],
    widths: NDArray[np.int64],
    simulated: NDArray[np.float64],
    most: int,
) -> list[ScanCluster]:
    """Best circles that share no place."""
    total = events.sum()
    taken = np.zeros(len(events), dtype=bool)
    found: list[ScanCluster] = []
    for middle in np.argsort(-ratios, kind="stable"):
        members = order[middle, : widths[middle]]
        if len(found) == most or ratios[middle] <= 0:
            break
        if taken[members].any():
            continue
        taken[members] = True
        inside, usual = events[members].sum(), means[members].sum()
        outside = (total - inside) / (total - usual)
        beaten = len(simulated) - np.searchsorted(simulated, ratios[middle] * (1 - 1e-12))
        found.append(
            ScanCluster(
                centre=index[middle],
                members=index[members],
                radius_m=float(np.hypot(*(spots[members] - spots[middle]).T).max()),
                observed=int(inside),
                expected=float(usual),
                relative_risk=float(inside / usual / outside) if outside > 0 else float("inf"),
                llr=float(ratios[middle]),
                p=float((beaten + 1) / (len(simulated) + 1)),
            )
        )
    return found


@numba.njit(cache=True, nogil=True, inline="always")
def _ratio(inside: float, usual: float, total: float) -> float:
    if inside <= usual or usual >= total:
        return 0.0
    found = inside * np.log(inside / usual)
    if inside < total:
        found += (total - inside) * np.log((total - inside) / (total - usual))
    return found


@numba.njit(cache=True, nogil=True)
def _best_circles(
    order: NDArray[np.int32],
    sizes: NDArray[np.int64],
    events: NDArray[np.float64],
    means: NDArray[np.float64],
    total: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of each place: the ratio of its best circle and how many places that holds."""
    count = len(sizes)
    best, width = np.zeros(count), np.ones(count, np.int64)
    for middle in range(count):
        inside, usual = 0.0, 0.0
        for turn in range(sizes[middle]):
            member = order[middle, turn]
            inside += events[member, 0]
            usual += means[member]
            ratio = _ratio(inside, usual, total)
            if ratio > best[middle]:
                best[middle], width[middle] = ratio, turn + 1
    return best, width


@numba.njit(cache=True, nogil=True, fastmath=True)
def _best_of_towns(
    order: NDArray[np.int32],
    sizes: NDArray[np.int64],
    events: NDArray[np.float64],
    means: NDArray[np.float64],
    total: float,
) -> NDArray[np.float64]:
    """
    Best ratio of each column of `events`.

    A ratio is never above (inside - usual)² · total / (usual · (total - usual)), the chi-square that bounds a
    Kullback-Leibler divergence; only circles that may beat the best so far are worth a logarithm.
    """
    towns = events.shape[1]
    best = np.zeros(towns)
    inside = np.empty(towns)
    for middle in range(len(sizes)):
        inside[:] = 0.0
        usual = 0.0
        for turn in range(sizes[middle]):
            member = order[middle, turn]
            usual += means[member]
            if usual >= total:
                break
            steep = total / (usual * (total - usual))
            promising = False
            for town in range(towns):
                inside[town] += events[member, town]
                more = inside[town] - usual
                promising |= (more > 0) & (more * more * steep > best[town])
            if promising:
                for town in range(towns):
                    more = inside[town] - usual
                    if more > 0 and more * more * steep > best[town]:
                        ratio = _ratio(inside[town], usual, total)
                        best[town] = max(best[town], ratio)
    return best
