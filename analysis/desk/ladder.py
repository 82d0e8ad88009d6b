"""
The escalation ladder of a place: remind, then warn, then a case.

A place climbs one rung at a time, because whoever is responsible must have had the chance to mend it; only a severe
lead goes to the top at once. Quiet time lets it climb down again.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
import numpy.typing as npt

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["LADDER", "History", "Ladder", "Rung", "Standing", "next_step"]


@dataclass(frozen=True, slots=True)
class Rung:
    """
    One step of a ladder.

    Parameters
    ----------
    name
        What is done, such as "remind".
    count
        Leads since the step before that it takes, 1 or more.
    window_s
        They must lie within the last so many seconds; above 0.
    """

    name: str
    count: int
    window_s: float

    def __post_init__(self) -> None:
        require_positive("count", self.count)
        require_positive("window_s", self.window_s)


DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Ladder:
    """
    The rungs from the lowest, and how long a place must be quiet to climb down one.

    Parameters
    ----------
    rungs
        One or more, with different names.
    quiet_s
        Seconds without a lead or a step after which a place stands one rung lower; no shorter than any window.
    """

    rungs: tuple[Rung, ...]
    quiet_s: float

    def __post_init__(self) -> None:
        require_positive("quiet_s", self.quiet_s)
        names = [rung.name for rung in self.rungs]
        if not names or len(set(names)) < len(names):
            raise InputError(
                "A ladder with the rungs {names} is impossible.",
                "Give one rung or more, each with a name of its own.",
                names=", ".join(names),
            )
        longest = max(rung.window_s for rung in self.rungs)
        if longest > self.quiet_s:
            raise InputError(
                "A window of {window:g} s is longer than the quiet time of {quiet:g} s.",
                "Make the quiet time as long as the longest window; otherwise quiet itself would bring about a step.",
                window=longest,
                quiet=self.quiet_s,
            )


LADDER = Ladder(
    rungs=(Rung("remind", 1, DAY_S), Rung("warn", 2, 7 * DAY_S), Rung("case", 3, 14 * DAY_S)),
    quiet_s=30 * DAY_S,
)
"""One lead brings a reminder, two more within a week a warning, three more within two weeks a case; a month's quiet
lets a place climb down one rung. A city sets its own numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """
    What happened at a place.

    Parameters
    ----------
    lead_s
        (n,) epoch seconds of its leads (merged, and not rejected by a person), in any order.
    severe
        (n,) whether each is severe.
    step_s
        (m,) epoch seconds of the steps that were taken.
    step
        (m,) their names.
    """

    lead_s: npt.NDArray[np.float64]
    severe: npt.NDArray[np.bool_]
    step_s: npt.NDArray[np.float64]
    step: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, kind in (("lead_s", np.float64), ("severe", bool), ("step_s", np.float64)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=kind))
        if self.lead_s.shape != self.severe.shape or self.step_s.shape != (len(self.step),):
            raise InputError(
                "Times, severities and names of a place's history do not belong together.",
                "Give a time and a severity for each lead, and a time and a name for each step.",
            )
        if not (np.isfinite(self.lead_s).all() and np.isfinite(self.step_s).all()):
            raise InputError("A time of a place's history is not finite.", "Give epoch seconds.")


@dataclass(frozen=True, slots=True)
class Standing:
    """
    Where a place stands.

    Attributes
    ----------
    level
        Rungs climbed before the next step: 0 for none, the number of rungs for the top.
    step
        Name of the step to take now; None for none.
    reached
        Rungs climbed once that step is taken.
    counted, needed
        Leads that count towards the next rung (towards the top one the severe leads, if there are any), and how many
        it takes; 0 of 0 at the top.
    """

    level: int
    step: str | None
    reached: int
    counted: int
    needed: int


def next_step(history: History, now_s: float, ladder: Ladder = LADDER) -> Standing:
    """
    The step to take now.

    Leads count from the last step on and within the window of the next rung. A severe lead since the last step,
    within the window of the top rung, leads there at once. Every full `quiet_s` without a lead or a step
    takes a rung away.

    Parameters
    ----------
    history
        What happened; what lies after `now_s` is left out.
    now_s
        Epoch seconds.
    ladder
        Its rungs.

    Returns
    -------
    standing
        One more lead never lowers `reached`; after a step is taken and noted, none is due until new leads come.

    Raises
    ------
    InputError
        If a step of the history is not on the ladder, or `now_s` is not finite.
    """
    if not np.isfinite(now_s):
        raise InputError("now_s is {now_s}.", "Give epoch seconds.", now_s=now_s)
    height = {rung.name: number + 1 for number, rung in enumerate(ladder.rungs)}
    strange = [name for name in history.step if name not in height]
    if strange:
        raise InputError(
            "The step {step!r} is not on the ladder {names}.",
            "Name its rungs as they were when the step was taken.",
            step=strange[0],
            names=", ".join(height),
        )
    top = len(ladder.rungs)
    lead_s = history.lead_s[history.lead_s <= now_s]
    severe = history.severe[history.lead_s <= now_s]
    past = [(at, name) for at, name in zip(history.step_s.tolist(), history.step, strict=True) if at <= now_s]
    level = _level(lead_s, [(at, height[name]) for at, name in past], now_s, ladder.quiet_s)
    since = max((at for at, _ in past), default=-np.inf)
    if level == top:
        return Standing(top, None, top, 0, 0)
    pressing = int((severe & (lead_s > max(since, now_s - ladder.rungs[-1].window_s))).sum())
    if pressing:
        return Standing(level, ladder.rungs[-1].name, top, pressing, 1)
    rung = ladder.rungs[level]
    counted = int((lead_s > max(since, now_s - rung.window_s)).sum())
    if counted >= rung.count:
        return Standing(level, rung.name, level + 1, counted, rung.count)
    return Standing(level, None, level, counted, rung.count)


def _level(
    lead_s: npt.NDArray[np.float64], steps: list[tuple[float, int]], now_s: float, quiet_s: float
) -> int:
    """Rungs climbed at `now_s`: steps lift, full quiet times lower."""
    level, before = 0, -np.inf
    # a step comes after the leads of the same moment, which brought it about
    for at, height in sorted([*((at, 0) for at in lead_s.tolist()), *steps, (now_s, 0)]):
        if level:
            level = max(0, level - floor((at - before) / quiet_s))
        level, before = max(level, height), at
    return level
