"""Where new bays could lie: kerbs less the distances that the law keeps clear, and the bays drawn beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.access import StreetGraph
from analysis.checks import require_columns, require_metric, require_positive
from analysis.errors import InputError, Term, Terms

__all__ = [
    "BAY_STREETS",
    "CLEARANCES",
    "LAW",
    "PRACTICE",
    "SHAPES",
    "BayBlocks",
    "BayShape",
    "Clearance",
    "bay_blocks",
    "junctions_and_bends",
    "missing_kinds",
    "usable_kerbs",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clearance:
    """
    How far from a kind of feature nobody may stand.

    Attributes
    ----------
    kind
        Of `features`: junction, bend, crossing, bus_stop …
    metres
        In a straight line from the feature to the kerb, 0 or more.
    source
        Where the number comes from.
    """

    kind: str
    metres: float
    source: Term


ART_63_2 = Term("Road Traffic Safety Law, Implementing Regulations, art. 63 (2)")
ART_63_3 = Term("Road Traffic Safety Law, Implementing Regulations, art. 63 (3)")
ASSUMED = Term("assumed: common practice in marking bays")
CROSSING = Term("art. 63 (1) forbids the crossing itself; 5 m before it are assumed")

LAW = (
    *(Clearance(kind, 50.0, ART_63_2) for kind in ("junction", "level_crossing", "bend", "bridge", "tunnel")),
    *(
        Clearance(kind, 30.0, ART_63_3)
        for kind in ("bus_stop", "hydrant", "fire_station", "petrol_station", "first_aid")
    ),
    Clearance("crossing", 5.0, CROSSING),
)
"""What the law keeps clear of stopping vehicles; in a dense grid hardly any kerb is left."""
PRACTICE = (
    *(Clearance(kind, 5.0, ASSUMED) for kind in ("junction", "crossing", "bend", "hydrant")),
    *(Clearance(kind, 15.0, ASSUMED) for kind in ("bus_stop", "fire_station", "petrol_station", "first_aid")),
    *(Clearance(kind, 20.0, ASSUMED) for kind in ("level_crossing", "bridge", "tunnel")),
)
"""Smaller distances, as bays are often marked within the 50 m; check each against the local rule."""
CLEARANCES: Mapping[str, tuple[Clearance, ...]] = {"law": LAW, "practice": PRACTICE}

LANE_M = 4.0
"""Carriageway left beside bays: art. 63 (2) takes streets of less for narrow ones, where nobody may stop."""
_SEGMENTS = 16
"""Of a quarter of the circle that a clearance draws."""

BAY_STREETS = frozenset(
    {
        "secondary",
        "secondary_link",
        "tertiary",
        "tertiary_link",
        "unclassified",
        "residential",
        "living_street",
    }
)
"""OpenStreetMap classes of streets beside which bays are laid out; editable."""


@dataclass(frozen=True, slots=True)
class BayShape:
    """
    How a bay lies to the kerb.

    Attributes
    ----------
    name
        parallel, diagonal or perpendicular, as `Kerb.rule` says.
    angle_deg
        Between the bay's long side and the kerb, 0 to 90.
    length_m, width_m
        Sides of the bay.
    """

    name: str
    angle_deg: float
    length_m: float = 6.0
    width_m: float = 2.5

    @property
    def pitch_m(self) -> float:
        """Kerb that each bay takes."""
        return (
            self.length_m if self.angle_deg == 0 else self.width_m / float(np.sin(np.radians(self.angle_deg)))
        )

    @property
    def depth_m(self) -> float:
        """How far it reaches from the kerb."""
        angle = np.radians(self.angle_deg)
        return float(self.length_m * np.sin(angle) + self.width_m * np.cos(angle))


SHAPES: Mapping[str, BayShape] = {
    shape.name: shape
    for shape in (
        BayShape("parallel", 0.0),
        BayShape("diagonal", 60.0),
        BayShape("perpendicular", 90.0),
    )
}
"""6 × 2.5 m, lengthwise, at 60° and at 90°."""


@dataclass(frozen=True, eq=False)
class BayBlocks:
    """
    Candidates: runs of bays side by side.

    Attributes
    ----------
    blocks
        One candidate a row: `kerb` (label), `bays` (how many), `shape`, `from_m` (along the kerb), `cost`, and its
        middle as a Point.
    bays
        One bay a row: `block` (row of `blocks`) and its rectangle as a Polygon.
    kinds_missing
        Kinds that clearances name and that no feature has: nothing was kept clear of them.
    """

    blocks: gpd.GeoDataFrame
    bays: gpd.GeoDataFrame
    kinds_missing: tuple[str, ...] = field(default=())


def junctions_and_bends(
    graph: StreetGraph, *, turn_deg: float = 60.0, within_m: float = 20.0
) -> gpd.GeoDataFrame:
    """
    Junctions and sharp bends of streets, as features for `usable_kerbs`.

    Parameters
    ----------
    graph
        Of the streets that are driven: footways make no junction.
    turn_deg
        A line that turns by so much is a sharp bend; assumed, for the law gives no number.
    within_m
        Along so many metres, above 0.

    Returns
    -------
    features
        Points with `kind`: junction where three or more edges end, bend elsewhere.
    """
    require_positive("turn_deg", turn_deg)
    require_positive("within_m", within_m)
    at = graph.at[graph.degree() >= 3]
    bends = _bends(graph.lines, turn_deg, within_m)
    return gpd.GeoDataFrame(
        {"kind": ["junction"] * len(at) + ["bend"] * len(bends)},
        geometry=shapely.points(np.concatenate([at, bends])),
        crs=graph.crs,
    )


def usable_kerbs(
    kerbs: gpd.GeoDataFrame,
    features: gpd.GeoDataFrame,
    *,
    clearances: Collection[Clearance] = LAW,
    shape: BayShape = SHAPES["parallel"],
    streets: Collection[str] | None = BAY_STREETS,
    forbidden: Collection[str] = ("no_stopping", "no_parking"),
    lane_m: float = LANE_M,
) -> gpd.GeoDataFrame:
    """
    Stretches of kerb along which bays may be laid out and at least one fits.

    Parameters
    ----------
    kerbs
        LineStrings in a projected CRS in metres, with `side` (left or right of the street's direction), `rule` and
        `legal`; those with bays already are left out. `highway` holds the class of their street, if it is there;
        `street_edge_id` and `width_m` (kerb to kerb) limit the bays of narrow streets, if both are there.
    features
        Geometries with `kind` in the CRS of the kerbs; kinds without a clearance keep nothing clear. May have no rows.
    clearances
        How far to keep from each kind; measured in a straight line, which never allows more than the way along the
        street would.
    shape
        Of the bays.
    streets
        Classes of streets beside which bays may lie; None: all.
    forbidden
        Rules under which no bay may come; leave out `no_parking` to see what lifting it would allow.
    lane_m
        Carriageway that must be left between bays, 0 or more. Where there is room on one side only, it is the side with
        more open kerb, the right one if both have as much; bays that exist opposite take room, too.

    Returns
    -------
    stretches
        LineStrings in the direction of their kerb, with `kerb` (label), `side`, `from_m`, `length_m`.

    Raises
    ------
    CrsError
        If a frame is not in metres, or the two differ.
    InputError
        If a column is missing, a clearance is negative, or there are no kerbs.
    """
    require_metric(kerbs=kerbs, features=features)
    require_columns("kerbs", kerbs, "side", "rule", "legal")
    require_columns("features", features, "kind")
    require_positive("lane_m", lane_m, zero=True)
    require_positive("clearances", [each.metres for each in clearances], zero=True)
    if kerbs.empty:
        raise InputError("There are no kerbs to lay out bays along.", "Load a town with drivable streets.")
    free = ~kerbs["legal"].eq(True).fillna(False).to_numpy(dtype=bool)
    free &= ~kerbs["rule"].isin(forbidden).to_numpy(dtype=bool)
    if streets is not None and "highway" in kerbs:
        free &= kerbs["highway"].isin(streets).to_numpy(dtype=bool)
    rows = np.flatnonzero(free)
    lines = np.asarray(kerbs.geometry.array, dtype=object)[rows]
    begin, end, row = _open_stretches(lines, features, clearances)
    fits = end - begin >= shape.pitch_m
    if "width_m" in kerbs and "street_edge_id" in kerbs:
        fits &= _has_room(kerbs, rows[row], np.where(fits, end - begin, 0.0), shape, lane_m)
    begin, end, row = begin[fits], end[fits], row[fits]
    parts = _between(lines, begin, end, row)
    own = kerbs.iloc[rows[row]]
    return gpd.GeoDataFrame(
        {
            "kerb": own.index.to_numpy(),
            "side": own["side"].to_numpy(),
            "from_m": begin,
            "length_m": end - begin,
        },
        geometry=gpd.array.from_shapely(parts, crs=kerbs.crs),
        crs=kerbs.crs,
    )


def bay_blocks(
    stretches: gpd.GeoDataFrame,
    features: gpd.GeoDataFrame,
    *,
    shape: BayShape = SHAPES["parallel"],
    most_bays: int = 10,
    bay_cost: float = 600.0,
    block_cost: float = 1_500.0,
    clearances: Collection[Clearance] = LAW,
) -> BayBlocks:
    """
    Bays along stretches of kerb, in blocks that are built whole or not at all.

    Parameters
    ----------
    stretches
        From `usable_kerbs` with the same shape.
    features
        As there; only to tell which kinds are missing.
    shape
        Of the bays.
    most_bays
        In one block, above 0.
    bay_cost, block_cost
        Yuan for marking and equipping each bay, and for signs of each block; this project's own assumptions, give a
        town's prices instead.
    clearances
        As there.

    Returns
    -------
    blocks
        Rectangles lie on the carriageway's side of the kerb, 6 m of kerb each or less at an angle.

    Raises
    ------
    InputError
        If a setting is out of range.
    """
    require_metric(stretches=stretches)
    require_columns("stretches", stretches, "kerb", "side", "from_m")
    require_positive("most_bays", most_bays)
    require_positive("bay_cost", bay_cost, zero=True)
    require_positive("block_cost", block_cost, zero=True)
    lines = np.asarray(stretches.geometry.array, dtype=object)
    count = np.floor(shapely.length(lines) / shape.pitch_m + 1e-9).astype(np.int64)
    owner = np.repeat(np.arange(len(lines)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    begins = (number % int(most_bays)) == 0
    block = np.cumsum(begins) - 1
    left = stretches["side"].eq("left").to_numpy(dtype=bool)[owner]
    inward = np.where(left, -1.0, 1.0).astype(np.float64)
    rectangles = _rectangles(lines[owner], (number * shape.pitch_m).astype(np.float64), inward, shape)
    first = np.flatnonzero(begins)
    bays = np.bincount(block, minlength=len(first)).astype(np.int64)
    middle = shapely.line_interpolate_point(
        lines[owner[first]], number[first] * shape.pitch_m + bays * shape.pitch_m / 2
    )
    blocks = gpd.GeoDataFrame(
        {
            "kerb": stretches["kerb"].to_numpy()[owner[first]],
            "bays": bays,
            "shape": shape.name,
            "from_m": stretches["from_m"].to_numpy()[owner[first]] + number[first] * shape.pitch_m,
            "cost": bays * bay_cost + block_cost,
        },
        geometry=gpd.array.from_shapely(np.asarray(middle, dtype=object), crs=stretches.crs),
        crs=stretches.crs,
    )
    present = set(features["kind"]) if len(features) else set()
    missing = tuple(each.kind for each in clearances if each.metres > 0 and each.kind not in present)
    drawn = gpd.GeoDataFrame(
        {"block": block}, geometry=gpd.array.from_shapely(rectangles, crs=stretches.crs), crs=stretches.crs
    )
    return BayBlocks(blocks, drawn, missing)


def missing_kinds(kinds: Collection[str]) -> Terms:
    """Kinds of features in words, for a sentence."""
    return Terms(_KINDS.get(kind, Term(kind)) for kind in kinds)


_KINDS = {
    "junction": Term("junctions"),
    "level_crossing": Term("level crossings"),
    "bend": Term("sharp bends"),
    "bridge": Term("bridges"),
    "tunnel": Term("tunnels"),
    "bus_stop": Term("bus stops"),
    "hydrant": Term("hydrants"),
    "fire_station": Term("fire stations"),
    "petrol_station": Term("petrol stations"),
    "first_aid": Term("first-aid stations"),
    "crossing": Term("pedestrian crossings"),
}


def _bends(lines: npt.NDArray[np.object_], turn_deg: float, within_m: float) -> Floats:
    """Vertices about which a line turns by `turn_deg` within so many metres, from half of them before to half after."""
    points, owner = shapely.get_coordinates(lines, return_index=True)
    inner = np.r_[False, owner[1:] == owner[:-1]] & np.r_[owner[1:] == owner[:-1], False]
    rows = np.flatnonzero(inner)
    if not rows.size:
        return np.zeros((0, 2))
    own = lines[owner[rows]]
    along = shapely.line_locate_point(own, shapely.points(points[rows]))
    ends = [
        shapely.get_coordinates(
            shapely.line_interpolate_point(own, np.clip(along + step, 0.0, shapely.length(own)))
        )
        for step in (-within_m / 2, within_m / 2)
    ]
    before, after = points[rows] - ends[0], ends[1] - points[rows]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.abs(np.degrees(np.arctan2(cross, (before * after).sum(axis=1))))
    return np.asarray(points[rows][turn >= turn_deg])


def _open_stretches(
    lines: npt.NDArray[np.object_], features: gpd.GeoDataFrame, clearances: Collection[Clearance]
) -> tuple[Floats, Floats, Ints]:
    """What is left of each line: begin, end (metres along it) and its row."""
    metres = {each.kind: each.metres for each in clearances}
    far = features["kind"].map(metres).to_numpy(dtype=np.float64)
    rows = np.flatnonzero(far > 0)
    discs = np.asarray(features.geometry.array, dtype=object)[rows]
    # a polygon around the circle, so that no corner of it comes nearer than the clearance
    around = np.asarray(
        shapely.buffer(discs, far[rows] / np.cos(np.pi / (4 * _SEGMENTS)), quad_segs=_SEGMENTS)
    )
    line, disc = shapely.STRtree(around).query(lines, predicate="intersects")
    closed, pair = shapely.get_parts(shapely.intersection(lines[line], around[disc]), return_index=True)
    whole = shapely.get_type_id(closed) == 1
    closed, owner = closed[whole], line[pair[whole]]
    ends = [
        shapely.line_locate_point(lines[owner], np.asarray(shapely.get_point(closed, k))) for k in (0, -1)
    ]
    length = np.asarray(shapely.length(lines), dtype=np.float64)
    # what is closed on each line by rising beginning, and a mark of no length at each end of it
    every = np.arange(len(lines))
    owner = np.concatenate([every, owner, every])
    low = np.concatenate([np.zeros(len(lines)), np.minimum(*ends), length])
    high = np.concatenate([np.zeros(len(lines)), np.maximum(*ends), length])
    order = np.lexsort((high, low, owner))
    owner, low, high = owner[order], low[order], high[order]
    apart = owner * (2 * length.max(initial=0.0) + 1)
    until = np.maximum.accumulate(high + apart) - apart
    open_after = np.r_[(owner[1:] == owner[:-1]) & (low[1:] > until[:-1]), False]
    at = np.flatnonzero(open_after)
    return until[at], low[at + 1], owner[at]


def _has_room(
    kerbs: gpd.GeoDataFrame, row: Ints, open_m: Floats, shape: BayShape, lane_m: float
) -> npt.NDArray[np.bool_]:
    """Whether bays beside each stretch (row of its kerb, open metres) leave the lane free."""
    street = pd.factorize(kerbs["street_edge_id"])[0]
    left = kerbs["side"].eq("left").to_numpy(dtype=bool)
    there = kerbs["legal"].eq(True).fillna(False).to_numpy(dtype=bool)
    depth = {each.name: each.depth_m for each in SHAPES.values()}
    taken = np.where(there, kerbs["rule"].map(depth).fillna(SHAPES["parallel"].depth_m), 0.0)
    count = int(street.max(initial=-1)) + 1
    width = np.nan_to_num(kerbs["width_m"].to_numpy(dtype=np.float64))[row]
    own, opposite = 2 * street + left, 2 * street + ~left
    bays = np.bincount(own, taken, 2 * count)[opposite[row]]
    length = np.bincount(own[row], open_m, 2 * count)
    mine, theirs = length[own[row]], length[opposite[row]]
    first = (mine > theirs) | ((mine == theirs) & ~left[row])
    both = width - bays - 2 * shape.depth_m >= lane_m
    one = width - bays - shape.depth_m >= lane_m
    return np.asarray(one & (both | first | (theirs == 0)))


def _between(
    lines: npt.NDArray[np.object_], begin: Floats, end: Floats, row: Ints
) -> npt.NDArray[np.object_]:
    """The part of each line from `begin` to `end` metres."""
    points, owner = shapely.get_coordinates(lines, return_index=True)
    step = np.r_[0.0, np.hypot(*np.diff(points, axis=0).T)] if len(points) else np.zeros(0)
    along = np.cumsum(step)
    along -= along[np.searchsorted(owner, owner)]
    apart = 2 * along.max(initial=0.0) + 1
    key = owner * apart + along
    first = np.searchsorted(key, row * apart + begin, side="right")
    last = np.maximum(np.searchsorted(key, row * apart + end, side="left"), first)
    inner = last - first
    vertex = np.arange(inner.sum()) - np.repeat(np.cumsum(inner) - inner, inner) + np.repeat(first, inner)
    stretch = np.arange(len(row))
    ends = [
        shapely.get_coordinates(shapely.line_interpolate_point(lines[row], metres)) for metres in (begin, end)
    ]
    index = np.concatenate([stretch, np.repeat(stretch, inner), stretch])
    order = np.argsort(index, kind="stable")
    coordinates = np.concatenate([ends[0], points[vertex], ends[1]])[order]
    return np.asarray(shapely.linestrings(coordinates, indices=index[order]), dtype=object)


def _rectangles(
    lines: npt.NDArray[np.object_], from_m: Floats, inward: Floats, shape: BayShape
) -> npt.NDArray[np.object_]:
    """Bays at metres along lines; `inward` is 1 where the carriageway is to the left of the line, −1 to its right."""
    start, end = (
        shapely.get_coordinates(shapely.line_interpolate_point(lines, from_m + step))
        for step in (0.0, shape.pitch_m)
    )
    along = end - start
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    aside = np.column_stack([-along[:, 1], along[:, 0]]) * inward[:, None]
    angle = np.radians(shape.angle_deg)
    if shape.angle_deg == 0:
        corner, longer, wider = start, along * shape.length_m, aside * shape.width_m
    else:
        # the front corners touch the kerb line: one on it, the other as deep as the angle makes it
        longer = (along * np.cos(angle) + aside * np.sin(angle)) * shape.length_m
        wider = (along * np.sin(angle) - aside * np.cos(angle)) * shape.width_m
        corner = start + aside * (shape.width_m * np.cos(angle))
    ring = np.stack([corner, corner + wider, corner + wider + longer, corner + longer, corner], axis=1)
    return np.asarray(shapely.polygons(ring), dtype=object)
