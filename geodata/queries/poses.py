"""How a camera stands, or would stand."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pose", "Preset"]


@dataclass(frozen=True)
class Preset:
    """Where a PTZ camera looks for a share of its time. Angles in degrees, share in (0, 1]."""

    heading_deg: float
    tilt_deg: float
    hfov_deg: float
    share: float = 1.0


@dataclass(frozen=True)
class Pose:
    """
    How a camera would stand. Angles and coordinates (CGCS2000) in degrees, lengths in metres.

    Attributes
    ----------
    lon_deg, lat_deg
        Where.
    heading_deg
        Clockwise from north, [0, 360).
    tilt_deg
        Below the horizon, [-90, 90].
    height_m
        Lens above ground, 0 or more.
    hfov_deg, vfov_deg
        Fields, (0, 360] and (0, 180).
    resolution_px
        Picture width.
    range_m
        How far the picture is used, above 0.
    name, site
        For people; code of the lamp or cell where it hangs.
    cost
        What it costs to build, in the town's currency; None if not known.
    presets
        Where a PTZ camera looks by turns; without them it looks along its heading.
    """

    lon_deg: float
    lat_deg: float
    heading_deg: float
    tilt_deg: float = 20.0
    height_m: float = 5.0
    hfov_deg: float = 90.0
    vfov_deg: float = 56.0
    resolution_px: int = 1920
    range_m: float = 60.0
    name: str | None = None
    site: str | None = None
    cost: float | None = None
    presets: tuple[Preset, ...] = ()
