"""Street edges between junctions, with names, and their kerbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from geodata.towns.synthetic.edges import HALF_WIDTH_M, HIGHWAYS
from geodata.towns.synthetic.land import Use

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geodata.towns.synthetic.edges import Edges
    from geodata.towns.synthetic.land import Land
    from geodata.towns.synthetic.lattice import Lattice

__all__ = ["kerbs_of", "streets_of"]

_NAME_RUN = 36
"""A road keeps its name for so many blocks."""
_MAX_RUN = 12
"""No street edge is longer than so many blocks."""
_FIRST = "文人建新海长永安嘉联东光和平丰明环康庆洛紫云钱江"
_SECOND = "苑民设华昌安福宁禾合方荣顺乐收珠城健丰隆微龙塘南"
_SPEED_KMH = {"primary": 80.0, "secondary": 60.0, "tertiary": 50.0, "residential": 30.0, "unclassified": 40.0}
_RULES = ("no_stopping", "no_parking", "parallel", "perpendicular", "untagged")
_RULE_SHARES = {
    "primary": (0.55, 0.45, 0.0, 0.0, 0.0),
    "secondary": (0.15, 0.6, 0.12, 0.0, 0.13),
    "tertiary": (0.03, 0.32, 0.3, 0.05, 0.3),
    "residential": (0.0, 0.15, 0.24, 0.05, 0.56),
    "unclassified": (0.0, 0.03, 0.02, 0.0, 0.95),
    "service": (0.02, 0.05, 0.1, 0.15, 0.68),
}
"""Shares of `_RULES` for each class of street."""
_LEGAL = {
    "no_stopping": False,
    "no_parking": False,
    "parallel": True,
    "perpendicular": True,
    "untagged": None,
}
_LEAST_KERB_M = 1.0
_LIT_RATIO = 0.2
"""Share of the street edges outside towns that have lamps."""


def streets_of(
    edges: Edges, built: NDArray[np.bool_], lattice: Lattice, land: Land, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """
    The built edges, joined where nothing branches off.

    Returns one row a piece between junctions: name, highway, drivable, oneway, lit, maxspeed_kmh, half_width_m (middle
    to kerb), in_town (a town's block lies beside it) and a geometry of LineStrings in metres.
    """
    kept = np.flatnonzero(built)
    use = np.append(land.use, Use.FIELD)
    town = np.maximum(use[edges.before], use[edges.after]) >= Use.ESTATE
    order = kept[np.lexsort((edges.place[kept], edges.line[kept], edges.across[kept]))]
    degree = np.bincount(np.concatenate([edges.start[kept], edges.end[kept]]), minlength=lattice.dry.size)
    last, this = order[:-1], order[1:]
    goes_on = (
        (edges.end[last] == edges.start[this])
        & (edges.highway[last] == edges.highway[this])
        & (town[last] == town[this])
        & (degree[edges.start[this]] == 2)
        & (edges.place[this] % _MAX_RUN != 0)
    )
    piece = np.concatenate([[0], np.cumsum(~goes_on)])
    first = np.flatnonzero(np.concatenate([[True], ~goes_on]))
    count = np.bincount(piece)
    # each piece: the first node of its first edge, then the last node of every edge
    nodes = np.empty(len(order) + len(first), dtype=np.intp)
    heads = first + np.arange(len(first))
    nodes[heads] = edges.start[order[first]]
    rest = np.ones(len(nodes), dtype=bool)
    rest[heads] = False
    nodes[rest] = edges.end[order]
    at = lattice.nodes.reshape(-1, 2)[nodes]
    lines = shapely.linestrings(at, indices=np.repeat(np.arange(len(first)), count + 1))
    leader = order[first]
    kind = edges.highway[leader]
    in_town = town[leader]
    highway = np.array(HIGHWAYS, dtype=object)[kind]
    return gpd.GeoDataFrame(
        {
            "name": _names(edges, leader, highway),
            "highway": highway,
            "drivable": highway != "footway",
            "oneway": False,
            "lit": in_town | (rng.random(len(leader)) < _LIT_RATIO),
            "maxspeed_kmh": [_SPEED_KMH.get(each) for each in highway],
            "half_width_m": HALF_WIDTH_M[kind],
            "in_town": in_town,
        },
        geometry=lines,
        crs=None,
    )


def _names(edges: Edges, leader: NDArray[np.intp], highway: NDArray[np.object_]) -> list[str | None]:
    """A made-up name for each road; roads that run east are 路, those that run north 街; paths have none."""
    line, run = edges.line[leader], edges.place[leader] // _NAME_RUN
    mixed = line * 7919 + run * 104_729 + edges.across[leader] * 1_299_709
    first, second = mixed % len(_FIRST), (mixed // len(_FIRST)) % len(_SECOND)
    return [
        None if kind in {"footway", "service"} else f"{_FIRST[a]}{_SECOND[b]}{'路' if east else '街'}"
        for a, b, east, kind in zip(first, second, edges.across[leader], highway, strict=True)
    ]


def kerbs_of(streets: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """
    Both sides of every drivable street with what may stand there.

    Parameters
    ----------
    streets
        From `streets_of`, in metres, indexed by street edge.
    rng
        Source of randomness.

    Returns
    -------
    kerbs
        One row a side: street_edge_id, side, rule, legal (None where nobody tagged it), length_m and a geometry of
        LineStrings.
    """
    driven = streets[streets["drivable"]]
    parts = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        lines = shapely.offset_curve(
            driven.geometry.to_numpy(), sign * driven["half_width_m"].to_numpy(), join_style="mitre"
        )
        whole = (shapely.get_type_id(lines) == 1) & (shapely.length(lines) >= _LEAST_KERB_M)
        rules = _draw_rules(driven["highway"].to_numpy()[whole], rng)
        parts.append(
            {
                "street_edge_id": driven.index[whole].to_numpy(),
                "side": np.full(whole.sum(), side, dtype=object),
                "rule": rules,
                "legal": np.array([_LEGAL[each] for each in rules], dtype=object),
                "length_m": shapely.length(lines[whole]).round(3),
                "geometry": lines[whole],
            }
        )
    told = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((told["side"].astype(str), told["street_edge_id"]))
    return gpd.GeoDataFrame(
        {name: values[order] for name, values in told.items()}, geometry="geometry", crs=streets.crs
    )


def _draw_rules(highway: NDArray[np.object_], rng: np.random.Generator) -> NDArray[np.object_]:
    drawn = rng.random(len(highway))
    rules = np.empty(len(highway), dtype=object)
    for kind, shares in _RULE_SHARES.items():
        rows = highway == kind
        place = np.searchsorted(np.cumsum(shares), drawn[rows], side="right")
        rules[rows] = np.array(_RULES, dtype=object)[np.minimum(place, len(_RULES) - 1)]
    return rules
