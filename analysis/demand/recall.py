"""The share of violations in view that a detector reports, from what people reported where cameras were looking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["Recall", "recall_from_reports"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS = 400


@dataclass(frozen=True)
class Recall:
    """
    Beta distribution of a detector's recall.

    Attributes
    ----------
    hits, misses
        Above 0; as if so many violations in view had been found and missed.
    """

    hits: float
    misses: float

    def __post_init__(self) -> None:
        require_positive("hits", self.hits)
        require_positive("misses", self.misses)

    @property
    def mean(self) -> float:
        """Expected recall."""
        return self.hits / (self.hits + self.misses)

    @property
    def cv2(self) -> float:
        """Squared coefficient of variation."""
        return self.misses / (self.hits * (self.hits + self.misses + 1))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The central interval that holds the recall with probability `level`."""
        tail = (1 - level) / 2
        low, high = (stats.beta.ppf(each, self.hits, self.misses) for each in (tail, 1 - tail))
        return float(low), float(high)


def recall_from_reports(
    report: Ints, share: Floats, caught: npt.NDArray[np.bool_], *, prior: Recall | None = None
) -> Recall:
    """
    The detector's recall, from violations that people reported while cameras saw the place.

    A report is a violation that certainly happened. The cameras that see its place sample a share s of the hour each,
    so they catch it with the chance 1 - Π (1 - s · recall); which were caught tells the recall.

    Parameters
    ----------
    report
        Number of the report, 0 … reports - 1, for each camera that sees its place.
    share
        Share of the report's hour that this camera samples, [0, 1].
    caught
        (reports,), whether any camera caught it.
    prior
        What is known beforehand, for instance from verified cases; without it all recalls are equally likely.

    Returns
    -------
    recall
        The beta distribution with mean and variance of the posterior.

    Raises
    ------
    InputError
        If a share is outside [0, 1], a report is out of range, or one was caught although no camera sampled there.
    """
    caught = np.asarray(caught, dtype=bool)
    if len(report) and (report.min() < 0 or report.max() >= len(caught)):
        raise InputError(
            "report holds numbers from {low} to {high}, but there are {count} reports.",
            "Number the reports from 0.",
            low=int(report.min()),
            high=int(report.max()),
            count=len(caught),
        )
    bad = ~((share >= 0) & (share <= 1))
    if bad.any():
        raise InputError(
            "share must lie in [0, 1], but row {row} is {value}.",
            "Give the share of the hour that the camera samples.",
            row=int(np.flatnonzero(bad)[0]),
            value=share[bad][0],
        )
    looked = np.bincount(report, weights=share, minlength=len(caught)) > 0
    if (caught & ~looked).any():
        raise InputError(
            "Report {report} was caught although no camera sampled there.",
            "Correct the cameras' views or hours, or the link between report and capture.",
            report=int(np.flatnonzero(caught & ~looked)[0]),
        )
    prior = prior or Recall(1.0, 1.0)
    recall = (np.arange(STEPS) + 0.5) / STEPS
    likelihood = np.empty(STEPS)
    some = looked[report]
    for step, value in enumerate(recall):
        missed = np.bincount(report[some], weights=np.log1p(-share[some] * value), minlength=len(caught))
        likelihood[step] = missed[looked & ~caught].sum() + np.log(-np.expm1(missed[caught])).sum()
    likelihood += stats.beta.logpdf(recall, prior.hits, prior.misses)
    chance = np.exp(likelihood - likelihood.max())
    chance /= chance.sum()
    mean = float(chance @ recall)
    variance = float(chance @ (recall - mean) ** 2)
    size = mean * (1 - mean) / variance - 1
    return Recall(mean * size, (1 - mean) * size)
