"""Reference points: kept as they were marked, refused where they prove nothing, carried to another size of picture."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from analysis.errors import InputError
from analysis.vision.calibration import Homography
from geodata import database
from geodata.commands.calibrations import save_calibration
from geodata.commands.placing import Placing
from geodata.errors import NotFound
from geodata.queries.calibrations import (
    Frame,
    PictureDesk,
    fit_points,
    hull_px,
    read_desk,
    surroundings,
    zone_in_picture,
    zone_on_ground,
)
from geodata.queries.datasets import loaded_town, revision
from geodata.queries.watches import camera_setup

SIZE = (768, 576)
GROUND = np.array([(-5.0, 13), (6, 14), (-14, 32), (15, 30), (-3, 20), (4, 44), (-18, 60), (20, 58)])
HELSINKI = Frame((385_900.0, 6_672_000.0), 3067)


def seen(ground: np.ndarray) -> np.ndarray:
    """Where a camera 6 m up, turned 25° down, shows places: metres ahead and to the right → pixels."""
    tilt = np.radians(25)
    across, ahead = ground.T
    depth = ahead * np.cos(tilt) + 6 * np.sin(tilt)
    down = -ahead * np.sin(tilt) + 6 * np.cos(tilt)
    return np.column_stack([384 + 700 * across / depth, 288 + 700 * down / depth])


PIXELS = seen(GROUND)
INSIDE = ((PIXELS >= 0) & (PIXELS <= SIZE)).all(axis=1)
assert INSIDE.all(), "the test's own camera shows its reference points"


def demonstration() -> int:
    return int(value("SELECT id FROM camera WHERE demonstration"))


def value(statement: str, **facts: object) -> Any:
    with database.connection() as conn:
        return conn.execute(text(statement), facts).scalar()


def write(statement: str, **facts: object) -> None:
    with database.transaction() as session:
        session.execute(text(statement), facts)


def desk_of(camera_id: int) -> PictureDesk:
    with database.connection() as conn:
        return read_desk(conn, loaded_town(conn), camera_id)


def everything() -> tuple[Any, ...]:
    """What a refused calibration must leave alone."""
    with database.connection() as conn:
        kept = conn.execute(text("SELECT md5(string_agg(k::text, ',' ORDER BY id)) FROM calibration k"))
        zones = conn.execute(text("SELECT md5(string_agg(z::text, ',' ORDER BY id)) FROM zone z"))
        audits = conn.execute(text("SELECT count(*) FROM audit"))
        return kept.scalar(), zones.scalar(), audits.scalar(), revision(conn)


# --------------------------------------------------------------------------------------------- laws, pure


@given(st.lists(st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_metres_go_to_degrees_and_back(places: list[tuple[float, float]]) -> None:
    there = HELSINKI.to_metres(HELSINKI.to_degrees(places))
    assert np.abs(there - places).max() < 1e-3


@st.composite
def triangles(draw: st.DrawFn, fit: Homography) -> list[tuple[float, float]]:
    """Three pixels in the hull of the reference points, at least a few apart."""
    hull = np.asarray(hull_px(fit))
    corners = []
    for _ in range(3):
        shares = np.array([draw(st.floats(0.01, 1)) for _ in hull])
        corners.append(tuple(shares / shares.sum() @ hull))
    return corners


FIT = fit_points(PIXELS, GROUND)


@given(triangles(FIT))
@settings(max_examples=60, deadline=None)
def test_a_zone_goes_to_the_ground_and_back(corners: list[tuple[float, float]]) -> None:
    drawn = shapely.Polygon(corners)
    if drawn.area < 4:
        assert len(zone_on_ground(FIT, corners)) in (0, 3)
        return
    back = shapely.Polygon(zone_in_picture(FIT, zone_on_ground(FIT, corners)))
    assert back.symmetric_difference(drawn).area < 0.01 * drawn.area + 0.01


def test_of_a_zone_beyond_the_points_the_part_that_is_known_goes_to_the_ground() -> None:
    whole = shapely.Polygon(FIT.to_ground(np.asarray(hull_px(FIT))))
    over = [(0, 0), (SIZE[0], 0), SIZE, (0, SIZE[1])]
    assert shapely.Polygon(zone_on_ground(FIT, over)).area == pytest.approx(whole.area, rel=1e-6)
    assert zone_on_ground(FIT, [(0, 0), (20, 0), (0, 20)]) == ()
    assert zone_on_ground(FIT, [(0, 0), (300, 500), (300, 0), (0, 500)]) == (), "edges that cross"


@pytest.mark.parametrize(
    ("corner", "why"),
    [
        ((0.0, 400.0), "far beyond"),
        ((0.0, -12.0), "behind the camera"),
        ((-40.0, 20.0), "beside"),
        ((0.0, -6 * np.tan(np.radians(25))), "on the line that no picture shows"),
    ],
)
def test_a_zone_drawn_beyond_the_points_is_refused_by_its_corner(
    corner: tuple[float, float], why: str
) -> None:
    ring = [(-3.0, 20.0), corner, (3.0, 25.0)]
    with pytest.raises(InputError) as caught:
        zone_in_picture(FIT, ring)
    assert caught.value.facts["rows"] == "2", why


def test_faults_of_the_fit_count_from_one() -> None:
    with pytest.raises(InputError) as caught:
        fit_points([(0, 0), (1, 1), (2, 2), (3, 3)], GROUND[:4])
    assert caught.value.facts["rows"] == "1, 2, 3, 4"


# --------------------------------------------------------------------------------------------- kept


@pytest.mark.postgis
def test_what_is_kept_is_what_was_marked_and_finds_are_placed_by_it(town_copy: str) -> None:
    camera = demonstration()
    frame = desk_of(camera).frame
    degrees = frame.to_degrees(GROUND)
    before = value("SELECT count(*) FROM audit")
    with database.connection() as conn:
        old = revision(conn)
    write("UPDATE camera_watch SET resized_at = now() WHERE camera_id = :id", id=camera)
    saved = save_calibration(camera, SIZE, PIXELS, degrees)
    assert saved.fit.max_m < 1e-3 and (saved.zones_moved, saved.zones_off) == (0, 0)
    desk = desk_of(camera)
    assert desk.stored is not None and desk.stored.size_px == SIZE and desk.resized_at is None
    assert np.allclose(desk.stored.pixels, PIXELS) and np.abs(desk.stored.ground_m - GROUND).max() < 1e-3
    with database.connection() as conn:
        assert revision(conn) > old, "other screens show it at once"
        placing = Placing(camera_setup(conn, camera), loaded_town(conn))
    for pixel, place in zip(PIXELS, degrees, strict=True):
        found = placing.pixel(tuple(pixel * 0.98 + PIXELS.mean(axis=0) * 0.02))
        assert found is not None
        near = frame.to_metres([[found.lon_deg, found.lat_deg]])[0] - frame.to_metres([place])[0]
        assert np.hypot(*near) < 4, "beside the reference point, a little towards the middle"
    exact = placing.pixel(tuple(PIXELS[4]))
    assert exact is not None
    assert np.abs(frame.to_metres([[exact.lon_deg, exact.lat_deg]]) - GROUND[4]).max() < 0.01
    assert placing.pixel((5.0, 5.0)) is None, "above the points nobody knows"
    row = value("SELECT row_to_json(a) FROM audit a WHERE action = 'calibrate' ORDER BY id DESC LIMIT 1")
    assert value("SELECT count(*) FROM audit") > before
    assert desk.code in row["subject"] and row["details"]["points"] == len(PIXELS)
    assert row["details"]["before"]["points"] == 8


@pytest.mark.postgis
def test_points_kept_again_as_they_are_move_nothing(town_copy: str) -> None:
    """The demonstration's points are in a turned frame of their own; kept anew they are in metres of the town."""
    camera = demonstration()
    desk = desk_of(camera)
    assert desk.stored is not None
    with database.connection() as conn:
        town = loaded_town(conn)
        before = Placing(camera_setup(conn, camera), town)
    assert value("SELECT rotation_deg FROM calibration WHERE camera_id = :id", id=camera) != 0
    save_calibration(camera, SIZE, desk.stored.pixels, desk.frame.to_degrees(desk.stored.ground_m))
    with database.connection() as conn:
        after = Placing(camera_setup(conn, camera), town)
    for pixel in ((480.0, 210.0), (300.0, 400.0), (600.0, 500.0)):
        old, new = before.pixel(pixel), after.pixel(pixel)
        assert old is not None and new is not None
        moved = desk.frame.to_metres([[new.lon_deg, new.lat_deg], [old.lon_deg, old.lat_deg]])
        assert np.hypot(*(moved[0] - moved[1])) < 0.01
        assert new.error_m == pytest.approx(old.error_m, rel=1e-3)
    stored = value("SELECT loo_rmse_m FROM calibration WHERE camera_id = :id", id=camera)
    rmse = value("SELECT rmse_m FROM calibration WHERE camera_id = :id", id=camera)
    assert stored > rmse > 0
    assert value("SELECT simulated FROM calibration WHERE camera_id = :id", id=camera), (
        "its ground is not the town's"
    )


@pytest.mark.postgis
def test_a_camera_without_calibration_gets_one(town_copy: str) -> None:
    camera = int(value("SELECT min(id) FROM camera WHERE NOT demonstration AND stream_url IS NULL"))
    desk = desk_of(camera)
    assert desk.stored is None and desk.picture is None and desk.size_px is None and desk.zones == ()
    save_calibration(camera, SIZE, PIXELS[:4], desk.frame.to_degrees(GROUND[:4]))
    kept = desk_of(camera)
    assert kept.stored is not None and kept.size_px == SIZE and not kept.stored.simulated
    assert value("SELECT loo_rmse_m FROM calibration WHERE camera_id = :id", id=camera) is None, (
        "four points leave none to check them"
    )


def _with(rows: Sequence[int], image: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pixels, ground = PIXELS.copy(), GROUND.copy()
    pixels[list(rows)], ground[list(rows)] = image, places
    return pixels, ground


LINE = np.linspace((100.0, 300.0), (700.0, 500.0), len(PIXELS))
WRONG: dict[str, tuple[np.ndarray, np.ndarray, str | None]] = {
    "too few": (PIXELS[:3], GROUND[:3], None),
    "none": (PIXELS[:0], GROUND[:0], None),
    "on one line": (LINE, GROUND, "1, 2, 3, 4, 5, 6, 7, 8"),
    "the same pixel twice": (*_with([5], PIXELS[2], GROUND[5]), "3, 6"),
    "the same place twice": (*_with([7], PIXELS[7], GROUND[0]), "1, 8"),
    "outside the picture": (*_with([1], np.array([800.0, 20.0]), GROUND[1]), "2"),
    "far away": (*_with([3], PIXELS[3], np.array([4_000.0, 0.0])), "4"),
    "not a number": (*_with([6], np.array([np.nan, 4.0]), GROUND[6]), "7"),
    "nowhere": (*_with([6], PIXELS[6], np.array([np.nan, np.nan])), "7"),
}


@pytest.fixture(scope="module")
def left_alone(town_of_module: str) -> str:
    """A town in which nothing may be changed by what is refused."""
    return town_of_module


@pytest.mark.postgis
@pytest.mark.parametrize("wrong", WRONG)
def test_what_proves_nothing_is_refused_and_nothing_is_written(left_alone: str, wrong: str) -> None:
    pixels, ground, rows = WRONG[wrong]
    camera = demonstration()
    before = everything()
    frame = desk_of(camera).frame
    degrees = np.full_like(ground, np.nan)
    known = np.isfinite(ground).all(axis=1)
    if known.any():
        degrees[known] = frame.to_degrees(ground[known])
    with pytest.raises(InputError) as caught:
        save_calibration(camera, SIZE, pixels, degrees)
    if rows is not None:
        assert caught.value.facts["rows"] == rows
    assert everything() == before


@pytest.mark.postgis
def test_longitude_and_latitude_exchanged_are_told(left_alone: str) -> None:
    camera = demonstration()
    degrees = desk_of(camera).frame.to_degrees(GROUND)[:, ::-1]
    with pytest.raises(InputError, match="exchanged"):
        save_calibration(camera, SIZE, PIXELS, degrees)


@pytest.mark.postgis
def test_a_camera_that_is_gone(left_alone: str) -> None:
    with pytest.raises(NotFound):
        save_calibration(999_999, SIZE, PIXELS, HELSINKI.to_degrees(GROUND))


@pytest.mark.postgis
@pytest.mark.parametrize("size", [(0, 576), (768, -1)])
def test_a_picture_without_size(left_alone: str, size: tuple[int, int]) -> None:
    with pytest.raises(InputError):
        save_calibration(demonstration(), size, PIXELS, HELSINKI.to_degrees(GROUND))


# ------------------------------------------------------------------------------- another size of picture


@pytest.mark.postgis
def test_zones_follow_to_another_size_of_the_same_shape(town_copy: str) -> None:
    camera = demonstration()
    line = [[10.0, 20.0], [110.0, 220.0]]
    write(
        "UPDATE zone SET rule = 'line_crossing', settings = jsonb_build_object('line', CAST(:line AS jsonb))"
        " WHERE id = (SELECT min(id) FROM zone WHERE camera_id = :id)",
        id=camera,
        line=str(line),
    )
    before = {zone.id: zone for zone in desk_of(camera).zones}
    degrees = desk_of(camera).frame.to_degrees(GROUND)
    saved = save_calibration(camera, (1536, 1152), PIXELS * 2, degrees)
    assert (saved.zones_moved, saved.zones_off) == (len(before), 0)
    for zone in desk_of(camera).zones:
        old = before[zone.id]
        assert np.allclose(zone.polygon_px, np.multiply(old.polygon_px, 2))
        assert zone.version == old.version + 1 and zone.enabled
        if zone.kind == "line_crossing":
            assert np.allclose(zone.settings["line"], np.multiply(line, 2))


@pytest.mark.postgis
def test_zones_are_switched_off_where_the_picture_has_another_shape(town_copy: str) -> None:
    camera = demonstration()
    before = {zone.id: zone for zone in desk_of(camera).zones}
    wide = PIXELS * (960 / 768, 540 / 576)
    saved = save_calibration(camera, (960, 540), wide, desk_of(camera).frame.to_degrees(GROUND))
    assert (saved.zones_moved, saved.zones_off) == (0, len(before))
    for zone in desk_of(camera).zones:
        assert not zone.enabled and zone.version == before[zone.id].version + 1
        assert zone.polygon_px == before[zone.id].polygon_px


# --------------------------------------------------------------------------------------------- read


@pytest.mark.postgis
def test_the_newest_picture_that_is_kept_is_the_one_to_mark(town_copy: str) -> None:
    camera = demonstration()
    insert = (
        "INSERT INTO sample (camera_id, taken_at, footage_s, frame_index, width_px, height_px, detector, looked_s,"
        " simulated, picture) VALUES (:id, :at, 0, 0, :wide, :high, 'none', 0, true, :picture)"
    )
    later = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    write(insert, id=camera, at=later, wide=320, high=240, picture=b"jpeg")
    write(insert, id=camera, at=later + dt.timedelta(hours=1), wide=99, high=99, picture=None)
    desk = desk_of(camera)
    assert desk.picture is not None and desk.picture.size_px == (320, 240) == desk.size_px
    assert desk.picture.taken_at == later and desk.another_size


@pytest.mark.postgis
def test_the_ground_about_a_camera_is_near_it(town_database: str) -> None:
    desk = desk_of(demonstration())
    with database.connection() as conn:
        shapes = surroundings(conn, desk, 60)
        everywhere = surroundings(conn, desk, 200)
    room = shapely.box(-80, -80, 80, 80)
    for kind in ("building", "street", "kerb", "lamp"):
        assert len(shapes[kind]) and shapes[kind].intersects(room).all(), kind
        assert len(everywhere[kind]) >= len(shapes[kind])
    assert len(shapes["view"]) == 1 and shapes["view"].distance(shapely.Point(0, 0)).iloc[0] < desk.range_m


@pytest.mark.postgis
def test_points_that_make_no_sense_are_not_shown(town_copy: str) -> None:
    camera = demonstration()
    write("UPDATE calibration SET points = '[[1, 2], 3, null]' WHERE camera_id = :id", id=camera)
    desk = desk_of(camera)
    assert desk.stored is not None and len(desk.stored.pixels) == 0
