"""How many violations there were, from two observers who know nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["CaptureRecapture", "capture_recapture"]


@dataclass(frozen=True, slots=True)
class CaptureRecapture:
    """
    What two independent observers say of all that happened.

    Parameters
    ----------
    total
        Estimated number of violations, noticed or not.
    lower, upper
        Interval of the total; never below the number that was noticed.
    noticed
        How many at least one of the two noticed.
    camera_recall, report_recall
        Share of all violations that each noticed, estimated from the other's: n_both / n_report and
        n_both / n_camera; NaN if the other noticed none.
    """

    total: float
    lower: float
    upper: float
    noticed: int
    camera_recall: float
    report_recall: float

    @property
    def missed(self) -> float:
        """Estimated number that neither noticed."""
        return self.total - self.noticed


def capture_recapture(n_camera: int, n_report: int, n_both: int, *, level: float = 0.95) -> CaptureRecapture:
    """
    Number of violations, from those that cameras caught, people reported, and both did.

    Chapman's estimator (n_camera + 1)(n_report + 1) / (n_both + 1) - 1 [1]_ with Seber's variance; the
    interval is log-normal in the number that neither noticed [2]_.

    Parameters
    ----------
    n_camera, n_report
        Violations that each noticed, 0 or more, in the same period and only at places that both can see.
    n_both
        Those of them that are the same violation, at most the smaller of the two.
    level
        Probability that the interval holds the number, in (0, 1).

    Raises
    ------
    InputError
        If a number is negative or not whole, `n_both` exceeds one of the others, or `level` is out of
        range.

    Notes
    -----
    Both must notice independently of each other. Where reporters look at what cameras show them, or both
    favour the same places or the same conspicuous violations, the total is too low: estimate kinds of places
    apart and add up. With fewer than about 7 in both it is biased low as well.

    References
    ----------
    .. [1] Chapman (1951), Some properties of the hypergeometric distribution with applications to
    zoological
       sample censuses.
    .. [2] Chao (1987), Estimating the population size for capture-recapture data with unequal catchability.
    """
    for name, number in (("n_camera", n_camera), ("n_report", n_report), ("n_both", n_both)):
        require_positive(name, number, zero=True)
        if number != int(number):
            raise InputError("{name} must be a whole number, not {n}.", "Count again.", name=name, n=number)
    if n_both > min(n_camera, n_report):
        raise InputError(
            "n_both is {both}, more than the {least} that one of the two noticed.",
            "Count in n_both only violations that are in both lists.",
            both=n_both,
            least=min(n_camera, n_report),
        )
    if not 0 < level < 1:
        raise InputError("level must lie in (0, 1), not {level}.", "Pass for instance 0.95.", level=level)
    noticed = int(n_camera + n_report - n_both)
    total = (n_camera + 1) * (n_report + 1) / (n_both + 1) - 1
    variance = (
        (n_camera + 1)
        * (n_report + 1)
        * (n_camera - n_both)
        * (n_report - n_both)
        / ((n_both + 1) ** 2 * (n_both + 2))
    )
    missed = total - noticed
    lower = upper = total
    if missed > 0:
        z = float(stats.norm.isf((1 - level) / 2))
        factor = float(np.exp(z * np.sqrt(np.log1p(variance / missed**2))))
        lower, upper = noticed + missed / factor, noticed + missed * factor
    return CaptureRecapture(
        total=float(total),
        lower=float(lower),
        upper=float(upper),
        noticed=noticed,
        camera_recall=float(n_both / n_report) if n_report else float("nan"),
        report_recall=float(n_both / n_camera) if n_camera else float("nan"),
    )
