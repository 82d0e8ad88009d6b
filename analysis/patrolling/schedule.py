"""
When each camera is looked at next: by its weight, by risk and hour, within a budget, and none forgotten.

A camera's *rate* is how many samples a second it should have. Rates follow weights, but stay between one sample in
`min_interval_s` and one in `max_interval_s`; one factor for all cameras (the level of the water) makes their sum the
budget. What is due is then handed out one after another, never closer together than the budget allows, so that the
budget holds in every window of time and not only on average.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.patrolling.phases import backoff_s, phase

__all__ = ["WEEK_H", "Allotment", "Due", "Policy", "Watched", "allot", "next_due", "rates"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WEEK_H = 168
"""Hours of a week, from Monday 00:00 local time."""
SLACK = 0.9
"""The slowest camera aims at this share of its longest interval, so that waiting its turn does not break the limit."""
RETRY_SHARE = 0.1
"""Share of the budget that failing cameras take from healthy ones at most."""
CATCH_UP = 1.1
"""After a gap, samples follow each other by this factor faster than the rates need, as far as the budget goes."""


@dataclass(frozen=True, slots=True)
class Policy:
    """
    How risk and findings turn into weight.

    Parameters
    ----------
    base_per_h
        Leads an hour that are reckoned with even where none are expected, so that quiet cameras keep a share; above 0.
    boost
        A fresh finding multiplies a camera's weight by 1 + `boost`; 0 or more.
    half_life_s
        After so many seconds half of the boost is left; above 0.
    first_wait_s, most_wait_s
        Back-off after failures, see `backoff_s`.
    """

    base_per_h: float = 0.05
    boost: float = 3.0
    half_life_s: float = 1800.0
    first_wait_s: float = 5.0
    most_wait_s: float = 900.0

    def __post_init__(self) -> None:
        for name in ("base_per_h", "half_life_s", "first_wait_s", "most_wait_s"):
            require_positive(name, getattr(self, name))
        require_positive("boost", self.boost, zero=True)


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """
    The cameras of a patrol and what is known of them; row i of every array is one camera.

    Parameters
    ----------
    camera
        (n,) whole numbers, each once: the cameras' ids.
    priority
        (n,) weights, 0 or more; a camera of priority 0 still gets its sample every `max_interval_s`.
    risk_per_h
        (n, 168) leads expected in each hour of the week, 0 or more, Monday 00:00 local time first; or (168,), the
        same for all.
    last_sampled_s
        (n,) epoch seconds of the last sample, −inf for none. A sample that is handed out and not yet back counts as
        taken when it is due; otherwise it would be handed out twice.
    last_finding_s
        (n,) epoch seconds of the last lead, −inf for none.
    failures
        (n,) failed attempts in a row, 0 for a healthy camera.
    next_try_s
        (n,) epoch seconds before which a failing camera is left alone (its last attempt + `backoff_s`), −inf for a
        healthy one.
    min_interval_s, max_interval_s
        Seconds above 0, one number or (n,): never closer together, never further apart.

    Raises
    ------
    InputError
        If shapes differ, a camera comes twice, or a value is out of range; it names the argument and the row.
    """

    camera: Ints
    priority: Floats
    risk_per_h: npt.NDArray[np.floating]
    last_sampled_s: Floats
    last_finding_s: Floats
    failures: npt.NDArray[np.integer]
    next_try_s: Floats
    min_interval_s: Floats
    max_interval_s: Floats
    phase: Floats = field(init=False)

    def __post_init__(self) -> None:
        camera = np.asarray(self.camera)
        if camera.ndim != 1 or (camera.size and camera.dtype.kind not in "iu"):
            raise InputError(
                "camera must be whole numbers, one for each camera.", "Pass the cameras' ids as integers."
            )
        n = len(camera)
        if len(np.unique(camera)) < n:
            raise InputError("A camera is watched twice.", "Give one row for each camera.")
        risk = np.asarray(self.risk_per_h)
        risk = risk if risk.dtype.kind == "f" else risk.astype(np.float64)
        if risk.shape not in {(WEEK_H,), (n, WEEK_H)}:
            raise InputError(
                "risk_per_h has the shape {shape} for {cameras} cameras.",
                "Give one number for each hour of the week: (168,), or (n, 168).",
                shape=str(risk.shape),
                cameras=n,
            )
        if not (np.isfinite(risk) & (risk >= 0)).all():
            raise InputError(
                "risk_per_h holds a number that is negative or not finite.", "Give expected leads an hour."
            )
        arrays: dict[str, npt.NDArray[np.generic]] = {"camera": camera.astype(np.int64), "risk_per_h": risk}
        for name in ("priority", "failures"):
            arrays[name] = _row(name, getattr(self, name), n)
            require_positive(name, arrays[name], zero=True)
        for name in ("last_sampled_s", "last_finding_s", "next_try_s"):
            values = arrays[name] = _row(name, getattr(self, name), n)
            if (np.isnan(values) | (values == np.inf)).any():
                raise InputError(
                    "{name} holds a time that is not a number of seconds.",
                    "Give epoch seconds, or −inf for never.",
                    name=name,
                )
        for name in ("min_interval_s", "max_interval_s"):
            arrays[name] = np.broadcast_to(_row(name, getattr(self, name), n), (n,))
            require_positive(name, arrays[name])
        wrong = np.flatnonzero(arrays["min_interval_s"] > arrays["max_interval_s"])  # type: ignore[operator]
        if len(wrong):
            raise InputError(
                "Camera {camera} has a shortest interval above its longest.",
                "Give min_interval_s ≤ max_interval_s.",
                camera=int(camera[wrong[0]]),
            )
        for name, array in arrays.items():
            object.__setattr__(self, name, array.astype(np.int64) if name == "failures" else array)
        object.__setattr__(self, "phase", phase(self.camera))

    def __len__(self) -> int:
        return len(self.camera)


@dataclass(frozen=True, slots=True, eq=False)
class Due:
    """
    When each camera is due.

    Attributes
    ----------
    due_s
        (n,) epoch seconds; in the past where a camera is overdue.
    rate_per_s
        (n,) samples a second that each camera has from the budget; their sum is at most the budget.
    stretched
        1 where the budget carries every camera's longest interval; otherwise the factor by which all longest
        intervals are drawn out.
    """

    due_s: Floats
    rate_per_s: Floats
    stretched: float


@dataclass(frozen=True, slots=True, eq=False)
class Allotment:
    """
    Samples to take.

    Attributes
    ----------
    row
        (m,) row of the camera in `Watched`; a camera may come several times.
    at_s
        (m,) epoch seconds at which to take each, ascending, spaced by at least one part of the budget.
    free_s
        When the next sample after these may be taken: pass it to the next call.
    stretched
        As in `Due`.
    """

    row: Ints
    at_s: Floats
    free_s: float
    stretched: float


def rates(
    watched: Watched,
    now_s: float,
    budget_per_s: float,
    hour_of_week: int,
    policy: Policy | None = None,
) -> tuple[Floats, float]:
    """
    Samples a second for each camera, and how far longest intervals had to be drawn out.

    The weight of a camera is priority · (base + risk in this hour) · (1 + boost · 2^(−age of the last finding /
    half life)). Its rate is `level` · weight, but at least one in `max_interval_s` and at most one in `min_interval_s`;
    the level is the one at which the rates add up to the budget (exact: their sum is piecewise linear in it).

    Failing cameras are tried at the pace of their back-off, whatever their weight. All of them together take a tenth of
    the budget at most, or what the healthy ones cannot use; beyond that their waits are drawn out alike.

    Parameters
    ----------
    watched
        The cameras.
    now_s
        Epoch seconds.
    budget_per_s
        Samples a second that all workers together can take, above 0.
    hour_of_week
        0 (Monday 00:00 local time) … 167.
    policy
        How risk and findings turn into weight; the defaults of `Policy` without one.

    Returns
    -------
    rate_per_s
        (n,) above 0; their sum is the budget, or less where every camera is at its shortest interval.
    stretched
        1 or more, see `Due`.

    Raises
    ------
    InputError
        If the budget or the hour is out of range.
    """
    policy = policy or Policy()
    require_positive("budget_per_s", budget_per_s)
    if not 0 <= hour_of_week < WEEK_H:
        raise InputError(
            "Hour {hour} is not an hour of the week.",
            "Count from 0 (Monday 00:00) to 167.",
            hour=hour_of_week,
        )
    if not len(watched):
        return np.zeros(0), 1.0
    risk = np.asarray(watched.risk_per_h[..., hour_of_week], dtype=np.float64)
    age_s = np.maximum(0.0, now_s - watched.last_finding_s)
    weight = (
        watched.priority
        * (policy.base_per_h + risk)
        * (1 + policy.boost * np.exp2(-age_s / policy.half_life_s))
    )
    rate = 1 / np.maximum(watched.min_interval_s, _wait_s(watched, policy))
    well = watched.failures == 0
    spare = max(RETRY_SHARE * budget_per_s, budget_per_s - float(rate[well].sum()))
    tried = float(rate[~well].sum())
    if tried > spare:
        rate[~well] *= spare / tried
    if not well.any():
        return rate, 1.0
    rest = budget_per_s - min(tried, spare)
    most, bare = rate[well], 1 / watched.max_interval_s[well]
    least = np.minimum(1 / (SLACK * watched.max_interval_s[well]), most)
    stretched = max(1.0, float(bare.sum()) / rest)
    if bare.sum() >= rest:
        rate[well] = bare / stretched
    elif least.sum() >= rest:
        rate[well] = bare + (least - bare) * ((rest - bare.sum()) / (least - bare).sum())
    else:
        rate[well] = _filled(weight[well], least, most, rest)
    return rate, stretched


def next_due(
    watched: Watched,
    now_s: float,
    budget_per_s: float,
    hour_of_week: int,
    policy: Policy | None = None,
) -> Due:
    """
    When each camera is due next, if nothing changes.

    A camera is due one interval (the inverse of its rate) after its last sample; one that was never looked at is due
    at once; a failing one at `next_try_s`, or later where failing cameras are too many. None starves: a healthy camera
    is due at most `stretched` · `max_interval_s` after its last sample.

    Parameters, errors
        As in `rates`. Ask again when the hour changes, a finding comes in or the budget changes.
    """
    policy = policy or Policy()
    rate, stretched = rates(watched, now_s, budget_per_s, hour_of_week, policy)
    last_s = watched.last_sampled_s
    again_s = np.maximum(watched.next_try_s, watched.next_try_s - _wait_s(watched, policy) + 1 / rate)
    due = np.where(
        (watched.failures > 0) & np.isfinite(watched.next_try_s),
        again_s,
        np.where(np.isneginf(last_s), now_s, np.maximum(last_s + 1 / rate, watched.next_try_s)),
    )
    return Due(due, rate, stretched)


def allot(
    watched: Watched,
    now_s: float,
    horizon_s: float,
    budget_per_s: float,
    hour_of_week: int,
    policy: Policy | None = None,
    *,
    free_s: float = -np.inf,
) -> Allotment:
    """
    The samples to take from now on until the horizon.

    The camera that has been due longest comes first; among equals a number of each camera's own decides, so that
    neighbours in the register do not follow each other. Two samples are at least 1 / min(budget, 1.1 · sum of the
    rates) seconds apart: a window of T seconds never holds more than budget · T + 1, and there are no bursts after a
    start or a gap.

    Parameters
    ----------
    watched, now_s, budget_per_s, hour_of_week, policy
        As in `rates`.
    horizon_s
        Seconds from now, 0 or more; short against the hour, because weights are those of now.
    free_s
        `free_s` of the allotment before, so that the spacing holds across calls.

    Returns
    -------
    allotment
        Ordered by time; the same input gives the same samples.

    Raises
    ------
    InputError
        As `rates`, or if the horizon is negative.
    """
    require_positive("horizon_s", horizon_s, zero=True)
    due = next_due(watched, now_s, budget_per_s, hour_of_week, policy)
    at, end = max(now_s, free_s), now_s + horizon_s
    if not len(watched):
        return Allotment(np.zeros(0, np.int64), np.zeros(0), at, due.stretched)
    apart = 1 / min(budget_per_s, CATCH_UP * float(due.rate_per_s.sum()))
    soon = np.flatnonzero(due.due_s <= end)
    interval = 1 / due.rate_per_s
    turn = list(
        zip(
            due.due_s[soon].tolist(),
            watched.max_interval_s[soon].tolist(),
            watched.phase[soon].tolist(),
            soon.tolist(),
            strict=True,
        )
    )
    heapq.heapify(turn)
    rows: list[int] = []
    times: list[float] = []
    while turn:
        wanted, longest, own, row = turn[0]
        start = max(at, wanted)
        if start > end:
            break
        rows.append(row)
        times.append(start)
        at = start + apart
        heapq.heapreplace(turn, (start + float(interval[row]), longest, own, row))
    return Allotment(np.array(rows, dtype=np.int64), np.array(times), at, due.stretched)


def _wait_s(watched: Watched, policy: Policy) -> Floats:
    return backoff_s(watched.failures, watched.camera, first_s=policy.first_wait_s, most_s=policy.most_wait_s)


def _filled(weight: Floats, least: Floats, most: Floats, budget: float) -> Floats:
    """Rates clip(level · weight, least, most) that add up to the budget, or `most` if that is less."""
    if most.sum() <= budget:
        return most
    rising = weight > 0
    w, low, high = weight[rising], least[rising], most[rising]
    if not len(w) or float(most[rising].sum() + least[~rising].sum()) <= budget:
        # what nobody with a weight can use goes to those without one, evenly between their limits
        rest = np.where(rising, most, least)
        span = most - rest
        return rest + span * ((budget - rest.sum()) / span.sum())
    # The sum grows by w from where a camera leaves its least rate until it reaches its most.
    level = np.concatenate([low / w, high / w])
    slope = np.concatenate([w, -w])
    order = np.argsort(level, kind="stable")
    level, slope = level[order], np.cumsum(slope[order])
    total = float(least.sum()) + np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(level))])
    piece = int(np.searchsorted(total, budget, side="right")) - 1
    piece = min(max(piece, 0), len(level) - 1)
    at = level[piece] + (budget - total[piece]) / slope[piece] if slope[piece] > 0 else level[piece]
    rate = least.copy()
    rate[rising] = np.clip(at * w, low, high)
    return rate


def _row(name: str, values: npt.ArrayLike, n: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n,) and not (array.ndim == 0 and name.endswith("interval_s")):
        raise InputError(
            "{name} has the shape {shape} for {cameras} cameras.",
            "Give one value for each camera, in the order of camera.",
            name=name,
            shape=str(array.shape),
            cameras=n,
        )
    return array
