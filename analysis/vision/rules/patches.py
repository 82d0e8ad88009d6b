"""
What changed in a zone: its patches against the zone's usual look.

The usual look is the median of older patches. Patches are laid on it first (a mast sways), then freed of a change
of light as a whole, then compared by local structure, which a change of light leaves nearly as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.rules.looks import Look, WatchedZone, patch_box

__all__ = ["CHANGED", "Scene", "differences", "known_median", "scene", "usual"]

CHANGED = 0.5
"""From this difference in structure on, a pixel has changed."""
MAX_SHIFT_PX = 5.0
"""Sway of the camera that is taken back, in pixels of the patch."""
MARGIN_RATIO = 0.1
"""Boxes are widened by this share before what they cover is left out."""
SIGMA_PX = 1.5
"""Of the Gaussian window in which structure is compared, as in [1]_ of `differences`."""
NOISE = (0.03 * 255) ** 2
"""Variance, in squared grey levels, under which structure is taken for noise."""
GAINS = (0.25, 4.0)
"""A patch whose contrast differs from the usual by more than these factors cannot be compared."""
STEADY = 25.0
"""Variance of grey levels that holds the gain at 1 where the zone has no structure."""
LIGHT_PIXELS = 1000
"""So many pixels are enough to tell the light."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """
    A zone's patches, laid one on the other.

    Parameters
    ----------
    looks
        Number of the look of each patch, ascending.
    times_s
        Their times.
    patches
        (n, h, w) grey levels in [0, 255].
    known
        (n, h, w) pixels that show the zone and not somebody in front of it.
    inside
        (h, w) pixels of the zone.
    origin_px, scale
        Frame pixel = origin + patch pixel · scale, for x and y.
    """

    looks: tuple[int, ...]
    times_s: tuple[float, ...]
    patches: NDArray[np.float32]
    known: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    origin_px: tuple[float, float]
    scale: tuple[float, float]

    def box(self, mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels of the frame around the pixels of a mask that has some."""
        rows, columns = np.nonzero(mask)
        (x, y), (dx, dy) = self.origin_px, self.scale
        return (
            float(x + columns.min() * dx),
            float(y + rows.min() * dy),
            float(x + (columns.max() + 1) * dx),
            float(y + (rows.max() + 1) * dy),
        )


def scene(
    zone: WatchedZone, looks: Sequence[Look], ignored: Collection[int], min_score: float
) -> Scene | None:
    """
    The patches of a zone in the looks that have one, of the latest patch's size; None if none has.

    Parameters
    ----------
    zone
        Its name finds the patches.
    looks
        In order of time.
    ignored
        COCO classes behind which the zone is not seen.
    min_score
        Confidence from which their boxes count.

    Raises
    ------
    InputError
        If a patch is not a grey picture of bytes.
    """
    rows = [row for row, look in enumerate(looks) if zone.name in look.patches]
    for row in rows:
        _require_patch(looks[row].patches[zone.name], zone.name)
    if not rows:
        return None
    shape = looks[rows[-1]].patches[zone.name].shape
    rows = [row for row in rows if looks[row].patches[zone.name].shape == shape]
    raw = np.stack([looks[row].patches[zone.name] for row in rows]).astype(np.float32)
    left, top, right, bottom = patch_box(zone.polygon_px, zone.frame_px)
    scale = ((right - left) / shape[1], (bottom - top) / shape[0])
    x = left + (np.arange(shape[1]) + 0.5) * scale[0]
    y = top + (np.arange(shape[0]) + 0.5) * scale[1]
    inside = np.asarray(shapely.intersects_xy(zone.area(), *np.meshgrid(x, y)), dtype=bool)
    known = np.stack(
        [
            ~_covered(looks[row].detections.at_least(min_score).of(ignored).boxes, shape, (left, top), scale)
            for row in rows
        ]
    )
    patches, shown = _laid(raw)
    return Scene(
        tuple(rows),
        tuple(float(looks[row].time_s) for row in rows),
        patches,
        known & shown & inside,
        inside,
        (float(left), float(top)),
        scale,
    )


def usual(shown: Scene, rows: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Median patch of some rows of the scene, and where at least three of them, or all, know the zone."""
    known = shown.known[rows]
    return known_median(shown.patches[rows], known), known.sum(axis=0) >= min(3, len(rows))


def known_median(stack: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Median of (n, h, w) pictures over what is known; over all pictures where nothing is."""
    count = known.sum(axis=0)
    use = known | (count == 0)
    count = np.where(count == 0, len(stack), count)
    ranked = np.sort(np.where(use, stack, np.float32(np.inf)), axis=0)
    low = np.take_along_axis(ranked, ((count - 1) // 2)[None], axis=0)[0]
    high = np.take_along_axis(ranked, (count // 2)[None], axis=0)[0]
    median: NDArray[np.float32] = ((low + high) / 2).astype(np.float32)
    return median


def differences(
    shown: Scene, reference: NDArray[np.float32], compared: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """
    How each patch differs in structure from the usual one.

    Parameters
    ----------
    shown
        The patches.
    reference
        (h, w) the zone's usual look.
    compared
        (h, w) pixels of the reference that can be compared.

    Returns
    -------
    difference
        (n, h, w) in [0, 1]: 1 minus the contrast and structure of the structural similarity index [1]_.
    usable
        (n,) patches whose contrast can be compared at all; a black picture cannot.
    lit
        (n, h, w) patches in the light of the reference.

    References
    ----------
    .. [1] Wang et al. (2004), Image quality assessment: from error visibility to structural similarity.
    """
    difference = np.zeros_like(shown.patches)
    lit = np.zeros_like(shown.patches)
    usable = np.zeros(len(shown.looks), dtype=bool)
    mean_r, var_r = _moments(reference)
    for row, patch in enumerate(shown.patches):
        gain, offset = _light(patch, reference, shown.known[row] & compared)
        usable[row] = GAINS[0] <= gain <= GAINS[1]
        if not usable[row]:
            continue
        lit[row] = (patch - offset) / gain
        mean_p, var_p = _moments(lit[row])
        shared = _blurred(lit[row] * reference) - mean_p * mean_r
        likeness = (2 * shared + NOISE) / (var_p + var_r + NOISE)
        difference[row] = np.clip(1 - likeness, 0, 1)
    return difference, usable, lit


def _light(
    patch: NDArray[np.float32], reference: NDArray[np.float32], mask: NDArray[np.bool_]
) -> tuple[float, float]:
    """Gain and offset that turn the reference into the patch, by the three fifths that fit best; gain 0 if unknown."""
    if mask.sum() < 16:
        return 0.0, 0.0
    r, p = reference[mask], patch[mask]
    every = len(r) // LIGHT_PIXELS + 1
    r, p = r[::every].astype(np.float64), p[::every].astype(np.float64)
    gain, offset = 1.0, float(np.median(p) - np.median(r))
    best = int(0.6 * len(r))
    for _ in range(4):
        keep = np.argpartition(np.abs(p - (gain * r + offset)), best)[:best]
        near, far = r[keep], p[keep]
        mean_r, mean_p = float(near.mean()), float(far.mean())
        near = near - mean_r
        gain = (float(near @ (far - mean_p)) / best + STEADY) / (float(near @ near) / best + STEADY)
        offset = mean_p - gain * mean_r
    return gain, offset


def _laid(raw: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Patches moved by a few pixels so that they lie on their median, and which pixels they still show."""
    shown = np.ones(raw.shape, dtype=bool)
    if min(raw.shape[1:]) < 16 or len(raw) < 2:
        return raw, shown
    laid = raw.copy()
    middle = known_median(raw, shown)
    edges = _edges(middle)
    window = cv2.createHanningWindow((raw.shape[2], raw.shape[1]), cv2.CV_32F)
    whole = np.ones(raw.shape[1:], dtype=np.float32)
    for row, patch in enumerate(raw):
        (dx, dy), _ = cv2.phaseCorrelate(edges, _edges(patch), window)
        if not 0.3 < np.hypot(dx, dy) <= MAX_SHIFT_PX:
            continue
        move = np.array([[1, 0, -dx], [0, 1, -dy]], dtype=np.float32)
        size = (raw.shape[2], raw.shape[1])
        moved = cv2.warpAffine(patch, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        there = cv2.warpAffine(whole, move, size, flags=cv2.INTER_LINEAR) > 0.99
        if _misfit(moved, middle, there) < 0.9 * _misfit(patch, middle, there):
            laid[row], shown[row] = moved, there
    return laid, shown


def _misfit(patch: NDArray[np.float32], middle: NDArray[np.float32], there: NDArray[np.bool_]) -> float:
    """Median difference of edges, which light changes little."""
    return float(np.mean(np.minimum(np.abs(_edges(patch) - _edges(middle))[there], 20.0)))


def _edges(patch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Strength of the gradient."""
    across = cv2.Sobel(patch, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(patch, cv2.CV_32F, 0, 1)
    strength: NDArray[np.float32] = cv2.magnitude(across, down) / np.float32(8)
    return strength


def _blurred(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    blurred: NDArray[np.float32] = cv2.GaussianBlur(picture, (0, 0), SIGMA_PX, borderType=cv2.BORDER_REFLECT)
    return blurred


def _moments(picture: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Local mean and variance."""
    mean = _blurred(picture)
    return mean, np.maximum(_blurred(picture * picture) - mean * mean, 0)


def _covered(
    boxes: NDArray[np.float64], shape: tuple[int, ...], origin: tuple[int, int], scale: tuple[float, float]
) -> NDArray[np.bool_]:
    """(h, w) pixels of the patch behind boxes of the frame."""
    mask = np.zeros(shape, dtype=bool)
    for left, top, right, bottom in boxes:
        wide, high = MARGIN_RATIO * (right - left), MARGIN_RATIO * (bottom - top)
        x0, x1 = (left - wide - origin[0]) / scale[0] - 1, (right + wide - origin[0]) / scale[0] + 1
        y0, y1 = (top - high - origin[1]) / scale[1] - 1, (bottom + high - origin[1]) / scale[1] + 1
        if x1 > 0 and y1 > 0:
            mask[max(0, int(y0)) : int(np.ceil(y1)), max(0, int(x0)) : int(np.ceil(x1))] = True
    return mask


def _require_patch(patch: NDArray[np.uint8], name: str) -> None:
    if patch.ndim != 2 or patch.dtype != np.uint8 or 0 in patch.shape:
        raise InputError(
            "The patch of zone {name!r} has shape {shape} and type {dtype}.",
            "Store what zone_patch returns.",
            name=name,
            shape=patch.shape,
            dtype=patch.dtype,
        )
