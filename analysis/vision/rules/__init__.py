"""
Rules that make leads of seldom looks at a camera: what stays, who gathers, what is where it should not be.

Each look may be taken by another machine, so that nothing is remembered here: `judge` reads the looks of a window
anew each time, and `same` tells whether two windows speak of one lead.
"""

from analysis.vision.rules.judging import judge
from analysis.vision.rules.leads import Lead, same
from analysis.vision.rules.looks import CheckedZone, Look, WatchedZone, check_zone, patch_box, zone_patch
from analysis.vision.rules.registry import RULES, from_settings, to_settings
from analysis.vision.rules.settings import (
    BikesOutside,
    Crowding,
    Gathering,
    Intrusion,
    LineCrossing,
    Motion,
    Rule,
    Standing,
    StaticObject,
    WrongWay,
)
from analysis.vision.rules.validity import Hours, Validity

__all__ = [
    "RULES",
    "BikesOutside",
    "CheckedZone",
    "Crowding",
    "Gathering",
    "Hours",
    "Intrusion",
    "Lead",
    "LineCrossing",
    "Look",
    "Motion",
    "Rule",
    "Standing",
    "StaticObject",
    "Validity",
    "WatchedZone",
    "WrongWay",
    "check_zone",
    "from_settings",
    "judge",
    "patch_box",
    "same",
    "to_settings",
    "zone_patch",
]
