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
