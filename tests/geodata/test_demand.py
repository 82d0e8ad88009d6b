"""Demand of the loaded town: scored against the truth that was kept apart, and what a change of cameras does to it."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from analysis.demand import WEEK_H
from geodata import database
from geodata.commands.partitions import ensure_months
from geodata.commands.simulate import RECALL
from geodata.queries import demand as queries
from geodata.queries.city import views
from geodata.queries.datasets import loaded_town
from geodata.queries.frames import read_table
from geodata.towns.simulation import hour_of_week_profile

pytestmark = pytest.mark.postgis

CELL, EDGE = queries.PLACES


def read(url: str) -> dict[str, Any]:
    with database.connection() as conn:
        town = loaded_town(conn)
        scape = queries.load_streetscape(conn, town)
        looking = queries.read_looking(conn, town)
        watch = queries.watching(conn, scape, looking)
        events = queries.read_events(conn, town, scape, looking)
        seen = views(conn, scape.epsg)
    recall, reports, caught = queries.find_recall(events, watch, looking)
    return {
        "scape": scape,
        "looking": looking,
        "watch": watch,
        "events": events,
        "recall": recall,
        "reports": reports,
        "caught": caught,
        "views": seen,
        "found": queries.estimate(scape, watch, looking, events, recall),
    }


kept = lru_cache(read)


def truth(places: pd.Index) -> pd.Series:
    with database.connection() as conn:
        rates = read_table(conn, "SELECT cell_id, rate_per_h FROM truth_rate").set_index("cell_id")
    return rates["rate_per_h"].reindex(places)


def test_kerbs_belong_to_one_cell_and_one_street(town_database: str) -> None:
    scape = kept(town_database)["scape"]
    for place in queries.PLACES:
        assert scape.place[place].min() == 0 and scape.place[place].max() == len(scape.ids[place]) - 1
        assert scape.length_m[place].sum() == pytest.approx(scape.weight_m.sum())
        assert np.isfinite(scape.covariates[place].to_numpy()).all()
        assert scape.covariates[place].index.equals(scape.length_m[place].index)
    assert scape.weight_m.max() <= queries.SPACING_M


def test_the_period_is_that_of_the_exposure(town_database: str) -> None:
    looking = kept(town_database)["looking"]
    assert (looking.first.isoformat(), looking.until.isoformat()) == (
        "2025-11-01T00:00:00+02:00",
        "2026-11-01T00:00:00+02:00",
    )
    assert looking.hours.sum() == 365 * 24
    assert looking.share.shape[1] == WEEK_H and looking.share.to_numpy().max() <= 1
    day = looking.share.to_numpy().reshape(-1, 7, 24)
    assert ((day[:, :, 3] == 0) & (day[:, :, 12] > 0)).any(), "some are sampled by day only"


def test_recall_is_found_without_looking_at_the_truth(town_database: str) -> None:
    town = kept(town_database)
    low, high = town["recall"].interval()
    assert low <= RECALL <= high and high - low < 0.35
    assert 0 < town["caught"] < town["reports"]


def test_rates_are_those_that_were_kept_apart(town_database: str) -> None:
    demand = kept(town_database)["found"].demand[CELL]
    rates, true = demand.rates(), truth(demand.places.index)
    length = demand.places["length_m"]
    held = (rates["lower95"] * length <= true) & (true <= rates["upper95"] * length)
    observed = rates["evidence"] == "observed"
    assert observed.sum() > 50 and held[observed].mean() > 0.88
    modelled = rates["evidence"] == "modelled"
    assert modelled.sum() > 20 and held[modelled].mean() > 0.8
    raw = pd.Series(demand.places["captures"])
    by_rate, by_count = (each.corr(true, method="spearman") for each in (rates["per_h"], raw))
    assert by_rate > by_count + 0.25
    assert rates.loc[observed, "per_h"].corr(true[observed], method="spearman") > 0.85


def test_hours_are_corrected_for_schedules(town_database: str) -> None:
    town = kept(town_database)
    profile, true = town["found"].demand[CELL].profile.weight, hour_of_week_profile()
    raw = town["events"].tally(town["scape"], CELL).sum(axis=0)
    raw = raw / raw.mean()
    assert np.abs(profile - true).mean() < 0.75 * np.abs(raw - true).mean()


def test_streets_and_cells_tell_of_the_same_town(town_database: str) -> None:
    found = kept(town_database)["found"]
    cells, edges = (found.demand[place].rates()["per_h"].sum() for place in queries.PLACES)
    assert edges == pytest.approx(cells, rel=0.3)
    for place in queries.PLACES:
        seen = found.seen_m[place]
        assert (seen <= found.demand[place].places["length_m"] + 1e-6).all()
        looked = found.demand[place].places["exposure"] > 0
        assert (seen[looked] > 0).all() and (seen[~looked] == 0).all()


def test_captures_where_nobody_looks_any_more_are_left_out_and_counted(town_database: str) -> None:
    town = kept(town_database)
    pairs = np.bincount(town["watch"].pairs()[0], minlength=len(town["watch"].cameras))
    busiest = town["watch"].cameras[np.argsort(-pairs)[:5]]
    fewer = town["watch"].changed(remove=busiest)
    found = queries.estimate(town["scape"], fewer, town["looking"], town["events"], town["recall"])
    assert found.unused > town["found"].unused
    before, after = (each.demand[CELL].places for each in (town["found"], found))
    assert (after["exposure"] <= before["exposure"] * 1.5).all() and (
        after["exposure"] < before["exposure"]
    ).any()


def test_cases_that_cannot_be_right_are_told_and_the_rest_goes_on(town_copy: str) -> None:
    whole = read(town_copy)
    assert whole["events"].faults.empty
    with database.transaction() as session:
        first, second, third = session.scalars(
            text("SELECT id FROM case_file WHERE source = 'camera' AND stage <> 'void' ORDER BY id LIMIT 3")
        ).all()
        ensure_months(session, *[dt.datetime(2099, 5, 1, tzinfo=dt.UTC)] * 2)
        for case, change in (
            (first, "reported_at = '2099-05-01T12:00Z'"),
            (second, "geom = ST_SetSRID(ST_MakePoint(10, 50), 4490)"),
            (third, "geom = ST_Translate(geom, 0, 0.02)"),
        ):
            session.execute(text(f"UPDATE case_file SET {change} WHERE id = :id"), {"id": case})
    town = read(town_copy)
    told = {case: str(error) for case, error in town["events"].faults.items()}
    assert set(told) == {first, second, third}
    assert "still to come" in told[first] and "outside the town" in told[second]
    assert len(town["events"].rows) == len(whole["events"].rows) - 3
    assert town["found"].demand[CELL].places["captures"].sum() > 0


def test_a_camera_that_comes_gives_evidence(town_database: str) -> None:
    town = kept(town_database)
    camera = town["watch"].cameras[0]
    again = town["watch"].changed(remove=[camera], add=town["views"].loc[[camera]])
    found = queries.estimate(town["scape"], again, town["looking"], town["events"], town["recall"])
    pd.testing.assert_frame_equal(found.demand[CELL].places, town["found"].demand[CELL].places)


def test_what_is_written_is_what_was_estimated(town_database: str) -> None:
    found = kept(town_database)["found"]
    with database.connection() as conn:
        rows = read_table(conn, "SELECT * FROM demand_estimate ORDER BY place, place_id")
        weights = read_table(conn, "SELECT weight FROM demand_profile ORDER BY hour")["weight"]
        view = conn.execute(text("SELECT count(*), count(geom) FROM cell_demand")).one()
    for place in queries.PLACES:
        written = rows[rows["place"] == place].set_index("place_id")
        rates = found.demand[place].rates().sort_index()
        assert written["rate"].to_numpy(dtype=float) == pytest.approx(rates["rate"].to_numpy(), nan_ok=True)
        assert written["evidence"].to_list() == rates["evidence"].to_list()
        assert (written["evidence"].eq("none") == written["rate"].isna()).all()
        assert written["simulated"].all()
    assert weights.to_numpy() == pytest.approx(found.demand[CELL].profile.weight)
    assert view[0] == view[1] == (rows["place"] == CELL).sum()


def test_a_town_without_captures_cameras_or_streets_says_so_and_does_not_fall(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(text("DELETE FROM exposure"))
    town = read(town_copy)
    assert (town["found"].demand[CELL].places["evidence"] == "none").all()
    assert town["reports"] == 0 and town["recall"].mean == pytest.approx(0.5)
    with database.transaction() as session:
        session.execute(text("DELETE FROM street_edge"))
    empty = read(town_copy)
    assert len(empty["scape"].points) == 0 and len(empty["found"].demand[CELL].places) == 0
