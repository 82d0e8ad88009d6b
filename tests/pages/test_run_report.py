"""Reports of kept runs: same run, same bytes; whatever was asked, in both languages; what is not there is named."""

from __future__ import annotations

import hashlib
import html
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from geodata import database
from geodata.commands import scenarios as commands
from geodata.commands.parking import keep_parking
from geodata.commands.plans import keep_plan
from geodata.commands.runs import keep_hot_spots, keep_scenario
from geodata.errors import NotFound
from geodata.export.parking_change import changed_places
from geodata.export.parking_run import PlanQuestion, parking_run
from geodata.queries import parking
from geodata.queries.datasets import dataset_rows, loaded_town
from geodata.queries.demand import estimate
from geodata.queries.hotspot_answers import Question as Asked
from geodata.queries.hotspot_answers import find_hot_spots
from geodata.queries.hotspots import Period, load_scene
from geodata.queries.outlook import load_ground, outlook
from geodata.queries.parking_access import Rules
from geodata.queries.parking_plan import BayQuestion, plan_bays
from geodata.queries.planning import Question, make_plan
from geodata.queries.poses import Pose
from geodata.queries.scenarios import read_scenario
from geodata.queries.thinning import remove_cameras
from geodata.settings import ROOT, settings
from layers.hotspots import STATISTICS
from layers.i18n import LANGUAGES, translate
from pages.paper.folder import MANIFEST, write_zip
from pages.paper.fonts import FILES
from pages.paper.mapping import NORTH
from pages.paper.run_report import STORIES, made_run_report

pytestmark = pytest.mark.postgis

NAME = "Corner <script>alert(1)</script>"
WEEK = (0, 1, 2, 3, 4, 5, 6)


@pytest.fixture(scope="module")
def _font() -> None:
    if not all((settings().assets_dir / file).exists() for file in FILES.values()):
        if os.environ.get("CI"):
            pytest.fail("the font for printed pages is not set up; make setup")
        pytest.skip("the font for printed pages is not set up")


@pytest.fixture(scope="module")
def runs(town_of_module: str, _font: None) -> Iterator[dict[str, int]]:
    """A run of every kind that screens keep: kind → number."""
    with database.connection() as conn:
        town, ground = loaded_town(conn), load_ground(conn, loaded_town(conn))
        register = pd.DataFrame([row._asdict() for row in dataset_rows(conn)])
        here = parking.load_parking(conn, town)
        scene = load_scene(conn, town, "05-05")
        plan = make_plan(conn, town, Question(count=3, curve=True, time_limit_s=2.0))
        fewer = remove_cameras(conn, town, 3, time_limit_s=2.0)
        lamp = conn.execute(
            text("SELECT ST_X(geom) AS x, ST_Y(geom) AS y FROM component WHERE class_code = '01-18' LIMIT 1")
        ).one()
        gone = conn.scalar(text("SELECT camera_id FROM camera_view ORDER BY area_m2 DESC LIMIT 1"))
    token = commands.create_scenario(NAME)
    commands.add_cameras(token, [Pose(lamp.x, lamp.y, 90.0, cost=4_000.0)])
    commands.remove_cameras(token, [int(gone)])
    with database.connection() as conn:
        scenario = read_scenario(conn, token)
    rules = Rules(free_ratio=0.02)
    need = parking.needed(here, here.now, rules)
    assert need is not None
    bays = plan_bays(need, BayQuestion(budget=20_000.0))
    asked = Asked("05-05", Period(*scene.span, WEEK, 0, 24))
    whole = parking_run(here, here.now, need, rules, register, PlanQuestion(), bays=bays)
    with database.transaction() as session:
        found = {"place": keep_plan(session, plan), "remove": keep_plan(session, fewer)}
        found["coverage"] = session.scalar(text("SELECT max(id) FROM run WHERE kind = 'coverage'"))
    found["scenario"] = keep_scenario(
        scenario, outlook(ground, scenario), outlook(ground).figures, int(register["revision"].max()), None
    )
    found["parking"] = keep_parking("parking", *whole, method="as on the screen", seconds=1.0)
    found["hot_spots"] = keep_hot_spots(find_hot_spots(scene, asked), asked, register, method="Gi*")
    assert found["parking"] == keep_parking("parking", *whole, method="as on the screen", seconds=2.0)
    yield {kind: number for kind, number in found.items() if number is not None}
    found["token"] = 0


def contents(run: int, language: str = "en") -> dict[str, bytes]:
    with made_run_report(run, language) as report:
        return {name: bytes(content) for name, content in report.files.items() if isinstance(content, bytes)}


# -------------------------------------------------------------------------------------------------- laws


def test_the_same_run_makes_the_same_bytes_in_another_process(
    runs: dict[str, int], town_of_module: str, tmp_path: Path
) -> None:
    chosen = [runs["place"], runs["parking"], runs["hot_spots"]]
    for run in chosen:
        with made_run_report(run, "en") as report:
            write_zip(tmp_path / f"here{run}.zip", report.files)
    code = (
        "import sys; from pathlib import Path; from pages.paper.folder import write_zip\n"
        "from pages.paper.run_report import made_run_report\n"
        f"for run in {chosen!r}:\n"
        "  with made_run_report(run, 'en') as r: write_zip(Path(sys.argv[1]) / f'there{run}.zip', r.files)"
    )
    environment = {
        **os.environ,
        "TWIN_DATABASE_URL": town_of_module,
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
    }
    command = [sys.executable, "-c", code, str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    for run in chosen:
        assert (tmp_path / f"here{run}.zip").read_bytes() == (tmp_path / f"there{run}.zip").read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_run_has_a_whole_report(runs: dict[str, int], language: str) -> None:
    assert set(runs) | {"relocate", "bays"} == set(STORIES)
    for kind, run in runs.items():
        files = contents(run, language)
        manifest = json.loads(files[MANIFEST])
        listed = {each["path"]: each["sha256"] for each in manifest["files"]}
        assert listed == {n: hashlib.sha256(c).hexdigest() for n, c in files.items() if n != MANIFEST}, kind
        assert manifest["run"]["id"] == run and manifest["run"]["kind"] == kind
        assert manifest["code_profiles"] == ["2013"] and manifest["software"]["version"]
        page = files["report.html"].decode()
        assert not re.search(r"<(script|iframe|img|link|object)", page) and "default-src 'none'" in page
        for each in ("EPSG:3067", "EPSG:4326", "GB/T 30428.1", "OpenStreetMap", "run.json"):
            assert each in page, (kind, each)
        assert f">{translate(NORTH, language)}</text>" in page, kind
        assert files["report.pdf"].startswith(b"%PDF-") and b"(D:20000101000000" in files["report.pdf"]
        for name, content in files.items():
            if name.endswith(".geojson"):
                body = json.loads(content)
                assert (
                    body["run"] == run
                    and "exported_at" not in body
                    and body["crs_note"].startswith("EPSG:4326")
                )
                assert body["simulated"] is True and body["title"] and body["attribution"], (kind, name)
                assert gpd.read_file(io.BytesIO(content)).crs.to_epsg() == 4326


def test_no_report_opens_a_scenario(runs: dict[str, int]) -> None:
    with database.connection() as conn:
        token = conn.scalar(text("SELECT token FROM scenario ORDER BY id DESC LIMIT 1"))
    files = contents(runs["scenario"])
    assert all(token.encode() not in content for content in files.values())
    page = files["report.html"].decode()
    assert "&lt;script&gt;alert(1)" in page and "<script" not in page


# ------------------------------------------------------------------------------------------------- cases


def test_a_placement_tells_sites_bound_and_parameters(runs: dict[str, int]) -> None:
    files = contents(runs["place"])
    result = stored(runs["place"])
    page = files["report.html"].decode()
    assert f"{result['covered_ratio']:.1%}" in page and f"{result['gap_ratio']:.2%}" in page
    for feature in result["features"]:
        assert feature["properties"]["site"] in page
    parameters = json.loads(files["run.json"])["parameters"]
    assert parameters["count"] == 3 and parameters["spacing_m"] == 25.0
    assert len(json.loads(files["layers/proposed_views.geojson"])["features"]) == 3


def test_a_placement_tells_ground_and_kerb_before_and_after(runs: dict[str, int]) -> None:
    seen = stored(runs["place"])["ground"]
    page = contents(runs["place"])["report.html"].decode()
    with database.connection() as conn:
        now = outlook(load_ground(conn, loaded_town(conn))).figures
    assert seen["seen_ratio"][0] == pytest.approx(now.seen_ratio, abs=1e-6)
    assert seen["blind_cells"][0] == now.blind_cells
    for name in ("seen_ratio", "twice_ratio", "kerb_ratio"):
        before, after = seen[name]
        assert 0 < before <= after < 1, name
        assert f"{before:.2%}" in page and f"{after:.2%}" in page, name
    assert seen["seen_ratio"][1] > seen["seen_ratio"][0] and seen["kerb_ratio"][1] > seen["kerb_ratio"][0]
    fewer = stored(runs["remove"])["ground"]
    assert fewer["seen_ratio"][0] == seen["seen_ratio"][0] >= fewer["seen_ratio"][1]
    assert "kerb_ratio" not in fewer


@pytest.mark.parametrize("language", LANGUAGES)
def test_parameters_are_told_in_words(runs: dict[str, int], language: str) -> None:
    told = {
        kind: told_parameters(contents(runs[kind], language), language)
        for kind in ("place", "parking", "hot_spots")
    }

    def say(message: str, **facts: object) -> str:
        return translate(message, language, **facts)

    placing, parked, hot = told["place"], told["parking"], told["hot_spots"]
    assert placing[say("Model")] == say("Most demand with N cameras (MCLP)")
    assert placing[say("Sites")] == say("lamp posts")
    assert placing[say("Kinds of demand and their factors")] == f"{say('violations per exposure')} × 1"
    assert parked[say("Distances kept clear")] == say("as bays are often marked")
    assert parked[say("How bays lie")] == say("lengthwise")
    assert parked[say("Hours of the week for tariffs")] == say("whole week")
    assert hot[say("Statistic")] == say("Getis–Ord Gi*") and hot[say("Place")] == say("Unit cells")
    assert hot[say("Days of the week")] == say("Every day") and hot[say("Hours of the day")] == "0:00–24:00"
    assert "05-05" in hot[say("Event class")] and len(hot[say("Event class")]) > len("05-05")
    codes = {"mclp", "lamps", "violations", "practice", "parallel", "gi", "cells", "unit_cell", "exposure"}
    assert not codes & {value for table in told.values() for value in table.values()}
    if language == "zh-CN":
        values = [value for table in told.values() for value in table.values()]
        names = {translate(each, language) for each in STATISTICS.values()}
        assert [each for each in values if re.search("[a-z]{3}", each) and each not in names] == []


def test_a_scenario_tells_coverage_before_and_after(runs: dict[str, int]) -> None:
    files, result = contents(runs["scenario"]), stored(runs["scenario"])
    page = files["report.html"].decode()
    for moment in ("before", "after"):
        assert f"{result[moment]['seen_ratio']:.2%}" in page
    cells = json.loads(files["layers/cells.geojson"])["features"]
    assert cells
    for cell in (each["properties"] for each in cells):
        assert cell["after_ratio"] - cell["before_ratio"] == pytest.approx(cell["change"], abs=2e-6)


def test_parking_tells_demand_with_intervals_shortage_and_the_plan(runs: dict[str, int]) -> None:
    files, result = contents(runs["parking"]), stored(runs["parking"])
    page = files["report.html"].decode()
    cells = [each["properties"] for each in json.loads(files["layers/cells.geojson"])["features"]]
    assert {each["evidence"] for each in cells} == {"observed", "modelled", "none"}
    for cell in cells:
        known = cell["rate_100"] is not None
        assert known == (cell["evidence"] != "none")
        assert not known or cell["lower95"] <= cell["rate_100"] <= cell["upper95"]
    worst = max((each for each in cells if each["rate_100"] is not None), key=lambda each: each["rate_100"])
    assert worst["code"] in page and f"{worst['lower95']:.4f} – {worst['upper95']:.4f}" in page
    told = sum(each["unmet"] or 0 for each in cells)
    assert told == pytest.approx(result["figures"]["unmet"], abs=1e-3)
    for name in ("streets", "bays", "tariffs", "patrols", "works"):
        assert json.loads(files[f"layers/{name}.geojson"])["features"], name
    assert f"{result['figures']['bays']['upper_bound']:,.1f}" in page
    assert json.loads(files["run.json"])["parameters"]["free_ratio"] == 0.02


def test_a_report_is_that_of_the_runs_own_revision(runs: dict[str, int]) -> None:
    before = json.loads(contents(runs["place"])[MANIFEST])
    assert before["run"]["outdated"] is False
    with database.transaction() as session:
        session.execute(text("UPDATE dataset SET revision = revision + 1000 WHERE name = 'poi'"))
    try:
        files = contents(runs["place"])
        after = json.loads(files[MANIFEST])
        assert after["run"]["outdated"] is True and after["revision"] == before["revision"]
        page = files["report.html"].decode()
        assert "The data have changed since this run" in page and str(after["run"]["loaded_revision"]) in page
    finally:
        with database.transaction() as session:
            session.execute(text("UPDATE dataset SET revision = revision - 1000 WHERE name = 'poi'"))


def test_a_scenario_kept_in_figures_only_says_so(runs: dict[str, int]) -> None:
    ends = {"observed": 3, "modelled": 2, "none": 1, "per_h": 1.5, "width": None, "unmet": 2.0}
    bare = keep_parking("parking", {"version": 1}, {"before": ends, "after": ends}, method="m", seconds=0.1)
    files = contents(bare)
    assert not any(name.startswith("layers/") for name in files)
    assert "figures only" in files["report.html"].decode()


def test_a_scenario_that_the_screen_kept_tells_what_changes_place_by_place(runs: dict[str, int]) -> None:
    with database.connection() as conn:
        here = parking.load_parking(conn, loaded_town(conn))
    gone = here.now.watch.cameras[:40]
    watch = here.now.watch.changed(remove=gone)
    looking = here.now.looking
    fewer = parking.Standing(watch, looking, estimate(here.scape, watch, looking, here.events, here.recall))
    told = changed_places(here, here.now, fewer)
    none = changed_places(here, here.now, here.now)
    assert all(
        each["changed"] == 0 and not each["rows"] and len(each["most"]) == 15 for each in none.values()
    )
    old, new = (each.found.demand["unit_cell"].rates() for each in (here.now, fewer))
    assert (
        told["cells"]["changed"]
        == (~np.isclose(old["rate"], new["rate"], rtol=1e-9, equal_nan=True)).sum()
        > 0
    )
    ends = {"observed": 3, "modelled": 2, "none": 1, "per_h": 1.5, "width": None, "unmet": 2.0}
    result = json.loads(json.dumps({"before": ends, "after": ends, "places": told}, allow_nan=False))
    run = keep_parking("parking", {"version": 2}, result, method="m", seconds=0.1)
    page = contents(run)["report.html"].decode()
    row = told["cells"]["rows"][0]
    assert row["code"] in page
    for rate, low, high in zip(row["rate_100"], row["lower95"], row["upper95"], strict=True):
        assert rate is None or (f"{rate:.4f}" in page and f"{low:.4f} – {high:.4f}" in page)


# --------------------------------------------------------------------------------------------- bad input


def test_what_is_no_run_is_named(runs: dict[str, int]) -> None:
    for wrong in (0, -1, 999_999, 2**70):
        with (
            pytest.raises(NotFound, match=rf"no run {wrong}.*{runs['place']} \(place\)"),
            made_run_report(wrong, "en"),
        ):
            pass
    with database.transaction() as session:
        odd = session.scalar(
            text(
                "INSERT INTO run (kind, revision, method, parameters, result, seconds)"
                " VALUES ('dream', 1, 'm', '{}', '{}', 0) RETURNING id"
            )
        )
    with pytest.raises(NotFound, match="kind dream"), made_run_report(int(odd), "en"):
        pass


def told_parameters(files: dict[str, bytes], language: str) -> dict[str, str]:
    """Parameter → value, as the report's table has them."""
    page = files["report.html"].decode()
    table = page.split(f"<h2>{translate('Parameters', language)}</h2>")[1].split("</table>")[0]
    rows = re.findall(r"<tr><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td><td", table, re.S)
    return {html.unescape(name): html.unescape(value) for name, value in rows}


def stored(run: int) -> dict[str, Any]:
    with database.connection() as conn:
        found: dict[str, Any] = conn.scalar(text("SELECT result FROM run WHERE id = :id"), {"id": run})
    return found
