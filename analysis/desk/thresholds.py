"""Which score a lead should have to be shown, and what changes if it must have more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.checks import require_positive
from analysis.desk.scoring import share_interval
from analysis.errors import InputError

__all__ = ["Change", "Suggestion", "suggest_threshold"]

Floats = npt.NDArray[np.float64]

FEWEST = 20
"""Fewer decided leads than this suggest nothing."""
FEWEST_EACH = 5
"""Fewer confirmed or rejected ones than this suggest nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """
    What a number of leads a week is expected to do.

    Attributes
    ----------
    per_week
        Expected change, negative where leads become fewer.
    lower, upper
        Interval of the expected change: lower ≤ per_week ≤ upper.
    """

    per_week: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """
    A higher score to ask of leads, or the present one where that suffices.

    Attributes
    ----------
    threshold
        Leads with this score or more are shown.
    precision, precision_lower, precision_upper
        Share of true ones among those that would still have been shown, with its Jeffreys interval.
    lost, lost_lower, lost_upper
        Share of the true ones now shown that would not be shown any more, with its interval.
    true_leads, false_leads
        Change of true and of false leads a week.
    decided
        Verdicts that this rests on.
    """

    threshold: float
    precision: float
    precision_lower: float
    precision_upper: float
    lost: float
    lost_lower: float
    lost_upper: float
    true_leads: Change
    false_leads: Change
    decided: int


def suggest_threshold(
    scores: npt.ArrayLike,
    confirmed: npt.ArrayLike,
    *,
    weeks: float,
    wanted_precision: float | None = None,
    most_lost: float | None = None,
    current: float = 0.0,
    reviewed_share: float = 1.0,
    level: float = 0.95,
    fewest: int = FEWEST,
) -> Suggestion:
    """
    The threshold that verdicts speak for.

    With `wanted_precision`, the lowest threshold at which the leads still shown have that precision. With `most_lost`
    alone, the highest threshold at which no more than this share of true leads is lost, even at the upper end of its
    interval: what is lost nobody sees, so doubt counts against it. With both, the first, if the second allows it.

    Parameters
    ----------
    scores
        (n,) scores in [0, 1] of leads that were confirmed or rejected (leave the unsure out).
    confirmed
        (n,) whether each was confirmed.
    weeks
        Over how many weeks these leads came in, above 0.
    wanted_precision, most_lost
        Shares in [0, 1]; at least one of them.
    current
        The threshold that was in force, in [0, 1]. Nothing is known of leads below it, so none lower is suggested.
    reviewed_share
        Share of leads that got a verdict, in (0, 1]; changes a week are those of all leads.
    level
        Probability that each interval holds its number, in (0, 1).
    fewest
        Verdicts without which nothing is suggested.

    Returns
    -------
    suggestion
        Its changes are 0 where the present threshold suffices.

    Raises
    ------
    InputError
        If arguments are out of range; if verdicts are too few; or if no threshold meets the wish. The message is the
        reason to show.

    Notes
    -----
    Intervals hold for a threshold chosen beforehand. This one was chosen by the same verdicts, so it will do a little
    worse than told; the next verdicts correct it.
    """
    score, true = _checked(scores, confirmed, wanted_precision, most_lost, current)
    require_positive("weeks", weeks)
    if not 0 < reviewed_share <= 1:
        raise InputError(
            "reviewed_share must lie in (0, 1], not {share}.",
            "Give the share of leads that got a verdict.",
            share=reviewed_share,
        )
    of_true, of_false = int(true.sum()), int((~true).sum())
    if len(true) < fewest or min(of_true, of_false) < FEWEST_EACH:
        raise InputError(
            "{decided} verdicts ({true} confirmed, {false} rejected) are too few to suggest a threshold.",
            "Decide at least {fewest}, with {each} of each kind.",
            decided=len(true),
            true=of_true,
            false=of_false,
            fewest=fewest,
            each=FEWEST_EACH,
        )
    steps = np.unique(np.append(score, current))
    kept_true = of_true - np.searchsorted(np.sort(score[true]), steps)
    kept_false = of_false - np.searchsorted(np.sort(score[~true]), steps)
    lost_upper = share_interval(of_true - kept_true, kept_true, level=level)[1]
    # a threshold that loses nothing that was seen stays allowed, however few the verdicts
    allowed = np.full(len(steps), True)
    if most_lost is not None:
        allowed = (lost_upper <= most_lost) | (kept_true == of_true)
    if wanted_precision is not None:
        enough = kept_true + kept_false >= max(fewest // 2, 1)
        good = enough & (kept_true >= wanted_precision * (kept_true + kept_false))
        if not good.any():
            raise InputError(
                "No threshold reaches a precision of {wanted:.0%} with {fewest} leads or more left to judge it by.",
                "Ask for less, decide more leads, or mend the camera's zone and calibration first.",
                wanted=wanted_precision,
                fewest=max(fewest // 2, 1),
            )
        at = int(np.flatnonzero(good)[0])
        if not allowed[at]:
            raise InputError(
                "A precision of {wanted:.0%} may lose up to {lost:.0%} of true leads, more than {most:.0%}.",
                "Ask for less precision, or allow more to be lost.",
                wanted=wanted_precision,
                lost=float(lost_upper[at]),
                most=most_lost,
            )
    else:
        at = int(np.flatnonzero(allowed)[-1])
    true_kept, false_kept = int(kept_true[at]), int(kept_false[at])
    low, high = share_interval(true_kept, false_kept, level=level)
    lost_low, lost_high = share_interval(of_true - true_kept, true_kept, level=level)
    scale = 1 / (weeks * reviewed_share)
    return Suggestion(
        threshold=float(steps[at]),
        precision=true_kept / (true_kept + false_kept),
        precision_lower=float(low),
        precision_upper=float(high),
        lost=(of_true - true_kept) / of_true,
        lost_lower=float(lost_low),
        lost_upper=float(lost_high),
        true_leads=_fewer(of_true - true_kept, scale, level, moved=steps[at] > current),
        false_leads=_fewer(of_false - false_kept, scale, level, moved=steps[at] > current),
        decided=len(true),
    )


def _fewer(dropped: int, scale: float, level: float, *, moved: bool) -> Change:
    """Leads that fall away, Poisson with the Jeffreys prior; none where the threshold stays."""
    if not moved:
        return Change(0.0, 0.0, 0.0)
    tail = (1 - level) / 2
    most = max(dropped, float(stats.gamma.isf(tail, dropped + 0.5)))
    least = min(dropped, float(stats.gamma.ppf(tail, dropped + 0.5)))
    return Change(-dropped * scale, -most * scale, -least * scale)


def _checked(
    scores: npt.ArrayLike,
    confirmed: npt.ArrayLike,
    wanted_precision: float | None,
    most_lost: float | None,
    current: float,
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    score, true = np.asarray(scores, dtype=np.float64), np.asarray(confirmed, dtype=bool)
    if score.shape != true.shape or score.ndim != 1:
        raise InputError(
            "Scores {scores} and verdicts {verdicts} do not describe the same leads.",
            "Give one of each for every lead.",
            scores=str(score.shape),
            verdicts=str(true.shape),
        )
    if wanted_precision is None and most_lost is None:
        raise InputError("Nothing is wanted of the threshold.", "Give wanted_precision, most_lost or both.")
    limits = {"wanted_precision": wanted_precision, "most_lost": most_lost, "current": current}
    for name, value in limits.items():
        if value is not None and not 0 <= value <= 1:
            raise InputError(
                "{name} must lie in [0, 1], but is {value}.", "Give a share.", name=name, value=value
            )
    bad = ~((score >= current) & (score <= 1))
    if bad.any():
        raise InputError(
            "The score of row {row} is {score}, not between the present threshold {current:g} and 1.",
            "Leave out leads that the present threshold would not show.",
            row=int(np.flatnonzero(bad)[0]),
            score=float(score[bad][0]),
            current=current,
        )
    return score, true
