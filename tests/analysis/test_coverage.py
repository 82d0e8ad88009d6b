"""Laws and cases of the ground that cameras see together."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.coverage import (
    blind_cells,
    camera_overlap,
    coverage_by_cell,
    marginal_area_m2,
    seen_area_m2,
    share_matrix,
)
from analysis.errors import CrsError, InputError

UTM = 32635
FEW = settings(max_examples=40, deadline=None)


def series(*shapes):
    return gpd.GeoSeries(list(shapes), crs=UTM, index=[f"v{n}" for n in range(len(shapes))])


def grid(side=25.0, count=4):
    x, y = np.meshgrid(np.arange(count) * side, np.arange(count) * side)
    boxes = shapely.box(x, y, x + side, y + side).ravel()
    return gpd.GeoDataFrame(geometry=boxes, crs=UTM, index=[f"c{n}" for n in range(count**2)])


sectors = st.lists(
    st.builds(
        lambda x, y, r, start, field: shapely.Polygon(
            [(x, y)]
            + [
                (x + r * math.cos(start + field * t / 8), y + r * math.sin(start + field * t / 8))
                for t in range(9)
            ]
        ),
        st.floats(-10, 110),
        st.floats(-10, 110),
        st.floats(1, 60),
        st.floats(0, 6),
        st.floats(0.2, 3),
    ),
    min_size=1,
    max_size=8,
)


# Laws


@FEW
@given(sectors)
def test_coverage_is_a_share_and_one_more_camera_never_hides_ground(shapes):
    cells = grid()
    fewer, more = coverage_by_cell(cells, series(*shapes[:-1])), coverage_by_cell(cells, series(*shapes))
    assert more.between(0, 1).all()
    assert (more >= fewer - 1e-9).all()


@FEW
@given(sectors)
def test_cells_add_up_to_the_ground_seen(shapes):
    cells = grid(side=60, count=6)
    cells["geometry"] = cells.translate(-100, -100)
    seen = (coverage_by_cell(cells, series(*shapes)) * cells.area).sum()
    assert seen == pytest.approx(seen_area_m2(series(*shapes)), rel=1e-9, abs=1e-6)
    assert seen == pytest.approx(shapely.union_all(shapes).area, rel=1e-9, abs=1e-6)


@FEW
@given(sectors)
def test_marginal_area_is_what_goes_with_the_camera(shapes):
    views = series(*shapes)
    marginal, overlap = marginal_area_m2(views), camera_overlap(views)
    for name in views.index:
        lost = seen_area_m2(views) - seen_area_m2(views.drop(name))
        assert marginal[name] == pytest.approx(lost, rel=1e-6, abs=1e-6)
        assert marginal[name] == pytest.approx((1 - overlap[name]) * views[name].area, rel=1e-6, abs=1e-6)


@FEW
@given(sectors)
def test_shares_of_single_cameras_bound_the_share_of_all(shapes):
    cells, views = grid(), series(*shapes)
    shares, coverage = share_matrix(cells, views).toarray(), coverage_by_cell(cells, views).to_numpy()
    assert shares.shape == (len(views), len(cells))
    assert (shares.max(axis=0) <= coverage + 1e-9).all()
    assert (coverage <= shares.sum(axis=0) + 1e-9).all()


# Cases


def test_two_overlapping_views_of_a_cell():
    cells = grid(side=10, count=2)
    views = series(shapely.box(0, 0, 5, 10), shapely.box(3, 0, 8, 10), shapely.box(10, 0, 20, 10))
    coverage = coverage_by_cell(cells, views)
    assert list(coverage.index) == list(cells.index)
    assert list(coverage) == pytest.approx([0.8, 1, 0, 0])
    assert list(blind_cells(coverage)) == [False, False, True, True]
    assert list(marginal_area_m2(views)) == pytest.approx([30, 30, 100])
    assert list(camera_overlap(views)) == pytest.approx([0.4, 0.4, 0])
    assert seen_area_m2(views) == pytest.approx(180)
    assert share_matrix(cells, views)[0, 0] == pytest.approx(0.5)


def test_equal_views_each_add_nothing():
    assert list(marginal_area_m2(series(*[shapely.box(0, 0, 9, 9)] * 2))) == [0, 0]


def test_views_that_are_empty_or_missing_see_nothing():
    views = series(shapely.Polygon(), None, shapely.box(0, 0, 5, 10))
    assert coverage_by_cell(grid(side=10, count=1), views).iloc[0] == pytest.approx(0.5)
    assert list(marginal_area_m2(views)) == [0, 0, 50]
    assert list(camera_overlap(views).isna()) == [True, True, False]
    assert seen_area_m2(views) == 50


def test_no_views_cover_nothing():
    assert (coverage_by_cell(grid(), series()) == 0).all()
    assert seen_area_m2(series()) == 0
    assert marginal_area_m2(series()).empty
    assert share_matrix(grid(), series()).shape == (0, 16)


def test_ground_seen_is_the_same_across_tiles():
    discs = series(*shapely.points(np.arange(0, 3000, 100), 7.0).tolist()).buffer(80)
    assert seen_area_m2(discs) == pytest.approx(discs.union_all().area)


# Errors


def test_other_reference_systems_are_refused():
    with pytest.raises(CrsError, match="views"):
        coverage_by_cell(grid(), series(shapely.box(0, 0, 1, 1)).set_crs(32636, allow_override=True))
    with pytest.raises(CrsError, match="cells"):
        coverage_by_cell(grid().set_crs(4326, allow_override=True), series())
    with pytest.raises(CrsError):
        seen_area_m2(series().set_crs(4326, allow_override=True))


@pytest.mark.parametrize("shape", [shapely.Point(0, 0), shapely.Polygon([(0, 0), (5, 5), (5, 0), (0, 5)])])
def test_a_view_that_is_no_area_is_named(shape):
    with pytest.raises(InputError, match="Row v1 of views"):
        coverage_by_cell(grid(), series(shapely.box(0, 0, 1, 1), shape))


def test_a_cell_without_area_is_named():
    cells = grid()
    cells.loc["c3", "geometry"] = shapely.Polygon()
    with pytest.raises(InputError, match="Row c3 of cells"):
        coverage_by_cell(cells, series())


def test_blind_cells_takes_shares():
    with pytest.raises(InputError, match="threshold"):
        blind_cells(pd.Series([0.5]), threshold=5)
    with pytest.raises(InputError, match="cell b"):
        blind_cells(pd.Series([0.5, np.nan], index=["a", "b"]))
