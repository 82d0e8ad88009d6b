"""Unit cells tile their community, are numbered as the standard says, and faults are found."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate, translate

from analysis.codes import parse_cell_code
from analysis.errors import CodeError, CrsError, InputError
from analysis.grid import check_cells, row_bands, unit_cells

EPSG = 4549


def town(*boundaries):
    codes = [f"330481001{number:03d}" for number in range(1, len(boundaries) + 1)]
    return gpd.GeoDataFrame({"community_code": codes}, geometry=list(boundaries), crs=EPSG)


def star(corners, seed):
    random = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = random.uniform(60, 500, corners)
    return shapely.Polygon(np.c_[500_000 + reach * np.cos(angle), 3_370_000 + reach * np.sin(angle)])


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 14), st.integers(0, 10_000), st.sampled_from([50.0, 80.0, 100.0]))
def test_cells_tile_any_community(corners, seed, cell_size_m):
    communities = town(star(corners, seed))
    cells = unit_cells(communities, cell_size_m)
    assert check_cells(cells, communities, cell_size_m=cell_size_m).empty
    assert cells["area_m2"].sum() == pytest.approx(communities.area.sum(), abs=1e-3)
    assert (cells.geom_type == "Polygon").all() and cells.is_valid.all()
    assert all(parse_cell_code(code).community_code == "330481001001" for code in cells["code"])
    assert cells["sequence"].tolist() == list(range(1, len(cells) + 1))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 90))
def test_neighbouring_communities_share_no_ground(seed, angle):
    west = rotate(shapely.box(0, 0, 430, 370), angle, origin=(0, 0))
    east = rotate(shapely.box(430, 0, 777, 370), angle, origin=(0, 0))
    communities = town(*(translate(part, seed, -seed) for part in (west, east)))
    cells = unit_cells(communities)
    assert check_cells(cells, communities).empty
    assert cells["code"].is_unique and cells["code"].is_monotonic_increasing


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_no_sliver_keeps_a_neighbour(seed):
    cells = unit_cells(town(star(9, seed)))
    small = cells[cells["area_m2"] < 0.4 * 100**2]
    for _, cell in small.iterrows():
        edges = cells.boundary.intersection(cell.geometry.boundary).length
        assert (edges > 1e-6).sum() == 1  # only its own boundary


def test_a_square_kilometre_has_a_hundred_cells_from_north_west_to_south_east():
    cells = unit_cells(town(shapely.box(0, 0, 1000, 1000)))
    assert len(cells) == 100
    np.testing.assert_allclose(cells["area_m2"], 10_000)
    assert cells.geometry.iloc[0].equals(shapely.box(0, 900, 100, 1000))
    assert cells.geometry.iloc[9].equals(shapely.box(900, 900, 1000, 1000))
    assert cells.geometry.iloc[10].equals(shapely.box(0, 800, 100, 900))
    assert cells["code"].iloc[-1] == "330481001001100"
    assert row_bands(cells.geometry).iloc[[0, 10, 99]].tolist() == [-9, -8, 0]


def test_a_strip_joins_its_neighbour_and_an_island_stays():
    mainland, island = shapely.box(0, 0, 220, 100), shapely.box(500, 0, 520, 20)
    cells = unit_cells(town(shapely.union(mainland, island)))
    assert cells["area_m2"].round().tolist() == [10_000, 12_000, 400]


def test_faults_are_found():
    communities = town(shapely.box(0, 0, 200, 100), shapely.box(200, 0, 400, 100))
    cells = unit_cells(communities)

    def problems(changed):
        found = check_cells(changed, communities)
        return set(found["problem"])

    assert problems(cells) == set()
    assert problems(cells.iloc[1:]) == {"gap", "area"}
    swapped = cells.assign(code=cells["code"].iloc[[1, 0, 2, 3]].tolist())
    assert problems(swapped) == {"order"}
    doubled = cells.assign(code=cells["code"].iloc[[0, 0, 2, 3]].tolist())
    assert "uniqueness" in problems(doubled)
    stranger = cells.assign(code=["330481001009001", *cells["code"].iloc[1:]])
    assert {"prefix", "gap"} <= problems(stranger)
    malformed = cells.assign(code=["33048100100900", *cells["code"].iloc[1:]])
    assert {"code", "prefix"} <= problems(malformed)
    wide = cells.set_geometry([shapely.box(0, 0, 110, 100), *cells.geometry.iloc[1:]])
    assert problems(wide) == {"overlap", "area"}
    across = cells.set_geometry([*cells.geometry.iloc[:3], shapely.box(300, 0, 410, 100)])
    assert problems(across) == {"outside", "area"}
    found = check_cells(wide, communities).set_index("problem")
    assert found.loc["overlap", "amount"] == pytest.approx(1000)
    assert found.loc["overlap", "code"] == "330481001001001"
    assert found.loc["area", "code"] == "" and found.loc["area", "community_code"] == "330481001001"


def test_bad_input_is_refused_with_a_mend():
    good = town(shapely.box(0, 0, 200, 100))
    with pytest.raises(CrsError, match="to_metric"):
        unit_cells(good.set_crs(4490, allow_override=True))
    with pytest.raises(InputError, match="lacks the column"):
        unit_cells(good.drop(columns="community_code"))
    with pytest.raises(InputError, match="cell_size_m must be above zero"):
        unit_cells(good, 0)
    with pytest.raises(InputError, match="999"):
        unit_cells(good, 3)
    with pytest.raises(InputError, match="dissolve"):
        unit_cells(
            gpd.GeoDataFrame(
                {"community_code": ["330481001001"] * 2}, geometry=list(good.geometry) * 2, crs=EPSG
            )
        )
    with pytest.raises(InputError, match="row 0"):
        unit_cells(town(shapely.Polygon([(0, 0), (1, 1), (0, 1), (1, 0)])))
    with pytest.raises(InputError, match="row 0 is Valid Geometry \\(Point\\)"):
        unit_cells(town(shapely.Point(0, 0)))
    with pytest.raises(CodeError, match="digits 1-2 '99'"):
        unit_cells(good.assign(community_code="990481001001"))
