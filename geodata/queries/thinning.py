"""Which cameras are too many, and which would do more elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse
from sqlalchemy import Connection

from analysis import placement
from analysis.crs import DISPLAY_EPSG
from analysis.errors import InputError, Term
from geodata.errors import NotFound
from geodata.progress import Progress, silent
from geodata.queries.city import standing_views
from geodata.queries.frames import read_frame
from geodata.queries.gaining import GroundSeen, ground_seen, rounded
from geodata.queries.planning import proposed, sources_of, write_text
from geodata.queries.questions import MOST, Question, require_question
from geodata.queries.wanted import ground_points, wanted_points
from geodata.queries.weighing import weigh
from geodata.towns.town import Town

__all__ = [
    "GROUND",
    "RELOCATION_METHOD",
    "REMOVAL_METHOD",
    "Relocated",
    "Thinned",
    "relocate_cameras",
    "remove_cameras",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

GROUND = "ground"
"""Kind of demand: all ground that is seen now, alike."""
LOSSES = (("violations", 1.0), (GROUND, 1.0))
"""What must not be lost: expected violations in view, and ground in view, as much."""
REMOVAL_METHOD = Term(
    "least loss of demand (points every 10 m) and ground (points every 5 m or more) in view; greedy removal with "
    "exchanges; lower bound by maximal covering of what must stay"
)
RELOCATION_METHOD = Term(
    "maximal covering (Church & ReVelle 1974) that leaves all but a few cameras where they are"
)
TWINS = 3
"""So many of the cameras that see the same are named."""
FINEST_M = 5.0
"""Distance between points of ground in a small town."""
MOST_GROUND = 400_000
"""Points of ground, if nothing is seen twice; in a large town they stand farther apart."""
STEPS = 8


@dataclass(frozen=True, eq=False)
class Thinned:
    """
    Cameras that could go, and what would be lost.

    Attributes
    ----------
    cameras
        The one that is missed least first: order (from 1), camera_id, code, name, owner, area_m2 (that it sees),
        lost_m2 (that nobody sees any more, after those before it have gone), loss_ratio (share of what counts that
        goes with it), overlap_ratio (share of its view that remaining cameras see), twins (codes of those that see
        most of it), lon_deg, lat_deg; Points in WGS 84.
    lost
        Ground that nobody would see any more, by the same index; WGS 84.
    losses
        For each kind of demand that counts: layer, lost_ratio (of what is covered now).
    lost_m2
        Ground that nobody would see any more.
    loss_ratio, bound_ratio
        Share of what counts that is lost, and below which no other choice of as many loses; [0, 1].
    gap_ratio
        How much of the loss a better choice might spare at most, [0, 1].
    proven_optimal
        The bound is reached.
    among
        Cameras that were weighed.
    parameters
        What was asked: count, weights, keep.
    reading_s, solving_s
        Seconds.
    sources
        Attribution and licence of what it was made of.
    ground
        Ground that cameras see before and after; see `gaining.GroundSeen`.
    """

    cameras: gpd.GeoDataFrame
    lost: gpd.GeoDataFrame
    losses: pd.DataFrame
    lost_m2: float
    loss_ratio: float
    bound_ratio: float
    gap_ratio: float
    proven_optimal: bool
    among: int
    parameters: dict[str, Any]
    reading_s: float
    solving_s: float
    sources: tuple[tuple[str, str], ...]
    ground: GroundSeen = field(default_factory=dict)

    @property
    def method(self) -> str:
        """How it was found."""
        return str(REMOVAL_METHOD)

    def figures(self) -> dict[str, Any]:
        """The answer in plain numbers."""
        return {
            "count": len(self.cameras),
            "lost_m2": round(self.lost_m2, 1),
            "loss_ratio": round(self.loss_ratio, 6),
            "bound_ratio": round(self.bound_ratio, 6),
            "gap_ratio": round(self.gap_ratio, 6),
            "proven_optimal": self.proven_optimal,
            "among": self.among,
            "losses": json.loads(self.losses.round(6).to_json(orient="records")),
            "reading_s": round(self.reading_s, 3),
            "solving_s": round(self.solving_s, 3),
            **({"ground": rounded(self.ground)} if self.ground else {}),
        }

    def geojson(self) -> str:
        """The cameras as RFC 7946 GeoJSON with method and figures."""
        title = f"{len(self.cameras)} cameras that could go"
        return _collection(
            self.cameras, title, self.method, {"question": self.parameters, **self.figures()}, self.sources
        )

    def write(self, path: Path) -> None:
        """Writes the GeoJSON; TwinError if the folder cannot be written."""
        write_text(path, self.geojson())


@dataclass(frozen=True, eq=False)
class Relocated:
    """
    Cameras that would do more elsewhere.

    Attributes
    ----------
    swaps
        How many might move.
    question
        What counts and where they could go.
    removed
        As `Thinned.cameras`, without loss_ratio.
    added
        As `Plan.cameras`; gain_ratio is the share of all demand that each adds after the removed have gone.
    views
        What the added would see, by their index; WGS 84.
    lost
        Ground that nobody would see any more, by the index of `removed`; WGS 84.
    current_ratio, covered_ratio, bound_ratio
        Share of all demand that is covered now and after, and that no other choice of so many moves could exceed.
    gap_ratio
        How much of what could be gained is missed at most, [0, 1].
    proven_optimal
        The bound is reached.
    lost_m2
        Ground that nobody would see any more.
    candidates, possible
        New places that were weighed, and how many there are.
    reading_s, solving_s
        Seconds.
    sources
        Attribution and licence of what it was made of.
    ground
        Ground that cameras see before and after; see `gaining.GroundSeen`.
    """

    swaps: int
    question: Question
    removed: gpd.GeoDataFrame
    added: gpd.GeoDataFrame
    views: gpd.GeoDataFrame
    lost: gpd.GeoDataFrame
    current_ratio: float
    covered_ratio: float
    bound_ratio: float
    gap_ratio: float
    proven_optimal: bool
    lost_m2: float
    candidates: int
    possible: int
    reading_s: float
    solving_s: float
    sources: tuple[tuple[str, str], ...]
    ground: GroundSeen = field(default_factory=dict)

    @property
    def method(self) -> str:
        """How it was found."""
        return str(RELOCATION_METHOD)

    @property
    def parameters(self) -> dict[str, Any]:
        """What was asked."""
        return {"swaps": self.swaps, **asdict(self.question)}

    def figures(self) -> dict[str, Any]:
        """The answer in plain numbers."""
        return {
            "count": len(self.added),
            "current_ratio": round(self.current_ratio, 6),
            "covered_ratio": round(self.covered_ratio, 6),
            "bound_ratio": round(self.bound_ratio, 6),
            "gap_ratio": round(self.gap_ratio, 6),
            "proven_optimal": self.proven_optimal,
            "lost_m2": round(self.lost_m2, 1),
            "candidates": self.candidates,
            "possible": self.possible,
            "reading_s": round(self.reading_s, 3),
            "solving_s": round(self.solving_s, 3),
            **({"ground": rounded(self.ground)} if self.ground else {}),
        }

    def geojson(self) -> str:
        """Both as RFC 7946 GeoJSON, told apart by `action`, with method and figures."""
        both = pd.concat(
            [self.removed.assign(action="remove"), self.added.assign(action="add")], ignore_index=True
        )
        title = f"{len(self.added)} cameras to better places"
        facts = {"question": self.parameters, **self.figures()}
        return _collection(both, title, self.method, facts, self.sources)

    def write(self, path: Path) -> None:
        """Writes the GeoJSON; TwinError if the folder cannot be written."""
        write_text(path, self.geojson())


def remove_cameras(
    conn: Connection,
    town: Town,
    count: int,
    views: gpd.GeoSeries | None = None,
    *,
    weights: Sequence[tuple[str, float]] = LOSSES,
    keep: Sequence[int] = (),
    time_limit_s: float = 10.0,
    progress: Progress = silent,
) -> Thinned:
    """
    The `count` cameras whose loss costs least, and what would be lost.

    Parameters
    ----------
    conn
        An open connection.
    town
        The town.
    count
        How many, 1 to 500.
    views
        What each camera sees, by camera, in any CRS; the stored views if not given, without those that play footage of
        another place.
    weights
        What must not be lost: kinds of demand as in `wanted_points`, or ground, and their factors. Each is brought to a
        total of 1 before.
    keep
        Cameras that must stay.
    time_limit_s
        For the proof.
    progress
        Told what is being done.

    Raises
    ------
    InputError
        If the count is out of range, or a camera to keep or a kind of demand is unknown.
    NotFound
        If no camera sees anything that counts.
    """
    _require_number(count)
    begun = perf_counter()
    progress(0, STEPS, "Reading what the cameras see")
    looked = _looked(conn, town, views)
    unknown = [camera for camera in keep if camera not in looked.index]
    if unknown:
        raise InputError(
            "Camera {camera} must stay, but it is not among those that see anything.",
            "Name cameras that are online.",
            camera=unknown[0],
        )
    progress(1, STEPS, "Reading where eyes are wanted")
    points = _valued(conn, town, looked, weights)
    progress(3, STEPS, "Finding what each camera sees of it")
    covers = placement.cover_matrix(looked, points)
    if not covers.nnz:
        raise NotFound(
            "No camera sees any of the demand.",
            "Choose another kind of demand, or compute the coverage first.",
        )
    sources, read = sources_of(conn), perf_counter()
    progress(4, STEPS, "Choosing")
    fixed = looked.index.get_indexer(pd.Index(list(keep))) if keep else np.zeros(0, np.int64)
    weight = points["weight"].to_numpy(dtype=float)
    found = placement.removal(
        covers, weight, count, costs=_others(covers), fixed=fixed, time_limit_s=time_limit_s
    )
    progress(6, STEPS, "Measuring what would be lost")
    whole = found.covered_weight + found.lost_weight
    cameras, lost = _farewell(conn, looked, found.removed)
    cameras.insert(7, "loss_ratio", np.round(found.losses / whole, 6))
    spent = perf_counter() - read
    ground = ground_seen(conn, town, views, remove=looked.index[found.removed].tolist())
    progress(STEPS, STEPS, "The proposal is ready")
    return Thinned(
        cameras=cameras,
        lost=lost,
        losses=_by_layer(covers, points, found.removed),
        lost_m2=float(cameras["lost_m2"].sum()),
        loss_ratio=found.lost_weight / whole,
        bound_ratio=found.lower_bound / whole,
        gap_ratio=found.gap_ratio,
        proven_optimal=found.proven_optimal,
        among=len(looked),
        parameters={
            "count": count,
            "weights": [list(each) for each in weights],
            "keep": list(map(int, keep)),
        },
        reading_s=read - begun,
        solving_s=spent,
        sources=sources,
        ground=ground,
    )


def relocate_cameras(
    conn: Connection,
    town: Town,
    swaps: int,
    question: Question | None = None,
    views: gpd.GeoSeries | None = None,
    *,
    keep: Sequence[int] = (),
    progress: Progress = silent,
) -> Relocated:
    """
    Takes at most `swaps` cameras to places where they see more of what is wanted.

    Cameras that see none of the demand go first: let the demand hold all that they are there for.

    Parameters
    ----------
    conn
        An open connection.
    town
        The town.
    swaps
        How many may move, 1 to 500.
    question
        What counts, and where they could go (`weights`, `sites`, `headings`, `lenses`, `area` and the like); the usual
        if not given.
    views
        What each camera sees, by camera, in any CRS; the stored views if not given, without those that play footage of
        another place.
    keep
        Cameras that must stay.
    progress
        Told what is being done.

    Raises
    ------
    InputError
        If a number is out of range or the question has no sense.
    NotFound
        If there are no sites or no demand, or everything is covered already.
    """
    asked = question or Question()
    require_question(asked)
    _require_number(swaps)
    begun = perf_counter()
    looked = _looked(conn, town, views)
    weighed = weigh(conn, town, asked, looked, progress)
    standing = placement.cover_matrix(looked, weighed.points)
    sources, read = sources_of(conn), perf_counter()
    progress(4, STEPS, "Choosing")
    covers = sparse.vstack([standing, weighed.covers], format="csr")
    weight = weighed.points["weight"].to_numpy(dtype=float)
    found = placement.relocation(
        covers,
        weight,
        range(len(looked)),
        swaps,
        fixed=[int(row) for row in looked.index.get_indexer(pd.Index(list(keep)))] if keep else (),
        time_limit_s=asked.time_limit_s,
    )
    progress(6, STEPS, "Measuring what would be lost")
    rows = found.added - len(looked)
    total = float(weight.sum())
    staying = np.setdiff1d(np.arange(len(looked)), found.removed)
    gains = _gains(covers, weight, staying, found.added)
    removed, lost = _farewell(conn, looked, found.removed, weighed.views.iloc[rows])
    added, shapes = proposed(asked, weighed, rows, gains / total)
    spent = perf_counter() - read
    gone = looked.index[found.removed].tolist()
    ground = ground_seen(conn, town, views, remove=gone, add=weighed.views.iloc[rows])
    progress(STEPS, STEPS, "The proposal is ready")
    return Relocated(
        swaps=swaps,
        question=asked,
        removed=removed,
        added=added,
        views=shapes,
        lost=lost,
        current_ratio=found.current_weight / total,
        covered_ratio=found.covered_weight / total,
        bound_ratio=min(found.upper_bound / total, 1.0),
        gap_ratio=found.gap_ratio,
        proven_optimal=found.proven_optimal,
        lost_m2=float(removed["lost_m2"].sum()),
        candidates=len(weighed.candidates),
        possible=weighed.possible,
        reading_s=read - begun,
        solving_s=spent,
        sources=sources,
        ground=ground,
    )


def _require_number(count: int) -> None:
    if not 1 <= count <= MOST:
        raise InputError(
            "{count} cameras cannot be taken away.", "Ask for 1 to {most}.", count=count, most=MOST
        )


def _looked(conn: Connection, town: Town, views: gpd.GeoSeries | None) -> gpd.GeoSeries:
    """What each camera sees, by camera, those that see something; metric CRS."""
    looked = (
        standing_views(conn, town.metric_epsg).geometry if views is None else views.to_crs(town.metric_epsg)
    )
    looked = looked[~(looked.is_empty | looked.isna())]
    if looked.empty:
        raise NotFound("No camera sees anything.", "Compute the coverage first: huiyan coverage.")
    return looked


def _valued(
    conn: Connection, town: Town, looked: gpd.GeoSeries, weights: Sequence[tuple[str, float]]
) -> gpd.GeoDataFrame:
    """Points of demand and ground, each kind brought to its factor in total."""
    ground = dict(weights).get(GROUND, 0.0)
    others = [(layer, factor) for layer, factor in weights if layer != GROUND]
    parts = []
    if any(factor > 0 for _, factor in others) or not ground > 0:
        parts.append(wanted_points(conn, town, others))
    if ground > 0:
        fine_m = max(FINEST_M, float(np.sqrt(looked.area.sum() / MOST_GROUND)))
        parts.append(ground_points(looked, fine_m).assign(layer=GROUND))
    points = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=town.metric_epsg)
    factor = points["layer"].map(dict(weights))
    points["weight"] *= factor / points.groupby("layer")["weight"].transform("sum")
    return points


def _others(covers: sparse.csr_matrix) -> Floats:
    """How many others see what each camera sees, on average: of cameras that are missed alike it decides."""
    times = np.bincount(covers.indices, minlength=covers.shape[1]) - 1.0
    return (covers @ times) / np.maximum(np.diff(covers.indptr), 1)


def _by_layer(covers: sparse.csr_matrix, points: gpd.GeoDataFrame, removed: Ints) -> pd.DataFrame:
    """Of each kind, the share of what is covered now that would be lost."""
    times = np.bincount(covers.indices, minlength=len(points))
    gone = np.bincount(covers[removed].indices, minlength=len(points))
    table = (
        pd.DataFrame(
            {
                "layer": points["layer"].to_numpy(),
                "covered": points["weight"].to_numpy() * (times > 0),
                "lost": points["weight"].to_numpy() * ((times > 0) & (times == gone)),
            }
        )
        .groupby("layer", sort=False, as_index=False)[["covered", "lost"]]
        .sum()
    )
    table["lost_ratio"] = np.divide(
        table["lost"], table["covered"], out=np.zeros(len(table)), where=table["covered"].to_numpy() > 0
    )
    return table[["layer", "lost_ratio"]]


def _farewell(
    conn: Connection, looked: gpd.GeoSeries, rows: Ints, come: gpd.GeoSeries | None = None
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The cameras that go, in order, what each takes with it, and that ground; `come` are views that are added."""
    shapes = looked.to_numpy()
    new: Shapes = np.zeros(0, dtype=object) if come is None else come.to_numpy()
    tree, fresh = shapely.STRtree(shapes), shapely.STRtree(new)
    gone: set[int] = set()
    lost, overlap, twins = [], [], []
    leaving = set(rows.tolist())
    for row in rows.tolist():
        gone.add(row)
        view = shapes[row]
        near = [other for other in tree.query(view, predicate="intersects").tolist() if other not in gone]
        others = np.concatenate([shapes[near], new[fresh.query(view, predicate="intersects")]])
        lost.append(shapely.difference(view, shapely.union_all(others)))
        stay = np.array([other for other in near if other not in leaving], dtype=np.int64)
        shared = shapely.area(shapely.intersection(shapes[stay], view)) if stay.size else np.zeros(0)
        united = (
            shapely.union_all(np.concatenate([shapes[stay], new]))
            if stay.size or new.size
            else shapely.Polygon()
        )
        overlap.append(float(shapely.area(shapely.intersection(view, united)) / view.area))
        twins.append(looked.index.to_numpy()[stay[np.argsort(-shared, kind="stable")[:TWINS]]].tolist())
    register = _register(
        conn, sorted({int(c) for c in looked.index[rows]} | {int(c) for each in twins for c in each})
    )
    ids = looked.index[rows]
    places = register.reindex(ids)
    table = gpd.GeoDataFrame(
        {
            "order": np.arange(1, rows.size + 1),
            "camera_id": ids.to_numpy(),
            "code": places["code"].to_numpy(),
            "name": places["name"].to_numpy(),
            "owner": places["owner"].to_numpy(),
            "area_m2": np.round(shapely.area(shapes[rows]), 1),
            "lost_m2": np.round(shapely.area(np.array(lost, dtype=object)), 1) + 0.0,
            "overlap_ratio": np.round(overlap, 6),
            "twins": [", ".join(str(register["code"].get(each, each)) for each in some) for some in twins],
        },
        geometry=places.geometry.where(
            places.geometry.notna(), looked.iloc[rows].centroid.to_crs(places.crs)
        ).to_numpy(),
        crs=register.crs,
    ).to_crs(DISPLAY_EPSG)
    table["lon_deg"], table["lat_deg"] = table.geometry.x.round(7), table.geometry.y.round(7)
    ground = gpd.GeoDataFrame({"order": table["order"]}, geometry=lost, crs=looked.crs).to_crs(DISPLAY_EPSG)
    return table, ground


def _register(conn: Connection, ids: list[int]) -> gpd.GeoDataFrame:
    """Code, name, owner and place of cameras."""
    return read_frame(
        conn, "SELECT id, code, name, owner, geom FROM camera WHERE id = ANY (:ids)", {"ids": ids}
    )


def _gains(covers: sparse.csr_matrix, weight: Floats, staying: Ints, added: Ints) -> Floats:
    """What each added row adds to those that stay and those before it."""
    left, gains = weight.copy(), np.zeros(added.size)
    left[covers[staying].indices] = 0.0
    for place, row in enumerate(added):
        held = covers.indices[covers.indptr[row] : covers.indptr[row + 1]]
        gains[place] = left[held].sum()
        left[held] = 0.0
    return gains


def _collection(
    frame: gpd.GeoDataFrame,
    title: str,
    method: str,
    facts: dict[str, Any],
    sources: tuple[tuple[str, str], ...],
) -> str:
    body = json.loads(frame.to_json(drop_id=True, na="null"))
    body.pop("crs", None)
    body |= {
        "title": title,
        "method": method,
        **facts,
        "licence": "; ".join(sorted({licence for _, licence in sources})),
        "attribution": "; ".join(sorted({source for source, _ in sources})),
        "simulated": True,
    }
    return json.dumps(body, ensure_ascii=False, indent=1)
