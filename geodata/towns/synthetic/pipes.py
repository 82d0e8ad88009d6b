"""Drains under the streets, their manholes, and gas sensors in some of them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from geodata.errors import IngestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["drains_of", "sensors_of"]

_DIAMETER_MM = {"primary": 1200.0, "secondary": 1000.0, "tertiary": 800.0, "residential": 500.0}
_OTHER_DIAMETER_MM = 400.0
_RANKS = ("primary", "secondary", "tertiary", "residential", "unclassified", "service", "living_street")
_MANHOLE_M = 50.0
"""No two manholes of a drain are farther apart."""
_SAME_M = 0.05
_DARK = 0.03
"""Share of the sensors that do not answer."""


def drains_of(
    streets: gpd.GeoDataFrame, length_km: float, epsg: int
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """
    Drains under the middle of the streets, the large ones first, until they are long enough.

    Parameters
    ----------
    streets
        Centre lines in metres with `highway` and `length_m`, meeting at their ends.
    length_km
        Of all drains.
    epsg
        CRS of the streets.

    Returns
    -------
    pipes, nodes
        One pipe between two manholes: kind, diameter_mm, location and length_m; one manhole each place: kind, network
        and diameter_mm.

    Raises
    ------
    IngestError
        If the streets are not long enough.
    """
    wanted_m, has_m = length_km * 1000, float(streets["length_m"].sum())
    if has_m < wanted_m:
        raise IngestError(
            "The streets have {has:.0f} km, which is too little for {wanted:.0f} km of drains.",
            "Plan fewer drains.",
            has=has_m / 1000,
            wanted=length_km,
        )
    rank = streets["highway"].map({name: n for n, name in enumerate(_RANKS)}).fillna(len(_RANKS))
    order = np.argsort(rank.to_numpy(), kind="stable")
    reach = np.cumsum(streets["length_m"].to_numpy()[order])
    used = order[: int(np.searchsorted(reach, wanted_m)) + 1]
    lines = streets.geometry.to_numpy()[used]
    diameter = streets["highway"].map(_DIAMETER_MM).fillna(_OTHER_DIAMETER_MM).to_numpy()[used]
    pieces, row = _pieces(lines)
    keep = int(np.searchsorted(np.cumsum(shapely.length(pieces)), wanted_m)) + 1
    pieces, row = pieces[:keep], row[:keep]
    ends = np.concatenate([shapely.get_point(pieces, 0), shapely.get_point(pieces, -1)])
    _, first = np.unique(np.round(shapely.get_coordinates(ends) / _SAME_M), axis=0, return_index=True)
    pipes = gpd.GeoDataFrame(
        {
            "kind": "drain",
            "diameter_mm": diameter[row],
            "location": "underground",
            "length_m": shapely.length(pieces).round(3),
        },
        geometry=pieces,
        crs=epsg,
    )
    nodes = gpd.GeoDataFrame(
        {"kind": "manhole", "network": "drain", "diameter_mm": 700.0},
        index=first,
        geometry=ends[first],
        crs=epsg,
    )
    return pipes, nodes.reset_index(drop=True)


def _pieces(lines: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Equal parts of each line, none longer than manholes may be apart, and the line of each."""
    from shapely.ops import substring  # noqa: PLC0415 - the only one

    found, row = [], []
    for number, line in enumerate(lines):
        parts = max(1, int(np.ceil(line.length / _MANHOLE_M)))
        cuts = np.linspace(0, line.length, parts + 1)
        found += [substring(line, a, b) for a, b in pairwise(cuts)]
        row += [number] * parts
    return np.array(found, dtype=object), np.array(row, dtype=np.intp)


def sensors_of(
    nodes: gpd.GeoDataFrame, count: int, county_code: str, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """
    Methane sensors in manholes: gas that leaks gathers in the drains beside its pipes.

    Parameters
    ----------
    nodes
        Manholes, indexed by id.
    count
        How many; at most one a manhole.
    county_code
        Six digits, in the code of each.
    rng
        Source of randomness.

    Returns
    -------
    sensors
        code, kind, pipe_node_id and state.

    Raises
    ------
    IngestError
        If there are fewer manholes than sensors.
    """
    if count > len(nodes):
        raise IngestError(
            "There are {nodes} manholes for {count} sensors.",
            "Plan fewer sensors or more drains.",
            nodes=len(nodes),
            count=count,
        )
    chosen = np.sort(rng.choice(len(nodes), count, replace=False))
    return gpd.GeoDataFrame(
        {
            "code": [f"GS{county_code}{n:05d}" for n in range(1, count + 1)],
            "kind": "methane",
            "pipe_node_id": nodes.index.to_numpy()[chosen],
            "state": np.where(rng.random(count) < _DARK, "offline", "online"),
        },
        geometry=nodes.geometry.to_numpy()[chosen],
        crs=nodes.crs,
    )
