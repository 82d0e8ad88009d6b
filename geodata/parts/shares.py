"""Parts of a run over all places: how much of each place groups of cameras see, computed anywhere from arrays alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis import coverage
from geodata.parts.cutting import cut, hilbert_keys, within_reach
from geodata.parts.executors import Part, made_part
from geodata.parts.packing import Array, Shapes, pack, pick_shapes, shapes_of, unpack
from geodata.parts.views import TASKS, Views

__all__ = [
    "METHOD",
    "Groups",
    "Shares",
    "groups_of",
    "joined_shares",
    "lowest_areas",
    "parents_of",
    "share_part",
    "share_parts",
]

METHOD = (
    "exact share of area, of length or of points behind the union of the views; a place without a row for a group"
    " is not seen by it"
)
VERSION = "shares 3"
"""Part of every digest; to be changed whenever the same views would make other shares."""
MOST_PLACES = 1_000
MOST_OWNERS = 20
"""Further owners, those with fewest cameras, are one group."""
PRIVATE = "private"
SAME_AREA_RATIO = 1e-3
"""Parts of an area whose areas add up to its own, but for this share, are all of it."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Groups(NamedTuple):
    """
    Groups of cameras.

    Attributes
    ----------
    bit
        The bit of each group, by its name; groups of the same cameras share one.
    members
        One whole number a camera, in the order of the views, with the bits of its groups set.
    """

    bit: dict[str, int]
    members: Ints


class Shares(NamedTuple):
    """
    How much of each place groups of cameras see.

    Attributes
    ----------
    places
        Columns place and place_id.
    once, twice
        Rows as in `places`, columns by bit: the share in [0, 1] that at least one, and at least two, cameras see.
    """

    places: pd.DataFrame
    once: Floats
    twice: Floats


def groups_of(cameras: pd.DataFrame, seeing: Ints) -> Groups:
    """
    Groups by hour, owner, share level and tier; all, and one for each task of DORI, which holds no camera here.

    Parameters
    ----------
    cameras
        By camera id: owner, share_level, tier, and `hours`, whose bit h is set if frames of hour h are on record.
        Private owners ("private" or "private: name") are one group, and so are the owners with fewest cameras.
    seeing
        Ids of the cameras that see anything.
    """
    rows = cameras.loc[seeing, ["owner", "share_level", "tier", "hours"]]
    rows = rows.assign(owner=_few_owners(rows["owner"]))
    looked = rows["hours"].to_numpy(dtype=np.int64)[:, None] >> np.arange(24) & 1
    members: dict[str, pd.Series[bool]] = {"all": pd.Series(True, index=rows.index)}
    members |= coverage.hour_groups(rows, pd.DataFrame(looked, index=rows.index))
    for named in (coverage.owner_groups, coverage.share_level_groups, coverage.tier_groups):
        members |= named(rows)
    bits: dict[bytes, int] = {}
    bit, masks = {}, np.zeros(len(rows), np.int64)
    for name, each in members.items():
        group = each.to_numpy(dtype=bool)
        bit[name] = bits.setdefault(group.tobytes(), len(bits))
        masks |= group.astype(np.int64) << bit[name]
    return Groups(bit | {f"dori:{task}": len(bits) + k for k, task in enumerate(TASKS)}, masks)


def _few_owners(owner: pd.Series[str]) -> pd.Series[str]:
    """Owners of whom there are few enough to be groups."""
    owner = owner.where(~owner.str.startswith(PRIVATE), PRIVATE)
    frequent = owner.value_counts(sort=True).sort_index(kind="stable").nlargest(MOST_OWNERS).index
    return owner.where(owner.isin(frequent), "other")


def lowest_areas(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """
    Areas that have to be measured; one whose parts make it up is left to them.

    Parameters
    ----------
    areas
        (Multi)Polygons in metres by id, with `parent_id`.

    Returns
    -------
    lowest
        Column place_id.
    """
    size = areas.area
    of_parts = size.groupby(areas["parent_id"]).sum().reindex(areas.index)
    lowest = areas[~((of_parts - size).abs() <= SAME_AREA_RATIO * size)]
    return gpd.GeoDataFrame(
        {"place_id": lowest.index.to_numpy(dtype=np.int64)}, geometry=lowest.geometry.array, crs=areas.crs
    )


def parents_of(areas: gpd.GeoDataFrame, lowest: gpd.GeoDataFrame) -> dict[int, int]:
    """Area → the area whose share is made up of its parts, where that is not among the lowest."""
    parent = areas["parent_id"].dropna().astype("int64")
    return parent[~parent.isin(lowest["place_id"])].to_dict()


def cut_places(places: gpd.GeoDataFrame) -> list[npt.NDArray[np.intp]]:
    """Positions of the places of each part."""
    west, south, east, north = shapely.bounds(np.asarray(places.geometry.array, dtype=object)).T
    return cut(hilbert_keys(np.column_stack([west + east, south + north]) / 2), MOST_PLACES)


def share_parts(places: gpd.GeoDataFrame, views: Views, groups: Groups) -> Iterator[Part]:
    """
    The places cut into parts, each with the views that may touch them.

    Parameters
    ----------
    places
        Columns place and place_id; areas, lines or points in metres. Each in one row.
    views
        What the cameras see.
    groups
        Of the cameras in `views`.
    """
    shapes = np.asarray(places.geometry.array, dtype=object)
    boxes, wkb = shapely.bounds(shapes), shapely.to_wkb(shapes)
    kind, number = places["place"].to_numpy(dtype="S16"), places["place_id"].to_numpy(dtype=np.int64)
    seen, camera, mask = _looks(views, groups)
    bounds = shapely.bounds(shapely.from_wkb(seen))
    fixed = {"epsg": np.array([places.crs.to_epsg()]), "bits": np.array([max(groups.bit.values()) + 1])}
    for part, rows in enumerate(cut_places(places)):
        near = within_reach(boxes[rows], bounds)
        content: dict[str, Array] = {
            **fixed,
            "place": kind[rows],
            "place_id": number[rows],
            "camera": camera[near],
            "mask": mask[near],
        }
        content |= pick_shapes("ground", wkb[rows]) | pick_shapes("view", seen[near])
        title = f"{len(rows)} places from {kind[rows[0]].decode()} {number[rows[0]]}"
        cameras = len(np.unique(camera[near] % len(groups.members)))
        yield made_part(part, VERSION, title, cameras, pack(content))


def share_part(content: bytes) -> bytes:
    """
    How much of the places of a part is seen: a pure function of the bytes that `share_parts` made.

    Returns
    -------
    found
        Packed arrays for `joined_shares`.
    """
    given = unpack(content)
    epsg, bits = int(given["epsg"][0]), int(given["bits"][0])
    grounds, mask = shapes_of(given, "ground"), given["mask"]
    views = gpd.GeoSeries(shapes_of(given, "view"), index=given["camera"], crs=epsg)
    groups = {str(bit): (mask >> bit & 1).astype(bool) for bit in range(bits)}
    shares = coverage.seen_shares(gpd.GeoSeries(grounds, crs=epsg), views, groups)
    once, twice = (
        np.column_stack([shares[(str(bit), least)].to_numpy(dtype=float) for bit in range(bits)])
        for least in (1, 2)
    )
    dimension = shapely.get_dimensions(grounds)
    weight = np.where(
        dimension == 2, shapely.area(grounds), np.where(dimension == 1, shapely.length(grounds), 1.0)
    )
    return pack(
        {
            "place": given["place"],
            "place_id": given["place_id"],
            "weight": weight,
            "once": once,
            "twice": twice,
        }
    )


def joined_shares(results: Sequence[bytes], parents: Mapping[int, int]) -> Shares:
    """
    The shares of all places; those of an area that its parts make up are theirs, weighed by what each holds.

    Parameters
    ----------
    results
        Of all parts.
    parents
        Area → the area that it is a part of.
    """
    given = [unpack(result) for result in results]
    whole = {name: np.concatenate([each[name] for each in given]) for name in given[0]}
    rows = pd.DataFrame({"place": whole["place"].astype(str), "place_id": whole["place_id"]})
    copies = [(rows, np.arange(len(rows)))]
    above = rows[rows["place"] == "area"]
    while len(above):
        above = above.assign(place_id=above["place_id"].map(parents)).dropna().astype({"place_id": np.int64})
        copies.append((above, above.index.to_numpy()))
    every = pd.concat([each for each, _ in copies], ignore_index=True)
    source = np.concatenate([index for _, index in copies])
    place = every.groupby(["place", "place_id"], sort=True)
    number, weight = place.ngroup().to_numpy(), whole["weight"][source]
    total = np.bincount(number, weights=weight)

    def mean(shares: Floats) -> Floats:
        columns = [
            np.bincount(number, weights=weight * shares[source, bit]) / total
            for bit in range(shares.shape[1])
        ]
        return np.round(np.clip(np.column_stack(columns), 0.0, 1.0), 6)

    return Shares(place.size().index.to_frame(index=False), mean(whole["once"]), mean(whole["twice"]))


def _looks(views: Views, groups: Groups) -> tuple[Shapes, Ints, Ints]:
    """
    All grounds that count for some group, as WKB, the camera that sees each, and the bits of its groups.

    A camera stands here once for what it sees, and once more for each task that it can do in a part of that only.
    """
    everything = groups.members.copy()
    rows = np.arange(len(everything))
    seen, camera, mask = [views.wkb], [rows], [everything]
    for number, task in enumerate(TASKS, start=1):
        bit = 1 << groups.bit[f"dori:{task}"]
        everything[views.fully[task]] |= bit
        where, wkb = views.partly[task]
        seen.append(wkb)
        camera.append(where + number * len(rows))
        mask.append(np.full(len(where), bit))
    return np.concatenate(seen), np.concatenate(camera), np.concatenate(mask)
