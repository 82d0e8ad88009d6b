"""The demonstration camera: zones, reference points and pose that belong to the clip, read from its TOML."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from analysis.vision.calibration import Homography, fit_homography
from analysis.vision.standing import ImageZone, StandingRule

__all__ = ["Demonstration", "LocalPose", "demonstration"]


@dataclass(frozen=True, slots=True)
class LocalPose:
    """
    Where the camera stands in the local metres of its reference points.

    Parameters
    ----------
    position_m
        x, y of its mast.
    height_m
        Above the ground.
    axis_deg
        Direction of the optical axis on the ground, anticlockwise from local x.
    tilt_deg
        Of the optical axis; negative looks down.
    hfov_deg
        Horizontal opening angle.
    """

    position_m: tuple[float, float]
    height_m: float
    axis_deg: float
    tilt_deg: float
    hfov_deg: float


@dataclass(frozen=True, slots=True)
class Demonstration:
    """
    What belongs to the demonstration clip.

    Parameters
    ----------
    clip
        Name of the file in `Settings.clips_dir`.
    source
        Where footage, metres and zones come from.
    width_px, height_px
        Size of its frames; all pixels below are of this size.
    every_s
        Sampling interval.
    pose
        The camera in local metres.
    pixels, ground_m
        Reference points, row by row: pixel and local metres.
    zones
        With their rules.
    titles
        Zone name → (Chinese, English).
    """

    clip: str
    source: str
    width_px: int
    height_px: int
    every_s: float
    pose: LocalPose
    pixels: tuple[tuple[float, float], ...]
    ground_m: tuple[tuple[float, float], ...]
    zones: tuple[ImageZone, ...]
    titles: dict[str, tuple[str, str]]

    def calibration(self) -> Homography:
        """Pixels → local metres, with the residual of the reference points."""
        return fit_homography(self.pixels, self.ground_m)


@lru_cache
def demonstration() -> Demonstration:
    """The demonstration camera as `demonstration.toml` describes it."""
    facts = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    camera = facts["camera"]
    return Demonstration(
        clip=facts["clip"],
        source=facts["source"].strip(),
        width_px=facts["width_px"],
        height_px=facts["height_px"],
        every_s=facts["every_s"],
        pose=LocalPose(**{**camera, "position_m": tuple(camera["position_m"])}),
        pixels=tuple(tuple(point["pixel"]) for point in facts["reference_points"]),
        ground_m=tuple(tuple(point["ground_m"]) for point in facts["reference_points"]),
        zones=tuple(
            ImageZone(zone["name"], tuple(map(tuple, zone["polygon_px"])), StandingRule(zone["dwell_s"]))
            for zone in facts["zones"]
        ),
        titles={zone["name"]: (zone["zh"], zone["en"]) for zone in facts["zones"]},
    )
