"""A number of each camera's own, the same on every machine: what spreads cameras without a die."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["backoff_s", "phase"]

Floats = npt.NDArray[np.float64]

SPREAD = 0.25
"""A wait is shortened by up to this share, so that cameras that failed together do not come back together."""


def phase(camera: npt.ArrayLike) -> Floats:
    """
    A number in [0, 1) for each camera, evenly spread, that depends on its number alone.

    Parameters
    ----------
    camera
        (n,) whole numbers, such as the cameras' ids.

    Raises
    ------
    InputError
        If the numbers are not whole.

    References
    ----------
    .. [1] Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators (the mix of SplitMix64).
    """
    number = np.asarray(camera)
    if number.size and number.dtype.kind not in "iu":
        raise InputError(
            "Cameras are numbered by {dtype}, not by whole numbers.",
            "Pass the cameras' ids as integers.",
            dtype=number.dtype,
        )
    with np.errstate(over="ignore"):  # the mix is arithmetic modulo 2^64
        mixed = number.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return np.asarray((mixed >> np.uint64(11)) / 2.0**53, dtype=np.float64)


def backoff_s(
    failures: npt.ArrayLike,
    camera: npt.ArrayLike,
    *,
    first_s: float = 5.0,
    most_s: float = 900.0,
    spread: float = SPREAD,
) -> Floats:
    """
    How long to leave a camera alone after failures: doubled with each, up to a limit.

    Parameters
    ----------
    failures
        (n,) failures in a row, whole numbers, 0 or more.
    camera
        (n,) the cameras' numbers; each shortens its wait by a share of its own, always the same.
    first_s, most_s
        Wait after the first failure, and the longest wait; seconds above 0.
    spread
        Largest share by which a wait is shortened, [0, 1).

    Returns
    -------
    wait_s
        (n,) seconds: 0 without failures, otherwise within [(1 − spread) · first_s, most_s]. It never falls when
        failures grow.

    Raises
    ------
    InputError
        If a number is negative or not whole, or a limit is out of range.
    """
    require_positive("first_s", first_s)
    require_positive("most_s", most_s)
    if most_s < first_s or not 0 <= spread < 1:
        raise InputError(
            "A back-off from {first_s:g} s to {most_s:g} s with a spread of {spread:g} is impossible.",
            "The longest wait is at least the first; the spread lies in [0, 1).",
            first_s=first_s,
            most_s=most_s,
            spread=spread,
        )
    count = np.asarray(failures, dtype=np.float64)
    require_positive("failures", count, zero=True)
    if (count != np.floor(count)).any():
        raise InputError("failures must be whole numbers.", "Count failed attempts in a row.")
    # 2^60 first waits outlast every limit; more would only overflow
    wait = np.minimum(most_s, first_s * np.exp2(np.minimum(count, 60.0) - 1.0))
    return np.where(count > 0, wait * (1.0 - spread * phase(camera)), 0.0)
