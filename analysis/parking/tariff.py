"""Tariffs by a step rule: how full blocks are, what step that asks for, and what it will probably change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.checks import require_columns, require_positive
from analysis.errors import InputError

__all__ = [
    "ELASTICITY",
    "SFPARK",
    "StepRule",
    "free_places",
    "occupancy_from_rates",
    "occupancy_from_series",
    "tariff_steps",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StepRule:
    """
    How a tariff follows occupancy, in whatever currency the tariff is in.

    Attributes
    ----------
    bounds
        Occupancy at which the steps change, rising, in (0, 1).
    steps
        Added to the hourly tariff below the first bound, between bounds, and from the last on: one more than bounds.
    floor, cap
        Least and greatest tariff.
    target
        Occupancy to be reached, from and to; no step inside it.
    """

    bounds: tuple[float, ...] = (0.3, 0.6, 0.8)
    steps: tuple[float, ...] = (-0.50, -0.25, 0.0, 0.25)
    floor: float = 0.0
    cap: float = 10.0
    target: tuple[float, float] = (0.6, 0.8)

    def __post_init__(self) -> None:
        require_positive("bounds", self.bounds)
        rising = all(a < b for a, b in zip(self.bounds, self.bounds[1:], strict=False))
        if len(self.steps) != len(self.bounds) + 1 or not rising or self.bounds[-1] >= 1:
            raise InputError(
                "A step rule needs rising bounds in (0, 1) and one step more than bounds.",
                "Give for instance bounds 0.3, 0.6, 0.8 and four steps.",
            )
        if not 0 <= self.floor <= self.cap:
            raise InputError(
                "The floor {floor:g} of the tariff lies above its cap {cap:g}, or below 0.",
                "Give 0 ≤ floor ≤ cap.",
                floor=self.floor,
                cap=self.cap,
            )

    def step(self, occupancy: Floats) -> Floats:
        """The step for each occupancy; NaN where that is not known."""
        found = np.asarray(self.steps)[np.searchsorted(self.bounds, occupancy, side="right")]
        return np.where(np.isnan(occupancy), np.nan, found)


SFPARK = StepRule()
"""
The rule of SFpark's pilot, in dollars an hour: from 80 % on +0.25, 60–80 % 0, 30–60 % −0.25, below 30 % −0.50 [1]_.

.. [1] SFMTA (2014), SFpark pilot project evaluation.
"""
ELASTICITY = (-0.6, -0.2)
"""Of occupancy with respect to price: studies lie in between."""


def occupancy_from_rates(
    vehicles_per_h: pd.DataFrame,
    stay_h: float,
    capacity: pd.Series[float],
) -> pd.DataFrame:
    """
    Occupancy from how many vehicles come to stand an hour: arrivals × mean stay / places, Little's law.

    Parameters
    ----------
    vehicles_per_h
        One row a block and hour: `block`, `hour` (0 to 167), `rate`, `lower`, `upper` (vehicles an hour, 0 or more).
    stay_h
        Mean stay, above 0.
    capacity
        Places of each block, indexed by block.

    Returns
    -------
    occupancy
        `block`, `hour`, `occupancy`, `lower`, `upper`, `basis` (captures); above 1 where more want to stand than fit.
        Blocks without capacity have NaN.
    """
    require_columns("vehicles_per_h", vehicles_per_h, "block", "hour", "rate", "lower", "upper")
    require_positive("stay_h", stay_h)
    require_positive("capacity", capacity, zero=True)
    places = vehicles_per_h["block"].map(capacity).to_numpy(dtype=np.float64)
    places = np.where(places > 0, places, np.nan)
    found = vehicles_per_h[["block", "hour"]].reset_index(drop=True)
    for name, column in (("occupancy", "rate"), ("lower", "lower"), ("upper", "upper")):
        rate = vehicles_per_h[column].to_numpy(dtype=np.float64)
        require_positive(column, rate[~np.isnan(rate)], zero=True)
        found[name] = rate * stay_h / places
    return found.assign(basis="captures")


def occupancy_from_series(series: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """
    Occupancy from counts over time, such as a car park's barrier.

    Parameters
    ----------
    series
        One row a count: `block`, `hour` (of the week, 0 to 167), `occupied` (vehicles) and `capacity` (places).
    level
        Of the interval of the mean, in (0, 1).

    Returns
    -------
    occupancy
        `block`, `hour`, `occupancy`, `lower`, `upper` (Student's t over the counts of that hour; NaN with one count),
        `basis` (series), sorted. Counts with a negative or missing number, or without capacity, are left out.

    Raises
    ------
    InputError
        If a column is missing or no count can be used.
    """
    require_columns("series", series, "block", "hour", "occupied", "capacity")
    if not 0 < level < 1:
        raise InputError("level must lie in (0, 1), not {level}.", "Pass for instance 0.95.", level=level)
    numbers = series[["occupied", "capacity"]].apply(pd.to_numeric, errors="coerce")
    good = (numbers["occupied"] >= 0) & (numbers["capacity"] > 0)
    if not good.any():
        raise InputError(
            "No count of the {count} in the series has vehicles and places.",
            "Give occupied ≥ 0 and capacity > 0.",
            count=len(series),
        )
    kept = series.loc[good, ["block", "hour"]].assign(share=numbers["occupied"] / numbers["capacity"])
    by = kept.groupby(["block", "hour"])["share"].agg(["mean", "std", "count"]).reset_index()
    many = by["count"].to_numpy()
    with np.errstate(invalid="ignore"):
        half = stats.t.isf((1 - level) / 2, np.maximum(many - 1, 1)) * by["std"].to_numpy() / np.sqrt(many)
    half = np.where(many > 1, half, np.nan)
    mean = by["mean"].to_numpy()
    return by[["block", "hour"]].assign(
        occupancy=mean, lower=np.maximum(mean - half, 0.0), upper=mean + half, basis="series"
    )


def free_places(
    capacity: npt.ArrayLike, free_ratio: npt.ArrayLike, tariff_ratio: npt.ArrayLike, elasticity: float
) -> Floats:
    """
    Free places once tariffs have changed: those who stand follow as (new / old) ** elasticity.

    Parameters
    ----------
    capacity
        Places, 0 or more, (n,).
    free_ratio
        Share that is free today, [0, 1]; one number or (n,).
    tariff_ratio
        New tariff over the old one, above 0; one number or (n,).
    elasticity
        Of occupancy with respect to price, 0 or less.

    Returns
    -------
    free
        In [0, capacity], (n,). Where those who leave go to is not followed.

    Raises
    ------
    InputError
        If a number is out of range.
    """
    require_positive("capacity", capacity, zero=True)
    require_positive("tariff_ratio", tariff_ratio)
    share = np.asarray(free_ratio, dtype=np.float64)
    if not ((share >= 0) & (share <= 1)).all():
        raise InputError("free_ratio must lie in [0, 1].", "Give the share of places that is free.")
    if not elasticity <= 0:
        raise InputError(
            "The elasticity is {value:g}, but a dearer place is not wanted more.",
            "Give a number of 0 or less.",
            value=elasticity,
        )
    places = np.asarray(capacity, dtype=np.float64)
    standing = places * (1 - share) * np.asarray(tariff_ratio, dtype=np.float64) ** elasticity
    return np.clip(places - standing, 0.0, places)


def tariff_steps(
    occupancy: pd.DataFrame,
    tariff: pd.Series[float],
    *,
    rule: StepRule = SFPARK,
    elasticity: tuple[float, float] = ELASTICITY,
) -> pd.DataFrame:
    """
    The next tariff of each block and hour, and the occupancy to expect.

    Occupancy follows the tariff as (new / old) ** elasticity. The interval takes the ends of elasticity and of today's
    occupancy together, so it is on the wide side.

    Parameters
    ----------
    occupancy
        `block`, `hour`, `occupancy`, `lower`, `upper`; NaN where nobody knows.
    tariff
        Of an hour today, 0 or more, indexed by block.
    rule
        The steps.
    elasticity
        From and to, both 0 or less.

    Returns
    -------
    steps
        The rows of `occupancy` with `tariff`, `step` (after floor and cap), `new_tariff`, `expected`, `expected_lower`,
        `expected_upper`, `sure` (the interval asks for one and the same step) and `on_target` (expected inside it).
        From a tariff of 0 no change can be foretold: NaN.

    Raises
    ------
    InputError
        If a block has no tariff, or a number is out of range.
    """
    require_columns("occupancy", occupancy, "block", "hour", "occupancy", "lower", "upper")
    low, high = elasticity
    if not low <= high <= 0:
        raise InputError(
            "The elasticity lies from {low:g} to {high:g}, but a dearer place is not wanted more.",
            "Give two numbers that rise to 0 or less.",
            low=low,
            high=high,
        )
    missing = pd.Index(occupancy["block"].unique()).difference(tariff.index)
    if len(missing):
        raise InputError(
            "Block {block} has no tariff ({count} blocks have none).",
            "Give every block one; 0 where standing is free.",
            block=missing[0],
            count=len(missing),
        )
    require_positive("tariff", tariff, zero=True)
    today = occupancy["block"].map(tariff).to_numpy(dtype=np.float64)
    full, lower, upper = (
        occupancy[name].to_numpy(dtype=np.float64) for name in ("occupancy", "lower", "upper")
    )
    asked = rule.step(full)
    wanted = np.clip(today + np.nan_to_num(asked), rule.floor, rule.cap)
    new = np.where(np.isnan(asked) | (asked == 0), today, wanted)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(today > 0, new / today, np.where(new == today, 1.0, np.nan))
        # a tariff of 0 after a step down: at most the occupancy of the least tariff that is not 0 is known, so nothing
        ratio = np.where(ratio == 0, np.nan, ratio)
        ends = np.stack([ratio**low, ratio**high])
    expected = full * ratio ** ((low + high) / 2)
    expected_lower, expected_upper = lower * ends.min(axis=0), upper * ends.max(axis=0)
    sure = rule.step(lower) == rule.step(upper)
    return occupancy.assign(
        tariff=today,
        step=new - today,
        new_tariff=new,
        expected=expected,
        expected_lower=expected_lower,
        expected_upper=expected_upper,
        sure=sure,
        on_target=(expected >= rule.target[0]) & (expected <= rule.target[1]),
    )
