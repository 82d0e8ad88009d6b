"""The one door to Streamlit's caches: every entry is keyed by the data's revision, which is asked anew in every run."""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st
from sqlalchemy import Row

from analysis.review import ReviewRules
from geodata import database
from geodata.ingest import readers
from geodata.queries import areas as area_queries
from geodata.queries import (
    blindness,
    datasets,
    desk,
    figures,
    grounds,
    headings,
    hotspot_answers,
    hotspots,
    kept,
    watching,
)
from geodata.queries import cells as cell_queries
from geodata.queries import loads as load_queries
from geodata.queries import outlook as outlooks
from geodata.queries import parking_reading as parkings
from geodata.queries import reviews as review_queries
from geodata.queries import scenarios as scenario_queries
from geodata.queries.algorithms import AlgorithmMatrix, algorithm_matrix, watch_stamp
from geodata.queries.asked import Answer, Asked
from geodata.queries.parking import Standing
from geodata.queries.parking_access import Need
from geodata.queries.parking_changes import ParkingChanges, read_parking_changes
from geodata.queries.parking_plan import BayQuestion, Bays, plan_bays
from geodata.queries.parking_scenario import standing_under
from geodata.queries.recapture import missed_by_cameras
from geodata.towns.town import Town
from layers.catalogue import LAYERS

__all__ = [
    "algorithms",
    "answer",
    "areas",
    "bays",
    "blind_areas",
    "breaks",
    "camera",
    "camera_ids",
    "cell",
    "cell_leads",
    "cell_table",
    "desk_counts",
    "footage",
    "ground",
    "group_means",
    "groupings",
    "health",
    "hot_spot_classes",
    "hot_spot_scene",
    "hot_spots",
    "kept_run",
    "key_figures",
    "last_moment",
    "layer_rows",
    "lead",
    "lead_choices",
    "leads",
    "loads",
    "looks",
    "missed",
    "outlook",
    "own_address",
    "pace",
    "parking_changes",
    "parking_reading",
    "parking_standing",
    "patrol",
    "precheck",
    "private_gains",
    "rasters",
    "read_file",
    "read_rows",
    "reading",
    "reading_ground",
    "register",
    "review",
    "reviews",
    "revision",
    "scenario",
    "scenarios",
    "scores",
    "seen_interval",
    "site",
    "stored_pose",
    "town",
    "violation_kinds",
    "violation_span",
    "wall",
    "warm",
]


def revision() -> int:
    """The newest revision; one short query a run, never cached."""
    with database.connection() as conn:
        return datasets.revision(conn)


@st.cache_resource(max_entries=4, show_spinner=False)  # noqa: TID251 - this is the door
def town(revision: int) -> Town:
    """The town that is loaded; NotFound where the database is empty."""
    with database.connection() as conn:
        return datasets.loaded_town(conn)


@st.cache_data(max_entries=64, show_spinner=False)  # noqa: TID251
def key_figures(
    revision: int,
    since: dt.datetime | None,
    until: dt.datetime | None,
    area: str | None = None,
    words: tuple[tuple[str, str], ...] = (),
) -> figures.KeyFigures:
    """Numbers at the head of the overview; `words` are the filters class and source."""
    with database.connection() as conn:
        return figures.key_figures(conn, {"since": since, "until": until, "area": area, **dict(words)})


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def areas(revision: int) -> list[area_queries.AreaChoice]:
    """Divisions of the town, each street before its communities."""
    with database.connection() as conn:
        return area_queries.areas(conn)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def violation_kinds(revision: int) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Classes of the violations there are, with their names in Chinese and English, and their sources."""
    with database.connection() as conn:
        return area_queries.violation_kinds(conn)


@st.cache_data(max_entries=64, show_spinner=False)  # noqa: TID251
def breaks(revision: int, measure: str, classes: int) -> list[float]:
    """Limits of a choropleth's classes."""
    with database.connection() as conn:
        return figures.measure_breaks(conn, measure, classes)


@st.cache_data(max_entries=512, show_spinner=False)  # noqa: TID251
def cell(revision: int, cell_id: int) -> dict[str, Any] | None:
    """Facts of a cell."""
    with database.connection() as conn:
        return figures.cell_facts(conn, cell_id)


@st.cache_data(max_entries=512, show_spinner=False)  # noqa: TID251
def camera(revision: int, camera_id: int) -> dict[str, Any] | None:
    """Facts of a camera."""
    with database.connection() as conn:
        return figures.camera_facts(conn, camera_id)


@st.cache_data(max_entries=512, show_spinner=False)  # noqa: TID251
def seen_interval(revision: int, camera_id: int) -> headings.SeenInterval | None:
    """What a camera sees as far as its heading is known; None if that is certain."""
    with database.connection() as conn:
        return headings.seen_interval(conn, datasets.loaded_town(conn), camera_id)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def violation_span(revision: int) -> tuple[dt.datetime, dt.datetime] | None:
    """First and last violation."""
    with database.connection() as conn:
        return figures.violation_span(conn)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def cell_table(revision: int) -> pd.DataFrame:
    """Cells with their measures, without geometry."""
    with database.connection() as conn:
        return cell_queries.cell_table(conn)


def kept_run(revision: int, asked: Asked) -> int | None:
    """The run that answered a question on the data as they are; one short query a run, never cached."""
    newest = _newest_source(revision)
    with database.connection() as conn:
        return kept.kept_run(conn, asked, newest)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def _newest_source(revision: int) -> int:
    with database.connection() as conn:
        return kept.newest_source(conn)


@st.cache_resource(max_entries=32, show_spinner=False)  # noqa: TID251
def answer(run: int) -> Answer:
    """The answer that a run kept; read-only, shared by all visits."""
    with database.connection() as conn:
        return kept.read_answer(conn, run)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def register(revision: int) -> pd.DataFrame:
    """What is loaded."""
    with database.connection() as conn:
        rows: Sequence[Row[Any]] = datasets.dataset_rows(conn)
    columns = ["name", "town", "source", "licence", "method", "rows", "revision", "loaded_at", "simulated"]
    return pd.DataFrame([tuple(row) for row in rows], columns=columns)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def loads(revision: int) -> pd.DataFrame:
    """What files brought, the newest first."""
    with database.connection() as conn:
        return load_queries.loads(conn)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def rasters(revision: int) -> pd.DataFrame:
    """Rasters that are registered, the newest first."""
    with database.connection() as conn:
        return load_queries.rasters(conn)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def layer_rows(revision: int) -> dict[str, int]:
    """Rows of every table or view that a layer exports."""
    with database.connection() as conn:
        return datasets.count_rows(conn, sorted({each.export.table for each in LAYERS.values()}))


@st.cache_data(max_entries=16, show_spinner=False)  # noqa: TID251
def patrol(revision: int, camera_id: int) -> watching.Patrol:
    """The newest patrol of a camera."""
    with database.connection() as conn:
        return watching.newest_patrol(conn, camera_id)


def scenarios() -> dict[str, str]:
    """Token → name of every scenario; one short query a run, never cached."""
    with database.connection() as conn:
        return scenario_queries.list_scenarios(conn)


def scenario(token: str) -> scenario_queries.Scenario:
    """A scenario as it is now; one short query a run, never cached."""
    with database.connection() as conn:
        return scenario_queries.read_scenario(conn, token)


def reading(revision: int) -> grounds.Reading:
    """How far the town is read; reading begins with the first who asks. Shared by all visits."""
    return _grounds().reading(_ground_revision(revision))


@st.cache_resource(show_spinner=False)  # noqa: TID251
def _grounds() -> grounds.GroundStore:
    return grounds.GroundStore()


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def _ground_revision(revision: int) -> int:
    return grounds.ground_revision()


def ground(revision: int) -> outlooks.Ground:
    """What scenarios start from; read-only, shared by all visits."""
    return reading(revision).ground()


def outlook(revision: int, scenario: scenario_queries.Scenario | None = None) -> outlooks.Outlook:
    """What a scenario leads to, or as things stand; read-only, shared by all visits."""
    return reading(revision).outlook(scenario)


def warm(ground_revision: int) -> None:
    """Reads the town for visits to come: first what the Parking screen starts from, then what Cameras does."""
    _parkings().reading(parkings.parking_revision()).wait()  # mostly kept, and then there at once
    _grounds().reading(ground_revision).wait()
    # what was read stays: searches for garbage need not look at its millions of objects, each of them holding all up
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def parking_reading(revision: int) -> parkings.ParkingReading:
    """How far the town's parking is read; reading begins with the first who asks. Shared by all visits."""
    return _parkings().reading(_parking_revision(revision))


@st.cache_resource(show_spinner=False)  # noqa: TID251
def _parkings() -> parkings.ParkingStore:
    return parkings.ParkingStore()


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def _parking_revision(revision: int) -> int:
    return parkings.parking_revision()


def parking_standing(revision: int, scenario: scenario_queries.Scenario | None) -> Standing:
    """Demand as the cameras of a scenario would tell it, or as those that stand do; computed once for each version."""
    reading_parking = parking_reading(revision)
    here = reading_parking.result()
    if scenario is None or scenario.items.empty:
        return here.now
    return reading_parking.standing.get(
        (scenario.token, scenario.version),
        lambda: standing_under(here, scenario, outlook(revision, scenario)),
    )


def parking_changes(scenario: scenario_queries.Scenario | None) -> ParkingChanges | None:
    """The bays and tariffs of a scenario as they are now; two short queries a run, never cached."""
    if scenario is None:
        return None
    with database.connection() as conn:
        return read_parking_changes(conn, scenario.token)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def missed(revision: int, place: str) -> pd.DataFrame:
    """What share of the violations in view cameras miss, by area."""
    return missed_by_cameras(parking_reading(revision).result(), place)


@st.cache_resource(  # noqa: TID251
    max_entries=16,
    show_spinner=False,
    hash_funcs={
        Need: lambda need: (need.rules.limit_m, need.rules.stay_min, need.rules.free_ratio),
        scenario_queries.Scenario: lambda scenario: (scenario.token, scenario.version),
    },
)
def bays(
    revision: int,
    need: Need,
    scenario: scenario_queries.Scenario | None,
    _changes: ParkingChanges | None,
    question: BayQuestion,
) -> Bays:
    """
    Where new bays go for those who find no place.

    `need` is told by the revision, the scenario and its rules; `_changes` by the scenario.
    """
    return plan_bays(need, question, None if _changes is None else _changes.bays.geometry)


@st.cache_data(max_entries=512, show_spinner=False)  # noqa: TID251
def stored_pose(revision: int, camera_id: int) -> dict[str, Any]:
    """How a stored camera stands."""
    with database.connection() as conn:
        return scenario_queries.stored_pose(conn, camera_id)


@st.cache_data(max_entries=512, show_spinner=False)  # noqa: TID251
def site(revision: int, layer: str, feature: int) -> dict[str, Any] | None:
    """Where a new camera would hang: a lamp, or the lamp nearest to the middle of a cell."""
    with database.connection() as conn:
        return scenario_queries.site(conn, layer, feature)


def camera_ids(codes: list[str]) -> dict[str, int]:
    """Code → id of the cameras that are there."""
    with database.connection() as conn:
        return scenario_queries.camera_ids(conn, codes)


def own_address() -> str:
    """The address that this visit uses."""
    return st.context.url.split("?")[0].rsplit("/", 1)[0] if st.context.url else ""


@st.cache_data(max_entries=8, show_spinner=False)  # noqa: TID251
def blind_areas(revision: int, days: int) -> gpd.GeoDataFrame:
    """Unit cells and who looked at them within days."""
    with database.connection() as conn:
        return blindness.blind_areas(conn, datasets.loaded_town(conn), days, ground(revision).views)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def groupings(revision: int) -> list[str]:
    """Groups of cameras whose coverage was computed."""
    with database.connection() as conn:
        return blindness.groupings(conn)


@st.cache_data(max_entries=64, show_spinner=False)  # noqa: TID251
def group_means(revision: int, grouping: str) -> pd.DataFrame:
    """What a group of cameras sees of each kind of place."""
    with database.connection() as conn:
        return blindness.group_means(conn, grouping)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def last_moment(revision: int) -> dt.datetime | None:
    """The newest moment of which anything is known."""
    with database.connection() as conn:
        return blindness.last_moment(conn)


@st.cache_resource(max_entries=1, show_spinner=False)  # noqa: TID251
def reading_ground(revision: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Ground and landmarks by which users' files are read; shared by all visits."""
    with database.connection() as conn:
        return review_queries.reading_ground(conn, datasets.loaded_town(conn))


@st.cache_resource(max_entries=8, show_spinner=False)  # noqa: TID251
def read_file(revision: int, name: str, content: bytes, crs: str | None, exchanged: bool) -> readers.Reading:
    """Cameras of a user's file."""
    land, marks = reading_ground(revision)
    epsg = town(revision).metric_epsg
    return readers.read_cameras(
        name, content, epsg=epsg, land=land, landmarks=marks, crs=crs, exchanged=exchanged
    )


@st.cache_resource(max_entries=32, show_spinner=False)  # noqa: TID251
def read_rows(revision: int, rows: pd.DataFrame) -> readers.Reading:
    """Cameras of a typed table."""
    land, marks = reading_ground(revision)
    return readers.take_cameras(rows, epsg=town(revision).metric_epsg, land=land, landmarks=marks)


@st.cache_resource(  # noqa: TID251
    max_entries=32, show_spinner=False, hash_funcs={gpd.GeoDataFrame: lambda frame: frame.to_json()}
)
def precheck(revision: int, cameras: gpd.GeoDataFrame, rules: ReviewRules) -> review_queries.Precheck:
    """The sheet of proposed cameras."""
    with database.connection() as conn:
        return review_queries.precheck(conn, datasets.loaded_town(conn), cameras, rules)


def reviews() -> pd.DataFrame:
    """Applications as they are now; one short query a run, never cached."""
    with database.connection() as conn:
        return review_queries.list_reviews(conn)


def review(number: str) -> review_queries.Review:
    """An application as it is now; one short query a run, never cached."""
    with database.connection() as conn:
        return review_queries.read_review(conn, number)


@st.cache_data(max_entries=2, show_spinner=False)  # noqa: TID251
def private_gains(revision: int) -> pd.DataFrame:
    """What each private camera adds."""
    with database.connection() as conn:
        return review_queries.private_gains(conn, datasets.loaded_town(conn))


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def hot_spot_classes(revision: int) -> pd.DataFrame:
    """Classes that have violations, the most frequent first."""
    with database.connection() as conn:
        return hotspots.event_classes(conn)


@st.cache_resource(max_entries=2, show_spinner=False)  # noqa: TID251
def hot_spot_scene(revision: int, class_code: str) -> hotspots.Scene:
    """What hot spots of a class are asked of; read-only, shared by all visits."""
    with database.connection() as conn:
        return hotspots.load_scene(conn, datasets.loaded_town(conn), class_code)


@st.cache_resource(max_entries=32, show_spinner=False)  # noqa: TID251
def hot_spots(revision: int, question: hotspot_answers.Question) -> hotspot_answers.HotSpots:
    """The answer to a question; read-only, shared by all visits."""
    return hotspot_answers.find_hot_spots(hot_spot_scene(revision, question.class_code), question)


def footage() -> pd.DataFrame:
    """Cameras that have footage as they are now; one short query a run, never cached."""
    with database.connection() as conn:
        return watching.cameras_with_footage(conn)


def wall(order: str, page: int, of: int, least_score: float) -> watching.WallPage:
    """A page of the newest pictures; some short queries a run, never cached."""
    with database.connection() as conn:
        return watching.video_wall(conn, order, page=page, of=of, least_score=least_score)


def pace(most_per_s: float) -> watching.Pace:
    """How the patrol keeps up now; never cached."""
    with database.connection() as conn:
        return watching.patrol_pace(conn, most_per_s)


def looks(camera_id: int) -> watching.Patrol:
    """The newest looks at a camera as they are now; never cached."""
    with database.connection() as conn:
        return watching.newest_patrol(conn, camera_id)


def health(states: tuple[str, ...], page: int, of: int) -> watching.HealthPage:
    """A page of streams as they are now; never cached."""
    with database.connection() as conn:
        return watching.camera_health(conn, states=states, page=page, of=of, now=dt.datetime.now(dt.UTC))


def desk_counts(zone: str) -> desk.DeskCounts:
    """What waits at the video desk now; one short query a run, never cached."""
    with database.connection() as conn:
        return desk.desk_counts(conn, zone)


def leads(chosen: desk.LeadFilter) -> pd.DataFrame:
    """Leads of a queue as they are now; one short query a run, never cached."""
    with database.connection() as conn:
        return desk.lead_queue(conn, chosen)


def lead_choices() -> pd.DataFrame:
    """What leads may be filtered by, as it is now; one short query a run, never cached."""
    with database.connection() as conn:
        return desk.lead_choices(conn)


def lead(number: int) -> desk.LeadView:
    """A lead as it is now; never cached."""
    with database.connection() as conn:
        return desk.read_lead(conn, number)


def scores() -> tuple[pd.DataFrame, list[desk.ZoneScores]]:
    """Precision of cameras, classes and rules, and zones with verdicts, as they are now; never cached."""
    with database.connection() as conn:
        return desk.precisions(conn), desk.zone_scores(conn)


def cell_leads() -> pd.DataFrame:
    """Leads per sampled hour of each cell that was looked at, as they are now; never cached."""
    with database.connection() as conn:
        return watching.cell_leads(conn)


def algorithms(revision: int, layout: str, every_s: float) -> AlgorithmMatrix:
    """Camera × algorithm; read-only, shared by all visits until a camera, stream or zone changes."""
    with database.connection() as conn:
        stamp = watch_stamp(conn)
    return _algorithms(revision, stamp, layout, every_s)


@st.cache_resource(max_entries=2, show_spinner=False)  # noqa: TID251
def _algorithms(revision: int, stamp: str, layout: str, every_s: float) -> AlgorithmMatrix:
    with database.connection() as conn:
        return algorithm_matrix(conn, layout=layout, every_s=every_s)
