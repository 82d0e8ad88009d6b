"""The simulated parts of a town: one seed gives one set of rows, and estimates find the truth behind them."""

import datetime as dt
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.categories import ILLEGAL_PARKING
from analysis.codes import parse_event_code
from analysis.demand import capture_recapture, violation_rate
from analysis.errors import CrsError, InputError
from analysis.exposure import Watch, line_points
from analysis.grid import unit_cells
from geodata.towns.simulation import (
    LENSES,
    DemandModel,
    bare_kerbs,
    camera_poses,
    case_lives,
    hour_of_week_profile,
    parking_captures,
    parking_demand,
    parking_events,
    qr_points,
    qr_reports,
    sampling_week,
)

EPSG = 3067
START = dt.datetime(2025, 1, 6, tzinfo=dt.UTC)  # a Monday
DAYS, RECALL = 140, 0.8


def frame(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(geometry), crs=EPSG)


@cache
def town(seed=1):
    """Six by five blocks of 100 m with a street around each, 40 cameras and a year's third of parking."""
    rng = np.random.default_rng(seed)
    ground = shapely.box(0, 0, 600, 500)
    cells = unit_cells(frame([ground], community_code=["910091001001"]))
    streets = frame(
        [shapely.LineString([(0, y), (600, y)]) for y in range(50, 500, 100)]
        + [shapely.LineString([(x, 0), (x, 500)]) for x in range(50, 600, 100)]
    )
    buildings = frame(
        [
            shapely.box(x + 8, y + 8, x + 92, y + 92)
            for x in range(-50, 600, 100)
            for y in range(-50, 500, 100)
        ]
    )
    legal = frame([shapely.LineString([(0, 50), (300, 50)])])
    pois = frame(shapely.points(rng.normal([200, 300], 120, (300, 2))))
    along = rng.choice(len(streets), 40)
    places = shapely.line_interpolate_point(
        streets.geometry.to_numpy()[along], rng.random(40), normalized=True
    )
    cameras = camera_poses(
        frame(shapely.points(shapely.get_coordinates(places) + rng.normal(0, 4, (40, 2)))),
        streets,
        buildings,
        rng,
    )
    views = frame(sector(camera) for camera in cameras.itertuples())
    bare = bare_kerbs(streets, legal)
    truth = parking_demand(cells, pois, bare, rng, model=DemandModel(base=-3.5))
    events = parking_events(cells, truth, bare, rng, start=START, days=DAYS, zone="Europe/Helsinki")
    sampled = sampling_week(cameras["sample_h_per_day"], rng)
    captures = parking_captures(events, views, sampled, RECALL, rng, zone="Europe/Helsinki")
    points = qr_points(cells, bare, 60, rng)
    reports = qr_reports(events, points, rng, captures=captures, chance=0.3)
    return {
        "sampled": sampled,
        "cells": cells,
        "streets": streets,
        "buildings": buildings,
        "cameras": cameras,
        "views": views,
        "bare": bare,
        "truth": truth,
        "events": events,
        "captures": captures,
        "points": points,
        "reports": reports,
    }


def sector(camera):
    half = camera.hfov_deg / 2
    bearing = np.radians(np.linspace(camera.heading_deg - half, camera.heading_deg + half, 16))
    at = np.array([camera.geometry.x, camera.geometry.y])
    return shapely.Polygon([at, *(at + camera.range_m * np.c_[np.sin(bearing), np.cos(bearing)])])


def test_the_same_seed_gives_the_same_rows():
    first = dict(town())
    town.cache_clear()
    for name, again in town().items():
        pd.testing.assert_frame_equal(pd.DataFrame(first[name]), pd.DataFrame(again))
    other = town(2)
    assert not first["events"].geometry.head(50).equals(other["events"].geometry.head(50))


def test_poses_are_whole_and_within_range():
    cameras = town()["cameras"]
    assert cameras["pose_simulated"].all()
    assert cameras["heading_deg"].between(0, 360, inclusive="left").all()
    assert cameras["height_m"].between(3, 6).all()
    assert cameras["tilt_deg"].between(5, 60).all()
    assert cameras["range_m"].between(20, 120).all()
    assert set(cameras["hfov_deg"]) <= {lens.hfov_deg for lens in LENSES}
    assert cameras["sample_h_per_day"].between(0, 24, inclusive="right").all()
    assert cameras["resolution_px"].dtype == np.int64
    assert sum(lens.share for lens in LENSES) == pytest.approx(1)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 1000),
    st.sets(st.integers(0, 19)),
    st.sampled_from(["heading_deg", "height_m", "hfov_deg"]),
)
def test_known_values_are_kept_and_do_not_shift_the_others(seed, known, column):
    base = town()
    places = frame(shapely.points(np.random.default_rng(0).uniform(0, 500, (20, 2))))
    given_values = pd.Series([33.0 if row in known else np.nan for row in range(20)])
    free = camera_poses(places, base["streets"], base["buildings"], np.random.default_rng(seed))
    kept = camera_poses(
        places.assign(**{column: given_values}),
        base["streets"],
        base["buildings"],
        np.random.default_rng(seed),
    )
    assert (kept.loc[sorted(known), column] == 33).all()
    others = [row for row in range(20) if row not in known]
    pd.testing.assert_frame_equal(free.loc[others], kept.loc[others], check_like=True)
    assert kept["pose_simulated"].all()


def test_a_fully_known_pose_is_not_simulated():
    base = town()
    again = camera_poses(base["cameras"], base["streets"], base["buildings"], np.random.default_rng(9))
    assert not again["pose_simulated"].any()
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.drop(columns="pose_simulated")),
        pd.DataFrame(base["cameras"].drop(columns="pose_simulated")),
    )


def test_values_written_as_text_are_read_and_nonsense_is_simulated():
    base = town()
    places = frame(shapely.points([(10, 10), (20, 20)]), height_m=["8", "high"])
    poses = camera_poses(places, base["streets"], base["buildings"], np.random.default_rng(0))
    assert poses["height_m"].iloc[0] == 8
    assert 3 <= poses["height_m"].iloc[1] <= 6


def test_cameras_look_at_the_street_or_away_from_the_wall():
    many = 400
    rng = np.random.default_rng(3)
    street = frame([shapely.LineString([(0, 0), (1000, 0)])])
    wall = frame([shapely.box(0, -40, 1000, -20)])
    nothing = street.iloc[:0]
    south = frame(shapely.points(np.c_[rng.uniform(100, 900, many), np.full(many, -18.0)]))

    def mean_bearing(cameras):
        angle = np.radians(cameras["heading_deg"])
        return np.degrees(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())) % 360

    for streets, buildings in ((street, wall), (nothing, wall), (street, nothing)):
        north = mean_bearing(camera_poses(south, streets, buildings, rng))
        assert min(north, 360 - north) < 5
    inside = frame(shapely.points(np.c_[rng.uniform(100, 900, many), np.full(many, -21.0)]))
    out = mean_bearing(camera_poses(inside, nothing, wall, rng))
    assert min(out, 360 - out) < 5
    on_street = frame(shapely.points(np.c_[rng.uniform(100, 900, many), np.zeros(many)]))
    along = camera_poses(on_street, street, nothing, rng)["heading_deg"] % 180
    assert along.between(30, 150).all()
    alone = camera_poses(south, nothing, nothing, rng)["heading_deg"]
    assert np.histogram(alone, bins=4, range=(0, 360))[0].min() > many / 8


def test_the_profile_is_a_week_of_mean_one_with_quiet_nights():
    week = hour_of_week_profile()
    assert week.shape == (168,) and week.mean() == pytest.approx(1)
    days = week.reshape(7, 24)
    assert (days[:, 3] < 0.6).all()
    assert (days[:5, 18] > 2).all()
    assert days[6].sum() < days[0].sum()


def test_bare_kerbs_run_beside_the_streets_but_not_where_parking_is_allowed():
    base = town()
    bare = base["bare"]
    centre = base["streets"].union_all()
    np.testing.assert_allclose(
        shapely.distance(shapely.line_interpolate_point(bare.geometry.to_numpy(), 0.4), centre),
        2.5,
        atol=1e-6,
    )
    assert set(bare["side"]) == {"left", "right"} and (bare.geom_type == "LineString").all()
    allowed = shapely.LineString([(0, 50), (300, 50)])
    assert bare.distance(allowed).min() > 11.9
    total = base["streets"].length.sum()
    # Gone: the allowed street up to 12 m past its end, and 12 m of three crossing streets on either side.
    assert bare.length.sum() == pytest.approx(2 * (total - 312 - 3 * 24), rel=0.01)


def test_demand_follows_its_written_model():
    base = town()
    truth, model = base["truth"], DemandModel(base=-3.5)
    assert truth.index.equals(base["cells"].index)
    assert 200 < truth["poi_count"].sum() <= 300
    expected = np.exp(
        model.base
        + model.per_log_poi * np.log1p(truth["poi_count"])
        + model.per_100_m * truth["bare_kerb_m"] / 100
    )
    np.testing.assert_allclose(truth["rate_per_h"], expected * truth["noise"])
    assert truth["bare_kerb_m"].sum() == pytest.approx(base["bare"].length.sum(), rel=1e-6)


def test_no_kerb_means_no_illegal_parking():
    cells, nothing = town()["cells"], town()["streets"].iloc[:0]
    truth = parking_demand(cells, nothing, nothing, np.random.default_rng(0))
    assert (truth["rate_per_h"] == 0).all()
    events = parking_events(cells, truth, nothing, np.random.default_rng(0), start=START, days=3)
    assert events.empty and events.crs == cells.crs


def test_events_have_the_true_rate_place_and_time():
    base = town()
    events, truth, cells = base["events"], base["truth"], base["cells"]
    expected = truth.set_index("code")["rate_per_h"] * DAYS * 24
    counts = events["cell_code"].value_counts().reindex(expected.index, fill_value=0)
    assert (((counts - expected) / np.sqrt(expected)) ** 2).mean() < 2
    ground = cells.set_index("code").geometry.loc[events["cell_code"]].to_numpy()
    assert shapely.distance(ground, events.geometry.to_numpy()).max() < 1e-6
    assert events.distance(base["bare"].union_all()).max() < 1e-6
    assert events["event_id"].tolist() == list(range(1, len(events) + 1))
    assert events["started_at"].is_monotonic_increasing and str(events["started_at"].dt.tz) == "UTC"
    assert events["started_at"].min() >= START
    assert events["started_at"].max() < START + dt.timedelta(days=DAYS)
    local = events["started_at"].dt.tz_convert("Europe/Helsinki")
    seen = np.bincount(local.dt.day_of_week * 24 + local.dt.hour, minlength=168)
    assert np.corrcoef(seen, hour_of_week_profile())[0, 1] > 0.97
    assert events["duration_min"].min() >= 3 and events["duration_min"].mean() == pytest.approx(35, rel=0.05)


def test_cameras_capture_only_what_they_see_while_it_lasts():
    base = town()
    events, captures, views = base["events"].set_index("event_id"), base["captures"], base["views"]
    assert 500 < len(captures) < len(events)
    assert (captures["event_class"] == ILLEGAL_PARKING).all() and parse_event_code(ILLEGAL_PARKING)
    view = views.geometry.loc[captures["camera_id"]].to_numpy()
    assert shapely.contains(view, captures.geometry.to_numpy()).all()
    event = events.loc[captures["event_id"]]
    waited = captures["captured_at"].to_numpy() - event["started_at"].to_numpy()
    assert (waited >= pd.Timedelta(0)).all()
    assert (
        waited <= pd.to_timedelta(event["duration_min"].to_numpy(), unit="min") + pd.Timedelta("1s")
    ).all()
    assert not captures.duplicated(["event_id", "camera_id"]).any()
    assert captures["captured_at"].is_monotonic_increasing


def test_same_as_leads_to_the_first_capture_of_the_event():
    captures = town()["captures"].set_index("capture_id")
    again = captures[captures["same_as"].notna()]
    assert len(again) > 0
    first = captures.loc[again["same_as"].astype(int)]
    assert (first["event_id"].to_numpy() == again["event_id"].to_numpy()).all()
    assert (first["captured_at"].to_numpy() <= again["captured_at"].to_numpy()).all()
    assert captures["same_as"].isna().sum() == captures["event_id"].nunique()


def test_a_camera_catches_its_share():
    base = town()
    chance = base["sampled"].to_numpy() * RECALL
    local = pd.DatetimeIndex(base["events"]["started_at"]).tz_convert("Europe/Helsinki")
    hour = local.day_of_week.to_numpy() * 24 + local.hour.to_numpy()
    expected = np.array(
        [
            chance[row, hour[base["events"].within(view).to_numpy()]].sum()
            for row, view in enumerate(base["views"].geometry)
        ]
    )
    caught = base["captures"]["camera_id"].value_counts().reindex(base["views"].index, fill_value=0)
    assert abs(caught.sum() - expected.sum()) < 4 * np.sqrt(expected.sum())


def test_estimates_find_the_truth_behind_the_captures():
    base = town()
    cells, captures, truth = base["cells"], base["captures"], base["truth"]
    points = line_points(base["bare"])
    point, cell = cells.sindex.query(points.geometry, predicate="intersects")
    place = np.full(len(points), -1)
    place[point] = cell
    length = np.bincount(place[point], weights=points["length_m"].to_numpy()[point], minlength=len(cells))
    looked = Watch.of(points, base["views"]).looked_at(
        points["length_m"].to_numpy(), place, len(cells), base["sampled"] * RECALL
    )
    busy = (looked * hour_of_week_profile()).mean(axis=1) / np.maximum(length, 1e-9)
    exposure_h = pd.Series(busy * DAYS * 24, index=cells.index)
    first = captures[captures["same_as"].isna()]
    counts = cells["code"].map(first["cell_code"].value_counts()).fillna(0).astype(int)
    counts = counts.where(exposure_h > 0, 0)
    expected = truth["rate_per_h"] * exposure_h
    assert counts.sum() == pytest.approx(expected.sum(), rel=0.1)
    rates = violation_rate(counts, exposure_h)
    watched = rates["evidence"]
    held = (rates["lower"] <= truth["rate_per_h"]) & (truth["rate_per_h"] <= rates["upper"])
    assert held[watched].mean() > 0.8
    assert rates.loc[watched, "rate_per_h"].corr(truth.loc[watched, "rate_per_h"]) > 0.8


def test_reports_know_nothing_of_cameras():
    base = town()
    again = qr_reports(base["events"], base["points"], np.random.default_rng(4))
    linked = qr_reports(base["events"], base["points"], np.random.default_rng(4), captures=base["captures"])
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.drop(columns="same_as")), pd.DataFrame(linked.drop(columns="same_as"))
    )
    assert again["same_as"].isna().all() and linked["same_as"].notna().any()
    assert again["event_id"].is_unique and again["reported_at"].is_monotonic_increasing
    point = base["points"].set_index("qr_id").geometry.loc[again["qr_id"]]
    assert shapely.distance(point.to_numpy(), again.geometry.to_numpy()).max() <= 80
    captures = base["captures"].set_index("capture_id")["event_id"]
    same = linked.dropna(subset="same_as")
    assert (captures.loc[same["same_as"].astype(int)].to_numpy() == same["event_id"].to_numpy()).all()


def test_qr_points_lie_on_the_lines_inside_their_cell():
    base = town()
    points = base["points"]
    ground = base["cells"].set_index("code").geometry.loc[points["cell_code"]].to_numpy()
    assert len(points) == 60 and points["qr_id"].is_unique
    assert shapely.distance(ground, points.geometry.to_numpy()).max() < 1e-6
    assert points.distance(base["bare"].union_all()).max() < 1e-6


def test_capture_recapture_finds_all_events_at_watched_places():
    base = town()
    events, captures = base["events"], base["captures"]
    watched = set(events.loc[events.within(base["views"].union_all()), "event_id"])
    # A reach of many kilometres: every event has the same chance, as the estimator assumes.
    rng = np.random.default_rng(6)
    reports = qr_reports(events, base["points"], rng, captures=captures, chance=0.1, reach_m=1e7)
    told = reports[reports["event_id"].isin(watched)]
    n_both = int(told["same_as"].notna().sum())
    found = capture_recapture(captures["event_id"].nunique(), len(told), n_both)
    assert found.lower <= len(watched) <= found.upper
    assert found.report_recall == pytest.approx(0.1, abs=0.03)


def test_bad_input_is_refused_with_a_mend():
    base = town()
    cells, truth, bare = base["cells"], base["truth"], base["bare"]
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="time zone"):
        parking_events(cells, truth, bare, rng, start=dt.datetime(2025, 1, 1), days=1)  # noqa: DTZ001
    with pytest.raises(InputError, match="index"):
        parking_events(cells, truth.iloc[::-1], bare, rng, start=START, days=1)
    with pytest.raises(InputError, match="no bare kerb"):
        parking_events(cells, truth, bare.iloc[:1], rng, start=START, days=1)
    with pytest.raises(InputError, match="Camera 0 is sampled 25"):
        sampling_week(pd.Series([25.0]), rng)
    with pytest.raises(InputError, match="outside"):
        parking_captures(base["events"], base["views"], base["sampled"], 9.0, rng)
    with pytest.raises(InputError, match="Camera 39"):
        parking_captures(base["events"], base["views"], base["sampled"].iloc[:39], 1, rng)
    with pytest.raises(InputError, match="chance"):
        qr_reports(base["events"], base["points"], rng, chance=2)
    with pytest.raises(CrsError, match="streets"):
        camera_poses(base["cameras"], base["streets"].to_crs(4326), base["buildings"], rng)
    with pytest.raises(InputError, match="noise_shape"):
        DemandModel(noise_shape=0)


def test_what_becomes_of_cases_goes_step_by_step_and_none_ends_before_it_begins():
    until = START + dt.timedelta(days=30)
    reported = pd.Series(pd.date_range(START, until, periods=20_000))
    lives = case_lives(reported, until, np.random.default_rng(4))
    assert lives.equals(case_lives(reported, until, np.random.default_rng(4)))
    closed = lives["stage"] == "closed"
    assert (lives["closed_at"].notna() == closed).all()
    took = (lives["closed_at"] - reported)[closed]
    assert (took > dt.timedelta(0)).all() and (lives["closed_at"][closed] <= until).all()
    assert 0.85 < closed.mean() < 0.95, "some are left lying"
    assert 0.5 < (took < dt.timedelta(hours=3)).mean() < 0.8
    assert set(lives["stage"]) == {"registered", "dispatched", "disposed", "verified", "closed"}
    assert (lives["stage"][reported > until - dt.timedelta(minutes=2)] != "closed").all()
    later = case_lives(reported, until + dt.timedelta(days=30), np.random.default_rng(4))
    assert (later["closed_at"][closed] == lives["closed_at"][closed]).all(), "what is closed stays so"
