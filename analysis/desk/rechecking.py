"""Second recognition: after a case was disposed of, the same camera looks again and says whether it is solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.checks import require_positive
from analysis.errors import InputError, Term

__all__ = ["OUTCOMES", "Looks", "Outcome", "Recheck", "recheck"]

Outcome = Literal["solved", "not solved", "cannot say"]

OUTCOMES: tuple[Outcome, ...] = ("solved", "not solved", "cannot say")

NO_LOOK = Term("No camera has looked since.")
BLOCKED = Term("The view was blocked in every look since.")
UNUSABLE = Term("Of {since} looks since, {blocked} had the view blocked and the others no calibration.")
UNCALIBRATED = Term("The camera has lost its calibration: it may look at another place.")
TOO_FEW = Term("{used} of {needed} looks that are needed.")
CONTRADICTORY = Term("The last {needed} looks contradict each other: {found} found it.")
CLEAR = Term("{needed} looks in a row found nothing.")
STILL_THERE = Term("{needed} looks in a row found it again.")


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """
    Looks of the cameras that reported a case, at its place; row i of every array is one look.

    Parameters
    ----------
    at_s
        (n,) epoch seconds, in any order.
    found
        (n,) whether the rule found the same class at the same place (see `analysis.desk.merging.same_place`).
    blocked
        (n,) whether the place could not be seen: something stands before it, or the picture is no picture.
    calibrated
        (n,) whether the camera's calibration and zones held at that look.

    Raises
    ------
    InputError
        If shapes differ or a time is not finite.
    """

    at_s: npt.NDArray[np.float64]
    found: npt.NDArray[np.bool_]
    blocked: npt.NDArray[np.bool_]
    calibrated: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        at = np.asarray(self.at_s, dtype=np.float64)
        object.__setattr__(self, "at_s", at)
        for name in ("found", "blocked", "calibrated"):
            values = np.asarray(getattr(self, name), dtype=bool)
            if values.shape != at.shape or at.ndim != 1:
                raise InputError(
                    "{name} and at_s do not describe the same looks.",
                    "Give one value for each look.",
                    name=name,
                )
            object.__setattr__(self, name, values)
        if not np.isfinite(at).all():
            raise InputError("The time of a look is not finite.", "Give epoch seconds.")


@dataclass(frozen=True, slots=True)
class Recheck:
    """
    What the looks after disposal say.

    Attributes
    ----------
    outcome
        One of `OUTCOMES`.
    reason
        A sentence with places for `facts`.
    facts
        Numbers for it: `used`, `needed`, `found`, `since` and `blocked`.
    used
        Usable looks since disposal.
    decided_s
        Epoch seconds of the look that settled it; None where it cannot be said.
    """

    outcome: Outcome
    reason: Term
    facts: dict[str, int]
    used: int
    decided_s: float | None


def recheck(
    looks: Looks, disposed_at_s: float, *, needed: int = 3, grace_s: float = 0.0, until_s: float = np.inf
) -> Recheck:
    """
    Whether a disposed case is solved.

    The last `needed` usable looks decide: all without it, and it is solved; all with it, and it is not. Anything else
    cannot be said. One look alone may be wrong either way: a detector misses, and a car passes by.

    Parameters
    ----------
    looks
        Looks at the place; those before the disposal are left out.
    disposed_at_s
        Epoch seconds at which the case was reported as done.
    needed
        How many looks in a row, 1 or more.
    grace_s
        Looks within so many seconds after the disposal are left out too, 0 or more (the crew is still there).
    until_s
        Looks after this are left out: later it would be another case.

    Returns
    -------
    recheck
        A blocked or uncalibrated look counts for nothing; if all are so, that is the reason.

    Raises
    ------
    InputError
        If `needed` or `grace_s` is out of range, or the time of disposal is not finite.
    """
    require_positive("grace_s", grace_s, zero=True)
    if needed < 1 or not np.isfinite(disposed_at_s):
        raise InputError(
            "A second recognition with {needed} looks after {disposed_at_s} is impossible.",
            "Ask for one look or more after a finite time.",
            needed=needed,
            disposed_at_s=disposed_at_s,
        )
    since = (looks.at_s > disposed_at_s + grace_s) & (looks.at_s <= until_s)
    usable = since & ~looks.blocked & looks.calibrated
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(looks.at_s[rows], kind="stable")][-needed:]
    found, used = int(looks.found[rows].sum()), int(usable.sum())
    facts = {"used": used, "needed": needed, "found": found}
    facts |= {"since": int(since.sum()), "blocked": int((since & looks.blocked).sum())}

    outcome, reason = _said(looks.calibrated[since], facts)
    decided_s = None if outcome == "cannot say" else float(looks.at_s[rows[-1]])
    return Recheck(outcome, reason, facts, used, decided_s)


def _said(calibrated: npt.NDArray[np.bool_], facts: dict[str, int]) -> tuple[Outcome, Term]:
    """The outcome and its reason; `calibrated` of each look since."""
    if facts["used"] >= facts["needed"]:
        if facts["found"] == 0:
            return "solved", CLEAR
        return (
            ("not solved", STILL_THERE)
            if facts["found"] == facts["needed"]
            else ("cannot say", CONTRADICTORY)
        )
    reason = TOO_FEW
    if not facts["since"]:
        reason = NO_LOOK
    elif not calibrated.any():
        reason = UNCALIBRATED
    elif not facts["used"]:
        reason = BLOCKED if facts["blocked"] == facts["since"] else UNUSABLE
    return "cannot say", reason
