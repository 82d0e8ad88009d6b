"""Patrol windows: where and when officers find most violations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, sparse

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["PatrolPlan", "patrol_plan"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PatrolPlan:
    """
    Who patrols where and when.

    Attributes
    ----------
    windows
        One window a row, by day, hour and expected number: `place` (row), `day` (0 Monday), `hour` (of the week, at
        which it begins), `hours`, `expected`, `lower`, `upper` (violations found).
    on_duty
        Officers on duty in each window of the week, (windows,).
    expected, lower, upper
        Violations found in the week. The ends add up the ends of all windows, as if all places were wrong alike: too
        wide where their errors are independent.
    """

    windows: pd.DataFrame
    on_duty: Ints
    expected: float
    lower: float
    upper: float


def patrol_plan(
    rate: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    officers: int,
    shift_h: int = 8,
    window_h: int = 2,
    found_ratio: float = 0.5,
) -> PatrolPlan:
    """
    The week's windows in which so many officers find most, exactly.

    Every day each officer works one shift of consecutive hours inside the day, each window of it at one place; two
    officers are never at the same place. The ways between places are not counted. Which shifts begin when is an
    integer programme whose matrix has consecutive ones, so its linear relaxation is whole [1]_: the plan is the best.

    Parameters
    ----------
    rate, lower, upper
        Violations that begin an hour at each place, (places, 168) from Monday 00:00, with their interval; 0 or more.
        NaN where nobody knows: such places are not patrolled.
    officers
        Each day, above 0.
    shift_h, window_h
        Whole hours above 0; a window divides both the shift and the day.
    found_ratio
        Share of the violations of the window that an officer finds, in (0, 1]; assumed.

    Raises
    ------
    InputError
        If a shape or a number is out of range, or no place has a rate.

    References
    ----------
    .. [1] Fulkerson & Gross (1965), Incidence matrices and interval graphs.
    """
    rates = [np.asarray(each, dtype=np.float64) for each in (rate, lower, upper)]
    _check(rates, officers, shift_h, window_h, found_ratio)
    slots = 24 // window_h
    found = [
        np.nan_to_num(each).reshape(len(each), 7, slots, window_h).sum(axis=3) * found_ratio for each in rates
    ]
    parts: list[pd.DataFrame] = []
    duty = np.zeros((7, slots), dtype=np.int64)
    for day in range(7):
        ranked = np.argsort(-found[0][:, day], axis=0, kind="stable")[:officers]
        gains = np.take_along_axis(found[0][:, day], ranked, axis=0)
        duty[day] = _duty(gains, officers, shift_h // window_h)
        for slot in range(slots):
            rows = ranked[: duty[day, slot], slot]
            rows = rows[found[0][rows, day, slot] > 0]
            parts.append(
                pd.DataFrame(
                    {
                        "place": rows,
                        "day": day,
                        "hour": day * 24 + slot * window_h,
                        "hours": window_h,
                        "expected": found[0][rows, day, slot],
                        "lower": found[1][rows, day, slot],
                        "upper": found[2][rows, day, slot],
                    }
                )
            )
    windows = pd.concat(parts, ignore_index=True)
    return PatrolPlan(
        windows=windows,
        on_duty=duty.ravel(),
        expected=float(windows["expected"].sum()),
        lower=float(windows["lower"].sum()),
        upper=float(windows["upper"].sum()),
    )


def _duty(gains: Floats, officers: int, shift: int) -> Ints:
    """Officers on duty in each slot of a day; the k-th of them adds gains[k, slot], which falls with k."""
    most, slots = gains.shape
    starts = slots - shift + 1
    # variables: officers who begin at each slot, then whether the k-th place of a slot is visited
    covering = np.array([[1.0 if s <= t < s + shift else 0.0 for s in range(starts)] for t in range(slots)])
    visits = sparse.kron(np.ones((1, most)), sparse.identity(slots))
    rows = sparse.vstack(
        [
            sparse.hstack([sparse.csr_matrix(-covering), visits]),
            sparse.hstack([sparse.csr_matrix(np.ones((1, starts))), sparse.csr_matrix((1, most * slots))]),
        ],
        format="csr",
    )
    value = np.concatenate([np.zeros(starts), -gains.ravel()])
    solved = optimize.milp(
        value,
        integrality=np.concatenate([np.ones(starts), np.zeros(most * slots)]),
        bounds=optimize.Bounds(0, np.concatenate([np.full(starts, officers), np.ones(most * slots)])),
        constraints=optimize.LinearConstraint(rows, -np.inf, np.concatenate([np.zeros(slots), [officers]])),
    )
    if solved.x is None:
        raise InputError("No shifts fit into the day.", "Give shorter shifts.")
    return np.asarray(covering @ np.round(solved.x[:starts]), dtype=np.int64)


def _check(rates: list[Floats], officers: int, shift_h: int, window_h: int, found_ratio: float) -> None:
    if any(each.ndim != 2 or each.shape[1] != 168 or each.shape != rates[0].shape for each in rates):
        raise InputError(
            "Rates need one row a place and 168 hours, all three alike.",
            "Give (places, 168) from Monday 00:00.",
        )
    for name, values in zip(("rate", "lower", "upper"), rates, strict=True):
        require_positive(name, values[~np.isnan(values)], zero=True)
    if not np.nansum(rates[0]) > 0:
        raise InputError(
            "No place has a rate of violations.", "Estimate demand first; that needs cameras and captures."
        )
    whole = all(isinstance(each, int | np.integer) and each > 0 for each in (officers, shift_h, window_h))
    if not whole or shift_h > 24 or shift_h % window_h or 24 % window_h:
        raise InputError(
            "{officers} officers in shifts of {shift} h with windows of {window} h cannot be planned.",
            "Give whole numbers above 0; a window divides the shift and the day.",
            officers=officers,
            shift=shift_h,
            window=window_h,
        )
    if not 0 < found_ratio <= 1:
        raise InputError(
            "found_ratio must lie in (0, 1], not {value}.", "Pass for instance 0.5.", value=found_ratio
        )
