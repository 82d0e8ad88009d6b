"""Leads: what the rules say of a camera's recent looks, written with its evidence, prolonged while it lasts, merged."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG
from analysis.desk.merging import Leads, Sameness, merge
from analysis.desk.rechecking import Looks as RecheckLooks
from analysis.desk.rechecking import recheck
from analysis.errors import Term
from analysis.vision.detections import CLASS_NAMES, Detections, box_iou
from analysis.vision.rules import Lead, Look, Rule, judge
from geodata.commands.cases import alone
from geodata.commands.placing import Placing
from geodata.projecting import projected_points
from geodata.queries.datasets import loaded_town
from geodata.queries.desk import front_of
from geodata.queries.watches import CameraSetup, ZoneSetup

__all__ = [
    "PictureAt",
    "keep_leads",
    "known_leads",
    "merge_leads",
    "read_looks",
    "recheck_leads",
    "write_leads",
]

PictureAt = Callable[[float | None], bytes | None]
"""The JPEG of a look by its time in epoch seconds, heads blurred; None where there is none."""

NUMBERS = {english: number for number, (_, english) in CLASS_NAMES.items()}
SAMENESS = Sameness()
RECHECKED = dt.timedelta(days=7)
"""So long after disposal a lead is looked at again; later it would be another one."""
SAME_IOU = 0.3
"""A box that overlaps a lead's by this much is the same thing in the same place."""
SAME_SPOT_IOU = 0.5
"""Leads without a place whose boxes overlap by this much, one after the other, are about the same thing."""


def read_looks(
    session: Session, setup: CameraSetup, until: dt.datetime, window_s: float
) -> list[tuple[int, Look]]:
    """The looks at a camera in the window before `until` (and at it), by time, with the number of their sample."""
    found = _looks(session, setup.id, until - dt.timedelta(seconds=window_s), until)
    names = {each.id: each.zone.name for each in setup.zones if each.zone.rule.needs == "patch"}
    if not names:
        return found
    patches: dict[int, dict[str, Any]] = {}
    rows = session.execute(
        text(
            "SELECT sample_id, zone_id, width_px, height_px, grey FROM sample_patch"
            " WHERE sample_id = ANY(:samples) AND zone_id = ANY(:zones)"
        ),
        {"samples": [number for number, _ in found], "zones": list(names)},
    )
    for row in rows:
        grey = np.frombuffer(row.grey, np.uint8).reshape(row.height_px, row.width_px)
        patches.setdefault(row.sample_id, {})[names[row.zone_id]] = grey
    return [(number, replace(look, patches=patches.get(number, {}))) for number, look in found]


def _looks(
    session: Session, camera_id: int, since: dt.datetime, until: dt.datetime | None
) -> list[tuple[int, Look]]:
    rows = session.execute(
        text(
            "SELECT s.id, extract(epoch FROM s.taken_at)::float8 AS at,"
            " coalesce(array_agg(ARRAY[d.x1, d.y1, d.x2, d.y2, d.score] ORDER BY d.id)"
            " FILTER (WHERE d.id IS NOT NULL), '{}') AS boxes,"
            " coalesce(array_agg(d.label ORDER BY d.id) FILTER (WHERE d.id IS NOT NULL), '{}') AS labels"
            " FROM sample s LEFT JOIN detection d ON d.sample_id = s.id"
            " WHERE s.camera_id = :camera AND s.due_at IS NOT NULL AND s.taken_at > :since"
            " AND s.taken_at <= coalesce(CAST(:until AS timestamptz), 'infinity')"
            " GROUP BY s.id ORDER BY s.taken_at"
        ),
        {"camera": camera_id, "until": until, "since": since},
    )
    looks = []
    for row in rows:
        boxes = np.asarray(row.boxes, dtype=float).reshape(-1, 5)
        kinds = np.array([NUMBERS[label] for label in row.labels], dtype=np.int64)
        looks.append((row.id, Look(row.at, Detections(boxes[:, :4], boxes[:, 4], kinds))))
    return looks


def write_leads(session: Session, setup: CameraSetup, placing: Placing, at: dt.datetime) -> int:
    """Judges every zone on the looks up to `at`; returns how many leads are new."""
    judged = [each for each in setup.zones if each.zone.rule.needs != "track"]
    if not judged:
        return 0
    looks = read_looks(session, setup, at, setup.window_s)
    samples = {look.time_s: number for number, look in looks}

    def picture_at(at_s: float | None) -> bytes | None:
        return None if at_s is None else _picture(session, samples.get(at_s))

    fresh: list[int] = []
    for each in judged:
        known = known_leads(session, each, at)
        # no further back than leads are known: another zone's rule may look further
        since_s = at.timestamp() - each.zone.rule.window_s
        own = [look for _, look in looks if look.time_s > since_s]
        leads = judge(each.zone, own, known=[old for _, old in known])
        fresh += keep_leads(session, setup, each, leads, known, placing, picture_at)
    for number in fresh:
        merge_leads(session, number)
    return len(fresh)


def keep_leads(
    session: Session,
    setup: CameraSetup,
    zone: ZoneSetup,
    leads: Iterable[Lead],
    known: Sequence[tuple[int, Lead]],
    placing: Placing,
    picture_at: PictureAt,
) -> list[int]:
    """
    Writes the leads of a zone with their frames; those that are `known` by their key are prolonged.

    Returns
    -------
    fresh
        Numbers of the leads that are new.
    """
    fresh = []
    for lead in leads:
        old = next((number for number, old in known if old.key == lead.key), None)
        if old is None:
            fresh.append(_insert(session, setup, zone, lead, placing, picture_at))
        else:
            _prolong(session, old, lead, picture_at)
    return fresh


def recheck_leads(session: Session, setup: CameraSetup, at: dt.datetime) -> None:
    """
    Second recognition: leads of this camera that somebody called dealt with are looked at again.

    A look found it again if the rule's classes are seen in the same place with the rule's score; of a rule about
    pictures, if its lead was prolonged. A look whose picture has another size than the lead's says nothing.
    """
    rows = session.execute(
        text(
            "SELECT f.id, f.zone_id, f.x1, f.y1, f.x2, f.y2, f.placed, f.disposed_at, f.last_seen_at, f.recheck,"
            " s.width_px, s.height_px FROM finding f LEFT JOIN LATERAL (SELECT width_px, height_px FROM sample"
            " WHERE camera_id = f.camera_id AND taken_at BETWEEN f.first_seen_at AND f.last_seen_at"
            " ORDER BY taken_at DESC LIMIT 1) s ON true WHERE f.camera_id = :camera AND f.disposed_at IS NOT NULL"
            " AND (f.recheck IS NULL OR f.recheck = 'cannot_say') AND f.disposed_at > :since"
        ),
        {"camera": setup.id, "since": at - RECHECKED},
    ).all()
    zones = {each.id: each for each in setup.zones}
    for row in rows:
        if row.zone_id not in zones or zones[row.zone_id].zone.rule.needs == "track":  # it has long gone
            continue
        zone = zones[row.zone_id].zone
        looks = _looks(session, setup.id, row.disposed_at, None)
        sizes = _sizes(session, [number for number, _ in looks])
        size = (row.width_px, row.height_px)
        found = [
            _there(row, zone.rule, look) or look.time_s <= row.last_seen_at.timestamp() for _, look in looks
        ]
        said = recheck(
            RecheckLooks(
                at_s=np.array([look.time_s for _, look in looks]),
                found=np.array(found, dtype=bool),
                blocked=np.zeros(len(looks), dtype=bool),
                calibrated=np.array(
                    [size in ((None, None), sizes[number]) for number, _ in looks], dtype=bool
                ),
            ),
            row.disposed_at.timestamp(),
        )
        outcome = said.outcome.replace(" ", "_")
        if outcome == row.recheck:
            continue
        decided = None if said.decided_s is None else _moment(said.decided_s)
        session.execute(
            text("UPDATE finding SET recheck = :outcome, recheck_at = :at WHERE id = :id"),
            {"outcome": outcome, "at": decided, "id": row.id},
        )
        if decided is not None:
            _keep_frame(session, row.id, "recheck", decided, _picture_at(session, setup.id, decided))


def _sizes(session: Session, samples: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Width and height of the pictures of samples."""
    rows = session.execute(
        text("SELECT id, width_px, height_px FROM sample WHERE id = ANY(:samples)"),
        {"samples": list(samples)},
    )
    return {row.id: (row.width_px, row.height_px) for row in rows}


def _there(row: Row[Any], rule: Rule, look: Look) -> bool:
    """Something of the rule's classes stands where the lead was."""
    classes = getattr(rule, "classes", None)
    if classes is None:
        return False
    seen = look.detections.at_least(getattr(rule, "min_score", 0.25)).of(classes)
    if not row.placed:
        return bool(len(seen))
    return bool(
        len(seen) and box_iou(np.array([[row.x1, row.y1, row.x2, row.y2]]), seen.boxes).max() >= SAME_IOU
    )


def known_leads(session: Session, zone: ZoneSetup, at: dt.datetime) -> list[tuple[int, Lead]]:
    """Leads of a zone that may still go on, each with its number."""
    rows = session.execute(
        text(
            "SELECT id, rule, rule_version, confidence, extract(epoch FROM first_seen_at)::float8 AS first,"
            " extract(epoch FROM last_seen_at)::float8 AS last, x1, y1, x2, y2, lead_key, quiet_s, placed, hint"
            " FROM finding WHERE zone_id = :zone AND lead_key IS NOT NULL AND rule = :rule"
            " AND last_seen_at >= CAST(:at AS timestamptz) - make_interval(secs => quiet_s + :window) ORDER BY id"
        ),
        {"zone": zone.id, "rule": zone.zone.rule.kind, "at": at, "window": zone.zone.rule.window_s},
    )
    return [
        (
            row.id,
            Lead(
                rule=row.rule,
                rule_version=row.rule_version,
                zone=zone.zone.name,
                kind_label=Term(""),
                score=row.confidence,
                first_seen_s=row.first,
                last_seen_s=row.last,
                before_s=None,
                at_s=row.last,
                after_s=None,
                boxes_px=((row.x1, row.y1, row.x2, row.y2),),
                foot_px=((row.x1 + row.x2) / 2, row.y2),
                key=row.lead_key,
                quiet_s=row.quiet_s,
                placed=row.placed,
                hint=row.hint,
            ),
        )
        for row in rows
    ]


def _insert(
    session: Session,
    setup: CameraSetup,
    zone: ZoneSetup,
    lead: Lead,
    placing: Placing,
    picture_at: PictureAt,
) -> int:
    boxes = [[round(edge, 2) for edge in box] for box in lead.boxes_px]
    whole = np.asarray(boxes)
    x1, y1 = whole[:, :2].min(axis=0).tolist()
    x2, y2 = whole[:, 2:].max(axis=0).tolist()
    placed = placing.place(lead.foot_px)
    evidence = picture_at(lead.at_s)
    label = "object" if lead.object_class is None else CLASS_NAMES[lead.object_class][1]
    number = session.execute(
        text(
            "INSERT INTO finding (camera_id, zone_id, class_code, label, first_seen_at, last_seen_at, dwell_s,"
            " confidence, x1, y1, x2, y2, evidence, evidence_sha256, geom, error_m, rule, rule_version, lead_key,"
            " quiet_s, placed, hint, boxes, simulated, cell_id)"
            " SELECT :camera, :zone, :class, :label, :first, :last, :dwell, :score, :x1, :y1, :x2, :y2, :evidence,"
            " :sha, p.geom, :error_m, :rule, :version, :key, :quiet, :placed, :hint, CAST(:boxes AS jsonb), :simulated,"
            " (SELECT id FROM unit_cell c WHERE c.geom && p.geom AND ST_Covers(c.geom, p.geom) ORDER BY id LIMIT 1)"
            " FROM (SELECT ST_GeomFromText(:wkt, 4490) AS geom) p RETURNING id"
        ),
        {
            "camera": setup.id,
            "zone": zone.id,
            "class": zone.class_code,
            "label": label,
            "first": _moment(lead.first_seen_s),
            "last": _moment(lead.last_seen_s),
            "dwell": lead.dwell_s,
            "score": float(lead.score),
            "x1": x1,
            "y1": y1,
            "x2": x2,
            "y2": y2,
            "evidence": evidence,
            "sha": None if evidence is None else hashlib.sha256(evidence).hexdigest(),
            "error_m": placed.error_m,
            "rule": lead.rule,
            "version": f"{lead.rule_version}.{zone.version}",
            "key": lead.key,
            "quiet": lead.quiet_s,
            "placed": lead.placed,
            "hint": lead.hint,
            "boxes": json.dumps(boxes),
            "simulated": setup.demonstration,
            "wkt": placed.wkt,
        },
    ).scalar_one()
    _frames(session, int(number), lead, picture_at)
    return int(number)


def _prolong(session: Session, number: int, lead: Lead, picture_at: PictureAt) -> None:
    session.execute(
        text(
            "UPDATE finding SET last_seen_at = greatest(last_seen_at, :last),"
            " dwell_s = extract(epoch FROM greatest(last_seen_at, :last) - first_seen_at), confidence = :score"
            " WHERE id = :id"
        ),
        {"id": number, "last": _moment(lead.last_seen_s), "score": float(lead.score)},
    )
    _frames(session, number, lead, picture_at)


def _frames(session: Session, number: int, lead: Lead, picture_at: PictureAt) -> None:
    """The frames before and after a lead, as soon as there are any; the first one stays."""
    for role, at_s in (("before", lead.before_s), ("after", lead.after_s)):
        if at_s is not None:
            _keep_frame(session, number, role, _moment(at_s), picture_at(at_s))


def _keep_frame(session: Session, number: int, role: str, at: dt.datetime, picture: bytes | None) -> None:
    if picture is not None:
        session.execute(
            text(
                "INSERT INTO finding_frame (finding_id, role, taken_at, picture, sha256)"
                " VALUES (:id, :role, :at, :picture, :sha) ON CONFLICT DO NOTHING"
            ),
            {
                "id": number,
                "role": role,
                "at": at,
                "picture": picture,
                "sha": hashlib.sha256(picture).hexdigest(),
            },
        )


def _picture_at(session: Session, camera_id: int, at: dt.datetime) -> bytes | None:
    found: bytes | None = session.scalar(
        text(
            "SELECT picture FROM sample WHERE camera_id = :camera AND picture IS NOT NULL"
            " AND abs(extract(epoch FROM taken_at - CAST(:at AS timestamptz))) < 0.01 ORDER BY id LIMIT 1"
        ),
        {"camera": camera_id, "at": at},
    )
    return found


def _picture(session: Session, sample: int | None) -> bytes | None:
    if sample is None:
        return None
    found: bytes | None = session.scalar(text("SELECT picture FROM sample WHERE id = :id"), {"id": sample})
    return found


def merge_leads(session: Session, number: int) -> int | None:
    """
    Lets a new lead stand behind an older one of the same class, place and time, whichever camera saw it.

    Leads that stand behind one another have one representative: the surest, which people are shown. A lead that has
    only its camera's place is compared in the picture, with those of its own zone. Looks that write leads at the same
    time merge them one after the other. Returns the representative if it is another lead.
    """
    alone(session, "merge leads")
    same = [*_at_one_place(session, number), *_in_one_picture(session, number)]
    if not same:
        return None
    fronts = sorted({front_of(session, each) for each in (number, *same)})
    rows = session.execute(
        text("SELECT id, state, confidence FROM finding WHERE id = ANY(:fronts) ORDER BY id FOR UPDATE"),
        {"fronts": fronts},
    ).all()
    # one that a person has looked at stays in front; else the surest, and of these the oldest
    front = int(min(rows, key=lambda row: (row.state == "lead", -row.confidence, row.id)).id)
    session.execute(
        text("UPDATE finding SET merged_into = :front WHERE id = ANY(:others) OR merged_into = ANY(:others)"),
        {"front": front, "others": [each for each in fronts if each != front]},
    )
    return None if front == number else front


def _at_one_place(session: Session, number: int) -> list[int]:
    """Leads about the same thing by their places on the ground; none if one has only its camera's."""
    rows = session.execute(
        text(
            "SELECT o.id, o.camera_id, o.confidence, o.error_m,"
            " extract(epoch FROM o.first_seen_at)::float8 AS first,"
            " extract(epoch FROM o.last_seen_at)::float8 AS last, ST_X(o.geom) AS lon, ST_Y(o.geom) AS lat"
            " FROM finding n JOIN camera k ON k.id = n.camera_id JOIN finding o ON o.class_code = n.class_code"
            " AND o.hint = n.hint JOIN camera c ON c.id = o.camera_id"
            " AND o.last_seen_at >= n.first_seen_at - make_interval(secs => :gap)"
            " AND o.first_seen_at <= n.last_seen_at + make_interval(secs => :gap)"
            " AND ST_DWithin(o.geom, n.geom, :near)"
            " WHERE n.id = :id AND o.error_m < c.range_m AND n.error_m < k.range_m ORDER BY o.id"
        ),
        {"id": number, "gap": SAMENESS.most_gap_s, "near": 0.001},
    ).all()
    if len(rows) < 2:
        return []
    town = loaded_town(session)
    at = projected_points([(row.lon, row.lat) for row in rows], STORAGE_EPSG, town.metric_epsg)
    group = merge(
        Leads(
            x_m=at[:, 0],
            y_m=at[:, 1],
            sigma_m=np.array([row.error_m for row in rows]),
            first_s=np.array([row.first for row in rows]),
            last_s=np.array([row.last for row in rows]),
            kind=np.zeros(len(rows), np.int64),
            camera=np.array([row.camera_id for row in rows]),
            score=np.array([row.confidence for row in rows]),
        ),
        SAMENESS,
    ).group
    mine = next(place for place, row in enumerate(rows) if row.id == number)
    return [
        int(row.id) for row, its in zip(rows, group, strict=True) if its == group[mine] and row.id != number
    ]


def _in_one_picture(session: Session, number: int) -> list[int]:
    """
    Leads about what stood at the same spot of the same zone shortly before or after.

    So a pause of the patrol brings no second lead about a vehicle that nobody can place on the ground.
    """
    rows = session.execute(
        text(
            "SELECT o.id, ARRAY[o.x1, o.y1, o.x2, o.y2] AS box, ARRAY[n.x1, n.y1, n.x2, n.y2] AS own"
            " FROM finding n JOIN camera k ON k.id = n.camera_id JOIN finding o ON o.zone_id = n.zone_id"
            " AND o.class_code = n.class_code AND o.rule = n.rule AND o.hint = n.hint AND o.placed"
            " WHERE n.id = :id AND o.id <> n.id AND n.placed"
            " AND n.error_m >= k.range_m AND o.error_m >= k.range_m"
            " AND greatest(o.first_seen_at, n.first_seen_at) - least(o.last_seen_at, n.last_seen_at)"
            " BETWEEN interval '0 s' AND make_interval(secs => :gap) ORDER BY o.id"
        ),
        {"id": number, "gap": SAMENESS.most_gap_s},
    ).all()
    if not rows:
        return []
    overlap = box_iou(np.array([rows[0].own], dtype=float), np.array([row.box for row in rows], dtype=float))
    return [int(row.id) for row, share in zip(rows, overlap[0], strict=True) if share >= SAME_SPOT_IOU]


def _moment(epoch_s: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch_s, dt.UTC)
