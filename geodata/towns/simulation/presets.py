"""Where cameras that turn look by turns."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

__all__ = ["turning_presets"]

_SEVERAL = (2, 6)
"""Presets of a camera: at least, and fewer than."""
_TILT_DEG = (5.0, 60.0)
_LEAST_HFOV_DEG = 6.0


def turning_presets(cameras: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """
    Where the PTZ cameras look by turns: two to five presets each, the first where the camera rests.

    Parameters
    ----------
    cameras
        With heading_deg, tilt_deg, hfov_deg, kind, pan_from_deg and pan_to_deg, indexed by camera.
    rng
        Source of randomness.

    Returns
    -------
    presets
        camera_id, number (from 1), heading_deg (within the swing), tilt_deg, hfov_deg and share (shares of one camera
        add up to 1).
    """
    turning = cameras[cameras["kind"] == "ptz"]
    counts = rng.integers(*_SEVERAL, len(turning))
    at = np.repeat(np.arange(len(turning)), counts)
    number = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    start = turning["pan_from_deg"].to_numpy()
    swing = (turning["pan_to_deg"].to_numpy() - start) % 360
    looked = (start[at] + rng.uniform(0, 1, len(at)) * swing[at]) % 360
    rest = number == 1
    zoom = rng.uniform(0.35, 1.0, len(at))
    hfov = np.where(rest, 1.0, zoom) * turning["hfov_deg"].to_numpy()[at]
    tilt = turning["tilt_deg"].to_numpy()[at] + np.where(rest, 0.0, rng.normal(0, 4, len(at)))
    weight = np.where(rest, 2.0, 1.0) * rng.uniform(0.5, 1.5, len(at))
    share = (weight / np.bincount(at, weights=weight)[at]).round(2)
    # what rounding leaves over goes to the first, which has the most
    over = np.bincount(at, weights=share) - 1 if len(at) else np.zeros(0)
    share[rest] -= over
    return pd.DataFrame(
        {
            "camera_id": turning.index.to_numpy()[at],
            "number": number,
            "heading_deg": np.where(rest, turning["heading_deg"].to_numpy()[at], looked).round(1) % 360,
            "tilt_deg": np.clip(tilt, *_TILT_DEG).round(1),
            "hfov_deg": np.maximum(hfov, _LEAST_HFOV_DEG).round(1),
            "share": share.round(2),
        }
    )
