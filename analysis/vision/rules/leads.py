"""What a rule makes: a lead, something for a person to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from analysis.errors import Term
from analysis.vision.detections import box_inside, box_iou
from analysis.vision.rules.looks import WatchedZone
from analysis.vision.rules.shapes import Box, Point

__all__ = ["Lead", "carried", "place_key", "same", "strongest"]

SAME_IOU = 0.3
"""Two leads are of one place if their boxes overlap by this much."""
SAME_INSIDE = 0.7
"""Or if one lies in the other by this share."""
COVERED = 0.85
"""A box that surer ones cover by this share is made of them."""


@dataclass(frozen=True, slots=True)
class Lead:
    """
    Something a rule noticed in a zone; not a case until a person says so.

    Parameters
    ----------
    rule, rule_version
        Kind of the rule and version of its thinking.
    zone
        Name of the zone.
    kind_label
        The kind in words, in the reader's language.
    score
        How sure the rule is, in [0, 1]; scores of different kinds do not compare.
    first_seen_s, last_seen_s
        Times of the first and the latest look that shows it, in epoch seconds; what happened lasted at least so
        long.
    before_s, at_s, after_s
        Times of the looks that are evidence: the last one before it, the one that shows it best, the first one
        without it; None where the looks do not reach so far or it still goes on.
    boxes_px
        (k, 4) left, top, right, bottom in pixels; k = 1 for one object, the counted objects of the look `at_s` for
        a gathering, a crowd or an intrusion.
    foot_px
        Where it is on the ground, in pixels: the bottom middle of the box, or the mean of those of several.
    key
        Kind, zone and, for one object, its place. It stays while the window slides, to the letter if `judge` is
        given the leads known before. A later object in the same place may bear the same key: `same` tells whether
        they are one in time, too.
    quiet_s
        Unseen for longer than this, it is over; what comes after is a new lead.
    placed
        It is about one object or group at `boxes_px`; False if about the zone as a whole.
    object_class
        COCO class of the object; None if it has none.
    amount
        What was counted in the look `at_s`: people or objects; for `motion` the share of the zone that changed, in
        [0, 1]; None if nothing was counted.
    hint
        Only a sign that something changed, of little weight.
    foot_cut
        The picture's border cuts the object, so that its foot point is uncertain.
    """

    rule: str
    rule_version: str
    zone: str
    kind_label: Term
    score: float
    first_seen_s: float
    last_seen_s: float
    before_s: float | None
    at_s: float
    after_s: float | None
    boxes_px: tuple[Box, ...]
    foot_px: Point
    key: str
    quiet_s: float
    placed: bool = True
    object_class: int | None = None
    amount: float | None = None
    hint: bool = False
    foot_cut: bool = False

    @property
    def dwell_s(self) -> float:
        """Seconds between the first and the latest look that shows it."""
        return self.last_seen_s - self.first_seen_s


def same(a: Lead, b: Lead) -> bool:
    """
    Two leads are one, seen from two windows.

    Notes
    -----
    They are if kind and zone agree, the pause between their times is no longer than `Lead.quiet_s`, and, for
    leads about one object, their boxes overlap by IoU ≥ 0.3 or one lies in the other by 70 %.
    """
    if (a.rule, a.zone, a.placed) != (b.rule, b.zone, b.placed):
        return False
    near = _pause_s(a, b) <= max(a.quiet_s, b.quiet_s)
    return near and (not a.placed or _one_place(a.boxes_px[0], b.boxes_px[0]))


def carried(leads: Sequence[Lead], known: Iterable[Lead]) -> list[Lead]:
    """
    The leads with the key and the beginning of those known before that they prolong.

    Each known lead is prolonged once, by the lead that overlaps it most; the others are new. A new one whose place
    falls together with another's gets its time added to its key.
    """
    pairs = sorted(
        (
            (_pause_s(lead, old) > 0, -_overlap(lead, old), row, old.key, old)
            for row, lead in enumerate(leads)
            for old in known
            if same(lead, old)
        ),
        key=lambda pair: (*pair[:4], pair[4].first_seen_s),
    )
    out, prolonged = list(leads), dict[int, Lead]()
    for *_, row, _, old in pairs:
        if row not in prolonged and old not in prolonged.values():
            prolonged[row] = old
    taken = {old.key for old in prolonged.values()}
    for row, lead in enumerate(leads):
        if row in prolonged:
            out[row] = _prolonging(lead, prolonged[row])
        else:
            key = lead.key if lead.key not in taken else f"{lead.key}@{lead.first_seen_s:.0f}"
            out[row] = replace(lead, key=key)
            taken.add(key)
    return out


def strongest(leads: Iterable[Lead]) -> list[Lead]:
    """
    Of leads about one object that overlap in place and time, the surest; in order of time and place.

    A lead goes if its box and that of a surer one lie mostly in each other, or if surer ones together cover it: a
    detector often draws a box across two neighbours.
    """
    kept: list[Lead] = []
    for lead in sorted(leads, key=lambda each: (-each.score, each.first_seen_s, each.boxes_px)):
        rivals = [other for other in kept if _pause_s(lead, other) <= 0]
        if not any(_parts(lead.boxes_px[0], other.boxes_px[0]) for other in rivals) and not _covered(
            lead.boxes_px[0], [other.boxes_px[0] for other in rivals]
        ):
            kept.append(lead)
    return sorted(kept, key=lambda each: (each.first_seen_s, each.boxes_px))


def place_key(zone: WatchedZone, box: Box | None = None) -> str:
    """
    Kind, zone and place of a lead as text.

    The place is the foot point in steps of half the box's mean side, a power of two, so that boxes that tremble
    keep it. On the edge between two steps it may still turn; `carried` holds it then.
    """
    if box is None:
        return f"{zone.rule.kind}/{zone.name}"
    side = max(1.0, float(np.sqrt(max(1.0, box[2] - box[0]) * max(1.0, box[3] - box[1]))))
    step = 2.0 ** np.round(np.log2(side / 2))
    x, y = (box[0] + box[2]) / 2, box[3]
    return f"{zone.rule.kind}/{zone.name}/{int(x // step)}-{int(y // step)}x{step:g}"


def _prolonging(lead: Lead, old: Lead) -> Lead:
    """The lead under the key and with the beginning of the one it prolongs."""
    if lead.first_seen_s < old.first_seen_s:
        return replace(lead, key=old.key)
    return replace(lead, key=old.key, first_seen_s=old.first_seen_s, before_s=old.before_s)


def _pause_s(a: Lead, b: Lead) -> float:
    """Seconds from the end of one to the beginning of the other; not above 0 where they overlap."""
    return max(a.first_seen_s, b.first_seen_s) - min(a.last_seen_s, b.last_seen_s)


def _one_place(a: Box, b: Box) -> bool:
    return bool(box_iou(np.asarray([a]), np.asarray([b]))[0, 0] >= SAME_IOU) or _parts(a, b)


def _parts(a: Box, b: Box) -> bool:
    """One box lies mostly in the other."""
    first, second = np.asarray([a]), np.asarray([b])
    return bool(max(box_inside(first, second)[0, 0], box_inside(second, first)[0, 0]) >= SAME_INSIDE)


def _covered(box: Box, others: Sequence[Box]) -> bool:
    """Other boxes together cover it."""
    if not others:
        return False
    own = shapely.box(*box)
    shared = shapely.intersection(own, shapely.union_all([shapely.box(*other) for other in others]))
    return bool(shapely.area(shared) >= COVERED * shapely.area(own))


def _overlap(a: Lead, b: Lead) -> float:
    if not a.placed:
        return 1.0
    return float(box_iou(np.asarray(a.boxes_px[:1]), np.asarray(b.boxes_px[:1]))[0, 0])
