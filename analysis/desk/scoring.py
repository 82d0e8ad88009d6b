"""
How good the leads of a camera are, from what people said of them.

Every lead that a person looks at is confirmed, rejected or left unsure. The precision of a camera, class and rule is
the share of confirmed ones among those decided; few verdicts say little, so each is also drawn towards the others of
its class and rule, as far as these resemble each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special, stats

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["BETA_JEFFREYS", "VERDICTS", "BetaPrior", "fit_beta_prior", "precision_table", "share_interval"]

Floats = npt.NDArray[np.float64]

VERDICTS = ("confirm", "reject", "unsure")
"""What a person may say of a lead."""
KEYS = ["camera", "class_code", "rule"]


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """
    Beta distribution of the precisions of many cameras.

    Parameters
    ----------
    confirmed, rejected
        Above 0; as if so many leads had been confirmed and rejected beforehand.
    """

    confirmed: float
    rejected: float

    def __post_init__(self) -> None:
        require_positive("confirmed", self.confirmed)
        require_positive("rejected", self.rejected)

    @property
    def mean(self) -> float:
        """Expected precision."""
        return self.confirmed / (self.confirmed + self.rejected)


BETA_JEFFREYS = BetaPrior(0.5, 0.5)
"""Says nothing about other cameras."""


def share_interval(
    hits: npt.ArrayLike,
    misses: npt.ArrayLike,
    *,
    level: float = 0.95,
    prior: BetaPrior = BETA_JEFFREYS,
) -> tuple[Floats, Floats]:
    """
    The central interval of a share, given how often it was so and how often not.

    The share is Beta(a + hits, b + misses); with the Jeffreys prior (1/2, 1/2) the interval holds the true share about
    as often as `level` says, also near 0 and 1 [1]_. Without a hit it begins at 0, without a miss it ends at 1.

    Parameters
    ----------
    hits, misses
        Counts, 0 or more, of one shape.
    level
        Probability that the interval holds the share, in (0, 1).
    prior
        What is known beforehand. The rule of the ends 0 and 1 belongs to the Jeffreys prior and holds for it alone.

    Returns
    -------
    lower, upper
        Floats in [0, 1], NaN where nothing was counted and the prior is Jeffreys'.

    Raises
    ------
    InputError
        If a count is negative or `level` is out of range.

    References
    ----------
    .. [1] Brown, Cai & DasGupta (2001), Interval estimation for a binomial proportion.
    """
    _require_level(level)
    yes, no = np.asarray(hits, dtype=np.float64), np.asarray(misses, dtype=np.float64)
    require_positive("hits", yes, zero=True)
    require_positive("misses", no, zero=True)
    tail = (1 - level) / 2
    lower = np.asarray(stats.beta.ppf(tail, prior.confirmed + yes, prior.rejected + no))
    upper = np.asarray(stats.beta.isf(tail, prior.confirmed + yes, prior.rejected + no))
    if prior == BETA_JEFFREYS:
        lower, upper = np.where(yes == 0, 0.0, lower), np.where(no == 0, 1.0, upper)
        nothing = yes + no == 0
        lower, upper = np.where(nothing, np.nan, lower), np.where(nothing, np.nan, upper)
    return lower, upper


def fit_beta_prior(confirmed: npt.ArrayLike, rejected: npt.ArrayLike) -> BetaPrior:
    """
    The beta distribution of precisions under which the verdicts of all cameras are most likely.

    Confirmed leads are then beta-binomial; their likelihood is maximised over mean and strength. Fewer than three
    cameras with verdicts say nothing of a distribution: then it is the Jeffreys prior.

    Parameters
    ----------
    confirmed, rejected
        (cameras,) counts, 0 or more; cameras without any are left out.

    Raises
    ------
    InputError
        If shapes differ or a count is negative.
    """
    yes, no = np.asarray(confirmed, dtype=np.float64), np.asarray(rejected, dtype=np.float64)
    if yes.shape != no.shape or yes.ndim != 1:
        raise InputError(
            "Confirmed {confirmed} and rejected {rejected} do not belong to the same cameras.",
            "Give one count of each for every camera.",
            confirmed=str(yes.shape),
            rejected=str(no.shape),
        )
    require_positive("confirmed", yes, zero=True)
    require_positive("rejected", no, zero=True)
    seen = yes + no > 0
    yes, no = yes[seen], no[seen]
    if len(yes) < 3:
        return BETA_JEFFREYS

    # cameras with the same counts are alike
    alike, times = np.unique(np.column_stack([yes, no]), axis=0, return_counts=True)
    yes, no = alike[:, 0], alike[:, 1]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        """Minus the beta-binomial log likelihood by logit of the mean and log of the strength, and its slope."""
        mean, strength = special.expit(parameters[0]), np.exp(parameters[1])
        a, b = mean * strength, (1 - mean) * strength
        likelihood = times @ (special.betaln(a + yes, b + no) - special.betaln(a, b))
        both = special.digamma(strength) - special.digamma(strength + yes + no)
        by_a = times @ (special.digamma(a + yes) - special.digamma(a) + both)
        by_b = times @ (special.digamma(b + no) - special.digamma(b) + both)
        slope = np.array([strength * mean * (1 - mean) * (by_a - by_b), a * by_a + b * by_b])
        return -float(likelihood), -slope

    # Half a lead of each kind keeps the mean inside (0, 1) where all cameras agree.
    overall = ((yes @ times) + 0.5) / ((yes + no) @ times + 1)
    start = special.logit(overall)
    bounds = [(start - 3, start + 3), (np.log(0.5), np.log(1e3))]
    fits = [
        optimize.minimize(
            loss, np.array([start, np.log(strength)]), jac=True, method="L-BFGS-B", bounds=bounds
        )
        for strength in (2.0, 20.0)
    ]
    best = min(fits, key=lambda fit: float(fit.fun)).x
    mean, strength = float(special.expit(best[0])), float(np.exp(best[1]))
    return BetaPrior(mean * strength, (1 - mean) * strength)


def precision_table(verdicts: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """
    The precision of every camera, class and rule.

    Parameters
    ----------
    verdicts
        One row for each lead that a person looked at: `camera`, `class_code`, `rule` and `verdict` (one of `VERDICTS`).
        A merged lead is one row.
    level
        Probability that an interval holds the precision, in (0, 1).

    Returns
    -------
    table
        Indexed by camera, class_code and rule, sorted: `confirmed`, `rejected`, `unsure` (counts); `precision`,
        `lower`, `upper` from its own verdicts alone (Jeffreys; NaN where none is decided); `shrunk`, `shrunk_lower`,
        `shrunk_upper` with the cameras of the same class and rule as prior (never NaN). Unsure ones are counted and
        weigh nothing.

    Raises
    ------
    InputError
        If a column or a key is missing or a verdict is not one of the three; it names the row.

    Notes
    -----
    The fitted prior is taken as known, so shrunk intervals are a little narrow where few cameras share a class and
    rule.
    """
    _require_level(level)
    missing = [name for name in (*KEYS, "verdict") if name not in verdicts.columns]
    if missing:
        raise InputError("verdicts lacks the column(s) {missing}.", "Add them.", missing=", ".join(missing))
    unnamed = verdicts[KEYS].isna().any(axis=1)
    if unnamed.any():
        raise InputError(
            "Row {row} lacks its camera, class or rule.",
            "Leave it out or complete it.",
            row=verdicts.index[unnamed][0],
        )
    strange = ~verdicts["verdict"].isin(VERDICTS)
    if strange.any():
        raise InputError(
            "Row {row} has the verdict {verdict!r}.",
            "Use one of {verdicts}.",
            row=verdicts.index[strange][0],
            verdict=verdicts["verdict"][strange].iloc[0],
            verdicts=", ".join(VERDICTS),
        )
    names = {"confirm": "confirmed", "reject": "rejected", "unsure": "unsure"}
    said = verdicts.groupby([*KEYS, "verdict"], observed=True).size().unstack("verdict", fill_value=0)
    table = said.reindex(columns=list(VERDICTS), fill_value=0).rename(columns=names).astype("int64")
    table.columns.name = None
    yes, no = table["confirmed"].to_numpy(np.float64), table["rejected"].to_numpy(np.float64)
    with np.errstate(invalid="ignore"):
        table["precision"] = yes / (yes + no)
    table["lower"], table["upper"] = share_interval(yes, no, level=level)
    prior_yes, prior_no = np.empty(len(table)), np.empty(len(table))
    kinds = table.groupby(["class_code", "rule"], observed=True).ngroup().to_numpy()
    for kind in range(int(kinds.max()) + 1 if len(kinds) else 0):
        of = kinds == kind
        prior = fit_beta_prior(yes[of], no[of])
        prior_yes[of], prior_no[of] = prior.confirmed, prior.rejected
    a, b, tail = prior_yes + yes, prior_no + no, (1 - level) / 2
    table["shrunk"] = a / (a + b)
    table["shrunk_lower"] = stats.beta.ppf(tail, a, b)
    table["shrunk_upper"] = stats.beta.isf(tail, a, b)
    return table


def _require_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError("level must lie in (0, 1), not {level}.", "Pass for instance 0.95.", level=level)
