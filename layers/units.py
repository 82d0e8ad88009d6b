"""Units of the city as a map and a table: the figures that colour them, and what their columns are called."""

from __future__ import annotations

from layers import ramps
from layers.i18n import N_
from layers.layer import Measure
from layers.measures import COVERAGE_BREAKS

__all__ = ["COLUMNS", "EVIDENCE", "LEVELS", "METHOD", "OF_SOURCE", "STREET_COLUMNS", "UNIT_MEASURES"]

METHOD = N_(
    "Everything is counted in the unit cell where it lies, or in the rest of its community; kerb looked at is that of"
    " the demand estimate, its captures with an exact 95 % interval (Garwood 1936); hours to a verdict are medians"
)
_NO_LOOK = N_("no evidence: nobody looked")

UNIT_MEASURES = (
    Measure(
        "rate",
        N_("Captures per kerb looked at"),
        N_("parking captures per kilometre-hour"),
        N_("Parking captures divided by kilometres of kerb × hours looked at; over the whole period."),
        ramps.ORANGES,
        digits=3,
        empty=_NO_LOOK,
    ),
    Measure(
        "violations",
        N_("Violations"),
        N_("violations in the days chosen"),
        N_("Raw counts: large and well watched units have more."),
        ramps.ORANGES,
        digits=0,
        empty=N_("not known"),
    ),
    Measure(
        "coverage_ratio",
        N_("Coverage"),
        N_("share of ground seen"),
        N_("Share of the unit's ground that at least one camera sees behind the buildings."),
        ramps.TEALS,
        breaks=COVERAGE_BREAKS,
        empty=N_("not computed"),
        digits=0,
        percent=True,
    ),
    Measure(
        "exposure_kmh",
        N_("Kerb looked at"),
        N_("kilometre-hours"),
        N_("Kilometres of kerb × hours that cameras looked; over the whole period."),
        ramps.PURPLES,
        digits=0,
        empty=_NO_LOOK,
    ),
    Measure(
        "cameras",
        N_("Cameras"),
        N_("cameras that stand there"),
        N_("Cameras by where they stand."),
        ramps.PURPLES,
        digits=0,
        empty=N_("not known"),
    ),
    Measure(
        "leads_waiting",
        N_("Leads waiting"),
        N_("video leads without a verdict"),
        N_("Video leads that no person has looked at yet."),
        ramps.ORANGES,
        digits=0,
        empty=N_("not known"),
    ),
    Measure(
        "verdict_h",
        N_("Hours to the verdict"),
        N_("hours, median"),
        N_("Half of the leads that were judged waited less than this."),
        ramps.ORANGES,
        digits=1,
        empty=N_("nothing judged"),
    ),
)
"""What the map of units can show."""

LEVELS = {
    "county": N_("city"),
    "street": N_("street office"),
    "community": N_("community"),
    "cell": N_("unit cell"),
    "rest": N_("outside all unit cells"),
}
COLUMNS = {
    "unit": N_("Unit"),
    "code": N_("Code"),
    "level": N_("Level"),
    "cells": N_("Unit cells"),
    "cameras": N_("Cameras"),
    "online": N_("Cameras online"),
    "coverage_ratio": N_("Coverage"),
    "violations": N_("Violations"),
    "exposure_kmh": N_("Kerb looked at, km·h"),
    "captures": N_("Parking captures"),
    "rate": N_("Captures per km·h"),
    "interval": N_("95 % interval"),
    "leads": N_("Leads"),
    "leads_waiting": N_("Leads waiting"),
    "leads_confirmed": N_("Confirmed"),
    "leads_dealt": N_("Dealt with"),
    "leads_solved": N_("Solved, seen again"),
    "verdict_h": N_("Hours to the verdict"),
    "simulated": N_("Simulated"),
}
OF_SOURCE = N_("Violations: {source}")
"""Heading of a column of violations known from one source."""
STREET_COLUMNS = {
    "name": N_("Street"),
    "highway": N_("Kind"),
    "length_m": N_("Length here, m"),
    "captures": N_("Parking captures"),
    "exposure_kmh": N_("Kerb looked at, km·h"),
    "rate": N_("Begun per km·h, estimate"),
    "interval": N_("95 % interval"),
    "evidence": N_("Evidence"),
    "simulated": N_("Simulated"),
}
EVIDENCE = {
    "observed": N_("observed"),
    "modelled": N_("modelled"),
    "none": N_("no evidence"),
}
