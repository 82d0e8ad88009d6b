"""Unit cells (万米单元网格): communities cut into cells of about 10,000 m², coded and checked."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from analysis.checks import require_columns, require_metric, require_positive
from analysis.codes import explain_cell_code
from analysis.codes.cell import CellCode
from analysis.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["CELL_SIZE_M", "CellProblem", "check_cells", "row_bands", "unit_cells"]

CELL_SIZE_M = 100.0
"""Side of a whole cell in metres, which makes 10,000 m²."""

_SLIVER_RATIO = 0.4
"""A piece smaller than this share of a whole cell joins a neighbour."""

_CELLS_PER_COMMUNITY = 999
"""Three digits number the cells of a community."""

CellProblem = Literal["code", "uniqueness", "prefix", "order", "outside", "overlap", "gap", "area"]


def unit_cells(communities: gpd.GeoDataFrame, cell_size_m: float = CELL_SIZE_M) -> gpd.GeoDataFrame:
    """
    Unit cells of each community, without gaps or overlaps, coded in the order of the standard [1]_.

    A square lattice, whose lines lie on multiples of `cell_size_m`, is cut at the community's boundary.
    Pieces smaller than 0.4 of a whole cell join the neighbour with which they share the longest edge, inside
    the same community; an island without neighbours stays a cell of its own. Cells are numbered by rows from
    north to south, and from west to east in a row (see `row_bands`).

    Parameters
    ----------
    communities
        One community a row: valid (Multi)Polygons in a projected CRS in metres, and the column
        `community_code` with digits 1-12 of the cell codes (6 county + 3 street + 3 community).
    cell_size_m
        Side of a whole cell in metres, above 0.

    Returns
    -------
    cells
        One cell a row, sorted by code, with the columns `code` (15 digits), `community_code` (12), `sequence`
        (1 to 999), `area_m2` and a geometry of Polygons; index from 0; the CRS of `communities`.

    Raises
    ------
    CrsError
        If `communities` is not in metres.
    CodeError
        If a community's code is malformed.
    InputError
        If a geometry is not a valid polygon, a code occurs twice or a community needs more than 999 cells.

    References
    ----------
    .. [1] GB/T 30428.1-2013, Information system for digitized supervision and management of city, part 1.
    """
    require_metric(communities=communities)
    require_columns("communities", communities, "community_code")
    require_positive("cell_size_m", cell_size_m)
    _require_polygons("communities", communities)
    doubled = communities["community_code"].duplicated()
    if doubled.any():
        raise InputError(
            "communities holds the code {code} more than once.",
            "Unite the parts of one community first: communities.dissolve('community_code').",
            code=communities.loc[doubled, "community_code"].iloc[0],
        )
    codes: list[str] = []
    owners: list[str] = []
    sequences: list[int] = []
    cells: list[BaseGeometry] = []
    rows = zip(communities["community_code"].astype(str), communities.geometry, strict=True)
    for community_code, boundary in sorted(rows, key=lambda row: row[0]):
        first = CellCode(community_code[:6], community_code[6:9], community_code[9:], 1)
        pieces = _ordered(_merge_slivers(_cut(boundary, cell_size_m), cell_size_m), cell_size_m)
        if len(pieces) > _CELLS_PER_COMMUNITY:
            raise InputError(
                "Community {code} needs {count} cells, but three digits number only {most}.",
                "Use a larger cell_size_m than {size}, or split the community.",
                code=community_code,
                count=len(pieces),
                most=_CELLS_PER_COMMUNITY,
                size=cell_size_m,
            )
        for sequence, piece in enumerate(pieces, start=1):
            codes.append(f"{first.community_code}{sequence:03d}")
            owners.append(first.community_code)
            sequences.append(sequence)
            cells.append(piece)
    return gpd.GeoDataFrame(
        {
            "code": pd.Series(codes, dtype="str"),
            "community_code": pd.Series(owners, dtype="str"),
            "sequence": np.asarray(sequences, dtype=np.int64),
            "area_m2": shapely.area(np.asarray(cells, dtype=object)),
        },
        geometry=cells,
        crs=communities.crs,
    )


def row_bands(geometry: gpd.GeoSeries, cell_size_m: float = CELL_SIZE_M) -> pd.Series[int]:
    """
    Row of each cell: the lattice row of its centroid, counted so that northern rows come first.

    Sorting by this row and then by the centroid's x is the order of cells inside a community.

    Parameters
    ----------
    geometry
        Cells in metres, northing along y.
    cell_size_m
        Height of a row in metres.
    """
    northing = shapely.get_y(shapely.centroid(geometry.to_numpy()))
    return pd.Series(
        -np.floor(northing / cell_size_m).astype(np.int64), index=geometry.index, name="row_band"
    )


def check_cells(
    cells: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    *,
    cell_size_m: float = CELL_SIZE_M,
    tolerance_m2: float = 0.01,
) -> pd.DataFrame:
    """
    What is wrong with a grid; no rows for a good one.

    Parameters
    ----------
    cells
        Unit cells with the column `code` (15 digits), in metres.
    communities
        Communities with the column `community_code` (12 digits), in the CRS of `cells`.
    cell_size_m
        Height of the rows in which cells are numbered.
    tolerance_m2
        Overlaps, gaps and differences of area up to this many m² a cell or community are not reported.

    Returns
    -------
    problems
        One problem a row, with the columns `problem` (see `CellProblem`), `code` (the cell, or "" for a
        community), `community_code`, `amount` and `detail` (a sentence). `amount` is in m² for overlap, gap,
        outside and area; the number of rows for uniqueness; the place it should have for order; else NaN.

        "code": malformed; "uniqueness": given more than once; "prefix": no such community; "order": not
        numbered by rows from the north, then from the west; "outside": ground beyond its community;
        "overlap": ground of another cell; "gap": ground of the community in no cell; "area": the areas do
        not add up.

    Raises
    ------
    CrsError
        If a frame is not in metres or the two differ.
    InputError
        If a column is missing or a geometry is not a valid polygon.
    """
    require_metric(cells=cells, communities=communities)
    require_columns("cells", cells, "code")
    require_columns("communities", communities, "community_code")
    _require_polygons("cells", cells)
    _require_polygons("communities", communities)
    codes = cells["code"].astype(str).reset_index(drop=True)
    ground = cells.geometry.to_numpy()
    owner = codes.str[:12].to_numpy(dtype=object)
    boundaries = dict(zip(communities["community_code"].astype(str), communities.geometry, strict=True))
    problems: list[tuple[CellProblem, str, float, str]] = [
        ("code", code, np.nan, str(found[0])) for code in codes if (found := explain_cell_code(code))
    ]
    for code, count in codes.value_counts(sort=False).items():
        if count > 1:
            problems.append(("uniqueness", str(code), float(count), f"{count} cells bear the code {code}."))
    problems += _check_owners(codes, ground, owner, boundaries, tolerance_m2)
    problems += _check_overlaps(codes, ground, tolerance_m2)
    bands = row_bands(cells.geometry, cell_size_m).to_numpy()
    eastings = shapely.get_x(shapely.centroid(ground))
    for community_code, boundary in boundaries.items():
        inside = np.flatnonzero(owner == community_code)
        problems += _check_sum(community_code, boundary, ground[inside], tolerance_m2)
        problems += _check_order(codes.to_numpy()[inside], bands[inside], eastings[inside])
    frame = pd.DataFrame(problems, columns=["problem", "code", "amount", "detail"])
    frame.insert(2, "community_code", frame["code"].str[:12])
    frame["code"] = frame["code"].where(frame["code"].str.len() != 12, "")
    return frame


def _cut(boundary: BaseGeometry, cell_size_m: float) -> NDArray[np.object_]:
    """Faces of lattice and boundary inside the boundary; neighbours share the very same points."""
    west, south, east, north = boundary.bounds
    xs = np.arange(np.floor(west / cell_size_m), np.ceil(east / cell_size_m) + 1) * cell_size_m
    ys = np.arange(np.floor(south / cell_size_m), np.ceil(north / cell_size_m) + 1) * cell_size_m
    upright = [shapely.LineString([(x, ys[0]), (x, ys[-1])]) for x in xs]
    level = [shapely.LineString([(xs[0], y), (xs[-1], y)]) for y in ys]
    lines = shapely.union_all([boundary.boundary, *upright, *level])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    shapely.prepare(boundary)
    return np.asarray(faces[shapely.contains(boundary, shapely.point_on_surface(faces))], dtype=object)


def _merge_slivers(pieces: NDArray[np.object_], cell_size_m: float) -> list[BaseGeometry]:
    """Each small piece, smallest first, joined to the neighbour with the longest common edge."""
    smallest = _SLIVER_RATIO * cell_size_m**2
    members = {number: [number] for number in range(len(pieces))}
    areas = dict(enumerate(shapely.area(pieces).tolist()))
    edges: dict[int, dict[int, float]] = {number: {} for number in members}
    left, right = shapely.STRtree(pieces).query(pieces, predicate="intersects")
    once = left < right
    left, right = left[once], right[once]
    shared = shapely.length(
        shapely.intersection(shapely.boundary(pieces[left]), shapely.boundary(pieces[right]))
    )
    for one, other, length in zip(left.tolist(), right.tolist(), shared.tolist(), strict=True):
        if length > 0:
            edges[one][other] = edges[other][one] = length
    queue = [(area, number) for number, area in areas.items() if area < smallest]
    heapq.heapify(queue)
    while queue:
        area, number = heapq.heappop(queue)
        if number not in members or areas[number] != area or not edges[number]:
            continue
        host = max(edges[number], key=lambda other: (edges[number][other], -areas[other], -other))
        members[host] += members.pop(number)
        areas[host] += areas.pop(number)
        for other, length in edges.pop(number).items():
            del edges[other][number]
            if other != host:
                edges[host][other] = edges[other][host] = edges[host].get(other, 0.0) + length
        if areas[host] < smallest:
            heapq.heappush(queue, (areas[host], host))
    return [shapely.union_all(pieces[parts]) for parts in members.values()]


def _ordered(pieces: Sequence[BaseGeometry], cell_size_m: float) -> list[BaseGeometry]:
    bands = row_bands(gpd.GeoSeries(list(pieces)), cell_size_m).to_numpy()
    eastings = shapely.get_x(shapely.centroid(np.asarray(pieces, dtype=object)))
    return [pieces[number] for number in np.lexsort((eastings, bands))]


def _check_owners(
    codes: Iterable[str],
    ground: NDArray[np.object_],
    owner: NDArray[np.object_],
    boundaries: dict[str, BaseGeometry],
    tolerance_m2: float,
) -> list[tuple[CellProblem, str, float, str]]:
    problems: list[tuple[CellProblem, str, float, str]] = []
    for code, cell, community_code in zip(codes, ground, owner, strict=True):
        if community_code not in boundaries:
            problems.append(("prefix", code, np.nan, f"No community bears the code {community_code}."))
            continue
        beyond = shapely.area(shapely.difference(cell, boundaries[community_code]))
        if beyond > tolerance_m2:
            detail = f"{beyond:.2f} m² of cell {code} lie outside community {community_code}."
            problems.append(("outside", code, float(beyond), detail))
    return problems


def _check_overlaps(
    codes: pd.Series[str], ground: NDArray[np.object_], tolerance_m2: float
) -> list[tuple[CellProblem, str, float, str]]:
    left, right = shapely.STRtree(ground).query(ground, predicate="intersects")
    once = left < right
    left, right = left[once], right[once]
    common = shapely.area(shapely.intersection(ground[left], ground[right]))
    return [
        ("overlap", codes[one], float(area), f"Cells {codes[one]} and {codes[other]} share {area:.2f} m².")
        for one, other, area in zip(left, right, common, strict=True)
        if area > tolerance_m2
    ]


def _check_sum(
    community_code: str, boundary: BaseGeometry, ground: NDArray[np.object_], tolerance_m2: float
) -> list[tuple[CellProblem, str, float, str]]:
    problems: list[tuple[CellProblem, str, float, str]] = []
    gap = shapely.area(shapely.difference(boundary, shapely.union_all(ground)))
    if gap > tolerance_m2:
        detail = f"{gap:.2f} m² of community {community_code} lie in none of its cells."
        problems.append(("gap", community_code, float(gap), detail))
    excess = float(shapely.area(ground).sum() - boundary.area)
    if abs(excess) > tolerance_m2:
        detail = f"The cells of community {community_code} add up to {excess:+.2f} m² against its own area."
        problems.append(("area", community_code, excess, detail))
    return problems


def _check_order(
    codes: NDArray[np.object_], bands: NDArray[np.integer], eastings: NDArray[np.float64]
) -> list[tuple[CellProblem, str, float, str]]:
    due = codes[np.lexsort((eastings, bands))]
    return [
        ("order", code, float(place), f"Cell {code} lies where number {place} of its community is due.")
        for place, (code, wanted) in enumerate(zip(due, sorted(codes), strict=True), start=1)
        if code != wanted
    ]


def _require_polygons(name: str, frame: gpd.GeoDataFrame) -> None:
    geometry = frame.geometry.to_numpy()
    kinds = shapely.get_type_id(geometry)
    good = np.isin(kinds, (3, 6)) & shapely.is_valid(geometry) & ~shapely.is_empty(geometry)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InputError(
            "{name} must be valid polygons, but row {row} is {found}.",
            "Mend it with make_valid() or leave it out.",
            name=name,
            row=row,
            found="missing"
            if kinds[row] < 0
            else shapely.is_valid_reason(geometry[row]) + f" ({geometry[row].geom_type})",
        )
