"""The rules a zone may bear: their settings, what they need and how far back they look."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal

from analysis.errors import InputError, Term
from analysis.vision.detections import BICYCLE, MOTORCYCLE, PERSON, TRAFFIC_CLASSES, VEHICLE_CLASSES
from analysis.vision.rules.fields import require_field
from analysis.vision.rules.shapes import Point
from analysis.vision.rules.validity import Validity

__all__ = [
    "BikesOutside",
    "Crowding",
    "Gathering",
    "Intrusion",
    "Lasting",
    "LineCrossing",
    "Motion",
    "Needs",
    "Rule",
    "Standing",
    "StaticObject",
    "WrongWay",
]

Needs = Literal["detections", "patch", "track"]
"""
What a rule judges by: detections of each look; these and the zone's patches; or tracks, which take ≥ 3.5 looks a
second.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """
    What all rules have in common.

    Attributes
    ----------
    kind
        Name in the registry.
    version
        Of the rule's thinking; a lead keeps it. It changes when the same looks may give other leads.
    needs
        What it judges by.
    label
        The kind in words.
    """

    kind: ClassVar[str]
    version: ClassVar[str] = "1"
    needs: ClassVar[Needs] = "detections"
    label: ClassVar[Term]

    @property
    def window_s(self) -> float:
        """How many seconds back looks are needed."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        for each in fields(self):  # a name means the same in all rules
            require_field(each.name, getattr(self, each.name))


@dataclass(frozen=True, slots=True)
class Lasting(Rule):
    """
    A rule about what stays.

    Parameters
    ----------
    dwell_s
        It must be seen over at least this many seconds.
    min_share
        In this share of the looks between its first and its last sight, in (0, 1].
    min_sights
        In at least so many looks.
    max_gap_s
        Unseen for longer than this, or not looked at, it begins anew. Looks must be closer together than this.
    min_score
        Boxes under this confidence are not looked at, in [0, 1].
    """

    dwell_s: float = 60.0
    min_share: float = 0.75
    min_sights: int = 3
    max_gap_s: float = 120.0
    min_score: float = 0.2

    @property
    def window_s(self) -> float:
        """How many seconds back looks are needed."""
        return 1.5 * self.dwell_s + self.min_sights * self.max_gap_s


@dataclass(frozen=True, slots=True)
class Standing(Lasting):
    """
    A vehicle stands in the zone: its box comes back in the same place.

    Parameters
    ----------
    dwell_s, min_share, min_sights, max_gap_s, min_score
        As in every rule about what stays: seconds, share of looks, number of looks, seconds, confidence.
    iou
        A box continues a vehicle if it overlaps the vehicle's first boxes by this much, in (0, 1].
    min_median_score
        The median confidence of its boxes must reach this, in [0, 1].
    classes
        COCO classes it is about.
    """

    kind: ClassVar[str] = "standing"
    label: ClassVar[Term] = Term("standing vehicle")

    iou: float = 0.5
    min_median_score: float = 0.3
    classes: frozenset[int] = VEHICLE_CLASSES


@dataclass(frozen=True, slots=True)
class BikesOutside(Lasting):
    """
    Bicycles or motorcycles stand outside the areas planned for them.

    Parameters
    ----------
    dwell_s, min_share, min_sights, max_gap_s, min_score, iou, min_median_score, classes
        As in `Standing`.
    allowed
        Planned areas, each a polygon in pixels of the frame; what stands in them is no lead.
    """

    kind: ClassVar[str] = "bikes_outside"
    label: ClassVar[Term] = Term("bicycles outside their area")

    dwell_s: float = 300.0
    iou: float = 0.4
    min_median_score: float = 0.3
    classes: frozenset[int] = frozenset({BICYCLE, MOTORCYCLE})
    allowed: tuple[tuple[Point, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class StaticObject(Lasting):
    """
    Something new lies or stands in the zone: goods on the pavement, a stall, a pile.

    Parameters
    ----------
    dwell_s, min_share, min_sights, max_gap_s, min_score
        As in `Standing`; `min_score` is that of the boxes left out.
    reference_s
        How many seconds before the dwell the zone's usual look is learned from, as the median of its patches. What
        has stayed for half of it has become usual and is told no more.
    min_reference
        From at least so many looks.
    min_area_ratio
        Smallest object, as a share of the zone's area, in (0, 1).
    ignored
        COCO classes that are not the object: where they are seen the patch tells nothing.
    """

    kind: ClassVar[str] = "static_object"
    needs: ClassVar[Needs] = "patch"
    label: ClassVar[Term] = Term("new object that stays")

    dwell_s: float = 120.0
    max_gap_s: float = 180.0
    reference_s: float = 1800.0
    min_reference: int = 5
    min_area_ratio: float = 0.02
    ignored: frozenset[int] = frozenset(TRAFFIC_CLASSES)

    @property
    def window_s(self) -> float:
        """How many seconds back looks are needed."""
        return self.dwell_s + self.max_gap_s + self.reference_s


@dataclass(frozen=True, slots=True)
class Gathering(Lasting):
    """
    People stand together, as around a stall.

    Parameters
    ----------
    dwell_s, min_share, min_sights, max_gap_s, min_score
        As in `Standing`.
    min_people
        So many together are a lead by themselves.
    reach
        Two belong together if their feet are within this many body heights (of the smaller box).
    min_people_near_object
        So many beside a new static object are a lead, too; None does not look for objects.
    reference_s, min_reference, min_area_ratio
        As in `StaticObject`.
    """

    kind: ClassVar[str] = "gathering"
    label: ClassVar[Term] = Term("people gathering")
    needs: ClassVar[Needs] = "patch"

    dwell_s: float = 120.0
    max_gap_s: float = 180.0
    min_people: int = 4
    reach: float = 1.0
    min_people_near_object: int | None = 2
    reference_s: float = 1800.0
    min_reference: int = 5
    min_area_ratio: float = 0.02

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        if self.min_people is None:
            raise InputError("min_people is missing.", "Give a whole number from 1.")

    @property
    def window_s(self) -> float:
        """How many seconds back looks are needed."""
        return self.objects().window_s

    def objects(self) -> StaticObject:
        """The rule by which it looks for objects."""
        return StaticObject(
            dwell_s=self.dwell_s,
            min_share=self.min_share,
            min_sights=self.min_sights,
            max_gap_s=self.max_gap_s,
            min_score=self.min_score,
            reference_s=self.reference_s,
            min_reference=self.min_reference,
            min_area_ratio=self.min_area_ratio,
        )


@dataclass(frozen=True, slots=True)
class Crowding(Lasting):
    """
    Too many people are in the zone.

    Parameters
    ----------
    dwell_s, min_share, min_sights, max_gap_s, min_score
        As in `Standing`.
    min_people
        From so many on; None counts nobody.
    area_m2
        Ground that the zone shows, in m², above 0; None if unknown.
    min_density
        People per m², above 0, from which on it is crowded; it takes `area_m2`. Where both are given, either makes
        a lead.
    """

    kind: ClassVar[str] = "crowding"
    label: ClassVar[Term] = Term("crowding")

    min_people: int | None = 10
    area_m2: float | None = None
    min_density: float | None = None

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        if self.min_density is not None and self.area_m2 is None:
            raise InputError(
                "min_density is {density} but the zone's area is unknown.",
                "Give area_m2, or count people instead.",
                density=self.min_density,
            )
        if self.min_density is None and self.min_people is None:
            raise InputError(
                "The rule says nothing of how many are too many.", "Give min_people or min_density."
            )


@dataclass(frozen=True, slots=True)
class Intrusion(Rule):
    """
    Somebody or something is where it may not be at that time.

    Parameters
    ----------
    classes
        COCO classes it is about.
    validity
        When nobody may be there; outside it there is no lead.
    min_sights
        Seen in at least so many looks.
    max_gap_s
        Unseen for longer than this, the next sight is a new intrusion.
    min_score
        Boxes under this confidence are not looked at, in [0, 1].
    """

    kind: ClassVar[str] = "intrusion"
    label: ClassVar[Term] = Term("intrusion")

    classes: frozenset[int] = frozenset({PERSON})
    validity: Validity = field(default_factory=Validity)
    min_sights: int = 1
    max_gap_s: float = 120.0
    min_score: float = 0.5

    @property
    def window_s(self) -> float:
        """How many seconds back looks are needed."""
        return (self.min_sights + 1) * self.max_gap_s


@dataclass(frozen=True, slots=True)
class Motion(Rule):
    """
    The zone looks otherwise than usual: a hint for a person, no more.

    Parameters
    ----------
    min_ratio
        Share of the zone that must have changed, in (0, 1).
    reference_s, min_reference
        As in `StaticObject`.
    min_sights
        In at least so many looks.
    max_gap_s
        Quiet for longer than this, the next change is a new lead.
    """

    kind: ClassVar[str] = "motion"
    needs: ClassVar[Needs] = "patch"
    label: ClassVar[Term] = Term("something changed")

    min_ratio: float = 0.1
    reference_s: float = 1800.0
    min_reference: int = 5
    min_sights: int = 1
    max_gap_s: float = 120.0

    @property
    def window_s(self) -> float:
        """How many seconds back looks are needed."""
        return self.reference_s


@dataclass(frozen=True, slots=True)
class LineCrossing(Rule):
    """
    Something crosses a line drawn on the picture; judged on tracks by `analysis.vision.lines`.

    Parameters
    ----------
    line
        Its two ends (x, y) in pixels.
    direction
        Which crossings count: "forward" from the left to the right of someone who looks from the first end to the
        second in the picture, "backward" or "both".
    clear_px
        A foot point this near to the line is on neither side, in pixels above 0.
    classes
        COCO classes it is about.
    min_score
        Boxes under this confidence are not tracked, in [0, 1].
    """

    kind: ClassVar[str] = "line_crossing"
    needs: ClassVar[Needs] = "track"
    label: ClassVar[Term] = Term("line crossed")

    line: tuple[Point, Point] = ((0.0, 0.0), (1.0, 0.0))
    direction: Literal["forward", "backward", "both"] = "both"
    clear_px: float = 5.0
    classes: frozenset[int] = frozenset(TRAFFIC_CLASSES)
    min_score: float = 0.25

    @property
    def window_s(self) -> float:
        """How many seconds back looks are needed."""
        return 10.0


@dataclass(frozen=True, slots=True)
class WrongWay(Rule):
    """
    Something moves against the permitted direction; judged on tracks by `analysis.vision.lines`.

    Parameters
    ----------
    arrow
        Two points (x, y) in pixels: from the first to the second is permitted.
    tolerance_deg
        Headings up to this angle from the arrow are permitted, in (0, 180).
    travel_px, travel_m
        Its heading is that of the last so many pixels, or metres with a calibration, that it moved; above 0.
    hold_s
        It must go the wrong way for so many seconds in a row, above 0.
    classes, min_score
        As in `LineCrossing`.
    """

    kind: ClassVar[str] = "wrong_way"
    needs: ClassVar[Needs] = "track"
    label: ClassVar[Term] = Term("wrong way")

    arrow: tuple[Point, Point] = ((0.0, 0.0), (1.0, 0.0))
    tolerance_deg: float = 60.0
    travel_px: float = 30.0
    travel_m: float = 2.0
    hold_s: float = 0.5
    classes: frozenset[int] = frozenset(TRAFFIC_CLASSES) - {PERSON}
    min_score: float = 0.25

    @property
    def window_s(self) -> float:
        """How many seconds back looks are needed."""
        return 10.0
