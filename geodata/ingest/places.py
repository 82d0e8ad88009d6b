"""Coordinates of unknown meaning: into metres, and which system would put them into the town."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Proj, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info
from pyproj.exceptions import CRSError, ProjError

from analysis.crs import DISPLAY_EPSG, STORAGE_EPSG, from_datum, guess_datum
from analysis.errors import InputError
from geodata.ingest.camera_columns import told_text

__all__ = ["AS_DEGREES", "SAMPLE", "Hint", "better_reading", "likely_systems", "to_degrees", "to_metres"]

Floats = npt.NDArray[np.float64]
Box: TypeAlias = tuple[float, float, float, float]

MOST_SHOWN_NUMBER = 1.0e8
"""Coordinates beyond this are of no system."""
AS_DEGREES = ("wgs84", "gcj02", "bd09")
"""Readings of longitude and latitude."""
MOSTLY = 0.5
"""If fewer rows than this share stand in the town, its system is in doubt."""
SURELY = 0.8
"""Another system is offered if it puts at least this share into the town."""
FAMILIES = ("CGCS2000 / ", "WGS 84 / UTM zone", "WGS 84 / Pseudo-Mercator", "ETRS89 / ")
"""Systems whose datum is the town's; Xi'an 1980 and Beijing 1954 look alike and lie some 100 m off."""
SAMPLE = 2_000
"""So many rows are enough to judge a file."""


@dataclass(frozen=True)
class Hint:
    """
    Another reading of the coordinates that fits the town better.

    Attributes
    ----------
    crs
        gcj02, bd09 or EPSG:n, to be passed on as `crs`.
    exchanged
        The two coordinates are exchanged, to be passed on as `exchanged`.
    inside_ratio
        Share of the rows that stand in the town under this reading, [0, 1].
    median_m
        Median distance to streets and lamps as read, and under this reading; empty where nothing was measured.
    """

    crs: str
    exchanged: bool
    inside_ratio: float
    median_m: tuple[float, float] | tuple[()] = ()


def to_metres(places: Floats, crs: str, epsg: int) -> Floats:
    """
    Coordinates in the town's metres; NaN where they are of no place in that system.

    Parameters
    ----------
    places
        First and second coordinate a row, longitude or easting first.
    crs
        wgs84, gcj02, bd09, or what pyproj knows, such as EPSG:4549.
    epsg
        The town's metric system.

    Raises
    ------
    InputError
        If `crs` is no system.
    """
    x, y = places.T
    if crs in AS_DEGREES:
        usable = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        x, y = from_datum(crs, np.where(usable, x, np.nan), np.where(usable, y, np.nan))  # type: ignore[arg-type]
    else:
        x, y = (np.where(np.abs(part) <= MOST_SHOWN_NUMBER, part, np.nan) for part in (x, y))
    source = f"EPSG:{DISPLAY_EPSG}" if crs in AS_DEGREES else crs
    metres = np.column_stack(_transformer(source, epsg).transform(x, y))
    metres[~np.isfinite(metres).all(axis=1)] = np.nan
    return metres


def to_degrees(
    shapes: npt.NDArray[np.object_], crs: str, *, exchanged: bool = False
) -> npt.NDArray[np.object_]:
    """
    Shapes in stored degrees, longitude first; infinite coordinates where they are of no place in that system.

    Parameters
    ----------
    shapes
        Shapes or None.
    crs
        wgs84, gcj02, bd09, or what pyproj knows, such as EPSG:4549.
    exchanged
        Their first coordinate is the second.

    Raises
    ------
    InputError
        If `crs` is no system.
    """

    def turned(places: Floats) -> Floats:
        x, y = places[:, ::-1].T if exchanged else places.T
        if crs in AS_DEGREES:
            usable = (np.abs(x) <= 180) & (np.abs(y) <= 90)
            lon, lat = from_datum(crs, np.where(usable, x, np.nan), np.where(usable, y, np.nan))  # type: ignore[arg-type]
        else:
            usable = (np.abs(x) <= MOST_SHOWN_NUMBER) & (np.abs(y) <= MOST_SHOWN_NUMBER)
            lon, lat = _transformer(crs, STORAGE_EPSG).transform(
                np.where(usable, x, np.nan), np.where(usable, y, np.nan)
            )
        found: Floats = np.column_stack([lon, lat])
        found[~np.isfinite(found).all(axis=1)] = np.inf
        return found

    if crs not in AS_DEGREES:
        _system(crs)
    done: npt.NDArray[np.object_] = shapely.transform(shapes, turned)
    return done


@lru_cache(maxsize=32)
def _transformer(crs: str, epsg: int) -> Transformer:
    """Making one takes longer than using it on a file."""
    return Transformer.from_crs(_system(crs), epsg, always_xy=True)


def _system(crs: str) -> CRS:
    try:
        return CRS.from_user_input(crs)
    except (CRSError, ProjError) as error:
        raise InputError(
            "'{crs}' is no coordinate system that is known.",
            "Write wgs84, gcj02, bd09 or a code such as EPSG:4549.",
            crs=told_text(crs),
        ) from error


def likely_systems(places: Floats, epsg: int, land: gpd.GeoDataFrame) -> list[tuple[float, str, bool]]:
    """
    Systems that put at least 80 % of the places into the town.

    Parameters
    ----------
    places
        First and second coordinate a row; no row is missing.
    epsg, land
        The town's metric system, and its ground in it.

    Returns
    -------
    systems
        Share inside, system, and whether the coordinates must be exchanged; the town's own system first.
    """
    box = _degrees_of(land, epsg)
    found = []
    for turned in (False, True):
        tried = places[:, ::-1] if turned else places
        for system in ("wgs84", *_projected(box, epsg)):
            share = _share_within(box, tried, system)
            if share >= SURELY:
                found.append((share, system, turned))
    return sorted(found, key=lambda each: (-each[0], each[2]))


@lru_cache(maxsize=16)
def _projected(box: Box, epsg: int) -> tuple[str, ...]:
    """Systems in metres that are made for this place: the town's own, then the others of the usual families."""
    made = query_crs_info(
        auth_name="EPSG", pj_types=["PROJECTED_CRS"], area_of_interest=AreaOfInterest(*box), contains=True
    )
    codes = [each.code for each in made if each.name.startswith(FAMILIES)]
    return tuple(dict.fromkeys([f"EPSG:{epsg}", *(f"EPSG:{code}" for code in sorted(codes, key=int))]))


def _degrees_of(land: gpd.GeoDataFrame, epsg: int) -> Box:
    """West, south, east, north of the town, degrees."""
    box = _transformer(f"EPSG:{epsg}", DISPLAY_EPSG).transform_bounds(*land.total_bounds)
    return (float(box[0]), float(box[1]), float(box[2]), float(box[3]))


def _share_within(box: Box, places: Floats, system: str) -> float:
    """Share of the places inside a box of degrees; datums count as equal, for the town is larger than they differ."""
    x, y = places.T
    if system not in AS_DEGREES and not _system(system).is_geographic:
        with np.errstate(invalid="ignore"):
            x, y = Proj(system)(x, y, inverse=True)
    elif system in AS_DEGREES:
        usable = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        x, y = from_datum(system, np.where(usable, x, np.nan), np.where(usable, y, np.nan))  # type: ignore[arg-type]
    return float(((x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])).mean())


def better_reading(
    places: Floats,
    crs: str,
    *,
    exchanged: bool,
    epsg: int,
    land: gpd.GeoDataFrame,
    landmarks: gpd.GeoDataFrame | None,
) -> Hint | None:
    """A reading of the coordinates that fits better than the one used."""
    known = places[np.isfinite(places).all(axis=1)][:SAMPLE]
    if not len(known):
        return None
    box = _degrees_of(land, epsg)
    if _share_within(box, known, crs) < MOSTLY:
        for ratio, system, turned in likely_systems(known, epsg, land):
            if (system, turned) != (crs, False):
                return Hint(system, turned != exchanged, ratio)
        return None
    shiftable = crs == "wgs84" or (crs not in AS_DEGREES and _system(crs).is_geographic)
    if landmarks is None or not shiftable:
        return None
    guess = guess_datum(*known.T, landmarks)
    if guess.datum == "wgs84":
        return None
    median = (guess.median_m["wgs84"], guess.median_m[guess.datum])
    return Hint(guess.datum, exchanged, _share_within(box, known, guess.datum), median)
