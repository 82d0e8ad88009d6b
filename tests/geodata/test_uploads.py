"""Files that people upload: kept for the worker, loaded or checked, removed; and what follows from them renewed."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from geodata import database
from geodata.commands.imports import Order, check_file
from geodata.commands.unloading import unload
from geodata.commands.uploading import ask_for, plain_report, report_of, until_done, work_off
from geodata.errors import DatabaseUnavailable, IngestError
from geodata.ingest import uploads
from geodata.ingest.uploads import drop_upload, keep_upload, kept_upload, sweep_uploads
from geodata.jobs.queue import defer, run_worker
from geodata.progress import silent
from geodata.queries.derived import Behind, behind
from geodata.queries.jobs import JobView, job_asked, waiting_jobs
from geodata.settings import settings
from pages.terminal.main import app

pytestmark = pytest.mark.postgis

CODES = [f"91009100081320{n:06d}" for n in (910_001, 910_002)]
GOOD = "设备编码,方位角,经度,纬度\n" + "".join(f"{code},90,24.944,60.171\n" for code in CODES)
BAD = GOOD + "12,<b>x</b>,24.944,60.171\n"


@pytest.fixture(scope="module")
def town(town_of_module: str) -> Iterator[str]:
    """A town to write in."""
    yield town_of_module


def kept(content: str) -> str:
    return keep_upload("Kameras 1.CSV", io.BytesIO(content.encode("gb18030")))


def order(**more: Any) -> Order:
    return Order(Path("never/read"), "cameras", name="Kameras 1.CSV", source="upload", **more)


def lying() -> set[str]:
    folder = settings().data_dir / uploads.FOLDER
    return {each.name for each in folder.iterdir()} if folder.is_dir() else set()


def job(upload: str) -> JobView:
    with database.connection() as conn:
        found = job_asked(conn, "load", "upload", upload)
    assert found is not None
    return found


def cameras() -> int:
    with database.connection() as conn:
        sql = text("SELECT count(*) FROM camera WHERE code = ANY (:codes)")
        return int(conn.scalar(sql, {"codes": CODES}) or 0)


def now_behind() -> Behind:
    with database.connection() as conn:
        return behind(conn)


# ---------------------------------------------------------------------------------------------- laws


def test_a_report_and_an_order_survive_the_queue(town: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(BAD, "utf-8")
    asked = order(columns={"heading_deg": "方位角"}, constants={"owner": "office"}, good_rows=True)
    report = check_file(Order(**{**vars(asked), "path": path}))
    again = report_of(json.loads(json.dumps(plain_report(report))))
    assert report.faulty == 1 and report.faults
    assert plain_report(again) == plain_report(report) and again.kind is report.kind
    assert [str(each.error) for each in again.faults] == [str(each.error) for each in report.faults]
    upload = kept(BAD)
    told = json.loads(json.dumps(ask_for(asked, upload, dry=True)))
    assert work_off(told, silent) | {"encoding": report.encoding} == plain_report(report)
    drop_upload(upload)
    assert lying() == set() and cameras() == 0


def test_only_files_that_nobody_waits_for_are_swept(town: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, young, old = kept("a"), kept("b"), kept("c")
    folder = settings().data_dir / uploads.FOLDER
    foreign = folder / "notes.txt"
    foreign.write_text("not ours")
    for each in (wanted, old, foreign.name):
        os.utime(folder / each, (1, 1))
    assert sweep_uploads({wanted}) == 1
    assert lying() == {wanted, young, foreign.name}
    foreign.unlink()
    defer("load", **ask_for(order(), wanted, dry=True))
    monkeypatch.setattr(uploads, "YOUNG_S", -1.0)
    run_worker(once=True)
    assert lying() == set() and job(wanted).state == "failed"
    assert folder.stat().st_mode & 0o077 == 0


# ---------------------------------------------------------------------------------------------- cases


def test_a_worker_checks_and_loads_and_nothing_of_the_file_stays(town: str) -> None:
    checked, loaded, again = kept(GOOD), kept(GOOD), kept(GOOD)
    assert checked.endswith(".csv") and "Kameras" not in checked
    before = now_behind()
    defer("load", **ask_for(order(), checked, dry=True))
    defer("load", **ask_for(order(), loaded))
    defer("load", **ask_for(order(), again))
    with database.connection() as conn:
        assert [each["upload"] for each in waiting_jobs(conn, "load")] == [checked, loaded, again]
        locks = conn.scalars(text("SELECT DISTINCT lock FROM procrastinate_jobs WHERE task_name = 'load'"))
        assert list(locks) == ["load"], "one after another, whoever does them"
    run_worker(once=True)
    reports = [report_of(job(each).result or {}) for each in (checked, loaded, again)]
    assert [(each.good, each.added, each.same) for each in reports] == [(2, 2, 0), (2, 2, 0), (2, 0, 2)]
    assert reports[0].revision is None and reports[1].revision and reports[1].file == "Kameras 1.CSV"
    assert lying() == set() and cameras() == 2
    # what follows is behind, until it was computed anew
    assert before == Behind((), ()) and now_behind().job == "coverage"
    assert "camera" in now_behind().coverage
    defer("coverage")
    run_worker(once=True)
    assert now_behind() == Behind((), ())
    unload(reports[2].revision or 0)
    unload(reports[1].revision)
    assert cameras() == 0 and "camera" in now_behind().coverage


def test_only_a_file_of_cases_leaves_the_demand_behind(town: str, tmp_path: Path) -> None:
    before = now_behind().demand
    with database.transaction() as session:
        session.execute(
            text("UPDATE dataset SET revision = nextval('dataset_revision') WHERE name = 'case_file'")
        )
    assert now_behind().demand == before, "cases arrive all the time"
    path = tmp_path / "cases.csv"
    path.write_text("案件编号,类别代码,上报时间,lon,lat\nU-1,05-05,2026-01-05 08:00,24.944,60.171\n", "utf-8")
    with path.open("rb") as file:
        upload = keep_upload(path.name, file)
    defer("load", **ask_for(Order(Path("x"), "cases", name="cases.csv"), upload))
    run_worker(once=True)
    done = report_of(job(upload).result or {})
    assert done.added == 1 and "case_file" in now_behind().demand and "case_file" not in before
    defer("demand")
    run_worker(once=True)
    assert "case_file" not in now_behind().demand
    unload(done.revision or 0)
    assert "case_file" in now_behind().demand
    again = CliRunner().invoke(app, ["load", str(path), "--as", "cases", "--renew"])
    assert again.exit_code == 0 and "computed anew" in again.output and now_behind() == Behind((), ())
    back = CliRunner().invoke(app, ["unload", str(_newest_load()), "--renew"])
    assert back.exit_code == 0 and "computed anew" in back.output and now_behind() == Behind((), ())


def _newest_load() -> int:
    with database.connection() as conn:
        return int(conn.scalar(text("SELECT max(revision) FROM load")) or 0)


# ------------------------------------------------------------------------------------------ bad input


def test_a_load_that_fails_says_why_and_its_file_goes(town: str) -> None:
    bad, gone = kept(BAD), kept(GOOD)
    drop_upload(gone)
    defer("load", **ask_for(order(), bad))
    defer("load", **ask_for(order(), gone))
    run_worker(once=True)
    assert job(bad).state == job(gone).state == "failed"
    assert "1 of 3 rows" in str(job(bad).error) and "not there any more" in str(job(gone).error)
    assert lying() == set() and cameras() == 0


def test_a_file_outlives_a_database_that_goes_away(town: str) -> None:
    upload = kept(GOOD)
    with pytest.raises(DatabaseUnavailable), until_done(upload):
        raise DatabaseUnavailable("away")
    assert kept_upload(upload).read_bytes() == GOOD.encode("gb18030")
    with pytest.raises(IngestError), until_done(upload):
        raise IngestError("wrong")
    with pytest.raises(IngestError, match="not there any more"):
        kept_upload(upload)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "", ".", "a" * 32 + "/..", "0" * 32 + ".csv\n", "0" * 31]
)
def test_no_name_leads_out_of_the_folder(name: str, town: str) -> None:
    with pytest.raises(IngestError, match="not there any more"):
        kept_upload(name)
    drop_upload(name)


@pytest.mark.parametrize("name", ["x", "../x.csv/..", "a.c;v", "a." + "x" * 40, "行.CSV"])
def test_only_the_ending_is_the_persons(name: str, town: str) -> None:
    upload = keep_upload(name, io.BytesIO(b"x"))
    assert kept_upload(upload).parent == settings().data_dir / uploads.FOLDER
    assert uploads.NAME.fullmatch(upload)
    drop_upload(upload)


def test_a_file_above_the_limit_is_refused_unread(town: str, monkeypatch: pytest.MonkeyPatch) -> None:
    smaller = settings().model_copy(update={"load_max_mb": 1})
    monkeypatch.setattr(uploads, "settings", lambda: smaller)
    with pytest.raises(IngestError, match="1 MB are allowed"):
        keep_upload("x.csv", io.BytesIO(b"x" * 1_000_001))
    assert lying() == set()
