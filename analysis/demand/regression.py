"""Rates from what is known of a place: for places that cameras see little or not at all."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import optimize, special
from statsmodels.tools.sm_exceptions import DomainWarning, PerfectSeparationWarning

from analysis.errors import InputError

__all__ = ["RateModel", "fit_rate_model"]

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

LEAST_PLACES = 24
PLACES_A_COLUMN = 8
"""For each covariate there are so many places with exposure; those that come last are left out otherwise."""
LEAST_CAPTURES = 20
SPREADS = (1e-4, 20.0)
"""Dispersion is sought between these."""
FIRST_SPREAD = 0.3
TURNS, STEADY = 25, 0.01
"""Coefficients and dispersion are fitted in turn, so often at most, until its logarithm changes by less."""
FURTHER = 1.5
"""A place whose leverage is so many times the largest fitted one is unlike all that were seen."""
ALIKE = 1e-6


@dataclass(frozen=True, eq=False)
class RateModel:
    """
    A fitted log-linear model of rates with gamma noise.

    Attributes
    ----------
    columns
        Covariates that are used.
    coefficients
        Log rate for one standard deviation of each, the constant first.
    dispersion
        Squared coefficient of variation of a place's rate about the model.
    places
        How many it was fitted to.
    """

    columns: list[str]
    coefficients: pd.Series[float]
    dispersion: float
    places: int
    _centre: Floats
    _scale: Floats
    _covariance: Floats
    _reach: float

    def expected(self, covariates: pd.DataFrame) -> pd.DataFrame:
        """
        What it expects of places.

        Parameters
        ----------
        covariates
            As `fit_rate_model` was given; further columns are ignored.

        Returns
        -------
        expected
            Indexed like `covariates`: `rate` (mean of a place's rate), `cv2` (its squared coefficient of variation:
            the noise of places, and how little the coefficients are known) and `unlike` (True where the place is
            outside of what the model was fitted to).
        """
        table = _design(covariates, self.columns, self._centre, self._scale)
        known = np.einsum("ij,jk,ik->i", table, self._covariance, table)
        rate = np.exp(table @ self.coefficients.to_numpy())
        cv2 = (1 + self.dispersion) * np.exp(known) - 1
        return pd.DataFrame(
            {"rate": rate, "cv2": cv2, "unlike": known > FURTHER * self._reach}, index=covariates.index
        )


def fit_rate_model(
    captures: pd.Series[Any],
    exposure: pd.Series[float],
    covariates: pd.DataFrame,
    *,
    near: RateModel | None = None,
) -> RateModel | None:
    """
    Fits captures ~ negative binomial(exposure · exp(b0 + b · x)), dispersion included.

    A generalised linear model [1]_ by statsmodels and the dispersion that its means make most likely, in turn until the
    dispersion stays. Covariates without variation, or that those before them make up, are left out, and the
    last ones where there are fewer than 8 places with exposure for each.

    Parameters
    ----------
    captures
        Whole numbers, 0 or more.
    exposure
        0 or more, indexed like `captures`; places without exposure are not used.
    covariates
        Finite numbers, indexed like `captures`; the telling ones first.
    near
        An answer to nearly the same question, to begin at.

    Returns
    -------
    model
        None if there is too little to tell covariates apart: fewer than 24 places with exposure, or 20 captures.

    Raises
    ------
    InputError
        If an index differs or a covariate is not a finite number.

    References
    ----------
    .. [1] Cameron & Trivedi (2013), Regression analysis of count data.
    """
    for name, index in (("exposure", exposure.index), ("covariates", covariates.index)):
        if not index.equals(captures.index):
            raise InputError(
                "{name} and captures differ in their index.",
                "Align them first: {name}.reindex(captures.index).",
                name=name,
            )
    values = covariates.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise InputError(
            "Covariate {column} of place {place} is {value}.",
            "Give every place a finite number, 0 where there is nothing.",
            column=covariates.columns[column],
            place=covariates.index[row],
            value=values[row, column],
        )
    hours = exposure.to_numpy(dtype=np.float64)
    used = hours > 0
    counts: Floats = captures.to_numpy(dtype=np.float64)[used]
    if counts.sum() < LEAST_CAPTURES:
        return None
    if used.sum() < LEAST_PLACES:
        return None
    columns = _telling(covariates[used])[: int(used.sum()) // PLACES_A_COLUMN - 1]
    known = covariates.loc[used, columns].to_numpy(dtype=np.float64)
    centre, scale = known.mean(axis=0), known.std(axis=0)
    table = _design(covariates[used], columns, centre, scale)
    offset = np.log(hours[used])

    begin = near.coefficients.to_numpy() if near is not None and near.columns == columns else None
    spread = near.dispersion if near is not None else FIRST_SPREAD
    for _ in range(TURNS):
        family = sm.families.NegativeBinomial(alpha=spread)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DomainWarning)
            warnings.simplefilter("ignore", PerfectSeparationWarning)
            answer = sm.GLM(counts, table, family=family, offset=offset).fit(start_params=begin)
        begin, before = np.asarray(answer.params), spread
        spread = _dispersion(counts, np.asarray(answer.mu, dtype=np.float64))
        if abs(np.log(spread / before)) < STEADY:
            break
    covariance = np.asarray(answer.cov_params())
    leverage = np.einsum("ij,jk,ik->i", table, covariance, table)
    return RateModel(
        columns,
        pd.Series(begin, index=["constant", *columns]),
        spread,
        int(used.sum()),
        centre,
        scale,
        covariance,
        float(leverage.max()),
    )


def _dispersion(counts: Floats, mean: Floats) -> float:
    """The dispersion that makes negative binomial counts of known means most likely."""

    def loss(log_spread: float) -> float:
        size = np.exp(-log_spread)
        likelihood = special.gammaln(size + counts) - special.gammaln(size) - size * np.log1p(mean / size)
        likelihood += special.xlogy(counts, mean / (size + mean))
        return -float(likelihood.sum())

    best = optimize.minimize_scalar(loss, bounds=tuple(np.log(SPREADS)), method="bounded")
    return float(np.exp(best.x))


def _design(covariates: pd.DataFrame, columns: list[str], centre: Floats, scale: Floats) -> Floats:
    values = covariates[columns].to_numpy(dtype=np.float64)
    return np.column_stack([np.ones(len(values)), (values - centre) / scale])


def _telling(covariates: pd.DataFrame) -> list[str]:
    """Columns that vary and that those before them do not make up."""
    held: list[Floats] = []
    columns: list[str] = []
    for name in covariates:
        values = covariates[name].to_numpy(dtype=np.float64)
        centred = values - values.mean()
        length = np.linalg.norm(centred)
        if length <= ALIKE * max(np.abs(values).max(), 1.0):
            continue
        rest = centred / length
        for one in held:
            rest = rest - (one @ rest) * one
        left = np.linalg.norm(rest)
        if left > 1e-3:
            held.append(rest / left)
            columns.append(str(name))
    return columns
