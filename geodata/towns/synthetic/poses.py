"""Which way the cameras of a made-up town look, through which lens, and who they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.towns.simulation import LENSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OWNERS", "PRIVATE", "cameras_of"]

OWNERS = {
    "public security": (0.46, "00"),
    "traffic police": (0.2, "04"),
    "city management": (0.26, "08"),
    "education": (0.03, "11"),
    "environment": (0.05, "09"),
}
"""Departments: share of the public cameras, and digits 9-10 of their codes (GB/T 28181)."""
PRIVATE = "private"
_PRIVATE_INDUSTRY = "03"
_KINDS = ("fixed", "dome", "ptz", "panorama")
_KIND_SHARES = {
    "pole": (0.66, 0.14, 0.14, 0.06),
    "wall": (0.62, 0.26, 0.05, 0.07),
    "mast": (0.1, 0.0, 0.9, 0.0),
    "vehicle": (1.0, 0.0, 0.0, 0.0),
}
_WIDTHS_PX, _WIDTH_SHARES = (1280, 1920, 2560, 3840), (0.08, 0.52, 0.28, 0.12)
_PX_PER_M = 25.0
_RANGE_M = {"street": (20.0, 120.0), "high": (250.0, 400.0), "vehicle": (20.0, 60.0)}
_ZOOMED_DEG = {"street": 58.0, "high": 24.0}
"""Widest field of a PTZ camera."""
_HOURS = (2.0, 6.0, 12.0, 24.0)
_HOUR_SHARES = {True: (0.0, 0.0, 0.4, 0.6), False: (0.4, 0.3, 0.2, 0.1)}
"""Shares of `_HOURS` for offices that enforce parking, and for the others."""
_STATES, _STATE_SHARES = ("online", "offline", "maintenance"), (0.95, 0.03, 0.02)
_SURVEYED = {True: 0.68, False: 0.35}
"""Share of the public and of the private cameras whose heading was surveyed."""
_SPREADS_DEG, _SPREAD_SHARES = (8.0, 15.0, 25.0), (0.4, 0.4, 0.2)
_STITCHED_DEG = 90.0
"""A panorama is stitched from pictures of this field."""
_WALL_SWING_DEG, _POLE_SWING_DEG = 85.0, 170.0
_TURNS_DEG = (8.0, 172.0, 80.0, 115.0)
"""Cameras of a pole: along the street, back, across, between; degrees from along towards the middle of the street."""


def cameras_of(sites: pd.DataFrame, epsg: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """
    Cameras with pose, lens, owner and state, in the order of `sites`.

    Returns heading_deg, tilt_deg, height_m, hfov_deg, resolution_px, range_m, hours_per_day, kind, tier, pan_from_deg,
    pan_to_deg, heading_sd_deg, pose_simulated (its heading was not surveyed), owner, industry (digits 9-10 of the
    code), unit, share_level, area_class, state, street and a geometry of Points in metres.
    """
    count = len(sites)
    kind = _kinds(sites, rng)
    heading = _headings(sites, rng)
    hfov = _fields(kind, sites["mount"].to_numpy(), sites["tier"].to_numpy(), rng)
    width = rng.choice(_WIDTHS_PX, count, p=_WIDTH_SHARES)
    width = np.where(hfov >= 180, 2 * width, width)
    tier = sites["tier"].to_numpy()
    low, high = (np.array([_RANGE_M[each][end] for each in tier]) for end in (0, 1))
    flat = np.minimum(hfov, _STITCHED_DEG)
    pixels = width * flat / hfov
    reach = np.clip(pixels / (2 * np.tan(np.radians(flat / 2)) * _PX_PER_M), low, high)
    reach = np.where((kind == "ptz") & (tier == "high"), high, reach).round()
    height = sites["height_m"].to_numpy()
    aim = np.where(tier == "high", 0.35, 0.4) * reach
    tilt = np.clip(np.degrees(np.arctan2(height, aim)) + rng.normal(0, 2, count), 5, 60).round(1)
    unit = sites["unit"].to_numpy()
    owner, industry = _owners(unit > 0, rng)
    spread = _spreads(owner, tier, rng)
    owned = np.where(unit > 0, [f"{PRIVATE}: unit {n:04d}" for n in unit], owner)
    pan_from, pan_to = _swings(sites, heading, kind)
    return gpd.GeoDataFrame(
        {
            "heading_deg": heading,
            "tilt_deg": tilt,
            "height_m": height,
            "hfov_deg": hfov,
            "resolution_px": width,
            "range_m": reach,
            "hours_per_day": _hours(owner, rng),
            "kind": kind,
            "tier": tier,
            "pan_from_deg": pan_from,
            "pan_to_deg": pan_to,
            "heading_sd_deg": spread,
            "pose_simulated": spread > 0,
            "owner": owned,
            "industry": industry,
            "unit": sites["unit"].to_numpy(),
            "share_level": _share_levels(owner, rng),
            "area_class": sites["area_class"].to_numpy(),
            "state": rng.choice(_STATES, count, p=_STATE_SHARES),
            "street": sites["street"].to_numpy(),
        },
        geometry=shapely.points(sites[["x", "y"]].to_numpy()),
        crs=epsg,
    )


def _kinds(sites: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.object_]:
    drawn = rng.random(len(sites))
    by = np.where(sites["tier"] == "high", "mast", sites["mount"])
    kinds = np.empty(len(sites), dtype=object)
    for mount, shares in _KIND_SHARES.items():
        rows = by == mount
        place = np.searchsorted(np.cumsum(shares), drawn[rows], side="right")
        kinds[rows] = np.array(_KINDS, dtype=object)[np.minimum(place, len(_KINDS) - 1)]
    return kinds


def _headings(sites: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    """Along, back, across or between for poles; out from the wall; ahead in vehicles; with a little noise."""
    count = len(sites)
    along, facing = sites["along_deg"].to_numpy(), sites["facing_deg"].to_numpy()
    backwards = np.where(rng.random(count) < 0.5, 180.0, 0.0)
    turn = np.array(_TURNS_DEG)[np.minimum(sites["turn"].to_numpy(), 3)]
    forth = (along + backwards) % 360
    # to which hand the middle of the street lies when one looks forth
    hand = np.sign(np.sin(np.radians(facing - forth)))
    pole = forth + hand * turn + rng.normal(0, 4, count)
    wall = facing + np.clip(rng.normal(0, 28, count), -65, 65)
    mount = sites["mount"].to_numpy()
    heading = np.select(
        [mount == "pole", mount == "vehicle"], [pole, facing + rng.normal(0, 2, count)], default=wall
    )
    return heading.round(1) % 360


def _fields(
    kind: NDArray[np.object_],
    mount: NDArray[np.object_],
    tier: NDArray[np.object_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    lens = rng.choice(len(LENSES), len(kind), p=[each.share for each in LENSES])
    fixed = np.array([each.hfov_deg for each in LENSES])[lens]
    wide = np.where(rng.random(len(kind)) < 0.5, 84.0, 105.0)
    round_about = np.where(mount == "wall", 180.0, 360.0)
    zoomed = np.where(tier == "high", _ZOOMED_DEG["high"], _ZOOMED_DEG["street"])
    return np.select([kind == "dome", kind == "ptz", kind == "panorama"], [wide, zoomed, round_about], fixed)


def _owners(
    private: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    names = np.array([*OWNERS, PRIVATE], dtype=object)
    industries = np.array([*(told[1] for told in OWNERS.values()), _PRIVATE_INDUSTRY], dtype=object)
    drawn = rng.choice(len(OWNERS), len(private), p=[told[0] for told in OWNERS.values()])
    place = np.where(private, len(OWNERS), drawn)
    return names[place], industries[place]


def _spreads(
    owner: NDArray[np.object_], tier: NDArray[np.object_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Standard deviation of the heading: 0 for surveyed cameras, 15° in vehicles."""
    share = np.where(owner == PRIVATE, _SURVEYED[False], _SURVEYED[True])
    surveyed = rng.random(len(owner)) < share
    spread = np.where(surveyed, 0.0, rng.choice(_SPREADS_DEG, len(owner), p=_SPREAD_SHARES))
    return np.where(tier == "vehicle", 15.0, spread)


def _swings(
    sites: pd.DataFrame, heading: NDArray[np.float64], kind: NDArray[np.object_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last bearing, clockwise, of PTZ cameras: half a turn before a wall, nearly a whole one on a pole."""
    before_wall = sites["mount"].to_numpy() == "wall"
    middle = np.where(before_wall, sites["facing_deg"].to_numpy(), heading)
    swing = np.where(before_wall, _WALL_SWING_DEG, _POLE_SWING_DEG)
    turns = kind == "ptz"
    start, end = ((middle + side * swing).round(1) % 360 for side in (-1, 1))
    return np.where(turns, start, np.nan), np.where(turns, end, np.nan)


def _hours(owner: NDArray[np.object_], rng: np.random.Generator) -> NDArray[np.float64]:
    enforces = np.isin(owner, ("traffic police", "city management"))
    often, seldom = (rng.choice(_HOURS, len(owner), p=_HOUR_SHARES[each]) for each in (True, False))
    return np.where(enforces, often, seldom)


def _share_levels(owner: NDArray[np.object_], rng: np.random.Generator) -> NDArray[np.int64]:
    public = rng.choice([1, 2, 3], len(owner), p=[0.1, 0.55, 0.35])
    private = rng.choice([1, 2, 3], len(owner), p=[0.55, 0.3, 0.15])
    return np.where(owner == PRIVATE, private, public)
