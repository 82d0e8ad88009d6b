"""The cameras of a patrol, and how risk and findings turn into weight."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.patrolling.phases import phase

__all__ = ["WEEK_H", "Policy", "Watched"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WEEK_H = 168
"""Hours of a week, from Monday 00:00 local time."""


@dataclass(frozen=True, slots=True)
class Policy:
    """
    How risk and findings turn into weight.

    Parameters
    ----------
    base_per_h
        Leads an hour that are reckoned with even where none are expected, so that quiet cameras keep a share; above 0.
    boost
        A fresh finding multiplies a camera's weight by 1 + `boost`; 0 or more.
    half_life_s
        After so many seconds half of the boost is left; above 0.
    first_wait_s, most_wait_s
        Back-off after failures, see `backoff_s`.
    """

    base_per_h: float = 0.05
    boost: float = 3.0
    half_life_s: float = 1800.0
    first_wait_s: float = 5.0
    most_wait_s: float = 900.0

    def __post_init__(self) -> None:
        for name in ("base_per_h", "half_life_s", "first_wait_s", "most_wait_s"):
            require_positive(name, getattr(self, name))
        require_positive("boost", self.boost, zero=True)


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """
    The cameras of a patrol and what is known of them; row i of every array is one camera.

    Parameters
    ----------
    camera
        (n,) whole numbers, each once: the cameras' ids.
    priority
        (n,) weights, 0 or more; a camera of priority 0 still gets its sample every `max_interval_s`.
    risk_per_h
        (n, 168) leads expected in each hour of the week, 0 or more, Monday 00:00 local time first; or (168,), the
        same for all.
    last_sampled_s
        (n,) epoch seconds of the last sample, −inf for none. A sample that is handed out and not yet back counts as
        taken when it is due; otherwise it would be handed out twice.
    last_finding_s
        (n,) epoch seconds of the last lead, −inf for none.
    failures
        (n,) failed attempts in a row, 0 for a healthy camera.
    next_try_s
        (n,) epoch seconds before which a failing camera is left alone (its last attempt + `backoff_s`), −inf for a
        healthy one.
    min_interval_s, max_interval_s
        Seconds above 0, one number or (n,): never closer together, never further apart.

    Raises
    ------
    InputError
        If shapes differ, a camera comes twice, or a value is out of range; it names the argument and the row.
    """

    camera: Ints
    priority: Floats
    risk_per_h: npt.NDArray[np.floating]
    last_sampled_s: Floats
    last_finding_s: Floats
    failures: npt.NDArray[np.integer]
    next_try_s: Floats
    min_interval_s: Floats
    max_interval_s: Floats
    phase: Floats = field(init=False)

    def __post_init__(self) -> None:
        camera = np.asarray(self.camera)
        if camera.ndim != 1 or (camera.size and camera.dtype.kind not in "iu"):
            raise InputError(
                "camera must be whole numbers, one for each camera.", "Pass the cameras' ids as integers."
            )
        n = len(camera)
        if len(np.unique(camera)) < n:
            raise InputError("A camera is watched twice.", "Give one row for each camera.")
        risk = np.asarray(self.risk_per_h)
        risk = risk if risk.dtype.kind == "f" else risk.astype(np.float64)
        if risk.shape not in {(WEEK_H,), (n, WEEK_H)}:
            raise InputError(
                "risk_per_h has the shape {shape} for {cameras} cameras.",
                "Give one number for each hour of the week: (168,), or (n, 168).",
                shape=str(risk.shape),
                cameras=n,
            )
        if not (np.isfinite(risk) & (risk >= 0)).all():
            raise InputError(
                "risk_per_h holds a number that is negative or not finite.", "Give expected leads an hour."
            )
        arrays: dict[str, npt.NDArray[np.generic]] = {"camera": camera.astype(np.int64), "risk_per_h": risk}
        for name in ("priority", "failures"):
            arrays[name] = _row(name, getattr(self, name), n)
            require_positive(name, arrays[name], zero=True)
        for name in ("last_sampled_s", "last_finding_s", "next_try_s"):
            values = arrays[name] = _row(name, getattr(self, name), n)
            if (np.isnan(values) | (values == np.inf)).any():
                raise InputError(
                    "{name} holds a time that is not a number of seconds.",
                    "Give epoch seconds, or −inf for never.",
                    name=name,
                )
        for name in ("min_interval_s", "max_interval_s"):
            arrays[name] = np.broadcast_to(_row(name, getattr(self, name), n), (n,))
            require_positive(name, arrays[name])
        wrong = np.flatnonzero(arrays["min_interval_s"] > arrays["max_interval_s"])  # type: ignore[operator]
        if len(wrong):
            raise InputError(
                "Camera {camera} has a shortest interval above its longest.",
                "Give min_interval_s ≤ max_interval_s.",
                camera=int(camera[wrong[0]]),
            )
        for name, array in arrays.items():
            object.__setattr__(self, name, array.astype(np.int64) if name == "failures" else array)
        object.__setattr__(self, "phase", phase(self.camera))

    def __len__(self) -> int:
        return len(self.camera)


def _row(name: str, values: npt.ArrayLike, n: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n,) and not (array.ndim == 0 and name.endswith("interval_s")):
        raise InputError(
            "{name} has the shape {shape} for {cameras} cameras.",
            "Give one value for each camera, in the order of camera.",
            name=name,
            shape=str(array.shape),
            cameras=n,
        )
    return array
