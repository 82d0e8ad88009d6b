"""Words of datasets and of what checks find; searching them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

from layers.catalogue import LAYERS
from layers.i18n import LANGUAGES, N_, translate
from layers.layer import Layer

__all__ = [
    "ACTIONS",
    "CHECK_NAMES",
    "DATASET_NAMES",
    "FRESHNESS",
    "GEOMETRY_CHECKS",
    "RUN_KINDS",
    "freshness",
    "matches",
    "preview_layer",
    "searched",
]

DATASET_NAMES = {
    "address_point": N_("QR street points"),
    "area": N_("Districts, streets and communities"),
    "building": N_("Buildings"),
    "calibration": N_("Calibrations of cameras"),
    "camera": N_("Cameras"),
    "camera_preset": N_("Presets of PTZ cameras"),
    "camera_view": N_("Visible areas"),
    "car_park": N_("Car parks"),
    "case_file": N_("Cases"),
    "cell_measure": N_("Measures of unit cells"),
    "component": N_("Components"),
    "coverage_share": N_("Coverage by group of cameras"),
    "demand_estimate": N_("Parking demand"),
    "demand_profile": N_("Hours of parking demand"),
    "detection": N_("Boxes of the detector"),
    "detector_recall": N_("Recall of the detector"),
    "exposure": N_("Hours in which cameras looked"),
    "finding": N_("Leads of the video patrol"),
    "kerb": N_("Kerbs"),
    "no_parking_area": N_("No-parking areas"),
    "patrol_track": N_("Patrol tracks"),
    "pipe": N_("Pipelines"),
    "pipe_node": N_("Manholes and hydrants"),
    "poi": N_("Points of interest"),
    "restricted_area": N_("Where no camera may look"),
    "sample": N_("Frames that were looked at"),
    "sensor": N_("Gas sensors"),
    "street_edge": N_("Streets"),
    "unit_cell": N_("Unit cells"),
    "zone": N_("Zones of cameras and their rules"),
}
"""Dataset → its title; one without stands under its own name."""
RUN_KINDS = {
    "coverage": N_("coverage run"),
    "demand": N_("demand run"),
    "place": N_("proposal of places"),
    "remove": N_("which cameras can go"),
    "relocate": N_("which cameras to move"),
}
"""Kind of a run → its name; one without stands under its own."""
CHECK_NAMES = {
    "code": N_("Codes"),
    "geometry": N_("Geometry"),
    "duplicate": N_("Duplicates"),
    "time": N_("Times in the future"),
    "null": N_("Not given"),
}
GEOMETRY_CHECKS = {"valid": N_("neither empty nor crossing itself"), "inside": N_("inside the town")}
ACTIONS = {
    "write": N_("written"),
    "card": N_("card changed"),
    "load": N_("file loaded"),
    "unload": N_("taken back"),
}
FRESHNESS = {
    "fresh": N_("fresh"),
    "due": N_("due soon"),
    "overdue": N_("overdue"),
    "open": N_("no renewal agreed"),
}
DUE_SHARE = 0.8
"""Due soon from this share of the time between renewals."""


def freshness(loaded_at: dt.datetime, now: dt.datetime, renew_days: float | None) -> tuple[float, str]:
    """Age in days, and its name in `FRESHNESS`: against how often it is to be renewed."""
    age = max(0.0, (now - loaded_at).total_seconds() / 86_400)
    if renew_days is None or math.isnan(renew_days):
        return age, "open"
    return age, "overdue" if age > renew_days else "due" if age > DUE_SHARE * renew_days else "fresh"


def searched(name: str, texts: Iterable[object]) -> str:
    """All that a dataset can be found by: its name, its titles in both languages, and `texts`."""
    title = DATASET_NAMES.get(name, name)
    titles = [translate(title, language) for language in LANGUAGES]
    told = [
        translate(str(each), language) for each in texts if isinstance(each, str) for language in LANGUAGES
    ]
    return " ".join([name, *titles, *told]).casefold()


def matches(text: str, query: str) -> bool:
    """Every word of `query` stands in `text`, as `searched` made it."""
    return all(word in text for word in query.casefold().split())


def preview_layer(name: str) -> Layer | None:
    """The layer that draws a dataset's own rows, if any."""
    return next((each for each in LAYERS.values() if each.tile.table == name), None)
