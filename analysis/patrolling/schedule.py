"""
When each camera is looked at next: by its weight, by risk and hour, within a budget, and none forgotten.

A camera's *rate* is how many samples a second it should have. Rates follow weights, but stay between one sample in
`min_interval_s` and one in `max_interval_s`; one factor for all cameras (the level of the water) makes their sum the
budget.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.patrolling.phases import backoff_s
from analysis.patrolling.watched import WEEK_H, Policy, Watched

__all__ = ["SLACK", "Due", "next_due", "rates"]

Floats = npt.NDArray[np.float64]

SLACK = 0.9
"""The slowest camera aims at this share of its longest interval, so that waiting its turn does not break the limit."""
RETRY_SHARE = 0.1
"""Share of the budget that failing cameras take from healthy ones at most."""


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
