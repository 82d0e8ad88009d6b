"""
Camera × algorithm: which camera could run what, and why not where it cannot.

A city has thousands of cameras that show pictures to nobody. The matrix tells which of them an algorithm could wake up,
and what stands in the way of the others: something for the planner (more pixels), for the technician (calibration), or
for nobody (no detector knows the thing).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import floor
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.algorithms.registry import CLASSES, LAYOUTS, TIERS, Algorithm, tier_names
from analysis.checks import require_positive
from analysis.errors import InputError, Term

__all__ = ["Cameras", "Matrix", "Obstacle", "Reason", "matrix"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Obstacle(IntEnum):
    """What keeps a camera from running an algorithm; the lower the number, the harder to mend."""

    NONE = 0
    NO_DETECTOR = 1
    NO_CLASS = 2
    TIER = 3
    NO_DENSITY = 4
    DENSITY = 5
    FRAME = 6
    RATE = 7
    HOURS = 8
    CALIBRATION = 9
    OFFLINE = 10


SENTENCES: dict[Obstacle, Term] = {
    Obstacle.NO_DETECTOR: Term("There is no detector for this class."),
    Obstacle.NO_CLASS: Term("The detector in use does not know what this algorithm looks for."),
    Obstacle.TIER: Term("This is a {tier}; it takes: {needed}."),
    Obstacle.NO_DENSITY: Term("How many px/m this camera shows is not known."),
    Obstacle.DENSITY: Term("{here} px/m here, {needed:g} needed."),
    Obstacle.FRAME: Term("The picture is {here} px high, {needed} needed."),
    Obstacle.RATE: Term("{here:g} looks a second, {needed:g} needed."),
    Obstacle.HOURS: Term("No free hour a day left."),
    Obstacle.CALIBRATION: Term("The camera is not calibrated."),
    Obstacle.OFFLINE: Term("The camera gives no pictures now."),
}
NO_DAYLIGHT = Term("No free hour of daylight left.")


@dataclass(frozen=True, slots=True)
class Reason:
    """
    Why a camera cannot run an algorithm.

    Attributes
    ----------
    obstacle
        What stands in the way.
    message
        A sentence with places for `facts`, to be told in either language.
    facts
        Its numbers and terms.
    """

    obstacle: Obstacle
    message: Term
    facts: dict[str, object]

    def __str__(self) -> str:
        return self.message.format(**self.facts)


@dataclass(frozen=True, slots=True, eq=False)
class Cameras:
    """
    What cameras offer; row i of every array is one camera.

    Parameters
    ----------
    density_px_m
        (n,) pixels across one metre at the best place within the view (of the zone, if there is one), 0 or more, NaN if
        unknown.
    tier
        (n,) names of `TIERS`.
    frame_height_px
        (n,) height of the picture, 0 or more.
    online
        (n,) whether pictures come.
    calibrated
        (n,) whether places on the ground are known.
    rate_per_s
        (n,) looks a second that can be had of it, 0 or more.
    free_day_h, free_night_h
        (n,) hours a day, by daylight and in the dark, in which no algorithm uses it, [0, 24].
    running
        (n,) sets of codes of the algorithms that it runs, or one (n, a) array of truth values.

    Raises
    ------
    InputError
        If shapes differ or a value is out of range; it names the argument and the row.
    """

    density_px_m: Floats
    tier: npt.NDArray[np.generic]
    frame_height_px: npt.NDArray[np.integer]
    online: Bools
    calibrated: Bools
    rate_per_s: Floats
    free_day_h: Floats
    free_night_h: Floats
    running: Sequence[Collection[str]] | Bools

    def __post_init__(self) -> None:
        n = len(self.density_px_m)
        kinds: dict[str, Any] = {"density_px_m": np.float64, "rate_per_s": np.float64, "tier": object}
        kinds |= {"frame_height_px": np.int64, "online": bool, "calibrated": bool}
        kinds |= {"free_day_h": np.float64, "free_night_h": np.float64}
        for name, kind in kinds.items():
            values = np.asarray(getattr(self, name), dtype=kind)
            if values.shape != (n,):
                raise InputError(
                    "{name} has the shape {shape} for {cameras} cameras.",
                    "Give one value for each camera.",
                    name=name,
                    shape=str(values.shape),
                    cameras=n,
                )
            object.__setattr__(self, name, values)
        if len(self.running) != n:
            raise InputError(
                "{name} has the shape {shape} for {cameras} cameras.",
                "Give one value for each camera.",
                name="running",
                shape=len(self.running),
                cameras=n,
            )
        known = self.density_px_m[~np.isnan(self.density_px_m)]
        require_positive("density_px_m", known, zero=True)
        for name in ("rate_per_s", "frame_height_px", "free_day_h", "free_night_h"):
            require_positive(name, getattr(self, name), zero=True)
        strange = ~np.isin(self.tier.astype(str), list(TIERS))
        if strange.any():
            row = int(np.flatnonzero(strange)[0])
            raise InputError(
                "Camera row {row} is of the tier {tier!r}.",
                "Use one of {tiers}.",
                row=row,
                tier=str(self.tier[row]),
                tiers=", ".join(TIERS),
            )

    def __len__(self) -> int:
        return len(self.density_px_m)


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """
    Camera × algorithm.

    Attributes
    ----------
    algorithms
        The columns.
    cameras
        The rows.
    can
        (n, a) whether the camera could run it now.
    running
        (n, a) whether it does.
    first
        (n, a) number of the hardest `Obstacle`, 0 where it can.
    obstacles
        (n, a) all obstacles: bit k is set if obstacle k stands in the way.
    """

    algorithms: tuple[Algorithm, ...]
    cameras: Cameras
    can: Bools
    running: Bools
    first: npt.NDArray[np.uint8]
    obstacles: npt.NDArray[np.uint16]

    @property
    def idle(self) -> Bools:
        """(n, a) whether the camera could run it and does not."""
        return self.can & ~self.running

    def sleeping(self) -> Bools:
        """(n,) cameras that run nothing although they could run something."""
        return np.asarray(self.can.any(axis=1) & ~self.running.any(axis=1), dtype=bool)

    def reason(self, row: int, code: str) -> Reason | None:
        """
        The hardest obstacle of one camera and algorithm in words; None where it can run it.

        Raises
        ------
        InputError
            If there is no such column.
        """
        reasons = self.reasons(row, code)
        return reasons[0] if reasons else None

    def reasons(self, row: int, code: str) -> list[Reason]:
        """All obstacles of one camera and algorithm in words, the hardest first; raises as `reason`."""
        column = next((k for k, each in enumerate(self.algorithms) if each.code == code), None)
        if column is None:
            raise InputError(
                "There is no algorithm {code!r} in the matrix.",
                "Use one of {codes}.",
                code=code,
                codes=", ".join(each.code for each in self.algorithms),
            )
        bits = int(self.obstacles[row, column])
        return [
            self._told(row, self.algorithms[column], each) for each in Obstacle if each and bits >> each & 1
        ]

    def summary(self) -> pd.DataFrame:
        """
        Cameras by algorithm: `running`, `idle` (could run it and do not), and a column for each obstacle that is the
        hardest one somewhere, by its name in lower case. `running` may include cameras that could not start now.
        """
        table = pd.DataFrame(
            {"running": self.running.sum(axis=0), "idle": self.idle.sum(axis=0)},
            index=pd.Index([each.code for each in self.algorithms], name="algorithm"),
        )
        for obstacle in Obstacle:
            held = (self.first == obstacle).sum(axis=0)
            if obstacle and held.any():
                table[obstacle.name.lower()] = held
        return table

    def _told(self, row: int, algorithm: Algorithm, obstacle: Obstacle) -> Reason:
        of, message = self.cameras, SENTENCES[obstacle]
        facts: dict[str, object] = {}
        if obstacle == Obstacle.TIER:
            facts = {"tier": TIERS[str(of.tier[row])], "needed": tier_names(algorithm.tiers)}
        elif obstacle == Obstacle.DENSITY:
            facts = {"here": floor(of.density_px_m[row]), "needed": algorithm.density_px_m}
        elif obstacle == Obstacle.FRAME:
            facts = {"here": int(of.frame_height_px[row]), "needed": algorithm.frame_height_px}
        elif obstacle == Obstacle.RATE:
            facts = {"here": float(of.rate_per_s[row]), "needed": algorithm.rate_per_s}
        elif obstacle == Obstacle.HOURS and algorithm.hours == "day":
            message = NO_DAYLIGHT
        return Reason(obstacle, message, facts)


def matrix(
    cameras: Cameras,
    algorithms: Mapping[str, Algorithm],
    *,
    layout: str = LAYOUTS[0],
    classes: Collection[str] = CLASSES,
) -> Matrix:
    """
    Which camera could run which algorithm.

    Parameters
    ----------
    cameras
        What they offer.
    algorithms
        By code, such as `library()`.
    layout
        Layout of the detector in use, of `LAYOUTS`.
    classes
        English names of the COCO classes that it knows; those of the product without it.

    Returns
    -------
    matrix
        A camera can run an algorithm if nothing stands in the way: a detector that knows its classes, the right tier,
        enough pixels, picture, looks a second, calibration where needed, a free hour of the right light (one that runs
        it already needs none), and pictures that come.

    Raises
    ------
    InputError
        If the layout is unknown, or a camera runs an algorithm that is none of these.
    """
    if layout not in LAYOUTS:
        raise InputError(
            "There is no layout {layout!r}.",
            "Use one of {layouts}.",
            layout=layout,
            layouts=", ".join(LAYOUTS),
        )
    chosen = tuple(algorithms.values())
    n, a = len(cameras), len(chosen)
    running = _running(cameras.running, {each.code: k for k, each in enumerate(chosen)}, n)
    density = np.array([each.density_px_m for each in chosen])
    frame = np.array([each.frame_height_px for each in chosen])
    rate = np.array([each.rate_per_s for each in chosen])
    calibration = np.array([each.calibration for each in chosen], dtype=bool)
    day = np.array([each.hours == "day" for each in chosen], dtype=bool)
    seen = np.array([not each.models for each in chosen], dtype=bool)
    unknown = np.array(
        [
            bool(each.models) and (layout not in each.models or not set(each.classes) <= set(classes))
            for each in chosen
        ],
        dtype=bool,
    )
    tier = cameras.tier.astype(str)
    fits = np.zeros((n, a), dtype=bool)
    for name in TIERS:
        fits[tier == name] = [name in each.tiers for each in chosen]
    light = cameras.free_day_h[:, None] > 0
    free = np.where(day, light, light | (cameras.free_night_h[:, None] > 0))
    dark = np.isnan(cameras.density_px_m)[:, None]
    with np.errstate(invalid="ignore"):
        coarse = cameras.density_px_m[:, None] < density
    held: dict[Obstacle, Bools] = {
        Obstacle.NO_DETECTOR: seen[None, :],
        Obstacle.NO_CLASS: unknown[None, :],
        Obstacle.TIER: ~fits,
        Obstacle.NO_DENSITY: dark,
        Obstacle.DENSITY: coarse,
        Obstacle.FRAME: cameras.frame_height_px[:, None] < frame,
        Obstacle.RATE: cameras.rate_per_s[:, None] < rate,
        Obstacle.HOURS: ~free & ~running,
        Obstacle.CALIBRATION: calibration & ~cameras.calibrated[:, None],
        Obstacle.OFFLINE: ~cameras.online[:, None],
    }
    obstacles = np.zeros((n, a), dtype=np.uint16)
    first = np.zeros((n, a), dtype=np.uint8)
    for obstacle, where in held.items():
        wide = np.broadcast_to(where, (n, a))
        first[wide & (obstacles == 0)] = obstacle
        obstacles |= wide.astype(np.uint16) << np.uint16(obstacle)
    return Matrix(chosen, cameras, obstacles == 0, running, first, obstacles)


def _running(given: Sequence[Collection[str]] | Bools, column: Mapping[str, int], n: int) -> Bools:
    if isinstance(given, np.ndarray) and given.dtype == bool and given.ndim == 2:
        if given.shape != (n, len(column)):
            raise InputError(
                "running has the shape {shape} for {cameras} cameras and {algorithms} algorithms.",
                "Give one truth value for each pair.",
                shape=str(given.shape),
                cameras=n,
                algorithms=len(column),
            )
        return given
    running = np.zeros((n, len(column)), dtype=bool)
    for row, codes in enumerate(given):
        for code in codes:
            if code not in column:
                raise InputError(
                    "Camera row {row} runs {code!r}, which is not in the library.",
                    "Use one of {codes}.",
                    row=row,
                    code=code,
                    codes=", ".join(column),
                )
            running[row, column[code]] = True
    return running
