"""Rules judged by boxes alone: standing vehicles, bicycles outside their area, crowding, intrusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil

import numpy as np
import shapely

from analysis.vision.detections import PERSON, Detections
from analysis.vision.rules.leads import Lead, place_key, strongest
from analysis.vision.rules.looks import Look, WatchedZone, concerned
from analysis.vision.rules.settings import BikesOutside, Crowding, Intrusion, Standing
from analysis.vision.rules.shapes import Box, Point
from analysis.vision.rules.stays import Stay, episodes, runs, stays

__all__ = ["box_tuples", "crowds", "group_lead", "intruders", "mean_foot", "standing_things", "times_of"]


def standing_things(zone: WatchedZone, looks: Sequence[Look], rule: Standing | BikesOutside) -> list[Lead]:
    """Objects of the rule's classes that stand in the zone, outside the places where they may."""
    times_s = times_of(looks)
    allowed = rule.allowed if isinstance(rule, BikesOutside) else ()
    planned = shapely.union_all([shapely.Polygon(each) for each in allowed])
    area = shapely.difference(zone.area(), planned)
    seen = concerned(zone, looks, rule.classes, rule.min_score, area)
    found = []
    for stay in stays(times_s, seen, rule, least=rule.iou):
        sights = list(zip(stay.looks, stay.rows, strict=True))
        scores = [float(seen[look].scores[row]) for look, row in sights]
        classes = [int(seen[look].classes[row]) for look, row in sights]
        foot = zone.foot(stay.box)
        if float(np.median(scores)) < rule.min_median_score or not shapely.intersects_xy(area, *foot):
            continue
        lead = group_lead(
            zone,
            times_s,
            stay,
            at=stay.looks[int(np.argmax(scores))],
            boxes=(stay.box,),
            foot=foot,
            score=float(np.median(scores)) * stay.share,
        )
        commonest = min(Counter(classes).items(), key=lambda pair: (-pair[1], pair[0]))[0]
        found.append(replace(lead, object_class=commonest))
    return strongest(found)


def crowds(zone: WatchedZone, looks: Sequence[Look], rule: Crowding) -> list[Lead]:
    """Times at which too many people were in the zone."""
    times_s = times_of(looks)
    people = concerned(zone, looks, {PERSON}, rule.min_score)
    least = _crowd(rule)
    found = []
    for run in runs(times_s, [len(each) >= least for each in people], rule):
        at = min(run.looks, key=lambda look: (-len(people[look]), look))
        sure = float(np.mean([people[look].scores.mean() for look in run.looks]))
        lead = group_lead(
            zone,
            times_s,
            run,
            at=at,
            boxes=box_tuples(people[at]),
            foot=mean_foot(zone, people[at]),
            score=sure * run.share,
            placed=False,
        )
        found.append(replace(lead, object_class=PERSON, amount=float(len(people[at]))))
    return found


def intruders(zone: WatchedZone, looks: Sequence[Look], rule: Intrusion) -> list[Lead]:
    """Times at which somebody or something was in the zone though nobody may be there."""
    times_s = times_of(looks)
    forbidden = [
        look if rule.validity.holds(look.time_s) else Look(look.time_s, Detections.none()) for look in looks
    ]
    seen = concerned(zone, forbidden, rule.classes, rule.min_score)
    found = []
    for sights in episodes(times_s, [len(each) > 0 for each in seen], rule.max_gap_s):
        if len(sights) < rule.min_sights:
            continue
        at = min(sights, key=lambda look: (-float(seen[look].scores.max()), look))
        best = seen[at].take([int(seen[at].scores.argmax())])
        lead = group_lead(
            zone,
            times_s,
            Stay(sights, (0,) * len(sights), 1.0, (0.0, 0.0, 0.0, 0.0)),
            at=at,
            boxes=box_tuples(seen[at]),
            foot=mean_foot(zone, best),
            score=float(best.scores[0]),
            placed=False,
        )
        found.append(replace(lead, object_class=int(best.classes[0]), amount=float(len(seen[at]))))
    return found


def group_lead(
    zone: WatchedZone,
    times_s: Sequence[float],
    stay: Stay,
    *,
    at: int,
    boxes: tuple[Box, ...],
    foot: Point,
    score: float,
    placed: bool = True,
) -> Lead:
    """The lead of a stay; `at` is the number of the look that shows it best."""
    rule = zone.rule
    gap_s = float(getattr(rule, "max_gap_s", 0.0))
    after = stay.last + 1
    # after a gap in the looks nobody knows what was in between: the next look is no frame after the lead
    shown = after < len(times_s) and (gap_s == 0 or times_s[after] - times_s[stay.last] <= gap_s)
    return Lead(
        rule=rule.kind,
        rule_version=rule.version,
        zone=zone.name,
        kind_label=rule.label,
        score=float(np.clip(score, 0, 1)),
        first_seen_s=times_s[stay.first],
        last_seen_s=times_s[stay.last],
        before_s=times_s[stay.first - 1] if stay.first else None,
        at_s=times_s[at],
        after_s=times_s[after] if shown else None,
        boxes_px=boxes,
        foot_px=foot,
        key=place_key(zone, boxes[0] if placed else None),
        quiet_s=gap_s,
        placed=placed,
        foot_cut=any(zone.cuts(box) for box in boxes[:1]),
    )


def times_of(looks: Iterable[Look]) -> list[float]:
    """Time of each look in epoch seconds."""
    return [float(look.time_s) for look in looks]


def box_tuples(detections: Detections) -> tuple[Box, ...]:
    """The boxes as plain numbers."""
    return tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in detections.boxes)


def mean_foot(zone: WatchedZone, detections: Detections) -> Point:
    """Mean of the foot points of one object or more."""
    x, y = zone.feet(detections).mean(axis=0)
    return float(x), float(y)


def _crowd(rule: Crowding) -> int:
    """From how many people on it is crowded, by number or by density."""
    limits = [] if rule.min_people is None else [rule.min_people]
    if rule.area_m2 is not None and rule.min_density is not None:
        limits.append(max(1, ceil(rule.min_density * rule.area_m2 - 1e-9)))
    return min(limits)
