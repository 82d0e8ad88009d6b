"""Kernel density on a raster: how many events a square kilometre, or an hour of looking, around every spot."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["Raster", "kernel_density", "relative_density"]

REACH = 5.0
"""Bandwidths after which a kernel has nothing left to give (3e-7 of its middle)."""
LEAST_STEPS = 4.0
"""Pixels that a bandwidth must span, so that pixels do not show."""


@dataclass(frozen=True, slots=True)
class Raster:
    """
    Middles of pixels on a square lattice.

    Parameters
    ----------
    west_m, south_m
        Middle of the first pixel.
    step_m
        Between middles, above 0.
    columns, rows
        Pixels eastward and northward, 1 or more.
    """

    west_m: float
    south_m: float
    step_m: float
    columns: int
    rows: int

    def __post_init__(self) -> None:
        require_positive("step_m", self.step_m)
        require_positive("columns", self.columns)
        require_positive("rows", self.rows)

    @classmethod
    def over(cls, bounds: tuple[float, float, float, float], step_m: float) -> Raster:
        """Pixels that cover west, south, east, north in metres."""
        west, south, east, north = (float(edge) for edge in bounds)
        require_positive("step_m", step_m)
        columns = max(1, int(np.ceil((east - west) / step_m)))
        rows = max(1, int(np.ceil((north - south) / step_m)))
        return cls(west + step_m / 2, south + step_m / 2, step_m, columns, rows)

    @property
    def x(self) -> NDArray[np.float64]:
        """Middles of the columns, shape (columns,)."""
        return np.asarray(self.west_m + self.step_m * np.arange(self.columns), dtype=np.float64)

    @property
    def y(self) -> NDArray[np.float64]:
        """Middles of the rows from the south, shape (rows,)."""
        return np.asarray(self.south_m + self.step_m * np.arange(self.rows), dtype=np.float64)


def kernel_density(
    points: NDArray[np.float64],
    raster: Raster,
    *,
    bandwidth_m: float,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """
    Events a square metre around every pixel, by a Gaussian kernel.

    Each point is shared out between the four middles around it, then all kernels are laid at once by the fast
    Fourier transform [1]_. Sharing out widens every kernel by a sixth of a pixel squared; the kernel is narrowed
    by as much, so that the error stays below a thousandth of the highest density.

    Parameters
    ----------
    points
        Shape (points, 2): x and y in metres.
    raster
        Where the density is wanted. Points around it count as far as their kernels reach.
    bandwidth_m
        Standard deviation of the kernel, at least four pixels.
    weights
        One number a point; None counts each as one. Pass shares of hours to lay exposure the same way.

    Returns
    -------
    density
        Shape (rows, columns), from the south-west. Its sum times a pixel's area is the number of events whose
        kernels lie on the raster.

    Raises
    ------
    InputError
        If a coordinate or a weight is not finite, or the pixels are too coarse for the bandwidth.

    References
    ----------
    .. [1] Silverman (1982), Algorithm AS 176: Kernel density estimation using the fast Fourier transform.
    """
    spots = _spots(points)
    require_positive("bandwidth_m", bandwidth_m)
    if bandwidth_m < LEAST_STEPS * raster.step_m:
        raise InputError(
            "A bandwidth of {bandwidth:g} m on pixels of {step:g} m shows the pixels.",
            "Take pixels of at most {most:g} m.",
            bandwidth=bandwidth_m,
            step=raster.step_m,
            most=bandwidth_m / LEAST_STEPS,
        )
    weighed = np.ones(0) if weights is None else np.asarray(weights, dtype=np.float64)
    if weights is not None and (weighed.shape != (len(spots),) or not np.isfinite(weighed).all()):
        raise InputError(
            "weights must hold one number for each of the {count} points.",
            "Leave out points without a weight.",
            count=len(spots),
        )
    margin = int(np.ceil(REACH * bandwidth_m / raster.step_m))
    shape = tuple(fft.next_fast_len(size + 2 * margin, real=True) for size in (raster.rows, raster.columns))
    west, south = raster.west_m - margin * raster.step_m, raster.south_m - margin * raster.step_m
    shared = _shared_out(spots, weighed, west, south, raster.step_m, *shape)
    variance = bandwidth_m**2 - raster.step_m**2 / 6
    waves = fft.rfft2(shared, overwrite_x=True)
    waves *= _wave(fft.fftfreq(shape[0], raster.step_m), variance)[:, None]
    waves *= _wave(fft.rfftfreq(shape[1], raster.step_m), variance)[None, :]
    laid = fft.irfft2(waves, s=shape, overwrite_x=True)
    inner = laid[margin : margin + raster.rows, margin : margin + raster.columns].astype(np.float64)
    inner *= 1 / raster.step_m**2
    return np.maximum(inner, 0.0, out=inner)


def relative_density(
    points: NDArray[np.float64],
    places: NDArray[np.float64],
    hours: NDArray[np.float64],
    raster: Raster,
    *,
    bandwidth_m: float,
    least_hours: float = 1.0,
) -> NDArray[np.float64]:
    """
    Events per hour of looking around every pixel: the ratio of two densities [1]_.

    Parameters
    ----------
    points
        Events, shape (events, 2): x and y in metres. Those where nobody looked do not belong here.
    places, hours
        Where was looked, shape (places, 2), and for how many seen-hours, 0 or more.
    raster, bandwidth_m
        As in `kernel_density`.
    least_hours
        Seen-hours that a kernel must find around a pixel, above 0; with less there is no evidence.

    Returns
    -------
    rate
        Shape (rows, columns), events per seen-hour; NaN where there is no evidence.

    References
    ----------
    .. [1] Kelsall & Diggle (1995), Non-parametric estimation of spatial variation in relative risk.
    """
    looked = np.asarray(hours, dtype=np.float64)
    require_positive("hours", looked, zero=True) if len(looked) else None
    require_positive("least_hours", least_hours)
    events = kernel_density(points, raster, bandwidth_m=bandwidth_m)
    seen = kernel_density(places, raster, bandwidth_m=bandwidth_m, weights=looked)
    # of one place right here, a kernel finds this share of its hours on a square metre
    enough = seen >= least_hours / (2 * np.pi * bandwidth_m**2)
    rate = np.full(events.shape, np.nan)
    np.divide(events, seen, out=rate, where=enough)
    return rate


def _spots(points: NDArray[np.float64]) -> NDArray[np.float64]:
    spots = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(spots.sum()):
        bad = ~np.isfinite(spots).all(axis=1)
        raise InputError(
            "Point {row} has no place ({count} such points).",
            "Leave out events without coordinates.",
            row=int(np.flatnonzero(bad)[0]),
            count=int(bad.sum()),
        )
    return spots


def _wave(frequency: NDArray[np.float64], variance: float) -> NDArray[np.float32]:
    """The Fourier transform of a Gaussian."""
    return np.exp(-2 * np.pi**2 * variance * frequency**2).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _shared_out(
    spots: NDArray[np.float64],
    weights: NDArray[np.float64],
    west: float,
    south: float,
    step: float,
    rows: int,
    columns: int,
) -> NDArray[np.float32]:
    """Each point's weight on the four middles around it, by nearness."""
    shared = np.zeros((rows, columns), np.float32)
    for each in range(spots.shape[0]):
        across, up = (spots[each, 0] - west) / step, (spots[each, 1] - south) / step
        if across < 0 or up < 0 or across >= columns - 1 or up >= rows - 1:
            continue
        column, row = int(across), int(up)
        right, top = across - column, up - row
        weight = weights[each] if weights.size else 1.0
        shared[row, column] += weight * (1 - right) * (1 - top)
        shared[row, column + 1] += weight * right * (1 - top)
        shared[row + 1, column] += weight * (1 - right) * top
        shared[row + 1, column + 1] += weight * right * top
    return shared
