"""Demand by place and hour of the week: what happens, whoever looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.checks import require_positive
from analysis.demand.profile import WEEK_H, HourProfile, hour_profile
from analysis.demand.rates import fit_prior
from analysis.demand.recall import Recall
from analysis.demand.regression import RateModel, fit_rate_model
from analysis.errors import InputError

__all__ = ["EVIDENCE", "Demand", "estimate_demand"]

Floats = npt.NDArray[np.float64]
Evidence = Literal["observed", "modelled", "none"]

EVIDENCE: tuple[Evidence, ...] = ("observed", "modelled", "none")
"""
Where a rate comes from: captures tell at least as much as the model; the model tells more; nobody looked and the place
is unlike all that were seen.
"""
LEVELS = (80, 95)
"""Intervals, per cent."""
ROUNDS = 4
"""Rates and the profile of hours are fitted in turn so often."""
FREE_CV2 = 1e-3
"""Places whose hours differ from the town's by less are taken to follow it."""


@dataclass(frozen=True, eq=False)
class Demand:
    """
    Rates of a class of violation, by place and hour of the week.

    The rate of a place is gamma distributed; that of an hour is the place's times the town's profile, corrected by the
    hour's own captures where places have hours of their own.

    Attributes
    ----------
    places
        Indexed by place: `length_m` (of kerb, or m² of ground), `captures`, `exposure` (metre-hours looked at, weighted
        with the profile), `shape` and `scale` (of the rate per metre and hour, mean over the week; missing where there
        is no evidence), `weight` (share of the answer that captures tell, [0, 1]) and `evidence` (see EVIDENCE).
    profile
        Of the hours of the week.
    hour_captures, hour_exposure
        (places, 168), captures and metre-hours.
    recall
        Of the detector.
    own_hours
        Squared coefficient of variation of a place's hours about the profile; 0 where places follow it.
    model
        What unseen places are told from; None if there is too little to fit it.
    """

    places: pd.DataFrame
    profile: HourProfile
    hour_captures: Floats
    hour_exposure: Floats
    recall: Recall
    own_hours: float
    model: RateModel | None

    def rates(self, hours: Sequence[int] | None = None) -> pd.DataFrame:
        """
        Rates and intervals.

        Parameters
        ----------
        hours
            Hours of the week, 0 (Monday 00:00) to 167, over which the mean is taken; all by default.

        Returns
        -------
        rates
            Indexed by place: `rate` (violations begun per metre and hour), `lower80`, `upper80`, `lower95`, `upper95`,
            `per_h` (violations an hour in the place), `evidence`; numbers are missing where there is no evidence.

        Raises
        ------
        InputError
            If there is no hour, or one is outside 0 … 167.
        """
        chosen = np.arange(WEEK_H) if hours is None else np.unique(np.asarray(hours, dtype=np.int64))
        if chosen.size == 0 or chosen.min() < 0 or chosen.max() >= WEEK_H:
            raise InputError(
                "hours must be between 0 and {last}, at least one of them.",
                "0 is Monday 00:00 to 01:00 local time.",
                last=WEEK_H - 1,
            )
        weight = self.profile.weight[chosen]
        shape, mean = (
            self.places["shape"].to_numpy(),
            (self.places["shape"] * self.places["scale"]).to_numpy(),
        )
        factor, own_cv2 = self._own_hours(mean, chosen)
        rate = mean * weight.mean() * factor
        cv2 = 1 / shape + self.recall.cv2 + own_cv2
        if chosen.size < WEEK_H:
            cv2 = cv2 + ((weight * self.profile.cv[chosen]) ** 2).sum() / weight.sum() ** 2
        found = pd.DataFrame({"rate": rate}, index=self.places.index)
        for level in LEVELS:
            tail = (1 - level / 100) / 2
            found[f"lower{level}"] = stats.gamma.ppf(tail, 1 / cv2, scale=rate * cv2)
            found[f"upper{level}"] = stats.gamma.isf(tail, 1 / cv2, scale=rate * cv2)
        found["per_h"] = found["rate"] * self.places["length_m"]
        return found.assign(evidence=self.places["evidence"])

    def by_hour(self) -> Floats:
        """(places, 168), violations begun an hour in each place; missing where there is no evidence."""
        mean = (self.places["shape"] * self.places["scale"] * self.places["length_m"]).to_numpy()
        if self.own_hours == 0:
            return np.asarray(mean[:, None] * self.profile.weight)
        per_m = (self.places["shape"] * self.places["scale"]).to_numpy()[:, None] * self.profile.weight
        shape = 1 / self.own_hours
        own = (shape + self.hour_captures) / (shape + per_m * self.hour_exposure)
        return np.asarray(mean[:, None] * self.profile.weight * own)

    def _own_hours(self, mean: Floats, chosen: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """By how much the hours of each place differ from the town's, and how surely."""
        if self.own_hours == 0 or chosen.size == WEEK_H:
            return np.ones(len(mean)), np.zeros(len(mean))
        shape = chosen.size / self.own_hours
        captures = self.hour_captures[:, chosen].sum(axis=1)
        expected = np.nan_to_num(mean) * (self.hour_exposure[:, chosen] @ self.profile.weight[chosen])
        return (shape + captures) / (shape + expected), 1 / (shape + captures)

    def of(self, place: Any) -> pd.Series[Any]:
        """What is known of one place."""
        return self.places.loc[place]


def estimate_demand(
    length_m: pd.Series[float],
    captures: Floats,
    exposure: Floats,
    covariates: pd.DataFrame,
    recall: Recall,
) -> Demand:
    """
    Rates by place and hour of the week from captures and exposure, with a model for what is little seen.

    Captures at place g in hour h are Poisson(λ_g · w_h · e_gh). The λ are gamma distributed about a log-linear model of
    the covariates, whose noise is fitted too (empirical Bayes [1]_); the profile w is the town's. Captures move
    a place's rate away from the model as far as they say something: a place with much exposure is what was captured
    there, one with none is the model's. Without enough places to fit covariates the mean of all stands in for the
    model, and places that nobody looked at have no evidence.

    Parameters
    ----------
    length_m
        Metres of kerb of each place (or m² of ground), above 0; places without any belong elsewhere.
    captures
        (places, 168), captures in each hour of the week, each violation once.
    exposure
        (places, 168), metre-hours that were looked at: `Watch.looked_at` times the hours of that kind in the
        period, at the mean recall.
    covariates
        What the model knows of each place; finite numbers; may have no columns.
    recall
        Of the detector, as it went into the exposure; how little it is known widens the intervals.

    Raises
    ------
    InputError
        If a shape or an index differs, a number is negative or missing, or a place has captures in an hour without
        exposure.

    Notes
    -----
    The fitted model and its noise are taken as known but for the coefficients, so with fewer than some 20 observed
    places the intervals are a little too narrow.

    References
    ----------
    .. [1] Clayton & Kaldor (1987), Empirical Bayes estimates of age-standardized relative risks.
    """
    _check(length_m, captures, exposure, covariates)
    profile = HourProfile(np.ones(WEEK_H), np.zeros(WEEK_H))
    total = captures.sum(axis=1)
    model: RateModel | None = None
    for turn in range(ROUNDS):
        weighted = exposure @ profile.weight
        prior, cv2, unlike, model = _prior(length_m.index, total, weighted, covariates, model)
        rate = (1 / cv2 + total) / (1 / (cv2 * prior) + weighted)
        if turn < ROUNDS - 1:
            profile = hour_profile(captures.sum(axis=0), np.nan_to_num(rate) @ exposure)
    shape = 1 / cv2 + total
    told = weighted / (weighted + 1 / (cv2 * prior))
    evidence = np.where(told >= 0.5, "observed", "modelled").astype(object)
    if model is None:
        evidence[weighted > 0] = "observed"
    evidence[(weighted == 0) & unlike] = "none"
    known = evidence != "none"
    places = pd.DataFrame(
        {
            "length_m": length_m,
            "captures": total.astype(np.int64),
            "exposure": weighted,
            "shape": np.where(known, shape, np.nan),
            "scale": np.where(known, rate / shape, np.nan),
            "weight": np.where(known, told, 0.0),
            "evidence": evidence,
        },
        index=length_m.index,
    )
    demand = Demand(places, profile, captures, exposure, recall, 0.0, model)
    return replace(demand, own_hours=_own_hours(np.where(known, rate, 0.0), profile, captures, exposure))


def _prior(
    index: pd.Index[Any], total: Floats, weighted: Floats, covariates: pd.DataFrame, near: RateModel | None
) -> tuple[Floats, Floats, npt.NDArray[np.bool_], RateModel | None]:
    """Mean and squared coefficient of variation of each place's rate before its captures, and whether it is unlike."""
    counts, hours = pd.Series(total.astype(np.int64), index=index), pd.Series(weighted, index=index)
    model = fit_rate_model(counts, hours, covariates, near=near)
    if model is not None:
        expected = model.expected(covariates)
        return (
            expected["rate"].to_numpy(),
            expected["cv2"].to_numpy(),
            expected["unlike"].to_numpy(dtype=bool),
            model,
        )
    prior = fit_prior(counts, hours)
    places = len(index)
    # Jeffreys' prior has no mean: a very long tail about the rate of all together stands in for it
    overall = (total.sum() + 0.5) / max(weighted.sum(), 1.0)
    mean = prior.shape / prior.hours if prior.hours > 0 else overall
    return np.full(places, mean), np.full(places, 1 / prior.shape), np.ones(places, bool), None


def _own_hours(rate: Floats, profile: HourProfile, captures: Floats, exposure: Floats) -> float:
    """Squared coefficient of variation of the hours of places about the profile, by moments; 0 if it is noise."""
    expected = rate[:, None] * profile.weight * exposure
    square = float((expected**2).sum())
    if square == 0:
        return 0.0
    excess = float(((captures - expected) ** 2 - expected).sum())
    noise = float(np.sqrt((expected + 2 * expected**2).sum()))
    return excess / square if excess > 3 * noise and excess / square > FREE_CV2 else 0.0


def _check(length_m: pd.Series[float], captures: Floats, exposure: Floats, covariates: pd.DataFrame) -> None:
    require_positive("length_m", length_m)
    if not covariates.index.equals(length_m.index):
        raise InputError(
            "{name} and length_m differ in their index.",
            "Align them first: {name}.reindex(length_m.index).",
            name="covariates",
        )
    for name, values in (("captures", captures), ("exposure", exposure)):
        if values.shape != (len(length_m), WEEK_H):
            raise InputError(
                "{name} has the shape {shape}, not ({places}, {hours}).",
                "Give one row a place and one column an hour of the week.",
                name=name,
                shape=values.shape,
                places=len(length_m),
                hours=WEEK_H,
            )
        bad = ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            row, hour = np.argwhere(bad)[0]
            raise InputError(
                "{name} of place {place} in hour {hour} of the week is {value}.",
                "Give numbers, zero or more.",
                name=name,
                place=length_m.index[row],
                hour=int(hour),
                value=values[row, hour],
            )
    impossible = (captures > 0) & (exposure == 0)
    if impossible.any():
        row, hour = np.argwhere(impossible)[0]
        raise InputError(
            "Place {place} has {captures:g} captures in hour {hour} of the week although no camera looked"
            " ({count} such places and hours).",
            "Either they belong to a neighbour, or a camera's pose, view or hours are wrong.",
            place=length_m.index[row],
            captures=captures[row, hour],
            hour=int(hour),
            count=int(impossible.sum()),
        )
