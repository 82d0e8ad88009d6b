"""From the picture onto the map: local metres of a calibration become stored points, with their deviation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.crs import STORAGE_EPSG
from geodata.projecting import projected_points
from geodata.queries.watches import CameraSetup
from geodata.towns.town import Town

__all__ = ["Placed", "Placing"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A point in degrees of the stored system, and its standard deviation in metres."""

    lon_deg: float
    lat_deg: float
    error_m: float

    @property
    def wkt(self) -> str:
        """As PostGIS reads it."""
        return f"POINT({self.lon_deg!r} {self.lat_deg!r})"


class Placing:
    """
    Where pixels of a camera are on the map.

    A pixel beyond the reference points has no place of its own: `place` then tells the camera's, with its range as the
    deviation, and `pixel` nothing.
    """

    def __init__(self, setup: CameraSetup, town: Town) -> None:
        self._setup = setup
        self._epsg = town.metric_epsg
        angle = math.radians(setup.rotation_deg)
        self._turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    def pixel(self, foot_px: tuple[float, float]) -> Placed | None:
        """The place of a pixel among the reference points; None for all others."""
        fit = self._setup.homography
        if fit is None or not fit.covers([foot_px])[0]:
            return None
        found = fit.place([foot_px])
        return Placed(*self._degrees(found.ground_m[0]), float(found.sigma_m[0]))

    def place(self, foot_px: tuple[float, float]) -> Placed:
        """The place of a pixel, or the camera's own."""
        found = self.pixel(foot_px)
        if found is not None:
            return found
        return Placed(self._setup.lon_deg, self._setup.lat_deg, self._setup.range_m)

    def _degrees(self, local_m: NDArray[np.float64]) -> tuple[float, float]:
        away = local_m - self._setup.anchor_m
        here = [[self._setup.lon_deg, self._setup.lat_deg]]
        [foot] = projected_points(here, STORAGE_EPSG, self._epsg)
        [[lon, lat]] = projected_points([foot + self._turn @ away], self._epsg, STORAGE_EPSG)
        return float(lon), float(lat)
