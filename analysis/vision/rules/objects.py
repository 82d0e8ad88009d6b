"""Rules judged by patches: new objects that stay, people around them, and plain change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csgraph

from analysis.vision.detections import PERSON, Detections, box_inside
from analysis.vision.rules.boxes import box_tuples, group_lead, mean_foot, times_of
from analysis.vision.rules.leads import Lead, strongest
from analysis.vision.rules.looks import Look, WatchedZone, concerned
from analysis.vision.rules.patches import CHANGED, Scene, differences, known_median, scene, usual
from analysis.vision.rules.settings import Gathering, Motion, StaticObject
from analysis.vision.rules.stays import Stay, episodes, runs, stays

__all__ = ["changes", "gatherings", "new_objects"]

MOVED_RATIO = 0.6
"""If more of the zone has changed, it is the view that changed: the camera was turned or covered."""
HINT_MAX = 0.3
"""Highest score of a hint."""
SMOOTHED_PX = 2
"""By so much the comparison of structure widens what changed, in pixels of the patch."""
MIN_PIXELS = 12
"""Smallest object in pixels of the patch."""
SAME_GROUP = 0.3
"""Share of the smaller of two groups' boxes that lies in the other if they are one group."""


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A new object: where, from which looks on, how sure."""

    stay: Stay
    at: int
    score: float


def new_objects(zone: WatchedZone, looks: Sequence[Look], rule: StaticObject) -> list[Lead]:
    """Objects that were not in the zone before and have stayed since."""
    times_s = times_of(looks)
    found = []
    for each in _objects(zone, looks, rule):
        x0, _, x1, y1 = each.stay.box
        foot = ((x0 + x1) / 2, y1)
        found.append(
            group_lead(
                zone, times_s, each.stay, at=each.at, boxes=(each.stay.box,), foot=foot, score=each.score
            )
        )
    return strongest(found)


def gatherings(zone: WatchedZone, looks: Sequence[Look], rule: Gathering) -> list[Lead]:
    """People who stay together, many by themselves or a few beside a new object."""
    times_s = times_of(looks)
    people = concerned(zone, looks, {PERSON}, rule.min_score)
    groups = [_groups(each, rule) for each in people]
    boxes = [_group_boxes(each, group) for each, group in zip(people, groups, strict=True)]
    found = []
    for stay in stays(times_s, boxes, rule, least=SAME_GROUP, overlap=_shared):
        members = {
            look: people[look].take(groups[look][row])
            for look, row in zip(stay.looks, stay.rows, strict=True)
        }
        found.append(_company(zone, times_s, stay, members, stay.box))
    if rule.min_people_near_object is not None:
        for each in _objects(zone, looks, rule.objects()):
            beside = [here.take(_beside(here, each.stay.box, rule.reach)) for here in people]
            flags = [len(here) >= rule.min_people_near_object for here in beside]
            for stay in runs(times_s, flags, rule):
                members = {look: beside[look] for look in stay.looks}
                found.append(_company(zone, times_s, stay, members, each.stay.box))
    return strongest(found)


def changes(zone: WatchedZone, looks: Sequence[Look], rule: Motion) -> list[Lead]:
    """Times at which the zone looked otherwise than usual; hints."""
    shown = _recent(scene(zone, looks, (), 0.0), rule.window_s)
    if shown is None or len(shown.looks) <= rule.min_reference:
        return []
    reference, compared = usual(shown, np.arange(len(shown.looks)))
    difference, usable, _ = differences(shown, reference, compared)
    counted = shown.known & compared
    changed = (difference > CHANGED) & counted & usable[:, None, None]
    ratio = changed.sum(axis=(1, 2)) / np.maximum(counted.sum(axis=(1, 2)), 1)
    times_s = times_of(looks)
    found = []
    for sights in episodes(shown.times_s, list(ratio >= rule.min_ratio), rule.max_gap_s):
        if len(sights) < rule.min_sights:
            continue
        best = max(sights, key=lambda row: (ratio[row], -row))
        box = shown.box(changed[best])
        stay = Stay(tuple(shown.looks[row] for row in sights), (0,) * len(sights), 1.0, box)
        lead = group_lead(
            zone,
            times_s,
            stay,
            at=shown.looks[best],
            boxes=(box,),
            foot=((box[0] + box[2]) / 2, box[3]),
            score=HINT_MAX * float(ratio[best]),
            placed=False,
        )
        found.append(replace(lead, amount=float(ratio[best]), hint=True))
    return found


def _objects(zone: WatchedZone, looks: Sequence[Look], rule: StaticObject) -> list[_Found]:
    """
    Regions of the zone that have changed against its usual look and stayed so.

    Looks of the dwell, from the latest one that is old enough, are compared with the median of those before. A
    region must differ in most of them, and stand out from its surroundings more than before: a thing that was
    taken away is no new one. From which look on it is there is read from all looks of the window.
    """
    shown = _recent(scene(zone, looks, rule.ignored, rule.min_score), rule.window_s)
    if shown is None:
        return []
    at = np.asarray(shown.times_s)
    old = np.flatnonzero(at <= at[-1] - rule.dwell_s)
    if not len(old) or old[-1] < rule.min_reference:
        return []
    start = int(old[-1])
    reference, compared = usual(shown, np.arange(start))
    difference, usable, lit = differences(shown, reference, compared)
    known = shown.known & compared & usable[:, None, None]
    changed = (difference > CHANGED) & known
    usable &= changed.sum(axis=(1, 2)) <= MOVED_RATIO * np.maximum(known.sum(axis=(1, 2)), 1)
    known &= usable[:, None, None]
    changed &= known
    recent = np.arange(start, len(at))
    seen = known[recent].sum(axis=0)
    lasting = changed[recent].sum(axis=0) >= rule.min_share * np.maximum(seen, 1) - 1e-9
    lasting &= seen >= max(rule.min_sights, len(recent) / 3)
    now = known_median(lit[recent], known[recent])
    found = []
    for region in _regions(lasting & shown.inside, shown.inside, rule.min_area_ratio):
        if not _is_new(region, now, reference):
            continue
        each = _stay(shown, region & lasting, changed, known, rule)
        if each is not None:
            stay, best = each
            rows = [shown.looks.index(look) for look in stay.looks]
            strength = [float(difference[row][region & known[row]].mean()) for row in rows]
            box = shown.box(region)
            found.append(_Found(replace(stay, box=box), best, float(np.mean(strength)) * stay.share))
    return found


def _stay(
    shown: Scene,
    region: NDArray[np.bool_],
    changed: NDArray[np.bool_],
    known: NDArray[np.bool_],
    rule: StaticObject,
) -> tuple[Stay, int] | None:
    """Since when a region has been changed, up to the latest look that knows it, and the look that shows it best."""
    clear = (known & region).sum(axis=(1, 2)) / max(int(region.sum()), 1)
    part = (changed & region).sum(axis=(1, 2)) / np.maximum((known & region).sum(axis=(1, 2)), 1)
    rows = np.flatnonzero(clear >= 0.3)
    if not len(rows):
        return None
    flags = [bool(part[row] >= 0.5) for row in rows]
    found = runs([shown.times_s[row] for row in rows], flags, rule)
    if not found or found[-1].last < len(rows) - 1 - len(rows[found[-1].first :]) * (1 - rule.min_share):
        return None
    last = found[-1]
    looks = tuple(shown.looks[rows[each]] for each in last.looks)
    best = max(last.looks, key=lambda each: (part[rows[each]] * clear[rows[each]], -each))
    return replace(last, looks=looks), shown.looks[int(rows[best])]


def _regions(
    mask: NDArray[np.bool_], inside: NDArray[np.bool_], min_area_ratio: float
) -> list[NDArray[np.bool_]]:
    """Connected parts of a mask, filled, thinned by what the comparison widened, and large enough."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, thickness=cv2.FILLED)
    side = 2 * SMOOTHED_PX + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    thinned = cv2.erode(filled, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    count, labels = cv2.connectedComponents((thinned > 0).astype(np.uint8))
    least = max(MIN_PIXELS, min_area_ratio * inside.sum())
    parts = [(labels == label) & inside for label in range(1, count)]
    return [part for part in parts if part.sum() >= least]


def _is_new(region: NDArray[np.bool_], now: NDArray[np.float32], before: NDArray[np.float32]) -> bool:
    """The region stands out from the ground around it more than it did; what was taken away leaves ground like it."""
    grown = region.astype(np.uint8)
    near = cv2.dilate(grown, np.ones((7, 7), np.uint8)) > 0
    around = (cv2.dilate(grown, np.ones((15, 15), np.uint8)) > 0) & ~near
    if not around.any():
        return True
    return _contrast(now, region, around) >= _contrast(before, region, around)


def _contrast(picture: NDArray[np.float32], region: NDArray[np.bool_], around: NDArray[np.bool_]) -> float:
    """How brightness, its spread and edges of a region differ from those around it, in grey levels."""
    edges = _edginess(picture) / 4
    return float(
        abs(picture[region].mean() - picture[around].mean())
        + abs(picture[region].std() - picture[around].std())
        + abs(edges[region].mean() - edges[around].mean())
    )


def _edginess(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    strength: NDArray[np.float32] = cv2.magnitude(across, down)
    return strength


def _recent(shown: Scene | None, window_s: float) -> Scene | None:
    """The scene without what is older than the window, so that a longer record changes nothing."""
    if shown is None:
        return None
    keep = np.asarray(shown.times_s) >= shown.times_s[-1] - window_s
    first = int(np.argmax(keep))
    return replace(
        shown,
        looks=shown.looks[first:],
        times_s=shown.times_s[first:],
        patches=shown.patches[first:],
        known=shown.known[first:],
    )


def _groups(people: Detections, rule: Gathering) -> list[NDArray[np.intp]]:
    """Rows of people who stand together, of groups that are large enough."""
    if len(people) < rule.min_people:
        return []
    feet = people.foot_points()
    height = people.boxes[:, 3] - people.boxes[:, 1]
    apart = np.hypot(*(feet[:, None] - feet[None, :]).transpose(2, 0, 1))
    near = apart <= rule.reach * np.minimum(height[:, None], height[None, :])
    count, label = csgraph.connected_components(near, directed=False)
    groups = [np.flatnonzero(label == number) for number in range(count)]
    return [group for group in groups if len(group) >= rule.min_people]


def _group_boxes(people: Detections, groups: Sequence[NDArray[np.intp]]) -> Detections:
    """One box around each group."""
    if not groups:
        return Detections.none()
    members = [people.take(group) for group in groups]
    low = np.stack([each.boxes[:, :2].min(axis=0) for each in members])
    high = np.stack([each.boxes[:, 2:].max(axis=0) for each in members])
    scores = np.array([each.scores.mean() for each in members])
    return Detections(np.hstack([low, high]), scores, np.full(len(groups), PERSON))


def _beside(people: Detections, box: Sequence[float], reach: float) -> NDArray[np.bool_]:
    """Whose feet are within some body heights of a box."""
    feet = people.foot_points()
    height = people.boxes[:, 3] - people.boxes[:, 1]
    nearest = np.clip(feet, np.asarray(box[:2]), np.asarray(box[2:]))
    near: NDArray[np.bool_] = np.hypot(*(feet - nearest).T) <= reach * height
    return near


def _company(
    zone: WatchedZone,
    times_s: Sequence[float],
    stay: Stay,
    members: dict[int, Detections],
    place: tuple[float, float, float, float],
) -> Lead:
    """The lead about people around a place; its first box is the place, the others are theirs."""
    at = min(stay.looks, key=lambda look: (-len(members[look]), look))
    sure = float(np.mean([members[look].scores.mean() for look in stay.looks]))
    lead = group_lead(
        zone,
        times_s,
        stay,
        at=at,
        boxes=(place, *box_tuples(members[at])),
        foot=mean_foot(zone, members[at]),
        score=sure * stay.share,
    )
    return replace(lead, object_class=PERSON, amount=float(len(members[at])))


def _shared(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the smaller box that lies in the other."""
    shared: NDArray[np.float64] = np.maximum(box_inside(a, b), box_inside(b, a).T)
    return shared
