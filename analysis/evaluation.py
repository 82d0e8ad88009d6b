"""
How well a city's problems are found and dealt with: indicators of GB/T 30428.4, ranks that know their doubt, change.

A share comes with what it is a share of and with an interval; a rank comes with the ranks that chance alone could give.
What nobody recorded has no value: neither 0 % nor 100 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.checks import require_positive
from analysis.demand import GammaPrior, violation_rate
from analysis.desk import share_interval
from analysis.errors import InputError

__all__ = ["INDICATORS", "Change", "Indicator", "change", "indicators", "ranked_rates"]

INDICATORS: Mapping[str, tuple[str, str]] = {
    "registered": ("registered", "reported"),
    "disposed": ("disposed", "due_disposal"),
    "closed": ("closed", "due_closing"),
    "closed_in_time": ("closed_in_time", "due_in_time"),
}
"""
Indicator → the counts of its numerator and denominator: 立案率, 处置率, 结案率, 按期结案率 (GB/T 30428.4-2016).

What is closed in time is a share of the cases that have a time limit and are closed or overdue.
"""
DRAWS = 4_000
ALONE = GammaPrior(0.5, 0.0)
"""Jeffreys: an area is told by its own counts only."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """
    A share of cases.

    Attributes
    ----------
    name
        One of `INDICATORS`.
    hits, of
        How many, of how many; None where it is not on record.
    ratio, lower, upper
        The share with its 95 % interval (Jeffreys), in [0, 1]; None where it is not on record or `of` is 0.
    """

    name: str
    hits: int | None
    of: int | None
    ratio: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """
    A count against the one before it.

    Attributes
    ----------
    now, before
        Counts of two periods of one length.
    ratio, lower, upper
        now / before with its 95 % interval; None where both are 0, and `upper` also where nothing was before.
    """

    now: int
    before: int
    ratio: float | None
    lower: float | None
    upper: float | None

    @property
    def told(self) -> bool:
        """More than chance: the interval leaves out 1."""
        return self.lower is not None and (self.lower > 1 or (self.upper is not None and self.upper < 1))


def indicators(counts: Mapping[str, int | None]) -> tuple[Indicator, ...]:
    """
    The shares of `INDICATORS`, each with its interval.

    Parameters
    ----------
    counts
        By the names in `INDICATORS`: whole numbers, 0 or more. None, or absent: nobody records it, and every share
        that needs it has no value.

    Raises
    ------
    InputError
        If a count is negative, or more were dealt with than there were.
    """
    return tuple(
        _indicator(name, counts.get(over), counts.get(under)) for name, (over, under) in INDICATORS.items()
    )


def _indicator(name: str, hits: int | None, of: int | None) -> Indicator:
    if hits is None or of is None:
        return Indicator(name, hits, of, None, None, None)
    if not 0 <= hits <= of:
        raise InputError(
            "{name}: {hits} of {of} cannot be.",
            "A part is between 0 and the whole.",
            name=name,
            hits=hits,
            of=of,
        )
    if of == 0:
        return Indicator(name, hits, of, None, None, None)
    lower, upper = share_interval(hits, of - hits)
    return Indicator(name, hits, of, hits / of, float(lower), float(upper))


def change(now: int, before: int, *, level: float = 0.95) -> Change:
    """
    How a count compares with the one before it, over periods of one length.

    Given their sum, the newer of two Poisson counts is binomial; the interval of the share is turned into one of the
    ratio. Counts that come in clusters vary more than that, so the interval is the narrowest that can be said.

    Parameters
    ----------
    now, before
        Whole numbers, 0 or more.
    level
        Probability that the interval holds the ratio, in (0, 1).

    Raises
    ------
    InputError
        If a count is negative or `level` is out of range.
    """
    lower, upper = (float(each) for each in share_interval(now, before, level=level))
    if now + before == 0:
        return Change(now, before, None, None, None)
    return Change(
        now,
        before,
        now / before if before else None,
        lower / (1 - lower),
        upper / (1 - upper) if upper < 1 else None,
    )


def ranked_rates(
    counts: pd.Series[Any], exposure_h: pd.Series[float], *, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """
    Areas from the highest rate to the lowest, each with the ranks that its evidence allows.

    The rate of an area is Gamma(1/2 + count, exposure) [1]_; ranks are counted in draws from all of these together
    [2]_. Areas that nobody looked at come last and have no rank.

    Parameters
    ----------
    counts
        Violations of each area: whole numbers, 0 or more.
    exposure_h
        Hours of full view of each area, 0 or more, indexed like `counts`.
    level
        Probability that an interval holds the rate, or the rank, in (0, 1).
    seed
        Of the draws: the same seed, the same ranks.

    Returns
    -------
    table
        `count`, `exposure_h`, `rate_per_h`, `lower`, `upper`; `rank` (1 is the highest rate), `rank_first` and
        `rank_last` (the interval of the rank), NaN where there is no evidence. Sorted by rank.

    Raises
    ------
    InputError
        As `analysis.demand.violation_rate` does.

    References
    ----------
    .. [1] Clayton & Kaldor (1987), Empirical Bayes estimates of age-standardized relative risks.
    .. [2] Goldstein & Spiegelhalter (1996), League tables and their limitations.
    """
    table = violation_rate(counts, exposure_h, prior=ALONE, level=level)
    table.insert(0, "count", counts)
    table.insert(1, "exposure_h", exposure_h)
    seen = table["evidence"].to_numpy(dtype=bool)
    for name in ("rank", "rank_first", "rank_last"):
        table[name] = np.nan
    if seen.any():
        require_positive("exposure_h", exposure_h[seen])
        shape = 0.5 + counts[seen].to_numpy(dtype=float)
        rng = np.random.default_rng(seed)
        draws = rng.gamma(shape, 1 / exposure_h[seen].to_numpy(dtype=float), size=(DRAWS, len(shape)))
        ranks = stats.rankdata(-draws, axis=1)
        tail = (1 - level) / 2
        table.loc[seen, "rank"] = stats.rankdata(-table.loc[seen, "rate_per_h"].to_numpy(), method="min")
        table.loc[seen, "rank_first"] = np.floor(np.quantile(ranks, tail, axis=0, method="lower"))
        table.loc[seen, "rank_last"] = np.ceil(np.quantile(ranks, 1 - tail, axis=0, method="higher"))
    return table.drop(columns="evidence").sort_values(["rank"], kind="stable", na_position="last")
