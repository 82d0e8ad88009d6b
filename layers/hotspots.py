"""How hot spots look and what they are called: statistics, kinds of places, colours and units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from layers.i18n import N_
from layers.layer import Colour
from layers.ramps import NO_EVIDENCE
from layers.streets import street_words

__all__ = [
    "COLUMNS",
    "DENOMINATORS",
    "EMERGING",
    "KINDS",
    "METHODS",
    "PLACES",
    "STATISTICS",
    "STEPS",
    "class_labels",
    "kind_colour",
    "method_of",
    "readable",
    "unit_of",
]

STATISTICS = {
    "gi": N_("Getis–Ord Gi*"),
    "moran": N_("Local Moran"),
    "scan": N_("Space scan (Kulldorff)"),
    "emerging": N_("Emerging hot spots (space-time cube)"),
    "density": N_("Kernel density"),
    "repeat": N_("Near repeat (Knox)"),
}
DENOMINATORS = {"exposure": N_("Exposure"), "captures": N_("Captures as they are")}
PLACES = {"cells": N_("Unit cells"), "streets": N_("Streets")}
METHODS = {
    "gi": N_(
        "Gi* asks whether a cell and its neighbours together have more than chance gives them: {permutations} "
        "conditional permutations, false discovery rate by Benjamini and Hochberg."
    ),
    "moran": N_(
        "Local Moran asks whether a cell is like its neighbours or stands out among them: {permutations} conditional "
        "permutations, false discovery rate of 5 %."
    ),
    "scan": N_(
        "The scan lays circles of every size around every cell and compares what happened inside with what was "
        "expected (Poisson); {simulations} simulated towns say how good the best circle is by chance."
    ),
    "emerging": N_(
        "Gi* of every cell in each of {steps} steps (a {step} each), with the step before as neighbour; the "
        "Mann–Kendall test tells the trend, and 17 kinds tell what becomes of each cell."
    ),
    "density": N_(
        "A Gaussian kernel of {bandwidth_m:g} m around every event, on pixels of {pixel_m:g} m. A density has no test "
        "of significance: Gi* says which heights are more than chance."
    ),
    "streets": N_(
        "A quartic kernel of {bandwidth_m:g} m runs along the streets, which are cut into pieces of {pixel_m:g} m, and "
        "is shared out at junctions (equal split, continuous). A density has no test of significance."
    ),
    "repeat": N_(
        "Knox's test compares pairs of events that are near and soon with {permutations} shuffles of their times; "
        "{sampled} of {all} events were compared."
    ),
}
"""Statistic → the method in a sentence; its facts are the notes of the answer."""

_QUIET: Colour = (250, 250, 247, 110)

KINDS: dict[str, tuple[Colour, str]] = {
    "hot99": ((178, 24, 43, 215), N_("hot, 99 %")),
    "hot95": ((239, 108, 77, 205), N_("hot, 95 %")),
    "hot90": ((253, 196, 154, 200), N_("hot, 90 %")),
    "hot": ((253, 224, 200, 150), N_("high, p ≤ 0.05, not after correction")),
    "cold": ((222, 235, 247, 160), N_("low, p ≤ 0.05, not after correction")),
    "cold90": ((189, 215, 231, 200), N_("cold, 90 %")),
    "cold95": ((107, 174, 214, 205), N_("cold, 95 %")),
    "cold99": ((33, 102, 172, 215), N_("cold, 99 %")),
    "HH": ((178, 24, 43, 215), N_("high among high")),
    "HL": ((253, 174, 97, 215), N_("high among low")),
    "LH": ((146, 197, 222, 215), N_("low among high")),
    "LL": ((33, 102, 172, 215), N_("low among low")),
    "cluster1": ((178, 24, 43, 215), N_("most likely cluster (p ≤ 0.05)")),
    "cluster": ((253, 174, 97, 215), N_("further cluster (p ≤ 0.05)")),
    "weak": ((254, 224, 182, 190), N_("best circle, not significant")),
    "class1": ((253, 212, 158, 205), ""),
    "class2": ((253, 170, 110, 210), ""),
    "class3": ((239, 101, 72, 215), ""),
    "class4": ((199, 40, 28, 220), ""),
    "class5": ((127, 0, 0, 230), ""),
    "none": (_QUIET, N_("not significant")),
    "no evidence": (NO_EVIDENCE, N_("no evidence: nobody looked")),
}
"""Kind of place → colour and words, from hot to cold; classes of a density are told by their limits."""

EMERGING: dict[str, tuple[Colour, str]] = {
    "new hot": ((255, 0, 110, 215), N_("new hot spot")),
    "consecutive hot": ((215, 25, 28, 215), N_("consecutive hot spot")),
    "intensifying hot": ((127, 0, 20, 225), N_("intensifying hot spot")),
    "persistent hot": ((178, 24, 43, 215), N_("persistent hot spot")),
    "diminishing hot": ((240, 130, 110, 215), N_("diminishing hot spot")),
    "sporadic hot": ((253, 174, 97, 215), N_("sporadic hot spot")),
    "oscillating hot": ((254, 217, 118, 215), N_("oscillating hot spot")),
    "historical hot": ((214, 190, 160, 215), N_("historical hot spot")),
    "new cold": ((0, 200, 220, 215), N_("new cold spot")),
    "consecutive cold": ((44, 127, 184, 215), N_("consecutive cold spot")),
    "intensifying cold": ((3, 40, 100, 225), N_("intensifying cold spot")),
    "persistent cold": ((33, 102, 172, 215), N_("persistent cold spot")),
    "diminishing cold": ((128, 170, 220, 215), N_("diminishing cold spot")),
    "sporadic cold": ((146, 197, 222, 215), N_("sporadic cold spot")),
    "oscillating cold": ((190, 225, 230, 215), N_("oscillating cold spot")),
    "historical cold": ((170, 180, 200, 215), N_("historical cold spot")),
    "none": (_QUIET, N_("no pattern")),
    "no evidence": (NO_EVIDENCE, N_("no evidence: nobody looked")),
}
"""The 17 kinds of emerging hot spots, and none for want of evidence."""


COLUMNS = {
    "rank": (N_("Rank"), "%d"),
    "code": (N_("Unit cell"), None),
    "name": (N_("Street"), None),
    "kind": (N_("Kind"), None),
    "distance": (N_("Apart (m)"), None),
    "days": (N_("Days between"), None),
    "pairs": (N_("Pairs"), "%d"),
    "cells": (N_("Cells"), "%d"),
    "radius_m": (N_("Radius (m)"), "%.0f"),
    "length_m": (N_("Length (m)"), "%.0f"),
    "events": (N_("Events"), "%d"),
    "expected": (N_("Expected"), "%.1f"),
    "ratio": (N_("Observed / expected"), "%.2f"),
    "relative_risk": (N_("Relative risk"), "%.2f"),
    "exposure_kmh": (N_("Kerb looked at (km·h)"), "%.1f"),
    "value": (N_("Value"), "%.3g"),
    "z": ("z", "%.2f"),
    "i": ("I", "%.2f"),
    "llr": ("LLR", "%.1f"),
    "p": ("p", "%.4f"),
    "p_fdr": (N_("p (FDR)"), "%.4f"),
    "hot_steps": (N_("Hot steps"), "%d"),
    "cold_steps": (N_("Cold steps"), "%d"),
    "last_z": (N_("z, last step"), "%.2f"),
    "trend_z": (N_("Trend z"), "%.2f"),
    "trend_p": (N_("Trend p"), "%.4f"),
    "community": (N_("Community"), None),
}
"""Column of a table of places → its words and how its numbers are written."""
STEPS = {"month": N_("month"), "week": N_("week"), "day": N_("day")}
"""Step of a space-time cube → words."""


def unit_of(statistic: str, place: str, *, by_exposure: bool) -> str:
    """Of the value that is compared or drawn, a message."""
    if statistic == "repeat":
        return N_("events that followed another within 50 m and 3 days")
    if by_exposure:
        return N_("events per km of kerb and hour of looking")
    if statistic == "density":
        return N_("events per km of street") if place == "streets" else N_("events per km²")
    return N_("events in the period")


def method_of(
    statistic: str,
    place: str,
    notes: Mapping[str, Any],
    say: Callable[..., str],
    *,
    by_exposure: bool,
    between: str,
) -> str:
    """
    The method in a sentence or two.

    Parameters
    ----------
    statistic, place, by_exposure
        Of the question.
    notes
        Of the answer.
    say
        In the reader's language.
    between
        What stands between two sentences there.
    """
    told = dict(notes)
    if "step" in told:
        told["step"] = say(STEPS[str(told["step"])])
    for name in ("permutations", "simulations", "sampled", "all"):
        if name in told:
            told[name] = f"{int(told[name]):,}"
    along = statistic == "density" and place == "streets"
    sentence = say(METHODS["streets" if along else statistic], **told)
    if by_exposure and statistic in ("gi", "moran", "emerging"):
        smooth = say(
            N_("Rates of cells that were seen little are drawn towards the others (empirical Bayes).")
        )
        sentence = f"{sentence}{between}{smooth}"
    return sentence


def class_labels(limits: Sequence[float]) -> list[str]:
    """Words of a density's classes, from low to high."""
    ends = [f"{limit:,g}" for limit in limits]
    return [f"{a}–{b}" for a, b in pairwise(ends)] + [f"≥ {ends[-1]}"] if ends else []


def readable(
    table: pd.DataFrame, looks: dict[str, tuple[Colour, str]], say: Callable[..., str], *, chinese: bool
) -> pd.DataFrame:
    """A table of places with kinds and communities in the reader's language; columns of `COLUMNS`."""
    rows = table.copy()
    if "kind" in rows:
        rows["kind"] = [say(looks[kind][1]) if looks[kind][1] else "" for kind in rows["kind"]]
    if "name_zh" in rows:
        rows["community"] = rows["name_zh" if chinese else "name_en"]
    if "distance_m" in rows:
        rows["distance"] = rows["distance_m"].map(_bands(rows["distance_m"]))
        rows["days"] = rows["delay"].map(_bands(rows["delay"]))
    if "name" in rows:
        rows["name"] = [
            street_words(each, say) for each in rows["name"].where(rows["name"].notna(), rows["highway"])
        ]
    return rows


def _bands(limits: pd.Series[float]) -> dict[float, str]:
    """Upper limits as from – to."""
    edges = [0.0, *sorted(set(limits))]
    return {upper: f"{lower:g}–{upper:g}" for lower, upper in pairwise(edges)}


def kind_colour(looks: dict[str, tuple[Colour, str]]) -> str:
    """A deck.gl expression: kind of a feature → colour."""
    tail = "[0, 0, 0, 0]"
    for kind, (colour, _) in looks.items():
        tail = f"properties.kind == '{kind}' ? {list(colour)} : {tail}"
    return tail
