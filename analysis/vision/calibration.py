"""From the picture to the ground: a camera's homography from reference points, with its residual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from analysis.errors import InputError

__all__ = ["Homography", "fit_homography"]

LEAST_POINTS = 4
DEGENERATE = 1e-6
"""Share of the largest singular value below which the reference points leave the plane undetermined."""
HORIZON = 1e-9
"""Depth, where a reference point has about 1, at which a pixel counts as on the horizon."""
CLICK_PX = 2.0
"""Assumed error of a foot point: how far a box's lower edge lies from where the object stands."""


@dataclass(frozen=True, slots=True, eq=False)
class Homography:
    """
    Pixels of one camera ↔ metres of the ground plane; made by `fit_homography`.

    Parameters
    ----------
    matrix
        (3, 3) from pixels, shifted and scaled by `pixel_frame`, to metres, shifted and scaled by
        `ground_frame`; its third row is positive at the reference points.
    pixel_frame
        Shift x, shift y and scale that make pixels about 1 in size.
    ground_frame
        The same for metres; keeps full precision with coordinates of millions of metres.
    rmse_m, max_m
        Residual of the reference points on the ground: root mean square, and the worst. Zero for four points.
    residuals_m
        (n,) distance between each reference point and where its pixel lands.
    """

    matrix: NDArray[np.float64]
    pixel_frame: tuple[float, float, float]
    ground_frame: tuple[float, float, float]
    rmse_m: float
    max_m: float
    residuals_m: NDArray[np.float64]

    def sees_ground(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Which of (n, 2) pixels lie below the horizon, where a pixel has a place on the ground."""
        depth = _depth(self.matrix, _shrink(_pairs("points", points), self.pixel_frame))
        return depth > HORIZON

    def to_ground(self, points: ArrayLike) -> NDArray[np.float64]:
        """
        Pixels → metres in the system of the reference points.

        Parameters
        ----------
        points
            (n, 2) x, y in pixels, below the horizon.

        Returns
        -------
        ground
            (n, 2) in metres.

        Raises
        ------
        InputError
            If a point lies on or above the horizon; the message names the row. Ask `sees_ground` first.
        """
        pixels = _pairs("points", points)
        below = self.sees_ground(pixels)
        if not below.all():
            row = int(np.flatnonzero(~below)[0])
            raise InputError(
                "Pixel {pixel} (row {row}) lies above the horizon, where there is no ground.",
                "Leave it out: sees_ground() tells which rows have a place.",
                pixel=pixels[row].tolist(),
                row=row,
            )
        return _grow(_apply(self.matrix, _shrink(pixels, self.pixel_frame)), self.ground_frame)

    def to_pixels(self, ground: ArrayLike) -> NDArray[np.float64]:
        """(n, 2) metres in front of the camera → (n, 2) pixels; the inverse of `to_ground`."""
        metres = _pairs("ground", ground)
        inverse = np.linalg.inv(self.matrix)
        return _grow(_apply(inverse, _shrink(metres, self.ground_frame)), self.pixel_frame)

    def error_m(self, points: ArrayLike, pixel_error_px: float = CLICK_PX) -> NDArray[np.float64]:
        """
        How far the ground place of each pixel may be off: one standard deviation.

        Parameters
        ----------
        points
            (n, 2) pixels below the horizon.
        pixel_error_px
            Standard deviation of the pixel along each axis.

        Returns
        -------
        error_m
            (n,) metres: the residual of the reference points and the pixel's own error along the worse
            direction, which grows with the square of the distance, in one root of squares.
        """
        pixels = _pairs("points", points)
        here = self.to_ground(pixels)
        source = _shrink(pixels, self.pixel_frame)
        target = _shrink(here, self.ground_frame)
        slope = self.matrix[:2, :2] - target[:, :, None] * self.matrix[2, :2]
        slope = slope / _depth(self.matrix, source)[:, None, None]
        metres_per_px = (
            np.linalg.svd(slope, compute_uv=False)[:, 0] * self.ground_frame[2] / self.pixel_frame[2]
        )
        return np.hypot(self.rmse_m, pixel_error_px * metres_per_px)


def fit_homography(pixels: ArrayLike, ground_m: ArrayLike) -> Homography:
    """
    The homography that carries reference pixels to their ground places with the least squared error in
    metres.

    Parameters
    ----------
    pixels
        (n, 2) x, y of n ≥ 4 reference points in the picture, four of them with no three on one line. Six to
        eight, well spread, even out the error of each click.
    ground_m
        (n, 2) the same points on the ground in a metric system, in metres.

    Returns
    -------
    homography
        With the residual at the reference points.

    Raises
    ------
    InputError
        If there are fewer than four points, the two lists differ in length, points coincide or lie on a line,
        or they contradict each other so that some of them would lie beyond the horizon.

    References
    ----------
    .. [1] Hartley & Zisserman (2004), Multiple view geometry, algorithm 4.2 (normalised DLT), then §4.2
    (refinement).
    """
    image, ground = _pairs("pixels", pixels), _pairs("ground_m", ground_m)
    if len(image) != len(ground):
        raise InputError(
            "There are {image} reference pixels but {ground} ground points.",
            "Give one ground point for each pixel.",
            image=len(image),
            ground=len(ground),
        )
    if len(image) < LEAST_POINTS:
        raise InputError(
            "{count} reference point(s) do not fix a camera's ground plane.",
            "Mark at least 4, better 6 to 8, spread over the picture.",
            count=len(image),
        )
    pixel_frame, ground_frame = _frame(image), _frame(ground)
    source, target = _shrink(image, pixel_frame), _shrink(ground, ground_frame)
    matrix = _solve(source, target)
    if len(image) > LEAST_POINTS:
        matrix = _refine(matrix, source, target)
    depth = _depth(matrix, source)
    if np.sign(depth).min() != np.sign(depth).max():
        raise InputError(
            "The reference points contradict each other: no view shows all of them on one plane.",
            "Check that each pixel is paired with its own ground point.",
        )
    matrix = matrix * np.sign(depth[0])
    off = np.linalg.norm(_apply(matrix, source) - target, axis=1) * ground_frame[2]
    return Homography(
        matrix, pixel_frame, ground_frame, float(np.sqrt(np.mean(off**2))), float(off.max()), off
    )


def _solve(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normalised direct linear transform; refuses points that leave the plane undetermined."""
    x, y = source.T
    ones, zeros = np.ones_like(x), np.zeros_like(x)
    u, v = target.T
    rows = np.concatenate(
        [
            np.column_stack([x, y, ones, zeros, zeros, zeros, -u * x, -u * y, -u]),
            np.column_stack([zeros, zeros, zeros, x, y, ones, -v * x, -v * y, -v]),
        ]
    )
    _, spread, axes = np.linalg.svd(rows)
    matrix = axes[-1].reshape(3, 3)
    turned = np.linalg.svd(matrix, compute_uv=False)
    if spread[7] < DEGENERATE * spread[0] or turned[2] < DEGENERATE * turned[0]:
        raise InputError(
            "The reference points lie on a line or coincide, so they do not fix a plane.",
            "Choose four of which no three are on one line, spread over the picture.",
        )
    return matrix


def _refine(
    matrix: NDArray[np.float64], source: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Least squares on the ground itself, from the linear solution."""
    pivot = np.unravel_index(np.abs(matrix).argmax(), (3, 3))
    start = matrix / matrix[pivot]
    free = np.ones((3, 3), dtype=bool)
    free[pivot] = False

    def place(values: NDArray[np.float64]) -> NDArray[np.float64]:
        candidate = start.copy()
        candidate[free] = values
        return candidate

    def off(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return (_apply(place(values), source) - target).ravel()

    return place(least_squares(off, start[free], method="lm", xtol=1e-15, ftol=1e-15).x)


def _apply(matrix: NDArray[np.floating], points: NDArray[np.float64]) -> NDArray[np.float64]:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return mapped[:, :2] / mapped[:, 2:]


def _depth(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Third homogeneous coordinate: positive below the horizon, zero on it."""
    return points @ matrix[2, :2] + matrix[2, 2]


def _frame(points: NDArray[np.float64]) -> tuple[float, float, float]:
    """Middle of the points and their mean distance from it."""
    middle = points.mean(axis=0)
    size = float(np.linalg.norm(points - middle, axis=1).mean())
    return float(middle[0]), float(middle[1]), size or 1.0


def _shrink(points: NDArray[np.float64], frame: tuple[float, float, float]) -> NDArray[np.float64]:
    return (points - frame[:2]) / frame[2]


def _grow(points: NDArray[np.float64], frame: tuple[float, float, float]) -> NDArray[np.float64]:
    return points * frame[2] + frame[:2]


def _pairs(name: str, values: ArrayLike) -> NDArray[np.float64]:
    points = np.asarray(values, dtype=np.float64)
    if points.size == 0:
        points = points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise InputError(
            "{name} of shape {shape} is not a list of finite x, y pairs.",
            "Give an (n, 2) array.",
            name=name,
            shape=points.shape,
        )
    return points
