"""Laws of the calibration: exact points are recovered, the horizon is refused, errors grow with distance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.calibration import fit_homography

VIDEO = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "video"
GROUND = np.array([[-10, 10], [10, 10], [-20, 60], [20, 60], [0, 25], [5, 40]], dtype=float)


def camera(height: float, tilt_deg: float, focal: float) -> NDArray[np.float64]:
    """Ground metres (y ahead) → pixels of a 768×576 picture, for a camera above the origin."""
    tilt = np.radians(tilt_deg)
    right = [1, 0, 0]
    down = [0, -np.sin(tilt), -np.cos(tilt)]
    ahead = [0, np.cos(tilt), -np.sin(tilt)]
    turn = np.array([right, down, ahead])
    view = np.column_stack([turn[:, 0], turn[:, 1], turn @ [0, 0, -height]])
    return np.array([[focal, 0, 384], [0, focal, 288], [0, 0, 1]]) @ view


def project(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return mapped[:, :2] / mapped[:, 2:]


cameras = st.tuples(st.floats(3, 20), st.floats(5, 40), st.floats(400, 1500))


@settings(deadline=None)
@given(cameras, st.integers(4, 6), st.sampled_from([0.0, 5.0e6]))
def test_exact_points_are_recovered_exactly(
    pose: tuple[float, float, float], count: int, origin: float
) -> None:
    matrix = camera(*pose)
    pixels = project(matrix, GROUND)
    fit = fit_homography(pixels[:count], GROUND[:count] + origin)
    scale = 1e-6 if origin == 0 else 1e-5
    assert fit.max_m < scale and fit.rmse_m <= fit.max_m
    np.testing.assert_allclose(fit.to_ground(pixels), GROUND + origin, atol=scale)
    np.testing.assert_allclose(fit.to_pixels(GROUND + origin), pixels, atol=1e-3)


@settings(deadline=None)
@given(cameras, st.floats(0, 767), st.floats(1, 300))
def test_above_the_horizon_there_is_no_ground(pose: tuple[float, float, float], x: float, up: float) -> None:
    _, tilt, focal = pose
    fit = fit_homography(project(camera(*pose), GROUND), GROUND)
    horizon = 288 - focal * np.tan(np.radians(tilt))
    assert fit.sees_ground([[x, horizon + up]])[0]
    assert not fit.sees_ground([[x, horizon - up]])[0]
    with pytest.raises(InputError, match=r"row 1.*above the horizon"):
        fit.to_ground([[x, horizon + up], [x, horizon - up]])


@settings(deadline=None)
@given(cameras)
def test_the_error_grows_with_distance(pose: tuple[float, float, float]) -> None:
    matrix = camera(*pose)
    fit = fit_homography(project(matrix, GROUND), GROUND)
    away = project(matrix, np.column_stack([np.zeros(5), [10, 20, 40, 60, 80]]))
    errors = fit.error_m(away)
    assert (np.diff(errors) > 0).all()


def test_the_error_is_what_moved_pixels_show() -> None:
    matrix = camera(8, 15, 900)
    fit = fit_homography(project(matrix, GROUND), GROUND)
    spot = project(matrix, np.array([[3.0, 45.0]]))
    shifted = spot + 2 * np.column_stack([np.cos(np.arange(0, 6.3, 0.1)), np.sin(np.arange(0, 6.3, 0.1))])
    worst = np.linalg.norm(fit.to_ground(shifted) - fit.to_ground(spot), axis=1).max()
    assert fit.error_m(spot, 2)[0] == pytest.approx(worst, rel=0.05)


def test_noise_shows_as_residual() -> None:
    noise = np.random.default_rng(4).normal(0, 0.3, GROUND.shape)
    fit = fit_homography(project(camera(8, 15, 900), GROUND), GROUND + noise)
    assert 0.02 < fit.rmse_m < 0.6 and fit.max_m == fit.residuals_m.max()


@settings(deadline=None)
@given(st.integers(3, 8), st.floats(-5, 5), st.floats(-50, 50))
def test_points_on_a_line_do_not_fix_a_plane(count: int, slope: float, shift: float) -> None:
    x = np.linspace(0, 700, count)
    line = np.column_stack([x, slope * x + shift])
    with pytest.raises(InputError, match=r"line or coincide|do not fix"):
        fit_homography(line, GROUND[np.arange(count) % 6])


@settings(deadline=None)
@given(st.integers(1, 10_000))
def test_three_of_four_on_a_line_are_refused(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = rng.uniform(0, 700, (3, 2))
    assume(np.linalg.norm(a - b) > 50)
    pixels = np.array([a, b, (a + b) / 2, c])
    with pytest.raises(InputError, match="on a line"):
        fit_homography(pixels, GROUND[:4])


def test_too_few_uneven_and_crossed_points_say_so() -> None:
    pixels = project(camera(8, 15, 900), GROUND)
    with pytest.raises(InputError, match="3 reference"):
        fit_homography(pixels[:3], GROUND[:3])
    with pytest.raises(InputError, match="6 reference pixels but 5"):
        fit_homography(pixels, GROUND[:5])
    with pytest.raises(InputError, match="contradict"):
        fit_homography(pixels[[0, 3, 2, 1]], GROUND[:4])
    with pytest.raises(InputError, match="finite"):
        fit_homography(np.full((4, 2), np.nan), GROUND[:4])


def test_a_published_camera_has_the_residual_of_its_publisher() -> None:
    source = VIDEO / "clips" / "ot_camera.gcp_utm32n.json"
    if not source.is_file():
        pytest.skip("the shared street footage is absent")
    points = json.loads(source.read_text()).values()
    pixels = [[point["x_px"], point["y_px"]] for point in points]
    ground = [[point["lon_utm"], point["lat_utm"]] for point in points]
    fit = fit_homography(pixels, ground)
    assert fit.rmse_m < 0.15 and fit.max_m < 0.24


def test_repeated_points_name_their_rows() -> None:
    pixels = project(camera(8, 15, 900), GROUND)
    again = np.vstack([pixels, pixels[2] + 0.1])
    with pytest.raises(InputError, match=r"points 2, 6 coincide in the picture"):
        fit_homography(again, np.vstack([GROUND, [1.0, 1.0]]))
    with pytest.raises(InputError, match=r"points 1, 6 coincide on the ground"):
        fit_homography(np.vstack([pixels, [5.0, 5.0]]), np.vstack([GROUND, GROUND[1]]))


def test_points_on_a_line_name_their_rows() -> None:
    ground = np.array([[0, 0], [7, 3], [10, 10], [20, 20], [30, 30]], dtype=float)
    pixels = project(camera(20, 40, 500), ground + np.array([0, 30]))
    with pytest.raises(InputError, match=r"points 0, 2, 3, 4 lie on a line"):
        fit_homography(pixels, ground)
    # In the picture they are apart, on the ground somebody entered them on a line.
    with pytest.raises(InputError, match=r"points 0, 1, 3 lie on a line"):
        fit_homography([[10, 10], [400, 30], [300, 300], [20, 500]], [[0, 0], [5, 5], [0, 9], [8, 8]])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(5, 9))
def test_leave_one_out_is_what_a_new_point_would_have_shown(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    ground = np.column_stack([rng.uniform(-20, 20, count), rng.uniform(10, 60, count)])
    pixels = project(camera(8, 20, 800), ground) + rng.normal(0, 1, (count, 2))
    try:
        fit = fit_homography(pixels, ground)
    except InputError:
        return
    for row in range(count):
        others = np.arange(count) != row
        try:
            rest = fit_homography(pixels[others], ground[others])
        except InputError:
            assert np.isnan(fit.leave_one_out_m[row])
            continue
        if not rest.sees_ground(pixels[[row]])[0]:
            assert np.isnan(fit.leave_one_out_m[row])
            continue
        off = np.linalg.norm(rest.to_ground(pixels[[row]]) - ground[[row]])
        assert fit.leave_one_out_m[row] == pytest.approx(off, rel=1e-3, abs=1e-6)
    known = fit.leave_one_out_m[np.isfinite(fit.leave_one_out_m)]
    if len(known):
        assert fit.leave_one_out_max_m == known.max()
        assert known.min() - 1e-12 <= fit.leave_one_out_rmse_m <= known.max() + 1e-12


def test_a_wrong_pair_hides_in_the_residual_and_shows_when_left_out() -> None:
    pixels = project(camera(8, 15, 900), GROUND[:5])
    wrong = GROUND[:5].copy()
    wrong[2] += [3, 0]
    fit = fit_homography(pixels, wrong)
    assert fit.leave_one_out_max_m > 3 * fit.max_m
    assert not fit.has_enough and fit_homography(project(camera(8, 15, 900), GROUND), GROUND).has_enough


def test_four_points_leave_nothing_to_check_with() -> None:
    fit = fit_homography(project(camera(8, 15, 900), GROUND[:4]), GROUND[:4])
    assert np.isnan(fit.leave_one_out_m).all() and np.isnan(fit.leave_one_out_rmse_m)
    assert np.isnan(fit.leave_one_out_max_m) and fit.rmse_m < 1e-6


@settings(deadline=None)
@given(cameras, st.lists(st.floats(0, 1), min_size=6, max_size=6), st.floats(1, 200))
def test_among_the_reference_points_there_is_a_place_and_beyond_none(
    pose: tuple[float, float, float], shares: list[float], beyond: float
) -> None:
    assume(sum(shares) > 0.1)
    pixels = project(camera(*pose), GROUND)
    fit = fit_homography(pixels, GROUND)
    inside = (np.array(shares) / sum(shares)) @ pixels
    place = fit.place([inside])
    np.testing.assert_allclose(place.ground_m, fit.to_ground([inside]))
    assert place.sigma_m[0] > 0
    lowest = pixels[pixels[:, 1].argmax()]  # below it there is ground, but no reference point
    outside = lowest + np.array([0, beyond])
    assert fit.sees_ground([outside])[0]
    assert fit.covers([inside, lowest, outside]).tolist() == [True, True, False]
    assert fit.covers([outside], margin_px=beyond + 0.01)[0]
    with pytest.raises(InputError, match="rows 1, 2 lie beyond"):
        fit.place([inside, outside, outside])


def test_a_margin_never_reaches_above_the_horizon_and_must_be_a_length() -> None:
    fit = fit_homography(project(camera(8, 15, 900), GROUND), GROUND)
    assert not fit.covers([[384, -4000]], margin_px=10_000)[0]
    assert fit.covers(np.zeros((0, 2))).shape == (0,)
    for margin in (-1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="margin_px"):
            fit.covers([[0, 0]], margin)
    for name in ("click_px", "foot_px"):
        with pytest.raises(InputError, match=name):
            fit.sigma_m([[384, 400]], **{name: 0})


@settings(deadline=None)
@given(cameras)
def test_sigma_grows_with_distance_and_is_never_less_than_the_click(pose: tuple[float, float, float]) -> None:
    matrix = camera(*pose)
    fit = fit_homography(project(matrix, GROUND), GROUND)
    away = project(matrix, np.column_stack([np.zeros(5), [20, 40, 60, 90, 130]]))
    sigma = fit.sigma_m(away)
    assert (np.diff(sigma) > 0).all()
    assert (sigma >= fit.error_m(away) - 1e-9).all()  # exact points: error_m is the click alone
    np.testing.assert_allclose(fit.sigma_m(away, 7, 4), 2 * sigma, rtol=1e-6)


@pytest.mark.parametrize("count", [4, 5, 6, 12])
def test_sigma_is_the_spread_that_repeated_clicking_shows(count: int) -> None:
    """Reference points and foot points clicked anew many times, two pixels off each time."""
    rng = np.random.default_rng(count)
    matrix = camera(8, 20, 900)
    corners = [[-8, 12], [8, 12], [-15, 40], [15, 40]]
    more = np.column_stack([rng.uniform(-8, 8, 8), rng.uniform(14, 38, 8)])
    ground = np.vstack([corners, more])[:count]
    pixels = project(matrix, ground)
    spots = np.array([[0.0, 15], [-5, 25], [6, 36]])
    feet = project(matrix, spots)
    claimed, off = [], []
    for _ in range(80):
        fit = fit_homography(pixels + rng.normal(0, 2, pixels.shape), ground)
        claimed.append(np.trace(fit.covariance_m2(feet, 2, 2), axis1=1, axis2=2))
        off.append(((fit.to_ground(feet + rng.normal(0, 2, feet.shape)) - spots) ** 2).sum(axis=1))
    ratio = np.sqrt(np.mean(off, axis=0) / np.median(claimed, axis=0))
    assert (ratio > 0.6).all() and (ratio < 1.25).all()


def test_contradicting_reference_points_widen_sigma() -> None:
    pixels = project(camera(8, 15, 900), GROUND)
    exact = fit_homography(pixels, GROUND)
    rough = fit_homography(pixels, GROUND + np.random.default_rng(2).normal(0, 1.5, GROUND.shape))
    spot = project(camera(8, 15, 900), np.array([[0.0, 20.0]]))
    assert rough.sigma_m(spot)[0] > 1.5 * exact.sigma_m(spot)[0]
