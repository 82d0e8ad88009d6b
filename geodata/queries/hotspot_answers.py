"""Hot spots as a screen asks for them: one statistic of one class in one period, as shapes, a table and figures."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import shapely.ops
from affine import Affine
from rasterio import features
from scipy.spatial import cKDTree

from analysis.errors import InputError
from analysis.hotspots import (
    Raster,
    cube_hot_spots,
    getis_ord,
    kernel_density,
    local_moran,
    near_repeat,
    network_density,
    observed_values,
    relative_density,
    repeated_events,
    space_scan,
)
from geodata.queries.hotspots import Period, Scene

__all__ = ["NO_EVIDENCE", "PLACES", "STATISTICS", "HotSpots", "Question", "find_hot_spots"]

Floats: TypeAlias = npt.NDArray[np.float64]

STATISTICS = ("gi", "moran", "scan", "emerging", "density", "repeat")
PLACES = ("cells", "streets")
NO_EVIDENCE = "no evidence"
LEVELS = ((0.01, "99"), (0.05, "95"), (0.1, "90"))
"""False discovery rates, and the confidence that each is called by."""
LEVEL = 0.05
SHARES = (0.05, 0.15, 0.3, 0.5, 0.75)
"""Lower limits of the classes of a density, as shares of its highest value; below the first nothing is drawn."""
PIXELS_A_BANDWIDTH = 6
LEAST_SHARE = 0.01
LEAST_BANDWIDTHS = 1 / 3
"""A kernel must find so much kerb, looked at for this share of the hours, before a ratio to it says anything."""
MANY_CELLS = 5_000
MOST_EVENTS = 20_000
"""Of more, near repeat takes a random part."""
DISTANCES_M = (50.0, 100.0, 200.0)
DELAYS_D = (1.0, 3.0, 7.0, 14.0)
REPEAT_PERMUTATIONS = 99
METRES_A_KM = 1000.0


@dataclass(frozen=True)
class Question:
    """
    What is asked.

    Attributes
    ----------
    class_code, period
        Of which events.
    statistic
        One of `STATISTICS`.
    by_exposure
        Events are divided by the kerb that was looked at; otherwise they count as they are.
    place
        One of `PLACES`; streets for densities only.
    bandwidth_m
        Of densities.
    """

    class_code: str
    period: Period
    statistic: str = "gi"
    by_exposure: bool = True
    place: str = "cells"
    bandwidth_m: float = 150.0


@dataclass(frozen=True, eq=False)
class HotSpots:
    """
    What is found.

    Attributes
    ----------
    shapes
        What the map shows, in metres: `kind` (see `layers.hotspots`) and the numbers behind it.
    table
        Places that stand out, the clearest first; columns by statistic.
    limits
        Lower limits of a density's classes.
    events, left_out
        Events that count; those of the period that do not, as nobody looked there any more or no kerb is near.
    places, evidence
        Cells (or kilometres of street) in all, and those with evidence.
    notes
        Facts that the method sentence names: `permutations`, `step`, `sampled` …
    """

    shapes: gpd.GeoDataFrame
    table: pd.DataFrame
    events: int
    left_out: int
    places: float
    evidence: float
    limits: tuple[float, ...] = ()
    notes: dict[str, float | str] = field(default_factory=dict)


def find_hot_spots(scene: Scene, question: Question) -> HotSpots:
    """
    Answers a question.

    Raises
    ------
    InputError
        If exposure is asked for and there is none for the class, nothing happened in the period, or too few places
        have evidence.
    """
    if question.by_exposure and not scene.can_divide:
        raise InputError(
            "Nobody knows for how long somebody looked for this class.",
            "Choose captures as they are, or record the cameras' hours for it.",
        )
    if scene.happened(question.period).empty:
        raise InputError(
            "There is no event of this class in the days and hours chosen.", "Choose a longer period."
        )
    if question.statistic == "density":
        return _along_streets(scene, question) if question.place == "streets" else _on_ground(scene, question)
    finder = {"gi": _gi, "moran": _moran, "scan": _scan, "emerging": _emerging, "repeat": _repeat}
    return finder[question.statistic](scene, question)


# ------------------------------------------------------------------------------------------------ cells


def _measured(scene: Scene, question: Question) -> tuple[gpd.GeoDataFrame, pd.Series[float], int, int]:
    """Cells with events, exposure and value; the values; events that count, and that do not."""
    period = question.period
    counts = scene.cell_counts(period, seen=question.by_exposure)
    exposure = scene.cell_exposure(period) if question.by_exposure else None
    values = observed_values(counts, exposure)
    used = int(counts[values.notna()].sum())
    cells = scene.cells.assign(events=counts, value=values)
    if exposure is not None:
        cells["exposure_kmh"] = exposure / METRES_A_KM
        cells["value"] = values * METRES_A_KM
    return cells, values, used, len(scene.happened(period)) - used


def _permutations(cells: int) -> int:
    return 9_999 if cells <= MANY_CELLS else 999


def _gi(scene: Scene, question: Question) -> HotSpots:
    cells, values, used, lost = _measured(scene, question)
    many = _permutations(len(cells))
    found = cells.join(getis_ord(values, scene.neighbours, permutations=many))
    kind = pd.Series("none", index=found.index)
    kind[(found["p"] <= LEVEL) & (found["z"] > 0)] = "hot"
    kind[(found["p"] <= LEVEL) & (found["z"] < 0)] = "cold"
    for level, name in reversed(LEVELS):
        sure = found["p_fdr"] <= level
        kind[sure & (found["z"] > 0)] = f"hot{name}"
        kind[sure & (found["z"] < 0)] = f"cold{name}"
    return _of_cells(found, kind, values, used, lost, "z", {"permutations": many})


def _moran(scene: Scene, question: Question) -> HotSpots:
    cells, values, used, lost = _measured(scene, question)
    many = _permutations(len(cells))
    found = cells.join(local_moran(values, scene.neighbours, permutations=many))
    kind = found["quadrant"].where(found["p_fdr"] <= LEVEL, "none")
    return _of_cells(found, kind, values, used, lost, "i", {"permutations": many})


def _of_cells(
    found: gpd.GeoDataFrame,
    kind: pd.Series[str],
    values: pd.Series[float],
    used: int,
    lost: int,
    by: str,
    notes: dict[str, float | str],
) -> HotSpots:
    shapes = found.assign(kind=kind.where(values.notna(), NO_EVIDENCE))
    clear = shapes[~shapes["kind"].isin(["none", NO_EVIDENCE])]
    order = clear[by].abs().sort_values(ascending=False).index
    table = pd.DataFrame(clear.loc[order].drop(columns=clear.geometry.name))
    return HotSpots(shapes, table, used, lost, len(shapes), int(values.notna().sum()), notes=notes)


def _scan(scene: Scene, question: Question) -> HotSpots:
    cells, values, used, lost = _measured(scene, question)
    if question.by_exposure:
        expected = cells["exposure_kmh"]
    else:
        expected = pd.Series(shapely.area(cells.geometry.to_numpy()), index=cells.index)
    middles = shapely.get_coordinates(shapely.centroid(cells.geometry.to_numpy()))
    simulations = 999
    clusters = space_scan(cells["events"], expected, middles, simulations=simulations)
    kind = pd.Series("none", index=cells.index)
    number = pd.Series(0, index=cells.index)
    rows = []
    for rank, each in enumerate(clusters, 1):
        sure = each.p <= LEVEL
        if not sure and rank > 1:
            continue
        number[each.members] = rank
        kind[each.members] = ("cluster1" if rank == 1 else "cluster") if sure else "weak"
        rows.append(
            {
                "rank": rank,
                "code": cells.at[each.centre, "code"],
                "name_zh": cells.at[each.centre, "name_zh"],
                "name_en": cells.at[each.centre, "name_en"],
                "cells": len(each.members),
                "radius_m": each.radius_m,
                "events": each.observed,
                "expected": each.expected,
                "relative_risk": each.relative_risk,
                "llr": each.llr,
                "p": each.p,
                "kind": kind[each.centre],
            }
        )
    shapes = cells.assign(cluster=number, kind=kind.where(values.notna(), NO_EVIDENCE))
    evidence = int(values.notna().sum())
    notes: dict[str, float | str] = {"simulations": simulations}
    return HotSpots(shapes, pd.DataFrame(rows), used, lost, len(cells), evidence, notes=notes)


def _steps(period: Period) -> tuple[str, list[Period]]:
    """The period cut into months, weeks or days, whichever gives at least eight steps."""
    days = (period.until - period.since).days
    if days >= 8 * 28:
        edges = [period.since]
        while edges[-1] < period.until:
            edges.append(min((edges[-1].replace(day=1) + dt.timedelta(days=32)).replace(day=1), period.until))
        name = "month"
    else:
        length = 7 if days >= 8 * 7 else 1
        edges = [period.since + dt.timedelta(days=n) for n in range(0, days, length)]
        edges = edges if (days % length) else [*edges, period.until]
        name = "week" if length == 7 else "day"
    return name, [period.within(a, b) for a, b in pairwise(edges)]


def _emerging(scene: Scene, question: Question) -> HotSpots:
    cells, _, used, lost = _measured(scene, question)
    name, steps = _steps(question.period)
    columns = {}
    for step in steps:
        counts = scene.cell_counts(step, seen=question.by_exposure)
        if question.by_exposure:
            exposure = scene.cell_exposure(step)
            values = observed_values(counts, exposure) if (exposure > 0).any() else exposure * np.nan
        else:
            values = observed_values(counts) / max(float(step.hours().sum()), 1.0)
        columns[step.since] = values
    cube = cube_hot_spots(pd.DataFrame(columns, index=cells.index), scene.neighbours, level=LEVEL)
    shapes = cells.join(cube.places)
    clear = shapes[~shapes["kind"].isin(["none", NO_EVIDENCE])]
    table = pd.DataFrame(clear.drop(columns=clear.geometry.name)).sort_values("last_z", ascending=False)
    evidence = int(shapes["kind"].ne(NO_EVIDENCE).sum())
    notes: dict[str, float | str] = {"step": name, "steps": len(steps)}
    return HotSpots(shapes, table, used, lost, len(cells), evidence, notes=notes)


def _repeat(scene: Scene, question: Question) -> HotSpots:
    events = scene.happened(question.period)
    sampled = events.sample(MOST_EVENTS, random_state=0) if len(events) > MOST_EVENTS else events
    places = sampled[["x", "y"]].to_numpy()
    days = ((sampled["at"] - sampled["at"].min()) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
    table = near_repeat(
        places, days, distances_m=DISTANCES_M, delays=DELAYS_D, permutations=REPEAT_PERMUTATIONS
    )
    repeated = repeated_events(places, days, distance_m=DISTANCES_M[0], delay=DELAYS_D[1])
    cell = sampled["cell"].to_numpy()[repeated]
    counts = np.bincount(cell[cell >= 0], minlength=len(scene.cells))
    limits = _limits(counts.astype(np.float64))
    kind = np.array(["none", *(f"class{n}" for n in range(1, len(limits) + 1))], dtype=object)
    shapes = scene.cells.assign(events=counts, kind=kind[np.searchsorted(limits, counts, side="right")])
    return HotSpots(
        shapes,
        table,
        len(sampled),
        0,
        len(shapes),
        len(shapes),
        limits=limits,
        notes={"sampled": len(sampled), "all": len(events), "permutations": REPEAT_PERMUTATIONS},
    )


# ---------------------------------------------------------------------------------------------- densities


def _on_ground(scene: Scene, question: Question) -> HotSpots:
    """Density on a raster, as one shape a class."""
    events = scene.happened(question.period)
    band = question.bandwidth_m
    raster = Raster.over(tuple(scene.cells.total_bounds), band / PIXELS_A_BANDWIDTH)
    lost = 0
    if question.by_exposure:
        spots, hours = _kerb_exposure(scene, question.period)
        at = events["kerb"].to_numpy()
        seen = (at >= 0) & (hours[at] > 0)
        lost, events = int((~seen).sum()), events[seen]
        spots, hours = spots[hours > 0], hours[hours > 0]
        density = METRES_A_KM * relative_density(
            events[["x", "y"]].to_numpy(),
            spots,
            hours,
            raster,
            bandwidth_m=band,
            least_hours=_least_mh(question),
        )
        density[_farther(raster, spots, band)] = np.nan
    else:
        points = events[["x", "y"]].to_numpy()
        density = METRES_A_KM**2 * kernel_density(points, raster, bandwidth_m=band)
    limits = _limits(density)
    numbers = np.where(np.isnan(density), -1, np.searchsorted(limits, np.nan_to_num(density), side="right"))
    turn = Affine(
        raster.step_m,
        0,
        raster.west_m - raster.step_m / 2,
        0,
        raster.step_m,
        raster.south_m - raster.step_m / 2,
    )
    drawn = [
        (int(number), shapely.geometry.shape(shape))
        for shape, number in features.shapes(numbers.astype(np.int16), mask=numbers != 0, transform=turn)
    ]
    shapes = _by_class(drawn, limits, scene, nothing=NO_EVIDENCE)
    ground = shapely.union_all(scene.cells.geometry.to_numpy())
    dark = shapes["kind"] == NO_EVIDENCE
    shapes.loc[dark, shapes.geometry.name] = shapes[dark].intersection(ground)
    area = ground.area / METRES_A_KM**2
    known = area - float(shapes[dark].area.sum()) / METRES_A_KM**2
    notes: dict[str, float | str] = {"bandwidth_m": band, "pixel_m": raster.step_m}
    return HotSpots(shapes, _peaks(density, raster, scene), len(events), lost, area, known, limits, notes)


def _farther(raster: Raster, spots: Floats, distance_m: float) -> npt.NDArray[np.bool_]:
    """Pixels farther from every place where somebody looked: a Gaussian's tail is no evidence."""
    pixels = np.stack(np.meshgrid(raster.x, raster.y), axis=-1).reshape(-1, 2)
    nearest, _ = cKDTree(spots).query(pixels, distance_upper_bound=distance_m)
    return np.isinf(nearest).reshape(raster.rows, raster.columns)


def _least_mh(question: Question) -> float:
    hours = float(question.period.hours().sum())
    return max(1.0, LEAST_SHARE * hours * LEAST_BANDWIDTHS * question.bandwidth_m)


def _peaks(density: Floats, raster: Raster, scene: Scene) -> pd.DataFrame:
    """Cells by the density in their middle."""
    middles = shapely.get_coordinates(shapely.centroid(scene.cells.geometry.to_numpy()))
    column = np.clip(
        ((middles[:, 0] - raster.west_m) / raster.step_m).round().astype(int), 0, raster.columns - 1
    )
    row = np.clip(((middles[:, 1] - raster.south_m) / raster.step_m).round().astype(int), 0, raster.rows - 1)
    table = pd.DataFrame(scene.cells[["code", "name_zh", "name_en"]]).assign(value=density[row, column])
    return table.dropna(subset=["value"]).sort_values("value", ascending=False).head(100)


def _kerb_exposure(scene: Scene, period: Period) -> tuple[Floats, Floats]:
    """Where kerbs are, and the metre-hours of each kerb point."""
    hours = scene.looked_at(period, np.arange(len(scene.kerb_m)), len(scene.kerb_m), by_hour=False)
    return scene.kerb_xy, hours


def _along_streets(scene: Scene, question: Question) -> HotSpots:
    """Density along drivable streets, as one set of lines a class."""
    pieces = scene.pieces
    if pieces is None:
        raise InputError("There are no streets.", "Load a town with a street graph, or take cells as places.")
    events = scene.happened(question.period)
    kerb = events["kerb"].to_numpy()
    near = kerb >= 0
    piece = np.where(near, scene.kerb_piece[kerb], -1)
    lost = int((~near).sum())
    band = question.bandwidth_m
    looked: Floats | None = None
    if question.by_exposure:
        looked = scene.looked_at(question.period, scene.kerb_piece, len(pieces), by_hour=False)
        seen = near & (looked[piece] > 0)
        lost = int((~seen).sum())
        counts = np.bincount(piece[seen], minlength=len(pieces)).astype(np.float64)
        above = network_density(pieces, counts, bandwidth_m=band)
        below = network_density(pieces, looked, bandwidth_m=band)
        enough = below * 2 * band >= _least_mh(question)
        density = np.full(len(pieces), np.nan)
        np.divide(np.maximum(above, 0) * METRES_A_KM, below, out=density, where=enough)
    else:
        seen = near
        counts = np.bincount(piece[near], minlength=len(pieces)).astype(np.float64)
        density = np.maximum(network_density(pieces, counts, bandwidth_m=band), 0) * METRES_A_KM
    # a kernel that has nowhere to run piles up: a stray piece of street says nothing
    density[pieces.network_m < 2 * band] = np.nan
    limits = _limits(density)
    numbers = np.where(np.isnan(density), -1, np.searchsorted(limits, np.nan_to_num(density), side="right"))
    shapes = _by_class(_runs(scene, numbers), limits, scene, nothing=NO_EVIDENCE)
    length = pieces.piece_m
    known = np.isfinite(density)
    by_street = pd.Series(
        np.bincount(pieces.street, np.nan_to_num(density) * length, len(pieces.lengths_m))
        / np.maximum(np.bincount(pieces.street, known * length, len(pieces.lengths_m)), 1e-9),
        index=pieces.index,
    )
    table = pd.DataFrame(scene.edges[["name", "highway"]]).assign(
        length_m=pieces.lengths_m,
        events=np.bincount(pieces.street, counts, len(pieces.lengths_m)).astype(int),
        value=by_street,
    )
    if (
        looked is not None
    ):  # what a kernel brings to streets that nobody looked at is drawn, but heads no list
        table["exposure_kmh"] = np.bincount(pieces.street, looked, len(pieces.lengths_m)) / METRES_A_KM
        table = table[table["exposure_kmh"] > 0]
    table = table[table["value"] > 0].sort_values("value", ascending=False).head(100)
    notes: dict[str, float | str] = {"bandwidth_m": band, "pixel_m": pieces.step_m}
    metres = float(length.sum())
    return HotSpots(
        shapes,
        table,
        int(seen.sum()),
        lost,
        metres / METRES_A_KM,
        float(length[known].sum()) / METRES_A_KM,
        limits,
        notes,
    )


def _runs(scene: Scene, numbers: npt.NDArray[np.integer]) -> list[tuple[int, shapely.Geometry]]:
    """Stretches of street of one class."""
    pieces = scene.pieces
    assert pieces is not None
    street = pieces.street
    change = np.flatnonzero(np.diff(street) | np.diff(numbers)) + 1
    first = np.concatenate([[0], change])
    last = np.concatenate([change, [len(street)]])
    row = street[first]
    each = (pieces.lengths_m / np.diff(pieces.starts))[row]
    begin, end = (first - pieces.starts[row]) * each, (last - pieces.starts[row]) * each
    lines = scene.edges.geometry.to_numpy()[row]
    parts = [shapely.ops.substring(line, a, b) for line, a, b in zip(lines, begin, end, strict=True)]
    return [(int(number), part) for number, part in zip(numbers[first], parts, strict=True) if number != 0]


def _limits(density: Floats) -> tuple[float, ...]:
    """Lower limits of the classes, two digits each."""
    highest = float(np.nanmax(density)) if np.isfinite(density).any() else 0.0
    if highest <= 0:
        return ()
    return tuple(sorted({float(f"{highest * share:.2g}") for share in SHARES}))


def _by_class(
    drawn: list[tuple[int, shapely.Geometry]],
    limits: tuple[float, ...],
    scene: Scene,
    nothing: str,
) -> gpd.GeoDataFrame:
    """One shape a class, with its limits."""
    rows, shapes = [], []
    for number in sorted({number for number, _ in drawn}):
        parts = np.array([shape for other, shape in drawn if other == number], dtype=object)
        upper = limits[number] if 1 <= number < len(limits) else None
        rows.append(
            {
                "kind": f"class{number}" if number >= 1 else nothing,
                "from": limits[number - 1] if number >= 1 else np.nan,
                "to": upper if upper is not None else np.nan,
            }
        )
        areal = shapely.get_dimensions(parts[0]) == 2
        shapes.append(shapely.union_all(parts) if areal else shapely.multilinestrings(parts))
    table = pd.DataFrame(rows, columns=["kind", "from", "to"])
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=scene.cells.crs), crs=scene.cells.crs)
