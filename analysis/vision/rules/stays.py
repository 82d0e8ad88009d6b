"""What stays, over a window of looks: an object in its place, or a state of the zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import floor

import numpy as np
from numpy.typing import NDArray

from analysis.vision.detections import Detections, box_iou
from analysis.vision.rules.settings import Lasting
from analysis.vision.rules.shapes import Box

__all__ = ["Overlap", "Stay", "episodes", "runs", "stays"]

Overlap = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""How well each of (n, 4) boxes continues each of (m, 4): (n, m) in [0, 1]."""
ANCHORS = 3
"""The median of so many first boxes is the place of a stay: one odd box does not set it, a queue that creeps on
leaves it."""
MEMORY = 8
"""It has left when most of so many latest looks miss it."""


@dataclass(frozen=True, slots=True)
class Stay:
    """
    One object in one place.

    Parameters
    ----------
    looks
        Numbers of the looks that show it, ascending.
    rows
        Its row among the detections of each of these looks.
    share
        Part of the looks from the first to the last sight that show it, in (0, 1].
    box
        Median of its boxes.
    """

    looks: tuple[int, ...]
    rows: tuple[int, ...]
    share: float
    box: Box

    @property
    def first(self) -> int:
        """The look that shows it first."""
        return self.looks[0]

    @property
    def last(self) -> int:
        """The look that shows it last."""
        return self.looks[-1]


@dataclass(slots=True, eq=False)
class _Track:
    looks: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    boxes: list[NDArray[np.float64]] = field(default_factory=list)
    place: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))

    def add(self, look: int, row: int, box: NDArray[np.float64]) -> None:
        self.looks.append(look)
        self.rows.append(row)
        self.boxes.append(box)
        if len(self.boxes) <= ANCHORS:
            self.place = np.median(self.boxes, axis=0) if len(self.boxes) > 1 else box


def stays(
    times_s: Sequence[float],
    seen: Sequence[Detections],
    rule: Lasting,
    *,
    least: float,
    overlap: Overlap = box_iou,
) -> list[Stay]:
    """
    Objects that stay long enough in a row of looks, in order of their first sight.

    Parameters
    ----------
    times_s
        Time of each look, ascending.
    seen
        What each look shows of the objects in question.
    rule
        How long and in what share of the looks; see `Lasting`.
    least
        A box continues an object if it overlaps the object's place by this much, in (0, 1].
    overlap
        How the overlap is measured.

    Notes
    -----
    An object's place is the median of its first three boxes. It is gone when it was not seen for longer than
    `rule.max_gap_s`, or when more than half of the latest eight looks miss it; what comes then is another stay. Those
    seen in too few of the looks between their first and last sight are not told, nor are good parts of them picked.
    """
    spare = max(MEMORY // 2, floor((1 - rule.min_share) * MEMORY + 1e-9))
    open_: list[_Track] = []
    done: list[_Track] = []
    for look, (time_s, here) in enumerate(zip(times_s, seen, strict=True)):
        still = [track for track in open_ if time_s - times_s[track.looks[-1]] <= rule.max_gap_s]
        done += [track for track in open_ if track not in still]
        partner = _match([track.place for track in still], here.boxes, least, overlap)
        open_ = []
        for number, track in enumerate(still):
            if number in partner:
                track.add(look, partner[number], here.boxes[partner[number]])
            begin = max(track.looks[0], look - MEMORY + 1)
            misses = (look - begin + 1) - sum(at >= begin for at in track.looks[-MEMORY:])
            (open_ if misses <= spare else done).append(track)
        for row in sorted(set(range(len(here))) - set(partner.values())):
            track = _Track()
            track.add(look, row, here.boxes[row])
            open_.append(track)
    found = [_stay(track, times_s, rule) for track in done + open_]
    kept = [stay for stay in found if stay is not None]
    return sorted(kept, key=lambda stay: (stay.first, stay.rows[0]))


def runs(times_s: Sequence[float], flags: Sequence[bool], rule: Lasting) -> list[Stay]:
    """Stretches of looks in which something holds, by the same terms as `stays`; their rows and boxes say nothing."""
    one = Detections(np.array([[0.0, 0.0, 1.0, 1.0]]), np.ones(1), np.zeros(1, dtype=np.int64))
    none = Detections.none()
    return stays(times_s, [one if flag else none for flag in flags], rule, least=1.0)


def episodes(times_s: Sequence[float], flags: Sequence[bool], max_gap_s: float) -> list[tuple[int, ...]]:
    """Numbers of the looks in which something holds, split where two follow each other by more than `max_gap_s`."""
    found: list[list[int]] = []
    for look, flag in enumerate(flags):
        if not flag:
            continue
        if found and times_s[look] - times_s[found[-1][-1]] <= max_gap_s:
            found[-1].append(look)
        else:
            found.append([look])
    return [tuple(each) for each in found]


def _match(
    places: list[NDArray[np.float64]], boxes: NDArray[np.float64], least: float, overlap: Overlap
) -> dict[int, int]:
    """Number of place → row of box, best overlap first, each used once."""
    if not places or not len(boxes):
        return {}
    fit = overlap(np.stack(places), boxes)
    pairs: dict[int, int] = {}
    for flat in np.argsort(-fit, axis=None, kind="stable"):
        place, row = divmod(int(flat), len(boxes))
        if fit[place, row] < least:
            break
        if place not in pairs and row not in pairs.values():
            pairs[place] = row
    return pairs


def _stay(track: _Track, times_s: Sequence[float], rule: Lasting) -> Stay | None:
    """The stay of a track, if it is long enough and seen in enough of its looks."""
    share = len(track.looks) / (track.looks[-1] - track.looks[0] + 1)
    dwell_s = times_s[track.looks[-1]] - times_s[track.looks[0]]
    if len(track.looks) < rule.min_sights or dwell_s < rule.dwell_s or share < rule.min_share - 1e-9:
        return None
    left, top, right, bottom = np.median(np.stack(track.boxes), axis=0)
    return Stay(
        tuple(track.looks),
        tuple(track.rows),
        share,
        (float(left), float(top), float(right), float(bottom)),
    )
