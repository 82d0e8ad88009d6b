"""
Leads that are one thing: same class, same place within what is known of it, same time.

Two leads are linked if they are of one class, no further apart than their standard errors explain, and no longer apart
in time than the thing may go unseen. Linked leads become one, surest links first, except where one camera saw both at
once in different places: then they are two things, however close. The order of the leads does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["Leads", "Merged", "Sameness", "merge", "same_place"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sameness:
    """
    When two leads are one thing.

    Parameters
    ----------
    sigmas
        How many of their combined standard errors apart they may be; above 0. With 2.45, 95 % of pairs of one thing
        are found (Rayleigh's distribution).
    most_m
        They are never further apart than this, however unsure their places; metres above 0.
    most_gap_s
        Seconds, 0 or more, between the end of one and the start of the other.
    twin_m
        Two leads of one camera at the same time are one thing only if this close (two zones that overlap, for
        instance): one camera's errors are the same for both, so it tells apart what is further apart. 0 or more.
    """

    sigmas: float = 2.45
    most_m: float = 10.0
    most_gap_s: float = 900.0
    twin_m: float = 0.5

    def __post_init__(self) -> None:
        require_positive("sigmas", self.sigmas)
        require_positive("most_m", self.most_m)
        require_positive("most_gap_s", self.most_gap_s, zero=True)
        require_positive("twin_m", self.twin_m, zero=True)


@dataclass(frozen=True, slots=True, eq=False)
class Leads:
    """
    Leads to be merged; row i of every array is one lead.

    Parameters
    ----------
    x_m, y_m
        (n,) place in a projected system in metres.
    sigma_m
        (n,) standard error of the place along each axis, above 0.
    first_s, last_s
        (n,) epoch seconds between which it was seen.
    kind
        (n,) whole numbers, one for each class (and rule, if rules are to stay apart).
    camera
        (n,) whole numbers; −1 for a report by a person, which is never told apart by a camera.
    score
        (n,) confidence in [0, 1].

    Raises
    ------
    InputError
        If shapes differ or a value is out of range; it names the argument.
    """

    x_m: Floats
    y_m: Floats
    sigma_m: Floats
    first_s: Floats
    last_s: Floats
    kind: Ints
    camera: Ints
    score: Floats

    def __post_init__(self) -> None:
        names = ("x_m", "y_m", "sigma_m", "first_s", "last_s", "score")
        for name in names:
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        for name in ("kind", "camera"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        for name in (*names, "kind", "camera"):
            values = getattr(self, name)
            if values.shape != (len(self.x_m),):
                raise InputError(
                    "{name} has the shape {shape} for {leads} leads.",
                    "Give one value for each lead.",
                    name=name,
                    shape=str(values.shape),
                    leads=len(self.x_m),
                )
            if not np.isfinite(values).all():
                raise InputError(
                    "{name} holds a value that is not finite.", "Leave out leads without a place.", name=name
                )
        require_positive("sigma_m", self.sigma_m)
        if (self.last_s < self.first_s).any():
            raise InputError("A lead ends before it begins.", "Give first_s ≤ last_s.")
        if ((self.score < 0) | (self.score > 1)).any():
            raise InputError("A score is outside [0, 1].", "Give a confidence in [0, 1].")

    def __len__(self) -> int:
        return len(self.x_m)


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """
    Which leads are one thing.

    Attributes
    ----------
    group
        (n,) number of each lead's thing, 0 … things − 1, in order of the first sight.
    surest
        (things,) row of the lead that stands for each: highest score, then smallest error, then earliest.
    leads, cameras
        (things,) how many leads each has, and how many different cameras saw it (reports by people not counted).
    """

    group: Ints
    surest: Ints
    leads: Ints
    cameras: Ints


def same_place(
    distance_m: npt.ArrayLike, sigma_a_m: npt.ArrayLike, sigma_b_m: npt.ArrayLike, by: Sameness
) -> Floats:
    """
    How far apart two places are, in combined standard errors over what is allowed: at most 1 where they are one place.

    Parameters
    ----------
    distance_m
        Metres between them.
    sigma_a_m, sigma_b_m
        Standard error of each along each axis, above 0.
    by
        `sigmas` and `most_m` are used.

    Returns
    -------
    ratio
        0 or more; infinite beyond `most_m`.
    """
    distance = np.asarray(distance_m, dtype=np.float64)
    ratio = distance / (by.sigmas * np.hypot(sigma_a_m, sigma_b_m))
    return np.where(distance <= by.most_m, ratio, np.inf)


def merge(leads: Leads, by: Sameness | None = None) -> Merged:
    """
    Leads that are one thing, found by linking.

    Links are taken from the closest (in combined standard errors) to the loosest; each joins two groups, unless a
    camera saw a lead of the one and a lead of the other at the same time in different places. Chains are followed: a
    thing that moves slowly or is reported again and again stays one.

    Parameters
    ----------
    leads
        Of any classes and cameras, a report told twice included.
    by
        When two are one; the defaults of `Sameness` without it.

    Returns
    -------
    merged
        Permuting the leads permutes `group` and nothing else.
    """
    by = by or Sameness()
    n = len(leads)
    if not n:
        none = np.zeros(0, np.int64)
        return Merged(none, none, none, none)
    # Equal rows become one, so that what is left has one order that depends on contents alone.
    columns = (
        leads.camera,
        leads.score,
        leads.sigma_m,
        leads.y_m,
        leads.x_m,
        leads.kind,
        leads.last_s,
        leads.first_s,
    )
    order = np.lexsort(columns)
    stacked = np.column_stack([each[order] for each in columns])
    new = np.ones(n, dtype=bool)
    new[1:] = (stacked[1:] != stacked[:-1]).any(axis=1)
    distinct = order[new]
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.cumsum(new) - 1
    root = _joined(leads, distinct, by)
    _, label = np.unique(root, return_inverse=True)
    group = label[rank]
    things = int(label.max()) + 1
    best = np.lexsort((rank, leads.first_s, leads.sigma_m, -leads.score, group))
    surest = best[np.searchsorted(group[best], np.arange(things))]
    seen = leads.camera >= 0
    pairs = np.unique(np.column_stack([group[seen], leads.camera[seen]]), axis=0)
    return Merged(
        group=group,
        surest=surest,
        leads=np.bincount(group, minlength=things),
        cameras=np.bincount(pairs[:, 0], minlength=things),
    )


def _joined(leads: Leads, distinct: Ints, by: Sameness) -> Ints:
    """For each distinct lead the first one of its group (in their order)."""
    root = np.arange(len(distinct))
    x, y, sigma, first, last, kind, camera = (
        each[distinct]
        for each in (
            leads.x_m,
            leads.y_m,
            leads.sigma_m,
            leads.first_s,
            leads.last_s,
            leads.kind,
            leads.camera,
        )
    )
    # time is a third direction, so that a place that is reported for years does not meet all of its past
    reach_s = max(by.most_gap_s + float((last - first).max()), 1.0)
    space = np.column_stack([x, y, (first - first.min()) * (by.most_m / reach_s)])
    found = cKDTree(space).query_pairs(by.most_m * (1 + 1e-9), p=np.inf, output_type="ndarray")
    if not len(found):
        return root
    a, b = found.min(axis=1), found.max(axis=1)
    distance = np.hypot(x[a] - x[b], y[a] - y[b])
    ratio = same_place(distance, sigma[a], sigma[b], by)
    gap = np.maximum(first[a], first[b]) - np.minimum(last[a], last[b])
    linked = (kind[a] == kind[b]) & (ratio <= 1) & (gap <= by.most_gap_s)
    a, b, ratio = a[linked], b[linked], ratio[linked]
    members: dict[int, dict[int, list[int]]] = {
        row: {int(camera[row]): [row]} for row in range(len(distinct))
    }

    def apart(one: int, other: int) -> bool:
        """Whether a camera saw these two at once in different places."""
        at_once = first[one] <= last[other] and first[other] <= last[one]
        return bool(at_once and np.hypot(x[one] - x[other], y[one] - y[other]) > by.twin_m)

    for link in np.lexsort((b, a, ratio)):
        one, other = _top(root, int(a[link])), _top(root, int(b[link]))
        if one == other:
            continue
        mine, theirs = members[one], members[other]
        shared = [number for number in mine.keys() & theirs.keys() if number >= 0]
        if any(apart(p, q) for number in shared for p in mine[number] for q in theirs[number]):
            continue
        low, high = min(one, other), max(one, other)
        root[high] = low
        kept = members[low]
        for number, rows in members.pop(high).items():
            kept.setdefault(number, []).extend(rows)
    return np.array([_top(root, row) for row in range(len(root))], dtype=np.int64)


def _top(root: Ints, row: int) -> int:
    while root[row] != row:
        root[row] = root[root[row]]
        row = int(root[row])
    return row
