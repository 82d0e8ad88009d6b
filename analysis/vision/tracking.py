"""
Who is who from look to look: tracks out of detections, for footage of 3.5 looks a second and more.

Below that, whoever walks has left his box before the next look, and following becomes guessing. The association
is C-BIoU of the library `trackers`; around it, a track that ends is joined to one that begins where it was
heading, gaps are filled in, and the jitter of the boxes is smoothed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import BICYCLE, MOTORCYCLE, PERSON, VEHICLE_CLASSES, Detections

__all__ = ["LEAST_RATE_HZ", "CascadedTracker", "Look", "Track", "Tracker", "Tracks", "require_rate"]

LEAST_RATE_HZ = 3.5
"""Looks a second below which nobody can be followed: at 1 a second, tracking accuracy on PETS was 0.08."""

GROUPS = (frozenset({PERSON}), frozenset({BICYCLE}), frozenset({MOTORCYCLE}), VEHICLE_CLASSES)
"""Classes that detectors take for one another are followed together, others apart."""

HEADING_SIGHTS = 10
"""How many sights tell the speed with which a track ends or begins."""
SAME_SIZE = 1.5
"""Two tracks differ in height by at most this factor if they are one."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What was seen at one time, in seconds; detections in pixels of the frame."""

    time_s: float
    detections: Detections


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """
    One object, followed.

    Parameters
    ----------
    number
        Identifies it among the tracks of the same footage.
    kind
        COCO class it was most often taken for.
    times_s
        (n,) times of the looks at which it was there, rising.
    boxes
        (n, 4) smoothed left, top, right, bottom in pixels.
    scores
        (n,) confidence in [0, 1]; NaN where it was not seen but filled in between two sights.
    """

    number: int
    kind: int
    times_s: NDArray[np.float64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(n,) whether it was seen rather than filled in."""
        return ~np.isnan(self.scores)

    def foot_points(self) -> NDArray[np.float64]:
        """(n, 2) px: the middle of each box's lower edge, where the object touches the ground."""
        return np.column_stack([(self.boxes[:, 0] + self.boxes[:, 2]) / 2, self.boxes[:, 3]])


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """The tracks of a piece of footage, and the times of all looks at it, rising, in seconds."""

    tracks: tuple[Track, ...]
    times_s: NDArray[np.float64]

    @property
    def rate_hz(self) -> float:
        """Looks a second, from the median time between two; 0 for fewer than two looks."""
        return _rate_hz(self.times_s)


class Tracker(Protocol):
    """Anything that follows objects from look to look."""

    @property
    def name(self) -> str:
        """What findings say they were followed with."""
        ...

    def track(self, looks: Iterable[Look]) -> Tracks:
        """Tracks of looks in order of time; InputError if they come slower than `LEAST_RATE_HZ`."""
        ...


def require_rate(rate_hz: float) -> None:
    """InputError unless there are `LEAST_RATE_HZ` looks a second or more."""
    if not rate_hz >= LEAST_RATE_HZ * (1 - 1e-6):
        raise InputError(
            "With {rate:.2f} looks a second nobody can be followed.",
            "Look {least} times a second or more, or choose a rule about what stands still.",
            rate=rate_hz,
            least=LEAST_RATE_HZ,
        )


@dataclass(frozen=True)
class CascadedTracker:
    """
    C-BIoU, with joining, filling in and smoothing.

    Parameters
    ----------
    sure_score
        A box that begins a track needs this confidence, in (0, 1); fainter ones only continue tracks.
    faint_score
        Boxes under this confidence, in [0.1, sure_score], are not looked at.
    lost_s
        An object unseen for so many seconds is given up.
    least_sights
        A track is one after so many sights in a row.
    first_match, second_match
        Likeness in (0, 1) that sure and faint boxes need to continue a track.
    first_buffer, second_buffer
        By which share of their sides boxes are widened on each side before they are compared.
    join_s, join_heights
        Join a track that ends to one that begins at most `join_s` seconds later and, both speeds kept, at most
        so many of its own heights away. 0 joins nothing.
    fill_s
        Fill in gaps of at most so many seconds.
    smooth_s
        Standard deviation in seconds of the window that boxes are smoothed over; 0 leaves them as they are.

    References
    ----------
    .. [1] Yang et al. (2023), Hard to track objects with irregular motions and similar appearances? Make it
       easier by buffering the matching space (C-BIoU).
    .. [2] Cleveland (1979), Robust locally weighted regression and smoothing scatterplots (the local line).
    """

    sure_score: float = 0.45
    faint_score: float = 0.1
    lost_s: float = 2.5
    least_sights: int = 2
    first_match: float = 0.2
    second_match: float = 0.5
    first_buffer: float = 0.2
    second_buffer: float = 0.3
    join_s: float = 2.0
    join_heights: float = 0.5
    fill_s: float = 2.0
    smooth_s: float = 0.25
    name: str = "c-biou"

    def __post_init__(self) -> None:
        _require(0.1 < self.sure_score < 1, "sure_score", self.sure_score, "a confidence in (0.1, 1)")
        _require(
            0.1 <= self.faint_score <= self.sure_score,
            "faint_score",
            self.faint_score,
            "a confidence of 0.1 up to sure_score",
        )
        _require(self.least_sights >= 1, "least_sights", self.least_sights, "1 or more")
        for name in ("first_match", "second_match"):
            value = getattr(self, name)
            _require(0 < value < 1, name, value, "a likeness in (0, 1)")
        for name in (
            "lost_s",
            "first_buffer",
            "second_buffer",
            "join_s",
            "join_heights",
            "fill_s",
            "smooth_s",
        ):
            value = getattr(self, name)
            _require(0 <= value < np.inf, name, value, "0 or more")

    def track(self, looks: Iterable[Look]) -> Tracks:
        """
        Tracks of all looks.

        Parameters
        ----------
        looks
            In order of time, `LEAST_RATE_HZ` a second or more; the camera stands still.

        Returns
        -------
        tracks
            In order of their first sight.

        Raises
        ------
        InputError
            If the looks come too slowly, or a time is not finite or not later than the one before.
        """
        taken = list(looks)
        times = np.array([look.time_s for look in taken], dtype=np.float64)
        _require_order(times)
        rate = _rate_hz(times)
        require_rate(rate)
        found: list[Track] = []
        for group in GROUPS:
            mine = [look.detections.of(group).at_least(self.faint_score) for look in taken]
            found += self._follow(mine, times, rate)
        found = [_smooth(_fill(track, times, self.fill_s), self.smooth_s) for track in self._join(found)]
        found.sort(key=lambda track: (track.times_s[0], track.boxes[0, 0]))
        return Tracks(
            tuple(Track(row, t.kind, t.times_s, t.boxes, t.scores) for row, t in enumerate(found, start=1)),
            times,
        )

    def _follow(self, looks: Sequence[Detections], times: NDArray[np.float64], rate_hz: float) -> list[Track]:
        """Tracks of one group of classes as the library finds them."""
        if not any(len(look) for look in looks):
            return []
        engine, wrap = self._engine(rate_hz)
        rows: dict[int, list[tuple[float, NDArray[np.float64], float, int]]] = {}
        for time_s, look in zip(times, looks, strict=True):
            out = engine.update(wrap(look), timestamp=float(time_s - times[0]))
            if not len(out):
                continue
            for number, box, score, kind in zip(
                out.tracker_id, out.xyxy, out.confidence, out.class_id, strict=True
            ):
                if number >= 0:
                    sight = (float(time_s), np.asarray(box, dtype=np.float64), float(score), int(kind))
                    rows.setdefault(int(number), []).append(sight)
        return [
            Track(
                number,
                Counter(kind for *_, kind in sights).most_common(1)[0][0],
                np.array([time_s for time_s, *_ in sights]),
                np.stack([box for _, box, *_ in sights]),
                np.array([score for *_, score, _ in sights]),
            )
            for number, sights in rows.items()
        ]

    def _engine(self, rate_hz: float) -> tuple[Any, Any]:
        """The library's tracker, and what makes its kind of detections."""
        import supervision  # noqa: PLC0415 - takes a second, and few follow
        from trackers import CBIoUTracker  # noqa: PLC0415

        engine = CBIoUTracker(
            lost_track_buffer=max(1, round(self.lost_s * 30)),  # in frames of 30 a second
            frame_rate=rate_hz,
            track_activation_threshold=self.sure_score,
            high_conf_det_threshold=self.sure_score,
            minimum_consecutive_frames=self.least_sights,
            minimum_iou_threshold_first_assoc=self.first_match,
            minimum_iou_threshold_second_assoc=self.second_match,
            minimum_iou_threshold_unconfirmed_assoc=0.3,
            buffer_ratio_first=self.first_buffer,
            buffer_ratio_second=self.second_buffer,
        )

        def wrap(look: Detections) -> Any:
            return supervision.Detections(xyxy=look.boxes, confidence=look.scores, class_id=look.classes)

        return engine, wrap

    def _join(self, found: Sequence[Track]) -> list[Track]:
        """Tracks put together, the most fitting pair first, until none fits any more."""
        tracks = dict(enumerate(found))
        fits = {
            (a, b): off
            for a, first in tracks.items()
            for b, second in tracks.items()
            if (off := self._off_heights(first, second)) <= self.join_heights
        }
        while fits:
            a, b = min(fits, key=lambda pair: (fits[pair], pair))
            tracks[a] = _joined(tracks[a], tracks.pop(b))
            fits = {pair: off for pair, off in fits.items() if not {a, b} & set(pair)}
            for other in tracks:
                for pair in ((a, other), (other, a)):
                    off = self._off_heights(tracks[pair[0]], tracks[pair[1]])
                    if off <= self.join_heights:
                        fits[pair] = off
        return list(tracks.values())

    def _off_heights(self, first: Track, second: Track) -> float:
        """How far `second` begins from where `first` was heading, in heights; infinite if they cannot be one."""
        gap_s = second.times_s[0] - first.times_s[-1]
        if not 0 < gap_s <= self.join_s or not _one_group(first.kind, second.kind):
            return float("inf")
        tall = np.array([np.mean(_height(first)[-5:]), np.mean(_height(second)[:5])])
        if tall.min() <= 0 or tall.max() > SAME_SIZE * tall.min():
            return float("inf")
        end, begin = _middle(first)[-1], _middle(second)[0]
        ahead = end + _speed(first, end=True) * gap_s - begin
        back = begin - _speed(second, end=False) * gap_s - end
        return float((np.linalg.norm(ahead) / tall[0] + np.linalg.norm(back) / tall[1]) / 2)


def _one_group(a: int, b: int) -> bool:
    return any(a in group and b in group for group in GROUPS)


def _middle(track: Track) -> NDArray[np.float64]:
    return (track.boxes[:, :2] + track.boxes[:, 2:]) / 2


def _height(track: Track) -> NDArray[np.float64]:
    return track.boxes[:, 3] - track.boxes[:, 1]


def _speed(track: Track, *, end: bool) -> NDArray[np.float64]:
    """(2,) px/s with which a track ends or begins, by a line through its sights there."""
    rows = slice(-HEADING_SIGHTS, None) if end else slice(HEADING_SIGHTS)
    times, middle = track.times_s[rows], _middle(track)[rows]
    if len(times) < 3:
        return np.zeros(2)
    away = times - times.mean()
    return np.asarray(away @ (middle - middle.mean(axis=0)) / (away @ away), dtype=np.float64)


def _joined(first: Track, second: Track) -> Track:
    """Both as one; the longer one says what it is."""
    return Track(
        first.number,
        (first if len(first) >= len(second) else second).kind,
        np.concatenate([first.times_s, second.times_s]),
        np.concatenate([first.boxes, second.boxes]),
        np.concatenate([first.scores, second.scores]),
    )


def _fill(track: Track, times: NDArray[np.float64], longest_s: float) -> Track:
    """Boxes at the looks between two sights that are at most `longest_s` apart, on the line between both."""
    inside = times[(times >= track.times_s[0]) & (times <= track.times_s[-1])]
    after = np.searchsorted(track.times_s, inside)  # the sight at or after each look
    seen = track.times_s[after] == inside
    near = track.times_s[after] - track.times_s[np.maximum(after - 1, 0)] <= longest_s + 1e-9
    inside, after, seen = (part[seen | near] for part in (inside, after, seen))
    boxes = np.column_stack([np.interp(inside, track.times_s, track.boxes[:, side]) for side in range(4)])
    return Track(track.number, track.kind, inside, boxes, np.where(seen, track.scores[after], np.nan))


def _smooth(track: Track, spread_s: float) -> Track:
    """Middles on a line fitted to their neighbours in time, sizes at their mean, both weighted by nearness."""
    if spread_s <= 0:
        return track
    times, middle, size = track.times_s, _middle(track), track.boxes[:, 2:] - track.boxes[:, :2]
    smooth_middle, smooth_size = middle.copy(), size.copy()
    for row, time_s in enumerate(times):
        near = slice(*np.searchsorted(times, [time_s - 4 * spread_s, time_s + 4 * spread_s]))
        away = times[near] - time_s
        weight = np.exp(-0.5 * (away / spread_s) ** 2)
        weight /= weight.sum()
        smooth_size[row] = weight @ size[near]
        shift = weight @ away
        spread = weight @ away**2 - shift**2
        mean = weight @ middle[near]
        slope = (weight * (away - shift)) @ middle[near] / spread if spread > 1e-12 else np.zeros(2)
        smooth_middle[row] = mean - slope * shift
    boxes = np.hstack([smooth_middle - smooth_size / 2, smooth_middle + smooth_size / 2])
    return Track(track.number, track.kind, times, boxes, track.scores)


def _rate_hz(times: NDArray[np.float64]) -> float:
    return float(1 / np.median(np.diff(times))) if len(times) > 1 else 0.0


def _require_order(times: NDArray[np.float64]) -> None:
    good = np.isfinite(times)
    good[1:] &= np.diff(times) > 0
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InputError(
            "The look of row {row} is at {time_s} s, not after the one before it.",
            "Give looks in order of time.",
            row=row,
            time_s=float(times[row]),
        )


def _require(good: bool | np.bool_, name: str, value: float, wanted: str) -> None:
    if not good:
        raise InputError("{name} is {value}.", "Give {wanted}.", name=name, value=value, wanted=wanted)
