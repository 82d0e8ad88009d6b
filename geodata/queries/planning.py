"""Planning from what is stored: where the next cameras, signs or QR points go."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse
from sqlalchemy import Connection, text

from analysis import placement
from analysis.crs import DISPLAY_EPSG
from geodata.errors import NotFound, TwinError
from geodata.progress import Progress, silent
from geodata.queries.gaining import GroundSeen, ground_seen, kerb_seen, rounded
from geodata.queries.questions import METHODS, MOST, Kind, Model, Question, require_question
from geodata.queries.wanted import demand_points, district_of
from geodata.queries.weighing import STEPS, Weighed, weigh
from geodata.towns.town import Town

__all__ = [
    "METHOD",
    "METHODS",
    "MOST",
    "Kind",
    "Model",
    "Plan",
    "Question",
    "demand_points",
    "make_plan",
    "place_more",
    "proposed",
    "sources_of",
    "write_text",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

METHOD = (
    "maximal covering (Church & ReVelle 1974) over lamp posts x 8 headings; demand: kerbs without bays every 10 m, "
    "weighted by the exposure-corrected violation rate of their cell, by the town's mean rate where nobody looked"
)
POSE = ("hfov_deg", "vfov_deg", "range_m", "height_m", "tilt_deg", "resolution_px")
DATASETS = (
    "building",
    "camera",
    "camera_view",
    "cell_measure",
    "component",
    "kerb",
    "poi",
    "street_edge",
    "unit_cell",
)
"""What a plan is made of."""
KERB_LAYER = "violations"
"""The kind of demand whose points lie along all kerbs without bays of the planned ground."""


@dataclass(frozen=True, eq=False)
class Plan:
    """
    What is proposed and how good it is.

    Attributes
    ----------
    question
        What was asked.
    cameras
        In order of choice: order (from 1), site_kind (lamp, street, wall), site (lamp code, or id of the street or
        building), lamp (the code, where it is one), heading_deg, lens, cost, gain_ratio (share of what nobody covers
        now that it adds), pose, lon_deg, lat_deg; Points in WGS 84. Signs and QR points stand in the same columns.
    views
        What each would see or be seen from; of a QR point the hull of what it serves; same index, WGS 84.
    covered_ratio, bound_ratio
        Share of the demand that nobody covers now (with backup: of what could still be gained) which they cover, and
        which no other choice among the weighed candidates could exceed; [0, 1].
    gap_ratio
        How much of what could be gained is missed at most, [0, 1]; for lscp, by how much of the cost less might do.
    proven_optimal
        The bound is reached.
    cost, bound_cost
        Of the proposal; for lscp also below which nothing covers as much (None for the others). For lscp without
        costs both are numbers of cameras.
    unreachable_ratio
        Share of the demand that nobody covers now which none of the weighed candidates can cover.
    candidates, possible
        How many were weighed, and how many sites × headings × lenses there are.
    districts
        For fair: code, weight, minimum_ratio, covered_ratio, reachable_ratio, unmet (no choice was found that gives
        all their minimum); else empty.
    curve
        count, covered_ratio, bound_ratio; empty if not asked for.
    reading_s, solving_s
        Seconds for reading and sight lines, and for search and proof.
    sources
        Attribution and licence of what it was made of.
    ground
        Ground and kerb that cameras see before and after, of proposed cameras; see `gaining.GroundSeen`.
    """

    question: Question
    cameras: gpd.GeoDataFrame
    views: gpd.GeoDataFrame
    covered_ratio: float
    bound_ratio: float
    gap_ratio: float
    proven_optimal: bool
    cost: float
    bound_cost: float | None
    unreachable_ratio: float
    candidates: int
    possible: int
    districts: pd.DataFrame
    curve: pd.DataFrame
    reading_s: float
    solving_s: float
    sources: tuple[tuple[str, str], ...]
    ground: GroundSeen = field(default_factory=dict)

    @property
    def method(self) -> str:
        """Model, candidates and demand in one sentence."""
        asked = self.question
        if asked == replace(
            Question(), count=asked.count, curve=asked.curve, time_limit_s=asked.time_limit_s
        ):
            return METHOD
        demand = ", ".join(f"{layer} x {factor:g}" for layer, factor in asked.weights)
        return (
            f"{METHODS[asked.model]}; {asked.kind} on {', '.join(asked.sites)} x {asked.turns} headings x"
            f" {', '.join(lens.name for lens in asked.hung)}; demand: {demand}"
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """What was asked."""
        return asdict(self.question)

    def figures(self) -> dict[str, Any]:
        """The answer in plain numbers."""
        plain: dict[str, Any] = {
            "count": len(self.cameras),
            "covered_ratio": round(self.covered_ratio, 6),
            "bound_ratio": round(self.bound_ratio, 6),
            "gap_ratio": round(self.gap_ratio, 6),
            "proven_optimal": self.proven_optimal,
            "cost": round(self.cost, 2),
            "bound_cost": None if self.bound_cost is None else round(self.bound_cost, 2),
            "unreachable_ratio": round(self.unreachable_ratio, 6),
            "candidates": self.candidates,
            "possible": self.possible,
            "reading_s": round(self.reading_s, 3),
            "solving_s": round(self.solving_s, 3),
        }
        for name in ("districts", "curve"):
            table: pd.DataFrame = getattr(self, name)
            if len(table):
                plain[name] = json.loads(table.round(6).to_json(orient="records"))
        if self.ground:
            plain["ground"] = rounded(self.ground)
        return plain

    def geojson(self) -> str:
        """The proposal as RFC 7946 GeoJSON with its method and figures."""
        body = json.loads(self.cameras.to_json(drop_id=True))
        body.pop("crs", None)
        body |= {
            "title": f"{len(self.cameras)} more: {self.question.kind}",
            "method": self.method,
            "question": self.parameters,
            **self.figures(),
            "licence": "; ".join(sorted({licence for _, licence in self.sources})),
            "attribution": "; ".join(sorted({source for source, _ in self.sources})),
            "simulated": True,
        }
        return json.dumps(body, ensure_ascii=False, indent=1)

    def write(self, path: Path) -> None:
        """Writes the GeoJSON; TwinError if the folder cannot be written."""
        write_text(path, self.geojson())


class _Answer(NamedTuple):
    """Rows in order and what each adds; bound and gap; cost bound; districts."""

    rows: Ints
    gains: Floats
    bound: float
    gap_ratio: float
    proven_optimal: bool
    bound_cost: float | None
    districts: pd.DataFrame


def write_text(path: Path, body: str) -> None:
    """Writes a text; TwinError if the folder cannot be written."""
    try:
        path.write_text(body + "\n", encoding="utf-8")
    except OSError as error:
        raise TwinError(
            "{path} cannot be written ({why}).", "Choose a folder that exists.", path=path, why=error
        ) from error


def sources_of(conn: Connection) -> tuple[tuple[str, str], ...]:
    """Attribution and licence of the datasets that plans are made of."""
    rows = conn.execute(
        text("SELECT DISTINCT source, licence FROM dataset WHERE name = ANY (:names) ORDER BY 1, 2"),
        {"names": list(DATASETS)},
    )
    return tuple((str(row.source), str(row.licence)) for row in rows)


def place_more(conn: Connection, town: Town, count: int, progress: Progress = silent) -> Plan:
    """Where `count` more cameras on lamp posts would see most of what no camera sees; raises as `make_plan`."""
    return make_plan(conn, town, Question(count=count), progress=progress)


def make_plan(
    conn: Connection,
    town: Town,
    question: Question,
    views: gpd.GeoSeries | None = None,
    progress: Progress = silent,
) -> Plan:
    """
    Answers a question.

    Parameters
    ----------
    conn
        An open connection.
    town
        The town.
    question
        What is asked.
    views
        What is covered already, such as a scenario's views, in any CRS; what the stored cameras see if not given,
        without those that play footage of another place.
    progress
        Told what is being done.

    Raises
    ------
    InputError
        If the question has no sense; the message names what and how to mend it.
    NotFound
        If there are no sites or no demand, or everything is covered already.
    """
    require_question(question)
    begun = perf_counter()
    weighed = weigh(conn, town, question, views, progress)
    useful = _useful(weighed, question)
    labels = district_of(conn, weighed.points, question.districts) if question.model == "fair" else None
    sources = sources_of(conn)
    read = perf_counter()
    progress(4, STEPS, "Choosing")
    answer = _fair(question, weighed, labels) if labels is not None else _chosen(question, useful)
    progress(5, STEPS, "Drawing the curve of cover against number")
    curve = _curve(question, useful, len(answer.rows))
    spent = (read - begun, perf_counter() - read)
    ground = _gained(conn, town, question, weighed, answer.rows, views)
    progress(STEPS, STEPS, "The proposal is ready")
    return replace(_plan(question, weighed, useful, answer, curve, spent, sources), ground=ground)


def _gained(
    conn: Connection,
    town: Town,
    question: Question,
    weighed: Weighed,
    rows: Ints,
    views: gpd.GeoSeries | None,
) -> GroundSeen:
    """What the chosen cameras add to the ground and the kerb that is seen; of signs and QR points nothing."""
    if question.kind != "camera":
        return {}
    ground = ground_seen(conn, town, views, add=weighed.views.iloc[rows])
    kerb = (weighed.points["layer"] == KERB_LAYER).to_numpy()
    before = weighed.seen > 0
    after = before.copy()
    after[np.unique(weighed.covers[rows].indices)] = True
    return ground | kerb_seen(before[kerb], after[kerb])


class _Useful(NamedTuple):
    """The demand that a candidate can still gain: matrix, weights, times covered, costs; and all that is open."""

    covers: sparse.csr_matrix
    weight: Floats
    seen: Ints
    cost: Floats
    open_weight: float


def _useful(weighed: Weighed, question: Question) -> _Useful:
    reached = np.bincount(weighed.covers.indices, minlength=len(weighed.points)) > 0
    weight = weighed.points["weight"].to_numpy(dtype=float)
    columns = np.flatnonzero(reached & (weighed.seen < question.looks) & (weight > 0))
    if not columns.size:
        raise NotFound(
            "No candidate covers any demand that is not covered already.",
            "Choose another kind of demand, other sites or a larger area.",
        )
    return _Useful(
        weighed.covers[:, columns].tocsr(),
        weight[columns],
        weighed.seen[columns],
        weighed.candidates["cost"].to_numpy(dtype=float),
        float(weighed.open_weight(question).sum()),
    )


def _chosen(question: Question, useful: _Useful) -> _Answer:
    """The answer of every model that knows no districts."""
    covers, weight, limit = useful.covers, useful.weight, question.time_limit_s
    if question.model == "lscp":
        costs = useful.cost if question.by_cost else None
        cover = placement.location_set_covering(
            covers, costs=costs, weights=weight, share=question.share_ratio, time_limit_s=limit
        )
        gains = _gains(covers, weight, cover.chosen)
        return _Answer(
            cover.chosen,
            gains,
            float(weight.sum()),
            cover.gap_ratio,
            cover.proven_optimal,
            cover.lower_bound,
            pd.DataFrame(),
        )
    found: placement.Placement
    if question.model == "backup":
        found = placement.backup_covering(
            covers,
            weight,
            question.count,
            backup=question.backup_ratio,
            already_covered=useful.seen,
            time_limit_s=limit,
        )
    elif question.model == "budgeted":
        found = placement.budgeted_covering(
            covers, weight, useful.cost, float(question.budget or 0.0), time_limit_s=limit
        )
    else:
        found = placement.maximal_covering(covers, weight, question.count, time_limit_s=limit)
    return _from_placement(found, pd.DataFrame())


def _fair(question: Question, weighed: Weighed, labels: pd.Series) -> _Answer:
    """The answer with districts: demand that is covered already counts for its district."""
    minimum: float | dict[object, float] = question.minimum_ratio
    if question.minima:
        minimum = {label: question.minimum_ratio for label in labels.dropna().unique()} | dict(
            question.minima
        )
    found = placement.fair_covering(
        weighed.covers,
        weighed.points["weight"].to_numpy(dtype=float),
        question.count,
        labels,
        minimum,
        already_covered=weighed.seen > 0,
        time_limit_s=question.time_limit_s,
    )
    table = pd.DataFrame([asdict(each) for each in found.districts]).rename(columns={"label": "code"})
    table["unmet"] = table["code"].isin(found.unmet)
    return _from_placement(found, table)


def _from_placement(found: placement.Placement, districts: pd.DataFrame) -> _Answer:
    bound = found.upper_bound - found.already_weight
    return _Answer(found.chosen, found.gains, bound, found.gap_ratio, found.proven_optimal, None, districts)


def _gains(covers: sparse.csr_matrix, weight: Floats, rows: Ints) -> Floats:
    """What each row adds to those before it."""
    left, gains = weight.copy(), np.zeros(rows.size)
    for place, row in enumerate(rows):
        held = covers.indices[covers.indptr[row] : covers.indptr[row + 1]]
        gains[place] = left[held].sum()
        left[held] = 0.0
    return gains


def _curve(question: Question, useful: _Useful, chosen: int) -> pd.DataFrame:
    """Cover against number, up to twice as many as were chosen."""
    if not question.curve:
        return pd.DataFrame(columns=["count", "covered_ratio", "bound_ratio"])
    fresh = np.flatnonzero(useful.seen == 0)
    curve = placement.covering_curve(
        useful.covers[:, fresh].tocsr(),
        useful.weight[fresh],
        min(max(2 * chosen, 10), useful.covers.shape[0]),
        time_limit_s=question.time_limit_s / 2,
    )
    total = float(useful.weight[fresh].sum()) if question.model == "backup" else useful.open_weight
    return pd.DataFrame(
        {
            "count": curve.counts,
            "covered_ratio": curve.covered_weight / total,
            "bound_ratio": np.minimum(curve.upper_bound / total, 1.0),
        }
    )


def _plan(
    question: Question,
    weighed: Weighed,
    useful: _Useful,
    answer: _Answer,
    curve: pd.DataFrame,
    spent: tuple[float, float],
    sources: tuple[tuple[str, str], ...],
) -> Plan:
    total = useful.open_weight
    places, shapes = proposed(question, weighed, answer.rows, answer.gains / total)
    reachable = float(weighed.open_weight(question)[np.unique(weighed.covers.indices)].sum())
    number = question.model == "lscp" and not question.by_cost
    return Plan(
        question=question,
        cameras=places,
        views=shapes,
        covered_ratio=min(float(answer.gains.sum()) / total, 1.0),
        bound_ratio=min(answer.bound / total, 1.0),
        gap_ratio=answer.gap_ratio,
        proven_optimal=answer.proven_optimal,
        cost=float(len(places)) if number else float(places["cost"].sum()),
        bound_cost=answer.bound_cost,
        unreachable_ratio=max(1.0 - reachable / total, 0.0),
        candidates=len(weighed.candidates),
        possible=weighed.possible,
        districts=answer.districts,
        curve=curve,
        reading_s=spent[0],
        solving_s=spent[1],
        sources=sources,
    )


def proposed(
    question: Question, weighed: Weighed, rows: Ints, gain_ratio: Floats
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Chosen candidates in order as `Plan.cameras` and `Plan.views`."""
    chosen = weighed.candidates.iloc[rows]
    places = gpd.GeoDataFrame(
        {
            "order": np.arange(1, len(chosen) + 1),
            "site_kind": chosen["site_kind"].to_numpy(),
            "site": chosen["site_source"].astype(str).to_numpy(),
            "lamp": chosen["site_source"].where(chosen["site_kind"] == "lamp", None).to_numpy(),
            "heading_deg": chosen["heading_deg"].to_numpy(),
            "lens": chosen["lens"].to_numpy(),
            "cost": chosen["cost"].to_numpy(),
            "gain_ratio": np.round(gain_ratio, 6),
        }
        | {name: chosen[name].to_numpy() for name in POSE if name in chosen},
        geometry=chosen.geometry.to_numpy(),
        crs=weighed.candidates.crs,
    ).to_crs(DISPLAY_EPSG)
    places["lon_deg"], places["lat_deg"] = places.geometry.x.round(7), places.geometry.y.round(7)
    shapes = gpd.GeoDataFrame(
        {"order": places["order"]}, geometry=_shown(question, weighed, rows), crs=weighed.candidates.crs
    ).to_crs(DISPLAY_EPSG)
    return places, shapes


def _shown(question: Question, weighed: Weighed, rows: Ints) -> npt.NDArray[np.object_]:
    """Ground that each chosen one covers; of a QR point the hull of what it serves."""
    shapes = weighed.views.to_numpy()[rows]
    if question.kind != "qr":
        return shapes
    at = weighed.points.geometry.to_numpy()
    served = [at[weighed.covers[row].indices] for row in rows]
    return np.array(
        [
            shapely.convex_hull(shapely.geometrycollections([place, *points])).buffer(1.0)
            for place, points in zip(shapes, served, strict=True)
        ],
        dtype=object,
    )
