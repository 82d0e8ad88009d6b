"""
A city's package for its province: cases, ground or video as files with a manifest, from one snapshot of the database.

Ground is what the views of the schema `open` list; cameras and what they saw leave only where their owners share them
with all. Nothing asks the clock but for cases of the last second, which wait: the same revision makes the same bytes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from analysis.errors import InputError
from geodata.errors import NotFound
from geodata.export.parcel import snapshot
from geodata.ingest.case_exchange import MOST_CASES, NAME
from geodata.ingest.exchange.geographic import CRS_MEMBER, LAYERS
from geodata.ingest.exchange.manifest import FORMATS, MANIFEST, SCHEMAS, Format, crs_of
from geodata.ingest.exchange.video import DEVICE, DIRECTIONS, LEAD, PTZ_TYPES
from geodata.queries.case_exchange import PAGE_SQL, SHARED_WITH_ALL, exchanged
from geodata.settings import settings
from geodata.towns.town import find_town

__all__ = ["Package", "make_package"]

DIGITS = 9
"""Decimals of a degree: outlines stay valid."""
DATASETS: dict[Format, tuple[str, ...]] = {
    "case": ("case_file", "camera", "unit_cell"),
    "geographic": ("area", "unit_cell", "component", "address_point", "camera", "pipe"),
    "video": ("camera", "finding", "unit_cell"),
}
"""Format → whose source, licence and revision are told."""
BLOCK = 2000


@dataclass(frozen=True)
class Package:
    """
    The files of a package, ready to be zipped.

    Attributes
    ----------
    files
        Path inside it → content, or the file that holds it; the manifest among them.
    rows
        Path → rows, of those that have any.
    about
        What the manifest says beside its list of files.
    """

    files: dict[str, bytes | Path]
    rows: dict[str, int]
    about: dict[str, Any]


@dataclass
class _Making:
    """A package in the making."""

    conn: psycopg.Connection
    folder: Path
    files: dict[str, bytes | Path] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    digests: dict[str, tuple[int, str]] = field(default_factory=dict)

    def write(self, path: str, head: str, lines: Iterator[str], tail: str) -> None:
        """A JSON file whose rows are items of a list, one a line."""
        target = self.folder / path.replace("/", "-")
        digest, size, rows = hashlib.sha256(), 0, 0
        with target.open("wb") as file:

            def put(text: str) -> None:
                nonlocal size
                content = text.encode()
                digest.update(content)
                size += file.write(content)

            put(head)
            for line in lines:
                put(f"{',' if rows else ''}\n{line}")
                rows += 1
            put(f"\n{tail}\n")
        self.files[path], self.rows[path] = target, rows
        self.digests[path] = size, digest.hexdigest()

    def texts(self, query: str, parameters: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The one column of a query, row by row."""
        with self.conn.cursor("exchange") as cursor:
            cursor.itersize = BLOCK
            for (text,) in cursor.execute(query, parameters):
                yield text


def make_package(name: str, folder: Path, *, stills: bool = False, url: str | None = None) -> Package:
    """
    Makes a package of a format.

    Parameters
    ----------
    name
        case, geographic or video.
    folder
        Where its files may lie until they are packed.
    stills
        Of video: the evidence of leads goes along, heads and plates blurred.
    url
        Address of the database; None: the one that settings name.

    Raises
    ------
    NotFound
        If there is no such format, or nothing is loaded.
    InputError
        If stills are asked of a format that has none.
    DatabaseUnavailable
        If the database does not answer.
    """
    if name not in FORMATS:
        raise NotFound(
            "There is no format '{suffix}'.", "Choose one of: {names}.", suffix=name, names=", ".join(FORMATS)
        )
    if stills and name != "video":
        raise InputError(
            "Only a video package holds stills.", "Leave out --stills, or choose {name}.", name="video"
        )
    with snapshot(url) as conn:
        making = _Making(conn, folder)
        about = _about(conn, name)
        if name == "case":
            _cases(making)
        elif name == "geographic":
            _ground(making)
        else:
            _video(making, stills=stills)
            if stills:
                about["blurred"] = ["heads", "plates"]
    listed = [
        {
            "path": path,
            **({"rows": making.rows[path]} if path in making.rows else {}),
            "bytes": size,
            "sha256": digest,
        }
        for path, (size, digest) in sorted(making.digests.items())
    ]
    text = json.dumps({**about, "files": listed}, ensure_ascii=False, indent=1) + "\n"
    return Package({**making.files, MANIFEST: text.encode()}, making.rows, about)


def _about(conn: psycopg.Connection, name: Format) -> dict[str, Any]:
    sources = conn.execute(
        "SELECT town, source, licence, revision, simulated FROM dataset WHERE name = ANY(%s) ORDER BY name",
        [list(DATASETS[name])],
    ).fetchall()
    if not sources:
        raise NotFound("The database is empty.", "Load a town first: huiyan load helsinki.")
    return {
        "schema": SCHEMAS[name],
        "county_code": find_town(sources[0][0]).county_code,
        "code_profile": "2013",
        "crs": crs_of(SCHEMAS[name]),
        "revision": max(row[3] for row in sources),
        "simulated": any(row[4] for row in sources),
        "licence": "; ".join(sorted({row[2] for row in sources})),
        "attribution": "; ".join(sorted({row[1] for row in sources})),
    }


# -------------------------------------------------------------------------------------------------- cases


def _cases(making: _Making) -> None:
    after: tuple[Any, int] = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC), 0)
    head, number = json.dumps({"schema": NAME})[:-1] + ', "cases": [', 0
    while True:
        rows = making.conn.execute(
            PAGE_SQL, {"changed_at": after[0], "id": after[1], "most": MOST_CASES}
        ).fetchall()
        if not rows and number:
            return
        number += 1
        lines = (json.dumps(exchanged(row), ensure_ascii=False) for row in rows)
        making.write(f"cases/{number:06d}.json", head, lines, "]}")
        if len(rows) < MOST_CASES:
            return
        after = rows[-1][-2], rows[-1][-1]


# ------------------------------------------------------------------------------------------------- ground


def _ground(making: _Making) -> None:
    for name, layer in LAYERS.items():
        if name == "pipes" and not settings().open_pipes:
            continue
        members = ", ".join(f"'{column}', t.{column}" for column in layer.properties)
        order = "t.id" if name == "pipes" else 't.code COLLATE "C"'
        query = (
            f"SELECT json_build_object('type', 'Feature', 'geometry', {_geometry('t.geom')},"  # noqa: S608
            f" 'properties', json_build_object({members}))::text FROM open.{name} t ORDER BY {order}"
        )
        crs = json.dumps(CRS_MEMBER)
        head = f'{{"type": "FeatureCollection", "name": "{name}", "crs": {crs}, "features": ['
        making.write(f"{name}.geojson", head, making.texts(query), "]}")


def _geometry(shape: str) -> str:
    return f"ST_AsGeoJSON(ST_ForcePolygonCCW({shape}), {DIGITS}, 0)::json"


# -------------------------------------------------------------------------------------------------- video


def _eighth(heading: str) -> str:
    """SQL of the DirectionType nearest to a heading."""
    by_turn = {round(degrees / 45): code for code, degrees in DIRECTIONS.items()}
    arms = " ".join(f"WHEN {turn} THEN {code}" for turn, code in sorted(by_turn.items()))
    return f"CASE mod(round(({heading} / 45)::numeric)::int, 8) {arms} END"


CELL = "(SELECT u.code FROM unit_cell u WHERE ST_Covers(u.geom, c.geom) ORDER BY u.id LIMIT 1)"
DEVICE_SQL: dict[str, str] = {
    "device_id": "c.code",
    "component_code": "c.component_code",
    # a name is free text: one that holds an address stays here
    "name": "CASE WHEN c.name ~ '://' THEN c.code ELSE c.name END",
    "civil_code": "%(county)s::text",
    "area_code": "left(c.cell_code, 12)",
    "cell_code": "c.cell_code",
    "longitude": f"round(ST_X(c.geom)::numeric, {DIGITS})",
    "latitude": f"round(ST_Y(c.geom)::numeric, {DIGITS})",
    "status": "CASE WHEN c.state = 'online' THEN 'ON' ELSE 'OFF' END",
    "state": "c.state",
    "ptz_type": "CASE c.kind "
    + " ".join(f"WHEN '{kind}' THEN {n}" for kind, n in PTZ_TYPES.items())
    + " END",
    "direction_type": f"CASE WHEN c.kind = 'fixed' THEN {_eighth('c.heading_deg')} END",
    "heading_deg": "c.heading_deg",
    "heading_sd_deg": "c.heading_sd_deg",
    "tilt_deg": "c.tilt_deg",
    "height_m": "c.height_m",
    "hfov_deg": "c.hfov_deg",
    "range_m": "c.range_m",
    "resolution_px": "c.resolution_px",
    "owner": "c.owner",
    "pose_simulated": "c.pose_simulated",
    "demonstration": "c.demonstration",
    "simulated": "c.simulated",
}
"""Field of a device → SQL over `c`: nothing of its stream."""


def _moment(column: str) -> str:
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


LEAD_SQL: dict[str, str] = {
    "lead": "f.id",
    "device_id": "c.code",
    "class_code": "f.class_code",
    "cell_code": "u.code",
    "rule": "f.rule",
    "rule_version": "f.rule_version",
    "first_seen_at": _moment("f.first_seen_at"),
    "last_seen_at": _moment("f.last_seen_at"),
    "confidence": "f.confidence",
    "longitude": f"CASE WHEN f.error_m IS NOT NULL THEN round(ST_X(f.geom)::numeric, {DIGITS}) END",
    "latitude": f"CASE WHEN f.error_m IS NOT NULL THEN round(ST_Y(f.geom)::numeric, {DIGITS}) END",
    "deviation_m": "CASE WHEN f.geom IS NOT NULL THEN f.error_m END",
    "verdict_at": _moment("f.verdict_at"),
    "disposed_at": _moment("f.disposed_at"),
    "recheck": "CASE WHEN f.recheck_at IS NOT NULL THEN f.recheck END",
    "recheck_at": f"CASE WHEN f.recheck IS NOT NULL THEN {_moment('f.recheck_at')} END",
    "evidence_sha256": "f.evidence_sha256",
    "still": "CASE WHEN %(stills)s AND f.evidence IS NOT NULL THEN 'stills/' || f.evidence_sha256 || '.jpg' END",
    "demonstration": "c.demonstration",
    "simulated": "f.simulated",
}
"""Field of a lead → SQL over `f`, its camera `c` and its cell `u`."""
LEADS_FROM = (
    "FROM finding f JOIN camera c ON c.id = f.camera_id LEFT JOIN unit_cell u ON u.id = f.cell_id"
    f" WHERE f.state = 'confirmed' AND f.merged_into IS NULL AND c.share_level = {SHARED_WITH_ALL}"
)
assert list(DEVICE_SQL) == DEVICE["required"]
assert list(LEAD_SQL) == LEAD["required"]


def _object(columns: dict[str, str]) -> str:
    members = ", ".join(f"'{name}', {expression}" for name, expression in columns.items())
    return f"json_build_object({members})::text"


def _video(making: _Making, *, stills: bool) -> None:
    county = making.conn.execute(
        "SELECT code FROM area WHERE kind = 'county' ORDER BY code LIMIT 1"
    ).fetchone()
    query = (
        f"SELECT {_object(DEVICE_SQL)} FROM (SELECT c.*, {CELL} AS cell_code FROM camera c"  # noqa: S608
        f' WHERE c.share_level = {SHARED_WITH_ALL}) c ORDER BY c.code COLLATE "C"'
    )
    told = {"county": county[0] if county else None, "stills": stills}
    making.write("devices.json", '{"devices": [', making.texts(query, told), "]}")
    query = f"SELECT {_object(LEAD_SQL)} {LEADS_FROM} ORDER BY f.id"
    making.write("leads.json", '{"leads": [', making.texts(query, told), "]}")
    if not stills:
        return
    pictures = making.conn.cursor("stills")
    pictures.itersize = 50
    with pictures:
        there = "f.evidence IS NOT NULL AND f.evidence_sha256 IS NOT NULL"
        query = f"SELECT DISTINCT ON (1) f.evidence_sha256, f.evidence {LEADS_FROM} AND {there} ORDER BY 1"
        for digest, content in pictures.execute(query):
            path = f"stills/{digest}.jpg"
            target = making.folder / f"still-{digest}.jpg"
            target.write_bytes(content)
            making.files[path] = target
            making.digests[path] = len(content), hashlib.sha256(content).hexdigest()
