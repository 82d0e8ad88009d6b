"""What a picture holds: field of view, where the ground in it begins and ends, and pixels on the target (DORI)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import require_columns, require_positive
from analysis.errors import InputError

__all__ = [
    "DORI_PX_PER_M",
    "FLAT_FIELD_DEG",
    "dori_distance_m",
    "dori_distances",
    "far_distance_m",
    "focal_length_mm",
    "hfov_deg",
    "near_distance_m",
    "pixel_density",
    "vfov_deg",
]

Floats = npt.NDArray[np.float64]

DORI_PX_PER_M = {"detect": 25.0, "observe": 62.5, "recognise": 125.0, "identify": 250.0}
"""Pixels across one metre at the target that each task needs (EN 62676-4:2014, annex on DORI)."""

FLAT_FIELD_DEG = 180.0
"""A wider picture is stitched from several …"""
STITCHED_FIELD_DEG = 90.0
"""… of this field."""


def hfov_deg(focal_mm: npt.ArrayLike, sensor_width_mm: npt.ArrayLike) -> Floats:
    """
    Horizontal field of a lens that does not distort: 2·atan(sensor width / 2 / focal length).

    Parameters
    ----------
    focal_mm
        Focal length, millimetres, above 0.
    sensor_width_mm
        Width of the part of the sensor that makes the picture, millimetres, above 0; 5.37 for a 1/2.7" sensor.

    Returns
    -------
    hfov_deg
        Degrees in (0, 180).

    Raises
    ------
    InputError
        If a value is not above 0.
    """
    require_positive("focal_mm", focal_mm)
    require_positive("sensor_width_mm", sensor_width_mm)
    width, focal = np.asarray(sensor_width_mm, dtype=float), np.asarray(focal_mm, dtype=float)
    return np.rad2deg(2 * np.arctan(width / (2 * focal)))


def focal_length_mm(hfov_deg: npt.ArrayLike, sensor_width_mm: npt.ArrayLike) -> Floats:
    """
    Focal length that gives a horizontal field: the inverse of `hfov_deg`.

    Takes a field in (0, 180) degrees and the width of the sensor, millimetres; InputError if one is out of range.
    """
    require_positive("sensor_width_mm", sensor_width_mm)
    return np.asarray(sensor_width_mm, dtype=float) / (2 * _tan_half(hfov_deg))


def vfov_deg(hfov_deg: npt.ArrayLike, height_to_width: npt.ArrayLike = 9 / 16) -> Floats:
    """
    Vertical field of a flat picture.

    Parameters
    ----------
    hfov_deg
        Its horizontal field, degrees in (0, 180).
    height_to_width
        Pixels down over pixels across, above 0.

    Raises
    ------
    InputError
        If a value is out of range.
    """
    require_positive("height_to_width", height_to_width)
    return np.rad2deg(2 * np.arctan(_tan_half(hfov_deg) * np.asarray(height_to_width, dtype=float)))


def near_distance_m(height_m: npt.ArrayLike, tilt_deg: npt.ArrayLike, vfov_deg: npt.ArrayLike) -> Floats:
    """
    Ground distance from the pole to where the picture begins: the radius of the blind cone under the camera.

    Parameters
    ----------
    height_m
        Lens above ground, metres, 0 or more.
    tilt_deg
        Optical axis below the horizon, degrees in [-90, 90].
    vfov_deg
        Vertical field, degrees in (0, 180).

    Returns
    -------
    near_m
        height / tan(tilt + vfov / 2); 0 if the camera can look straight down, infinite if it sees no ground.

    Raises
    ------
    InputError
        If a height is negative or not a number.
    """
    require_positive("height_m", height_m, zero=True)
    return _ground_distance(
        height_m, np.asarray(tilt_deg, dtype=float) + np.asarray(vfov_deg, dtype=float) / 2
    )


def far_distance_m(height_m: npt.ArrayLike, tilt_deg: npt.ArrayLike, vfov_deg: npt.ArrayLike) -> Floats:
    """
    Ground distance from the pole to the upper edge of the picture.

    Takes what `near_distance_m` takes; gives height / tan(tilt − vfov / 2), infinite if the horizon is in the
    picture.
    """
    require_positive("height_m", height_m, zero=True)
    return _ground_distance(
        height_m, np.asarray(tilt_deg, dtype=float) - np.asarray(vfov_deg, dtype=float) / 2
    )


def pixel_density(resolution_px: npt.ArrayLike, hfov_deg: npt.ArrayLike, distance_m: npt.ArrayLike) -> Floats:
    """
    Pixels across one metre of a plane `distance_m` in front of the lens (EN 62676-4).

    Parameters
    ----------
    resolution_px
        Width of the picture, pixels, above 0.
    hfov_deg
        Horizontal field of one flat picture, degrees in (0, 180).
    distance_m
        From lens to plane, metres, above 0.

    Raises
    ------
    InputError
        If a value is out of range.
    """
    require_positive("distance_m", distance_m)
    return _pixels_at_one_metre(resolution_px, hfov_deg) / np.asarray(distance_m, dtype=float)


def dori_distance_m(
    resolution_px: npt.ArrayLike,
    hfov_deg: npt.ArrayLike,
    px_per_m: npt.ArrayLike,
    height_m: npt.ArrayLike = 0.0,
) -> Floats:
    """
    Ground distance out to which a target has a pixel density, such as one of `DORI_PX_PER_M`.

    Parameters
    ----------
    resolution_px
        Width of the picture, pixels, above 0.
    hfov_deg
        Horizontal field of one flat picture, degrees in (0, 180).
    px_per_m
        Wanted density, pixels a metre, above 0.
    height_m
        Lens above the target, metres, 0 or more.

    Returns
    -------
    distance_m
        Metres on the ground; 0 if the lens is too high to reach the density anywhere.

    Raises
    ------
    InputError
        If a value is out of range.
    """
    require_positive("px_per_m", px_per_m)
    require_positive("height_m", height_m, zero=True)
    slant_m = _pixels_at_one_metre(resolution_px, hfov_deg) / np.asarray(px_per_m, dtype=float)
    return np.sqrt(np.maximum(slant_m**2 - np.asarray(height_m, dtype=float) ** 2, 0.0))


def dori_distances(cameras: pd.DataFrame) -> pd.DataFrame:
    """
    How far each camera reaches for each task of `DORI_PX_PER_M`.

    A picture of 180° and more is taken as stitched from pictures of 90°.

    Parameters
    ----------
    cameras
        Columns `resolution_px`, pixels across the picture, above 0; `hfov_deg` in (0, 360]; `range_m` above 0;
        `height_m`, if there, 0 or more, taken as 0 where it is missing.

    Returns
    -------
    distances
        Columns `detect_m`, `observe_m`, `recognise_m`, `identify_m`: metres on the ground, at most the range,
        indexed like `cameras`; 0 where the lens is too high to reach the density anywhere.

    Raises
    ------
    InputError
        If a column is missing or a value is out of range.
    """
    require_columns("cameras", cameras, "resolution_px", "hfov_deg", "range_m")
    field = cameras["hfov_deg"].to_numpy(dtype=float)
    pixels = cameras["resolution_px"].to_numpy(dtype=float)
    height = np.zeros(len(cameras))
    if "height_m" in cameras:
        height = np.nan_to_num(cameras["height_m"].to_numpy(dtype=float, na_value=np.nan))
    stitched = field >= FLAT_FIELD_DEG
    pixels = np.where(stitched, pixels * STITCHED_FIELD_DEG / field, pixels)
    field = np.where(stitched, STITCHED_FIELD_DEG, field)
    reach = cameras["range_m"].to_numpy(dtype=float)
    found = {
        f"{task}_m": np.minimum(dori_distance_m(pixels, field, density, height), reach)
        for task, density in DORI_PX_PER_M.items()
    }
    return pd.DataFrame(found, index=cameras.index)


def _pixels_at_one_metre(resolution_px: npt.ArrayLike, hfov_deg: npt.ArrayLike) -> Floats:
    require_positive("resolution_px", resolution_px)
    return np.asarray(resolution_px, dtype=float) / (2 * _tan_half(hfov_deg))


def _tan_half(hfov_deg: npt.ArrayLike) -> Floats:
    """Tangent of half the field of a flat picture; InputError if it is not in (0, 180)."""
    require_positive("hfov_deg", hfov_deg)
    field = np.asarray(hfov_deg, dtype=float)
    if (field >= FLAT_FIELD_DEG).any():
        raise InputError(
            "hfov_deg is {value}, but a flat picture is narrower than 180°.",
            "Give the field of one lens or of one flattened part of the panorama.",
            value=float(field.max()),
        )
    return np.tan(np.deg2rad(field) / 2)


def _ground_distance(height_m: npt.ArrayLike, below_horizon_deg: Floats) -> Floats:
    """Where a line from the lens, so many degrees below the horizon, meets the ground, metres."""
    below = np.clip(below_horizon_deg, 0.0, 90.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.asarray(height_m, dtype=float) / np.tan(np.deg2rad(below))
    return np.where(below >= 90, 0.0, np.where(below <= 0, np.inf, distance))
