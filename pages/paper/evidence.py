"""
The package of evidence of a lead: stills, facts, what was done at its place, and digests of all of it.

The same data make the same bytes. Stills are those that were stored: heads and plates are blurred in them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.desk import LADDER
from geodata import database
from geodata.commands.desk import note_evidence
from geodata.queries.evidence import LeadEvidence, PlaceEvidence, read_evidence
from layers.i18n import N_
from layers.watching import RULE_NAMES, STEPS, VERDICTS
from pages.paper.brief_html import STYLE
from pages.paper.folder import MANIFEST, manifest_of, write_zip
from pages.paper.report import about_data
from pages.paper.telling import Say, speaker

__all__ = ["EvidencePackage", "evidence_package", "packed"]

DIGESTS = "SHA256SUMS"
"""In the form that `sha256sum -c` reads."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:"
ROLES = {
    "before": N_("Before"),
    "at": N_("At the lead"),
    "after": N_("After"),
    "recheck": N_("Second recognition"),
}
RECHECKS = {
    "solved": N_("solved"),
    "not_solved": N_("not solved"),
    "cannot_say": N_("cannot be said yet"),
}


@dataclass(frozen=True, slots=True)
class EvidencePackage:
    """
    A package that is ready.

    Attributes
    ----------
    name
        Of the zip, without a suffix.
    body
        The zip.
    manifest_sha256
        Digest of the manifest, which holds those of all other files: whoever has it can tell a changed package.
    files
        How many it holds.
    """

    name: str
    body: bytes
    manifest_sha256: str
    files: int


def evidence_package(lead: int, language: str) -> EvidencePackage:
    """
    The package of a lead and of what was done at its place; the audit notes that it was taken, with its digest.

    Raises
    ------
    NotFound
        If there is no such lead.
    TwinError
        If a picture is not the one that was stored; then nothing leaves.
    """
    with database.connection() as conn:
        found = read_evidence(conn.execution_options(isolation_level="REPEATABLE READ"), lead)
    package = packed(found, language)
    note_evidence(found.lead, manifest_sha256=package.manifest_sha256, files=package.files)
    return package


def packed(found: PlaceEvidence, language: str) -> EvidencePackage:
    """What was read, as a zip: `evidence.html` to be read, `evidence.json`, a folder of stills a lead, digests."""
    say = speaker(language)
    files: dict[str, bytes | Path] = {
        f"lead-{each.view.facts['id']}/{picture.role}.jpg": picture.jpeg
        for each in found.leads
        for picture in each.pictures
    }
    about = {
        "title": say(N_("Evidence of lead {lead}"), lead=found.lead),
        "town": found.town.name,
        "revision": found.revision,
        "place": found.place,
        **about_data(found.town, (found.code_profile,), language, simulated=found.simulated),
    }
    facts = about | {
        "stills": "heads of people and plates of vehicles are blurred as far as the detector found them",
        "leads": [_lead(each) for each in found.leads],
        "leads_left_out": found.left_out,
        "steps": [
            {
                "step": row.step,
                "taken_at": _utc(row.taken_at),
                "lead": int(row.finding_id),
                "case": None if pd.isna(row.case) else str(row.case),
            }
            for row in found.steps.itertuples()
        ],
        "ladder": [
            {"step": rung.name, "confirmed_leads": rung.count, "within_s": rung.window_s}
            for rung in LADDER.rungs
        ],
    }
    files["evidence.json"] = (
        json.dumps(facts, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    ).encode()
    files["evidence.html"] = _html(found, say, language).encode()
    manifest = manifest_of(files, about)
    files[MANIFEST] = manifest
    lines = [
        f"{hashlib.sha256(_bytes(content)).hexdigest()}  {name}\n" for name, content in sorted(files.items())
    ]
    files[DIGESTS] = "".join(lines).encode()
    with tempfile.TemporaryDirectory(prefix="huiyan-evidence-") as folder:
        path = Path(folder) / "evidence.zip"
        write_zip(path, files)
        body = path.read_bytes()
    return EvidencePackage(
        f"huiyan-evidence-{found.town.name}-{found.lead}",
        body,
        hashlib.sha256(manifest).hexdigest(),
        len(files),
    )


def _bytes(content: bytes | Path) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


# ------------------------------------------------------------------------------------------ for machines


def _lead(each: LeadEvidence) -> dict[str, Any]:
    facts = each.view.facts
    width, height = facts["size_px"]
    place = None
    if facts["lon_deg"] is not None:
        place = {
            "crs": "EPSG:4490",
            "lon_deg": round(float(facts["lon_deg"]), 7),
            "lat_deg": round(float(facts["lat_deg"]), 7),
            "sigma_m": _number(facts["error_m"], 2),
        }
    return {
        "lead": int(facts["id"]),
        "state": facts["state"],
        "hint": bool(facts["hint"]),
        "simulated": bool(facts["simulated"]),
        "camera": facts["camera"],
        "class": {"code": facts["class_code"], "zh": facts["name_zh"], "en": facts["name_en"]},
        "rule": {"kind": facts["rule"], "version": facts["rule_version"], "settings_now": each.zone_settings},
        "zone": {
            "name": facts["zone"],
            "polygon_px": facts["polygon_px"],
            "version_now": facts["zone_version"],
            "changed_since": each.zone_changed,
        },
        "picture_px": [int(width), int(height)],
        "boxes_px": _boxes(facts),
        "label": facts["label"],
        "score": _number(facts["confidence"], 4),
        "first_seen_at": _utc(facts["first_seen_at"]),
        "last_seen_at": _utc(facts["last_seen_at"]),
        "dwell_s": _number(facts["dwell_s"], 1),
        "place": place,
        "same_thing": [int(other) for other in each.view.others["id"]],
        "stills": [
            {
                "role": picture.role,
                "taken_at": _utc(picture.taken_at),
                "file": f"lead-{facts['id']}/{picture.role}.jpg",
                "sha256_when_stored": picture.sha256,
            }
            for picture in each.pictures
        ],
        "verdicts": [
            {"verdict": row.verdict, "by": row.given_by, "at": _utc(row.given_at)}
            for row in each.view.verdicts.itertuples()
        ],
        "dealt_with_at": _utc(facts["disposed_at"]),
        "second_recognition": {"says": facts["recheck"], "at": _utc(facts["recheck_at"])},
    }


def _boxes(facts: Mapping[str, Any]) -> list[list[float]]:
    boxes = facts["boxes"] or [[facts["x1"], facts["y1"], facts["x2"], facts["y2"]]]
    return [[round(float(edge), 2) for edge in box] for box in boxes]


def _number(value: Any, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def _utc(at: Any) -> str | None:
    return None if pd.isna(at) else at.astimezone(dt.UTC).isoformat(timespec="milliseconds")


# -------------------------------------------------------------------------------------------- for people


def _html(found: PlaceEvidence, say: Say, language: str) -> str:
    title = say("Evidence of lead {lead}", lead=found.lead)
    town = found.town.name_zh if language == "zh-CN" else found.town.name_en
    marks = f'<p><span class="mark">{html.escape(say("simulated"))}</span></p>' if found.simulated else ""
    said = [
        say(
            "Stills are as they were stored; heads of people and plates of vehicles are blurred in them as far as the"
            " detector found them."
        ),
        say(
            "{manifest} holds the SHA-256 of every file; the twin's audit keeps the digest of {manifest} itself.",
            manifest=MANIFEST,
        ),
    ]
    if found.left_out:
        said.append(say("{count} older confirmed leads of this place are left out.", count=found.left_out))
    leads = "".join(_section(each, found, say, language) for each in found.leads)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}\nsvg {{ margin: .3rem 0; }}</style></head><body><main>"
        f'<p class="stamp">慧眼 Huiyan · {html.escape(town)}</p><h1>{html.escape(title)}</h1>{marks}'
        f"{''.join(f'<p>{html.escape(each)}</p>' for each in said)}{_steps(found, say)}{leads}</main></body></html>\n"
    )


def _steps(found: PlaceEvidence, say: Say) -> str:
    rows = [
        (
            _local(row.taken_at, found),
            say(STEPS[row.step]),
            str(row.finding_id),
            "–" if pd.isna(row.case) else str(row.case),
        )
        for row in found.steps.itertuples()
    ]
    head = (say("When"), say("Step"), say("Lead"), say("Case"))
    told = _table(rows, head) if rows else f"<p>{html.escape(say('No step was taken here yet.'))}</p>"
    return f"<h2>{html.escape(say('Escalation at this place'))} · {html.escape(found.place)}</h2>{told}"


def _section(each: LeadEvidence, found: PlaceEvidence, say: Say, language: str) -> str:
    facts = each.view.facts
    chinese = language == "zh-CN"
    place = say("not known")
    if facts["lon_deg"] is not None:
        place = f"{facts['lon_deg']:.6f}°, {facts['lat_deg']:.6f}° (CGCS2000)"
        if facts["error_m"] is not None:
            place += " " + say("± {error:.1f} m (standard deviation)", error=facts["error_m"])
    zone = facts["title_zh" if chinese else "title_en"]
    if each.zone_changed:
        zone += " · " + say("changed since: drawn as it is now")
    rows = [
        (say("State"), say(VERDICTS[facts["state"]])),
        (say("Camera"), f"{say(facts['camera_name'])} · {facts['camera']}"),
        (say("Zone"), zone),
        (say("Class of event"), f"{facts['class_code']} {facts['name_zh' if chinese else 'name_en']}"),
        (
            say("Rule and version"),
            f"{say(RULE_NAMES.get(facts['rule'], facts['rule']))} · {facts['rule_version']}",
        ),
        (say("Score"), f"{facts['confidence']:.2f}"),
        (say("First seen"), _local(facts["first_seen_at"], found)),
        (say("Last seen"), _local(facts["last_seen_at"], found)),
        (say("Place"), place),
        *(
            (_local(row.given_at, found), say(VERDICTS[row.verdict]) + f" · {say(row.given_by)}")
            for row in each.view.verdicts.itertuples()
        ),
    ]
    if facts["disposed_at"] is not None:
        rows.append((say("Dealt with"), _local(facts["disposed_at"], found)))
    if facts["recheck"] is not None:
        rows.append((say("Second recognition"), say(RECHECKS[facts["recheck"]])))
    stills = "".join(
        f"<p><b>{html.escape(say(ROLES[picture.role]))}</b>"
        f"{'' if picture.taken_at is None else ' · ' + _local(picture.taken_at, found)}<br>"
        f'<span class="stamp">SHA-256 {picture.sha256}</span></p>{_drawn(each, picture.role, say)}'
        for picture in each.pictures
    )
    if not each.pictures:
        stills = f"<p>{html.escape(say('No picture of it was kept.'))}</p>"
    head = say("Lead {lead}", lead=facts["id"])
    return f"<h2>{html.escape(head)}</h2>{_table(rows)}{stills}"


def _drawn(each: LeadEvidence, role: str, say: Say) -> str:
    """A still with its zone, and with the boxes where the lead was seen."""
    facts = each.view.facts
    width, height = facts["size_px"]
    corners = " ".join(f"{float(x):.1f},{float(y):.1f}" for x, y in facts["polygon_px"])
    boxes = "".join(
        f'<rect x="{x1}" y="{y1}" width="{x2 - x1:.2f}" height="{y2 - y1:.2f}" fill="none" stroke="#d55e00"'
        f' stroke-width="{max(2, width / 320):.1f}"/>'
        for x1, y1, x2, y2 in (_boxes(facts) if role == "at" else ())
    )
    return (
        f'<svg viewBox="0 0 {int(width)} {int(height)}" role="img"'
        f' aria-label="{html.escape(say(ROLES[role]))}"><image href="lead-{facts["id"]}/{role}.jpg"'
        f' width="{int(width)}" height="{int(height)}"/><polygon points="{corners}" fill="none" stroke="#f0e442"'
        f' stroke-width="{max(2, width / 320):.1f}"/>{boxes}</svg>'
    )


def _table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    heads = f"<tr>{''.join(f'<th>{html.escape(each)}</th>' for each in head)}</tr>" if head else ""
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table>{heads}{body}</table>"


def _local(at: Any, found: PlaceEvidence) -> str:
    return f"{at.astimezone(found.town.time_zone):%Y-%m-%d %H:%M:%S %z}"
