"""Cameras that turn: all that they can be turned to, and where they look by turns."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import require_columns
from analysis.errors import InputError
from analysis.visibility.faults import column_values, first_fault
from analysis.visibility.picture import FLAT_FIELD_DEG

__all__ = ["preset_poses", "reachable_poses"]

Floats = npt.NDArray[np.float64]

LEAST_ABOVE_DEG = 1.0
"""How far above the horizon a picture is taken to reach at most: there is no ground any higher."""


def reachable_poses(cameras: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """
    Each camera with a pan range as one wide sector: `visible_polygons` of it is the ground that it can be turned to.

    Parameters
    ----------
    cameras
        As `visible_polygons` takes them, with columns `pan_from_deg` in [0, 360) and `pan_to_deg` in [0, 360]:
        the axis turns clockwise from the one to the other, 0 to 360 for a full turn. With columns
        `tilt_from_deg` and `tilt_to_deg` in [-90, 90] it also tilts between the two. A camera for which a range
        is missing keeps its heading or its tilt.

    Returns
    -------
    poses
        The same rows; `heading_deg` is the middle of what the picture can take in and `hfov_deg` all of it, so
        are `tilt_deg` and `vfov_deg`.

    Raises
    ------
    InputError
        If a column is missing or a value is out of range.
    """
    require_columns("cameras", cameras, "pan_from_deg", "pan_to_deg")
    if (fault := first_fault(cameras, turning=True)) is not None:
        raise fault
    poses = cameras.copy()
    start, end = column_values(cameras, "pan_from_deg"), column_values(cameras, "pan_to_deg")
    turns = ~np.isnan(start)
    swing = np.where(end >= start, end - start, end - start + 360.0)
    middle = (start + swing / 2) % 360.0
    field = column_values(cameras, "hfov_deg")
    poses["heading_deg"] = np.where(turns, middle, column_values(cameras, "heading_deg"))
    poses["hfov_deg"] = np.where(turns, np.minimum(swing + field, 360.0), field)
    if {"tilt_from_deg", "tilt_to_deg", "tilt_deg", "vfov_deg"} <= set(cameras.columns):
        poses["tilt_deg"], poses["vfov_deg"] = _tilted(cameras)
    return poses


def preset_poses(cameras: gpd.GeoDataFrame, presets: pd.DataFrame) -> gpd.GeoDataFrame:
    """
    Each preset as a camera of its own.

    Parameters
    ----------
    cameras
        As `visible_polygons` takes them.
    presets
        Rows with `camera_id`, a label of `cameras`, and `number`; `heading_deg` in [0, 360); `tilt_deg` and
        `hfov_deg`, empty where they are the camera's own; `share` in [0, 1] of the time that the camera looks
        there, at most 1 together. A narrower field is a longer lens: it narrows the vertical field as well.

    Returns
    -------
    poses
        One row a preset, in the order of `presets`, indexed by camera and number, with all columns of `cameras`
        and `share`.

    Raises
    ------
    InputError
        If a column is missing, a value is out of range, a preset belongs to no camera or comes twice, or the
        shares of a camera exceed 1; the message names the camera.
    """
    require_columns("presets", presets, "camera_id", "number", "heading_deg", "tilt_deg", "hfov_deg", "share")
    _require_presets(cameras, presets)
    rows = cameras.index.get_indexer(presets["camera_id"])
    poses = cameras.iloc[rows].copy()
    own_field = column_values(poses, "hfov_deg")
    poses["heading_deg"] = column_values(presets, "heading_deg")
    field = column_values(presets, "hfov_deg")
    poses["hfov_deg"] = np.where(np.isnan(field), own_field, field)
    if "tilt_deg" in cameras:
        tilt = column_values(presets, "tilt_deg")
        poses["tilt_deg"] = np.where(np.isnan(tilt), column_values(poses, "tilt_deg"), tilt)
    if "vfov_deg" in cameras:
        poses["vfov_deg"] = _zoomed(
            column_values(poses, "vfov_deg"), own_field, column_values(poses, "hfov_deg")
        )
    poses["share"] = column_values(presets, "share")
    poses.index = pd.MultiIndex.from_arrays(
        [presets["camera_id"].to_numpy(), presets["number"].to_numpy()], names=["camera", "number"]
    )
    if (fault := first_fault(poses)) is not None:
        raise fault
    return poses


def _tilted(cameras: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    """Middle and width of all that a picture can take in from top to bottom, degrees."""
    one, other = column_values(cameras, "tilt_from_deg"), column_values(cameras, "tilt_to_deg")
    tilt, vfov = column_values(cameras, "tilt_deg"), column_values(cameras, "vfov_deg")
    tilts = ~np.isnan(one + other + vfov)
    top = np.maximum(np.fmin(one, other) - vfov / 2, -LEAST_ABOVE_DEG)
    bottom = np.maximum(np.minimum(np.fmax(one, other) + vfov / 2, 90.0), top + LEAST_ABOVE_DEG / 2)
    return np.where(tilts, (top + bottom) / 2, tilt), np.where(tilts, bottom - top, vfov)


def _zoomed(vfov: Floats, own_field: Floats, field: Floats) -> Floats:
    """The vertical field of flat pictures after the horizontal one has changed."""
    flat = (own_field < FLAT_FIELD_DEG) & (field > 0) & (field < FLAT_FIELD_DEG)
    ratio = np.tan(np.deg2rad(np.where(flat, field, 90.0)) / 2) / np.tan(
        np.deg2rad(np.where(flat, own_field, 90.0)) / 2
    )
    return np.rad2deg(2 * np.arctan(np.tan(np.deg2rad(vfov) / 2) * ratio))


def _require_presets(cameras: gpd.GeoDataFrame, presets: pd.DataFrame) -> None:
    strange = ~presets["camera_id"].isin(cameras.index)
    if strange.any():
        raise InputError(
            "Preset {number} belongs to camera {camera}, which is not among the cameras.",
            "Leave it out or give its camera.",
            number=presets["number"][strange].iloc[0],
            camera=presets["camera_id"][strange].iloc[0],
        )
    twice = presets.duplicated(["camera_id", "number"])
    if twice.any():
        raise InputError(
            "Camera {camera} has preset {number} twice.",
            "Number the presets of a camera apart.",
            number=presets["number"][twice].iloc[0],
            camera=presets["camera_id"][twice].iloc[0],
        )
    share = column_values(presets, "share")
    wrong = ~((share >= 0) & (share <= 1))
    if wrong.any():
        raise InputError(
            "share of preset {number} of camera {camera} must be in {rule}, but is {value}.",
            "Give the part of the time that the camera looks there.",
            number=presets["number"][wrong].iloc[0],
            camera=presets["camera_id"][wrong].iloc[0],
            rule="[0, 1]",
            value=presets["share"][wrong].iloc[0],
        )
    together = pd.Series(share).groupby(presets["camera_id"].to_numpy()).sum()
    over = together[together > 1 + 1e-6]
    if len(over):
        raise InputError(
            "The presets of camera {camera} take {value} of its time, more than all of it.",
            "Lower their shares until they add up to 1 or less.",
            camera=over.index[0],
            value=round(float(over.iloc[0]), 6),
        )
