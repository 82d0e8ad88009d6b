"""From the picture to the ground: a camera's homography from reference points, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from analysis.errors import InputError

__all__ = ["ASKED_POINTS", "LEAST_POINTS", "GroundPlaces", "Homography", "fit_homography"]

LEAST_POINTS = 4
ASKED_POINTS = 6
"""So many reference points even out the error of each click: with 2 px and 0.3 m of click noise the median error
was 0.41 m with four, 0.26 m with six and 0.24 m with eight."""
SAME_PIXEL_PX, SAME_PLACE_M = 0.5, 1e-3
"""Reference points nearer than this are one point given twice."""
DEGENERATE = 1e-6
"""Share of the largest singular value below which the reference points leave the plane undetermined."""
HORIZON = 1e-9
"""Depth, where a reference point has about 1, at which a pixel counts as on the horizon."""
CLICK_PX = 2.0
"""Assumed error of a click on a reference point, in each direction."""
FOOT_PX = 3.5
"""Error of a detected foot point in each direction: what yolov3-tiny's boxes show on PETS (robust deviation)."""


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
    leave_one_out_m
        (n,) distance between each reference point and where its pixel lands when the others alone are fitted:
        what a new point would show. NaN where the others do not fix the plane, so for all of four points.
    pixels, ground_m
        (n, 2) the reference points themselves.
    """

    matrix: NDArray[np.float64]
    pixel_frame: tuple[float, float, float]
    ground_frame: tuple[float, float, float]
    rmse_m: float
    max_m: float
    residuals_m: NDArray[np.float64]
    leave_one_out_m: NDArray[np.float64]
    pixels: NDArray[np.float64]
    ground_m: NDArray[np.float64]

    @property
    def leave_one_out_rmse_m(self) -> float:
        """Root mean square of `leave_one_out_m` where there is any, else NaN. A low residual proves nothing."""
        known = self.leave_one_out_m[np.isfinite(self.leave_one_out_m)]
        return float(np.sqrt(np.mean(known**2))) if len(known) else float("nan")

    @property
    def leave_one_out_max_m(self) -> float:
        """The worst of `leave_one_out_m`, NaN where there is none."""
        known = self.leave_one_out_m[np.isfinite(self.leave_one_out_m)]
        return float(known.max()) if len(known) else float("nan")

    @property
    def has_enough(self) -> bool:
        """There are the six reference points that are asked for, not only the four that are needed."""
        return len(self.pixels) >= ASKED_POINTS

    def covers(self, points: ArrayLike, margin_px: float = 0.0) -> NDArray[np.bool_]:
        """
        Which pixels lie among the reference points, where the calibration was shown to hold.

        Parameters
        ----------
        points
            (n, 2) x, y in pixels.
        margin_px
            How far beyond the hull of the reference pixels a point may lie, from 0.

        Returns
        -------
        covered
            (n,) booleans; never above the horizon.
        """
        if not 0 <= margin_px < np.inf:
            raise InputError(
                "margin_px is {margin}.",
                "Give pixels from 0, such as 0 for the hull itself.",
                margin=margin_px,
            )
        pixels = _pairs("points", points)
        hull = shapely.MultiPoint(self.pixels).convex_hull
        away = np.asarray(shapely.distance(hull, shapely.points(pixels)), dtype=np.float64).reshape(-1)
        return (away <= margin_px + 1e-9) & self.sees_ground(pixels)

    def place(
        self,
        points: ArrayLike,
        *,
        foot_px: float = FOOT_PX,
        click_px: float = CLICK_PX,
        margin_px: float = 0.0,
    ) -> GroundPlaces:
        """
        Where pixels are on the ground and how surely, for those that the reference points enclose.

        Parameters
        ----------
        points
            (n, 2) pixels.
        foot_px, click_px
            As in `sigma_m`.
        margin_px
            As in `covers`.

        Raises
        ------
        InputError
            If a pixel lies beyond the hull of the reference points or above the horizon; the message names the
            rows. Ask `covers` first.
        """
        pixels = _pairs("points", points)
        outside = np.flatnonzero(~self.covers(pixels, margin_px))
        if len(outside):
            raise InputError(
                "Pixels of rows {rows} lie beyond the reference points, where their place on the ground is a guess.",
                "Leave them out (covers() tells which), or add reference points around them.",
                rows=_told(outside),
            )
        return GroundPlaces(self.to_ground(pixels), self.sigma_m(pixels, foot_px, click_px))

    def sigma_m(
        self, points: ArrayLike, foot_px: float = FOOT_PX, click_px: float = CLICK_PX
    ) -> NDArray[np.float64]:
        """
        How far the ground place of each pixel may be off: one standard deviation along the worse direction.

        Parameters
        ----------
        points
            (n, 2) pixels below the horizon.
        foot_px
            Standard deviation along each axis of the pixel itself, above 0.
        click_px
            The same of each reference pixel.

        Returns
        -------
        sigma_m
            (n,) metres: what moves with the pixel and what moves with the calibration, in one root of squares.
            Both grow with distance, the second fast beyond the reference points. Where reference points
            contradict each other more than their clicks explain, their error grows by that much.
        """
        covariance = self.covariance_m2(points, foot_px, click_px)
        return np.sqrt(np.maximum(np.linalg.eigvalsh(covariance)[:, -1], 0))

    def covariance_m2(
        self, points: ArrayLike, foot_px: float = FOOT_PX, click_px: float = CLICK_PX
    ) -> NDArray[np.float64]:
        """(n, 2, 2) covariance in m² of the ground places of (n, 2) pixels; `sigma_m` says of what."""
        for name, value in (("foot_px", foot_px), ("click_px", click_px)):
            if not 0 < value < np.inf:
                raise InputError(
                    "{name} is {value}.", "Give pixels above 0, such as 2.", name=name, value=value
                )
        pixels = _pairs("points", points)
        self.to_ground(pixels)  # refuses what lies above the horizon
        source, target = (
            _shrink(self.pixels, self.pixel_frame),
            _shrink(self.ground_m, self.ground_frame),
        )
        # What a click moves at each reference point, and through it the fit: least squares on the ground.
        slopes = self._slopes(source) * (click_px / self.pixel_frame[2])
        clicks = slopes @ slopes.transpose(0, 2, 1)
        lever = np.linalg.pinv(_levers(self.matrix, source).reshape(-1, 9), rcond=1e-10).reshape(
            9, len(source), 2
        )
        off = target - _apply(self.matrix, source)
        spare = 2 * len(source) - 8
        scale = 1.0
        if spare > 0:
            misfit = np.einsum("ni,nij,nj->", off, np.linalg.pinv(clicks), off) / spare
            scale = max(1.0, float(misfit))
        fit = scale * np.einsum("ani,nij,bnj->ab", lever, clicks, lever)
        here = _shrink(pixels, self.pixel_frame)
        moved = self._slopes(here) * (foot_px / self.pixel_frame[2])
        levers = _levers(self.matrix, here)
        both = moved @ moved.transpose(0, 2, 1) + levers @ fit @ levers.transpose(0, 2, 1)
        return np.asarray(both * self.ground_frame[2] ** 2, dtype=np.float64)

    def _slopes(self, source: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2, 2) shrunken ground per shrunken pixel."""
        target = _apply(self.matrix, source)
        slope = self.matrix[:2, :2] - target[:, :, None] * self.matrix[2, :2]
        return slope / _depth(self.matrix, source)[:, None, None]

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
            direction, which grows with the square of the distance, in one root of squares. It leaves out that
            the calibration itself is unsure, which `sigma_m` does not.
        """
        pixels = _pairs("points", points)
        self.to_ground(pixels)  # refuses what lies above the horizon
        slope = self._slopes(_shrink(pixels, self.pixel_frame))
        metres_per_px = (
            np.linalg.svd(slope, compute_uv=False)[:, 0] * self.ground_frame[2] / self.pixel_frame[2]
        )
        return np.hypot(self.rmse_m, pixel_error_px * metres_per_px)


@dataclass(frozen=True, slots=True, eq=False)
class GroundPlaces:
    """(n, 2) places in metres, in the system of the reference points, and (n,) their standard deviations."""

    ground_m: NDArray[np.float64]
    sigma_m: NDArray[np.float64]


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
        If there are fewer than four points, the two lists differ in length, points coincide or lie on a line
        (the message names their rows), or they contradict each other so that some of them would lie beyond the
        horizon.

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
    _require_distinct(image, ground)
    pixel_frame, ground_frame = _frame(image), _frame(ground)
    source, target = _shrink(image, pixel_frame), _shrink(ground, ground_frame)
    matrix = _fit(source, target)
    off = np.linalg.norm(_apply(matrix, source) - target, axis=1) * ground_frame[2]
    return Homography(
        matrix,
        pixel_frame,
        ground_frame,
        float(np.sqrt(np.mean(off**2))),
        float(off.max()),
        off,
        _leave_one_out(source, target) * ground_frame[2],
        image,
        ground,
    )


def _fit(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix of the least squared error on the ground, positive at the points."""
    matrix = _solve(source, target)
    if len(source) > LEAST_POINTS:
        matrix = _refine(matrix, source, target)
    depth = _depth(matrix, source)
    if np.sign(depth).min() != np.sign(depth).max():
        raise InputError(
            "The reference points contradict each other: no view shows all of them on one plane.",
            "Check that each pixel is paired with its own ground point.",
        )
    return np.asarray(matrix * np.sign(depth[0]), dtype=np.float64)


def _leave_one_out(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) how far each point lands off when the others alone are fitted; NaN where they do not fix the plane."""
    off = np.full(len(source), np.nan)
    if len(source) <= LEAST_POINTS:
        return off
    for row in range(len(source)):
        others = np.arange(len(source)) != row
        try:
            matrix = _fit(source[others], target[others])
        except InputError:
            continue
        if _depth(matrix, source[[row]])[0] > HORIZON:
            off[row] = np.linalg.norm(_apply(matrix, source[[row]]) - target[[row]])
    return off


def _require_distinct(image: NDArray[np.float64], ground: NDArray[np.float64]) -> None:
    """InputError naming the rows of reference points that are one point given twice."""
    mend = "Leave all but one of them out, or mark another point."
    if len(rows := _twice(image, SAME_PIXEL_PX)):
        raise InputError(
            "Reference points {rows} coincide in the picture, so they do not fix a plane.",
            mend,
            rows=_told(rows),
        )
    if len(rows := _twice(ground, SAME_PLACE_M)):
        raise InputError(
            "Reference points {rows} coincide on the ground, so they do not fix a plane.",
            mend,
            rows=_told(rows),
        )


def _twice(points: NDArray[np.float64], least: float) -> NDArray[np.int64]:
    """Rows of the first points that are one point; empty if all differ."""
    away = np.linalg.norm(points[:, None] - points[None], axis=2)
    pairs = np.argwhere(np.triu(away < least, k=1))
    return np.flatnonzero(away[pairs[0, 0]] < least) if len(pairs) else np.zeros(0, dtype=np.int64)


def _on_a_line(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows of the most points that lie on one line, about 1 in size."""
    best: NDArray[np.int64] = np.arange(0)
    for a, b in combinations(range(len(points)), 2):
        along = points[b] - points[a]
        long = np.hypot(*along)
        if long < DEGENERATE:
            continue
        away = points - points[a]
        rows = np.flatnonzero(np.abs(along[0] * away[:, 1] - along[1] * away[:, 0]) / long < 1e-4)
        if len(rows) > len(best):
            best = rows
    return best


def _told(rows: NDArray[np.integer]) -> str:
    return ", ".join(str(int(row)) for row in rows)


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
        rows = max(_on_a_line(source), _on_a_line(target), key=len)
        raise InputError(
            "Reference points {rows} lie on a line or nearly so, so they do not fix a plane.",
            "Choose four of which no three are on one line, spread over the picture.",
            rows=_told(rows),
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

    def slope(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _levers(place(values), source).reshape(-1, 9)[:, free.ravel()]

    return place(least_squares(off, start[free], slope, method="lm", xtol=1e-15, ftol=1e-15).x)


def _apply(matrix: NDArray[np.floating], points: NDArray[np.float64]) -> NDArray[np.float64]:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return mapped[:, :2] / mapped[:, 2:]


def _levers(matrix: NDArray[np.float64], source: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2, 9) ground per entry of the matrix, row by row; blind to the matrix's own scale."""
    x = np.column_stack([source, np.ones(len(source))])
    target = _apply(matrix, source)
    zero = np.zeros_like(x)
    rows = np.stack(
        [np.hstack([x, zero, -target[:, :1] * x]), np.hstack([zero, x, -target[:, 1:] * x])], axis=1
    )
    return np.asarray(rows / _depth(matrix, source)[:, None, None], dtype=np.float64)


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
