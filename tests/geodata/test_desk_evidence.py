"""Packages of evidence, who finds what, and rounds that looking spares."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import text

from geodata import database
from geodata.commands.desk import give_verdict, take_step
from geodata.errors import NotFound, TwinError
from geodata.queries.datasets import loaded_town
from geodata.queries.evidence import packages_taken, read_evidence
from geodata.queries.shares import (
    REASONS,
    TOWN,
    district_shares,
    month_shares,
    silent_cells,
    spared_rounds,
)
from pages.paper.evidence import evidence_package, packed
from tests.geodata.test_desk import add_lead, desk, row, write  # noqa: F401 - a fixture

pytestmark = pytest.mark.postgis


def still(shade: int) -> bytes:
    return cv2.imencode(".jpg", np.full((576, 768, 3), shade, np.uint8))[1].tobytes()


def pictured(lead: int, *, recheck: bool = False) -> dict[str, bytes]:
    """Gives a lead its stills, each of another shade."""
    kept = {role: still(shade) for role, shade in (("at", 40), ("before", 90), ("after", 140))}
    kept |= {"recheck": still(200)} if recheck else {}
    write(
        "UPDATE finding SET evidence = :jpeg, evidence_sha256 = :sha WHERE id = :id",
        id=lead,
        jpeg=kept["at"],
        sha=hashlib.sha256(kept["at"]).hexdigest(),
    )
    for role, jpeg in kept.items():
        if role != "at":
            write(
                "INSERT INTO finding_frame (finding_id, role, taken_at, picture, sha256)"
                " VALUES (:id, :role, now(), :jpeg, :sha)",
                id=lead,
                role=role,
                jpeg=jpeg,
                sha=hashlib.sha256(jpeg).hexdigest(),
            )
    return kept


def unpacked(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as pack:
        assert pack.testzip() is None
        return {name: pack.read(name) for name in pack.namelist()}


def taken(lead: int) -> Any:
    with database.connection() as conn:
        return packages_taken(conn, lead)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_package_proves_itself_and_its_taking_is_noted(desk: int, tmp_path: Path, language: str) -> None:  # noqa: F811
    lead = add_lead(desk)
    kept = pictured(lead)
    give_verdict(lead, "confirmed")
    package = evidence_package(lead, language)
    files = unpacked(package.body)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    subprocess.run(["sha256sum", "--strict", "--check", "SHA256SUMS"], cwd=tmp_path, check=True)
    manifest = json.loads(files["manifest.json"])
    listed = {each["path"]: each["sha256"] for each in manifest["files"]}
    assert set(listed) == set(files) - {"manifest.json", "SHA256SUMS"}
    assert {name: hashlib.sha256(files[name]).hexdigest() for name in listed} == listed
    assert {role: files[f"lead-{lead}/{role}.jpg"] for role in kept} == kept, (
        "stills leave as they were stored"
    )
    noted = taken(lead)
    assert noted["sha256"].tolist() == [hashlib.sha256(files["manifest.json"]).hexdigest()]
    assert noted["files"].tolist() == [len(files)]
    [told] = json.loads(files["evidence.json"])["leads"]
    facts = row("SELECT * FROM finding f JOIN zone z ON z.id = f.zone_id WHERE f.id = :id", id=lead)
    assert told["boxes_px"] == [[facts.x1, facts.y1, facts.x2, facts.y2]]
    assert told["zone"]["polygon_px"] == facts.polygon_px and told["rule"]["version"] == facts.rule_version
    assert [each["verdict"] for each in told["verdicts"]] == ["confirmed"] and told["simulated"] is True
    assert {each["role"]: each["sha256_when_stored"] for each in told["stills"]} == {
        role: hashlib.sha256(jpeg).hexdigest() for role, jpeg in kept.items()
    }
    again = evidence_package(lead, language)
    assert again.body == package.body and len(taken(lead)) == 2


def test_a_picture_that_was_exchanged_leaves_in_no_package(desk: int) -> None:  # noqa: F811
    lead = add_lead(desk)
    pictured(lead)
    write(
        "UPDATE finding_frame SET picture = :jpeg WHERE finding_id = :id AND role = 'before'",
        id=lead,
        jpeg=still(1),
    )
    with pytest.raises(TwinError, match=r"'before'.*digest differs"):
        evidence_package(lead, "en")
    assert taken(lead).empty


def test_a_lead_that_is_not_there(desk: int) -> None:  # noqa: F811
    with pytest.raises(NotFound):
        evidence_package(2**40, "en")


def test_a_package_holds_the_place_its_steps_and_its_case(desk: int) -> None:  # noqa: F811
    now = dt.datetime.now(
        dt.UTC
    )  # steps are told from the database's now, and tests before this one take a while
    others = [add_lead(desk, at=now - dt.timedelta(hours=3 + n), state="confirmed") for n in range(3)]
    lead = add_lead(desk, at=now, state="confirmed")
    add_lead(desk, state="rejected")
    add_lead(desk, zone=1, state="confirmed")
    pictured(lead, recheck=True)
    place = row(
        "SELECT c.code || '/' || z.name AS place FROM finding f JOIN camera c ON c.id = f.camera_id"
        " JOIN zone z ON z.id = f.zone_id WHERE f.id = :id",
        id=lead,
    ).place
    for step, ago in (("remind", 4), ("warn", 2)):
        write(
            "INSERT INTO ladder_step (finding_id, place, class_code, step, taken_at)"
            " VALUES (:id, :place, '05-05', :step, now() - make_interval(hours => :ago))",
            id=others[0],
            place=place,
            step=step,
            ago=ago,
        )
    for _ in range(3):
        add_lead(desk, at=now - dt.timedelta(minutes=10), state="confirmed")
    number = take_step(lead, "case")
    with database.connection() as conn:
        found = read_evidence(conn, lead)
    assert found.leads[0].view.facts["id"] == lead and len(found.leads) == 7
    facts = json.loads(unpacked(packed(found, "en").body)["evidence.json"])
    assert [(each["step"], each["case"]) for each in facts["steps"]] == [
        ("remind", None),
        ("warn", None),
        ("case", number),
    ]
    page = unpacked(packed(found, "en").body)["evidence.html"].decode()
    assert str(number) in page and page.count("<svg") == 4 and f"lead-{lead}/recheck.jpg" in page


def test_what_stands_in_a_package_is_never_run_and_holds_no_address(desk: int) -> None:  # noqa: F811
    lead = add_lead(desk)
    kept = row(
        "SELECT title_en, version FROM zone z JOIN finding f ON f.zone_id = z.id WHERE f.id = :id", id=lead
    )
    address = row("SELECT stream_url FROM camera WHERE id = :id", id=desk).stream_url
    here = " WHERE id = (SELECT zone_id FROM finding WHERE id = :id)"
    try:
        write("UPDATE zone SET title_en = '<script>1</script>', version = version + 1" + here, id=lead)
        write("UPDATE camera SET stream_url = 'rtsp://boss:geheim@10.0.0.9/1' WHERE id = :id", id=desk)
        files = unpacked(evidence_package(lead, "en").body)
    finally:
        write("UPDATE zone SET title_en = :t, version = :v" + here, id=lead, t=kept.title_en, v=kept.version)
        write("UPDATE camera SET stream_url = :a WHERE id = :id", id=desk, a=address)
    page = files["evidence.html"].decode()
    assert "<script" not in page and "&lt;script&gt;" in page and "changed since" in page
    assert not any(b"geheim" in content or b"10.0.0.9" in content for content in files.values())


# ------------------------------------------------------------------------------------ who finds what


def test_shares_add_up_to_all_violations(desk: int) -> None:  # noqa: F811
    with database.connection() as conn:
        months = month_shares(conn, loaded_town(conn))
    districts = district_shares(months)
    counted = row(
        "SELECT count(*) FILTER (WHERE source IN ('camera', 'video')) AS cameras,"
        " count(*) FILTER (WHERE source NOT IN ('camera', 'video')) AS people,"
        " count(*) FILTER (WHERE cell_id IS NULL) AS outside FROM violation"
    )
    for table in (months, districts):
        whole, parts = table[table["code"] == TOWN], table[table["code"] != TOWN]
        for name in ("cameras", "people"):
            assert whole[name].sum() == getattr(counted, name) > 0
        assert whole["found"].sum() - parts["found"].sum() == counted.outside
        assert ((table["lower"] <= table["share"]) & (table["share"] <= table["upper"])).all()
    assert districts["code"].iloc[0] == TOWN and districts["code"].is_unique
    late = months[
        (months["code"] == TOWN)
        & (months["month"] >= sorted(months["month"].unique())[len(months["month"].unique()) // 2])
    ]
    share = late["cameras"].sum() / late["found"].sum()
    assert districts["before"].iloc[0] + districts["change"].iloc[0] == pytest.approx(share)


def test_a_confirmed_lead_is_found_by_a_camera(desk: int) -> None:  # noqa: F811
    def cameras() -> int:
        with database.connection() as conn:
            return int(month_shares(conn, loaded_town(conn)).query("code == @TOWN")["cameras"].sum())

    lead = add_lead(desk)
    before = cameras()
    give_verdict(lead, "confirmed")
    assert cameras() == before + 1


def test_silent_cells_are_those_with_reports_and_without_finds(desk: int) -> None:  # noqa: F811
    with database.connection() as conn:
        cells, few = silent_cells(conn), silent_cells(conn, most=3)
        truth = conn.execute(
            text(
                "SELECT cell_id, count(*) AS people FROM violation WHERE cell_id IS NOT NULL GROUP BY 1"
                " HAVING bool_and(source NOT IN ('camera', 'video'))"
            )
        ).all()
    assert cells["people"].to_dict() == {each.cell_id: each.people for each in truth} and len(cells) > 0
    assert sum(cells.attrs["cells"].values()) == len(cells) and set(cells["reason"]) <= set(REASONS)
    assert cells["chance"].notna().eq(cells["reason"] == "silent").all()
    assert cells.loc[cells["reason"] == "unseen", "coverage_ratio"].fillna(0).eq(0).all()
    assert few.index.tolist() == cells.index[:3].tolist() and few.attrs == cells.attrs


def test_hours_with_a_look_are_rounds_and_hours_with_a_confirmed_lead_are_not_spared(desk: int) -> None:  # noqa: F811
    hour = dt.datetime.now(dt.UTC).replace(minute=5, second=0, microsecond=0)
    write("DELETE FROM audit WHERE action = 'draw zone'")
    for ago in (1, 1, 2, 3, 50):
        write(
            "INSERT INTO sample (camera_id, taken_at, due_at, footage_s, frame_index, width_px, height_px, detector,"
            " looked_s, simulated) SELECT :camera, t, t, 0, 0, 768, 576, 'x', 0, true FROM (SELECT"
            " CAST(:at AS timestamptz) + make_interval(secs => (SELECT count(*) FROM sample)) AS t) a",
            camera=desk,
            at=hour - dt.timedelta(hours=ago),
        )
    add_lead(desk, at=hour - dt.timedelta(hours=2), state="confirmed")
    add_lead(desk, at=hour - dt.timedelta(hours=1), state="rejected")

    def of(days: int) -> Any:
        with database.connection() as conn:
            places = spared_rounds(conn, days)
        first = int(row("SELECT min(zone_id) AS id FROM finding").id)
        return places.set_index("zone_id").loc[first]

    day, week = of(1), of(7)
    assert (day.looks, day.rounds, day.leads, day.confirmed, day.gone, day.spared) == (4, 3, 2, 1, 1, 2)
    assert (week.looks, week.rounds, week.spared) == (5, 4, 3)
    zone = row("SELECT c.code, z.name FROM zone z JOIN camera c ON c.id = z.camera_id ORDER BY z.id LIMIT 1")
    write(
        "INSERT INTO audit (actor, action, subject, details, at) VALUES ('x', 'draw zone', :subject, '{}', :at)",
        subject=f"camera {zone.code} {zone.name}",
        at=hour - dt.timedelta(minutes=90),
    )
    assert of(7).looks == 2, "looks from before the zone was drawn do not count"
    write("DELETE FROM audit WHERE action = 'draw zone'")
