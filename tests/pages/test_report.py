"""Reports: same data, same bytes; every file is in the manifest; nothing in them runs or asks outside."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import text

from analysis.errors import HuiyanError
from geodata import database
from geodata.errors import NotFound, TwinError
from geodata.settings import ROOT, settings
from layers.i18n import LANGUAGES
from layers.view import View
from pages.paper.folder import MANIFEST, write_folder, write_zip
from pages.paper.fonts import FILES
from pages.paper.report import made_report

pytestmark = pytest.mark.postgis

QUERY = {
    "layers": "unit_cells,streets,cameras,pipes,heat",
    "measure": "rate",
    "area": "910091002",
    "since": "2026-02-01T00:00:00Z",
}
VIEW = View.from_query(QUERY)


@pytest.fixture(scope="module")
def _font() -> None:
    if not all((settings().assets_dir / file).exists() for file in FILES.values()):
        if os.environ.get("CI"):
            pytest.fail("the font for printed pages is not set up; make setup")
        pytest.skip("the font for printed pages is not set up")


def contents(view: View, language: str = "en") -> dict[str, bytes]:
    with made_report(view, language) as report:
        return {
            name: content if isinstance(content, bytes) else content.read_bytes()
            for name, content in report.files.items()
        }


def test_the_same_view_of_the_same_data_makes_the_same_bytes_in_another_process(
    town_database: str, tmp_path: Path, _font: None
) -> None:
    with made_report(VIEW, "en") as report:
        write_zip(tmp_path / "here.zip", report.files)
    code = (
        "import sys; from pathlib import Path; from layers.view import View; from pages.paper.folder import write_zip\n"
        "from pages.paper.report import made_report\n"
        f"with made_report(View.from_query({QUERY!r}), 'en') as r: write_zip(Path(sys.argv[1]), r.files)"
    )
    environment = {
        **os.environ,
        "TWIN_DATABASE_URL": town_database,
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
    }
    command = [sys.executable, "-c", code, str(tmp_path / "there.zip")]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert (tmp_path / "here.zip").read_bytes() == (tmp_path / "there.zip").read_bytes()


def test_the_manifest_names_every_file_and_what_the_report_rests_on(
    town_database: str, tmp_path: Path, _font: None
) -> None:
    files = contents(VIEW)
    manifest = json.loads(files[MANIFEST])
    listed = {each["path"]: each for each in manifest["files"]}
    assert set(listed) == set(files) - {MANIFEST}
    for name, each in listed.items():
        assert each["bytes"] == len(files[name])
        assert each["sha256"] == hashlib.sha256(files[name]).hexdigest()
    with database.connection() as conn:
        assert manifest["revision"] == conn.scalar(text("SELECT max(revision) FROM dataset"))
    assert View.from_query(manifest["view"]) == VIEW
    assert manifest["simulated"] is True and manifest["code_profiles"] == ["2013"]
    layers = {
        f"layers/{name}.geojson" for name in ("unit_cells", "streets", "cameras", "pipes", "violations")
    }
    assert set(files) == {"report.pdf", "report.html", MANIFEST, *layers}
    body = json.loads(files["layers/violations.geojson"])
    assert body["filters"]["area"] == "910091002" and "exported_at" not in body
    write_folder(tmp_path / "out", files)
    found = {
        str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert found == set(files)


class _Reader(HTMLParser):
    """Tags, addresses and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_brief_says_what_it_must_and_runs_nothing(town_database: str, language: str, _font: None) -> None:
    files = contents(VIEW, language)
    page = files["report.html"].decode()
    read = _Reader(page)
    assert not {"script", "iframe", "object", "link", "img"} & set(read.tags) and not read.addresses
    assert (
        "default-src 'none'" in page
        and "<svg" in page
        and not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    )
    told = " ".join(read.texts)
    for each in ("EPSG:3067", "EPSG:4326", "OpenStreetMap", "GB/T 30428.1", "layers/cameras.geojson", "1 : "):
        assert each in told, each
    with database.connection() as conn:
        cell = conn.execute(
            text(
                "SELECT c.code, m.rate_lower, m.rate_upper FROM cell_measure m JOIN unit_cell c ON c.id = m.cell_id"
                " WHERE c.code LIKE '910091002%' AND m.rate IS NOT NULL ORDER BY m.rate DESC, c.code LIMIT 1"
            )
        ).one()
    assert cell.code in told and f"{cell.rate_lower:.4f} – {cell.rate_upper:.4f}" in told
    paper = files["report.pdf"]
    assert paper.startswith(b"%PDF-") and b"/CreationDate (D:20000101000000" in paper


def test_an_empty_view_is_a_report_too(town_database: str, _font: None) -> None:
    files = contents(View(layers=()))
    assert json.loads(files[MANIFEST])["view"]["layers"] == "-"
    nowhere = contents(View(layers=("violations", "sensors"), filters={"source": "nobody"}))
    assert json.loads(nowhere["layers/violations.geojson"])["features"] == []


def test_texts_of_others_are_texts(town_copy: str, _font: None) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE dataset SET source = '<script>alert(1)</script>' WHERE name = 'pipe'"))
        session.execute(text("UPDATE area SET name_en = '<b>North</b>' WHERE code = '910091001'"))
    page = contents(View(layers=("pipes",), area="910091001"))["report.html"].decode()
    assert "<script>" not in page and "<b>North</b>" not in page and "&lt;b&gt;North" in page


# ------------------------------------------------------------------------------------------- bad input


def test_what_cannot_be_reported_is_named(town_database: str, tmp_path: Path, _font: None) -> None:
    with pytest.raises(NotFound, match="910091009"), made_report(View(area="910091009"), "en"):
        pass
    (tmp_path / "there.txt").write_text("older")
    with pytest.raises(TwinError, match="not empty"):
        write_folder(tmp_path, {"a": b"b"})
    with pytest.raises(HuiyanError, match="cannot be written"):
        write_zip(tmp_path / "no" / "such.zip", {"a": b"b"})
    assert [each.name for each in tmp_path.iterdir()] == ["there.txt"]


def test_zips_are_undated_and_sorted(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"z.txt": b"1", "a/b.txt": b"2"})
    with zipfile.ZipFile(io.BytesIO((tmp_path / "a.zip").read_bytes())) as pack:
        assert pack.namelist() == ["a/b.txt", "z.txt"]
        assert {each.date_time for each in pack.infolist()} == {(1980, 1, 1, 0, 0, 0)}
