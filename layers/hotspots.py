"""How hot spots look and what they are called: statistics, kinds of places, colours and units."""

from __future__ import annotations

from layers.i18n import N_
from layers.layer import Colour
from layers.ramps import NO_EVIDENCE

__all__ = ["EMERGING", "KINDS", "METHODS", "STATISTICS", "kind_colour"]

STATISTICS = {
    "gi": N_("Getis–Ord Gi*"),
    "moran": N_("Local Moran"),
    "scan": N_("Space scan (Kulldorff)"),
    "emerging": N_("Emerging hot spots (space-time cube)"),
    "density": N_("Kernel density"),
    "repeat": N_("Near repeat (Knox)"),
}
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


def kind_colour(looks: dict[str, tuple[Colour, str]]) -> str:
    """A deck.gl expression: kind of a feature → colour."""
    tail = "[0, 0, 0, 0]"
    for kind, (colour, _) in looks.items():
        tail = f"properties.kind == '{kind}' ? {list(colour)} : {tail}"
    return tail
