"""How parking looks: five views of cells and streets, their units, classes and colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from layers import ramps
from layers.i18n import N_
from layers.layer import Colour, Form, Measure
from layers.placewise import colours_by_place

__all__ = [
    "FEATURES",
    "LACKS",
    "MEASURES",
    "RULES",
    "SHAPE_NAMES",
    "VIEWS",
    "Picture",
    "class_limits",
    "picture",
]

CLASSES = 5

MEASURES = {
    each.id: each
    for each in (
        Measure(
            "captures",
            N_("Captures"),
            N_("captures in the hours chosen, whole period"),
            N_("Raw counts: a map of where cameras look as much as of where problems are."),
            ramps.ORANGES,
            empty=N_("no kerb without bays"),
            digits=0,
        ),
        Measure(
            "exposure_kmh",
            N_("Exposure"),
            N_("km of kerb × hours looked at, recall counted"),
            N_(
                "Kerb without bays in view × hours sampled × recall in the hours chosen; joint views count once. Grey:"
                " nobody looked."
            ),
            ramps.PURPLES,
            empty=N_("nobody looked"),
            digits=1,
        ),
        Measure(
            "rate_100",
            N_("Demand"),
            N_("violations begun per 100 m of kerb and hour"),
            N_("Captures over exposure, drawn towards a model of the place as far as captures say little."),
            ramps.ORANGES,
            empty=N_("no evidence"),
            digits=3,
        ),
        Measure(
            "width",
            N_("Width of the 95 % interval"),
            N_("upper less lower limit, over the rate"),
            N_("How little is known: at 1 the interval is as wide as the rate is high."),
            ramps.PURPLES,
            empty=N_("no evidence"),
            digits=2,
        ),
        Measure(
            "evidence",
            N_("Where the rate comes from"),
            N_("kind of evidence"),
            N_("Observed: captures tell at least half of the estimate. Modelled: the model tells more."),
            ramps.ORANGES,
            empty=N_("no evidence"),
        ),
        Measure(
            "reach",
            N_("Free places within the walk"),
            N_("places within the walking limit, mean along the kerb"),
            N_("Legal bays and car parks on the way on foot, times the share that is free."),
            ramps.GREENS,
            empty=N_("no places to stand are known"),
            digits=0,
        ),
        Measure(
            "access",
            N_("Access (E2SFCA)"),
            N_("free places for each vehicle that wants one"),
            N_(
                "Two steps with a Gaussian decay: places are shared by all who reach them, nearer ones count more."
            ),
            ramps.GREENS,
            empty=N_("nobody wants a place, or none is known"),
            digits=1,
        ),
        Measure(
            "unmet",
            N_("Shortage"),
            N_("vehicle-hours a week without a place within the walk"),
            N_("Demand that is left when as many as possible are served, hour by hour, in the hours chosen."),
            ramps.ORANGES,
            empty=N_("no places to stand are known"),
            digits=2,
        ),
        Measure(
            "unmet_ratio",
            N_("Share without a place"),
            N_("share of those who want one"),
            N_("Vehicle-hours without a place over all that are wanted, in the hours chosen."),
            ramps.ORANGES,
            breaks=(0.05, 0.2, 0.4, 0.7),
            empty=N_("nobody wants a place, or none is known"),
            digits=0,
            percent=True,
        ),
    )
}
"""Number of a place → what it is called, its unit and how it is read."""

VIEWS = {
    "captures": (N_("Captures"), ("captures",)),
    "exposure": (N_("Exposure"), ("exposure_kmh",)),
    "demand": (N_("Demand ± interval"), ("rate_100", "width", "evidence")),
    "access": (N_("Supply and access"), ("access", "reach")),
    "shortage": (N_("Shortage"), ("unmet", "unmet_ratio")),
}
"""View → its title and the numbers that it can show, the first one first."""

LACKS = {
    "cameras": N_("There are no cameras that see a kerb: demand has no evidence."),
    "exposure": N_("There are no hours of looking on record: nothing can be divided by exposure."),
    "captures": N_("There are no captures of illegal parking in the period."),
    "reports": N_("Nobody reported illegal parking: recall is not known, any between 0 and 1 is as likely."),
    "streets": N_("There are no streets with kerbs inside the unit cells."),
    "bays": N_(
        "There are no legal bays and no car parks with capacity: supply, access and shortage are not known."
    ),
}
"""What a town does not have → what that means."""

RULES = {"practice": N_("as bays are often marked"), "law": N_("as the law says (50 m, 30 m)")}
SHAPE_NAMES = {
    "parallel": N_("lengthwise"),
    "diagonal": N_("at 60°"),
    "perpendicular": N_("at 90°"),
}
FEATURES = {
    "junction": N_("junction"),
    "level_crossing": N_("level crossing"),
    "bend": N_("sharp bend"),
    "bridge": N_("bridge"),
    "tunnel": N_("tunnel"),
    "bus_stop": N_("bus stop"),
    "hydrant": N_("hydrant"),
    "fire_station": N_("fire station"),
    "petrol_station": N_("petrol station"),
    "first_aid": N_("first-aid station"),
    "crossing": N_("crossing"),
}
OUTLINE: Colour = (255, 255, 255, 130)


@dataclass(frozen=True)
class Picture:
    """
    A number of all cells or streets as it is drawn.

    Attributes
    ----------
    measure
        Which number; digits fit its values.
    limits
        Upper limits of all classes but the last.
    form
        Colours by place.
    modelled
        Whether places whose rate the model tells have a ramp of their own.
    """

    measure: Measure
    limits: tuple[float, ...]
    form: Form
    modelled: bool


def picture(table: pd.DataFrame, name: str, *, key: str, lines: bool) -> Picture:
    """
    A number of a table as colours.

    Colours are not sent place by place: a text holds one digit a place, and the browser reads it where the place's id
    says, so that another hour sends a few kilobytes and fetches no tile anew.

    Parameters
    ----------
    table
        One row a place, by id, with `evidence` and the number.
    name
        Of the number.
    key
        Property of the tiles that holds the id.
    lines
        Streets rather than cells.
    """
    measure = MEASURES[name]
    told = table["evidence"].map({"none": 0, "observed": 1, "modelled": 2})
    modelled = name in ("rate_100", "width")
    if name == "evidence":
        limits: tuple[float, ...] = ()
        group, step = told, pd.Series(3, index=table.index)
        palettes = [[ramps.NO_EVIDENCE], list(ramps.ORANGES), list(ramps.BLUES)]
    else:
        values = table[name].astype(float)
        limits = tuple(measure.breaks) if measure.breaks else class_limits(values)
        digits = measure.digits if measure.percent else _digits(limits, measure.digits)
        measure = replace(measure, digits=digits)
        step = pd.Series(np.searchsorted(np.array(limits), values.fillna(0.0)), index=table.index)
        known = values.notna()
        group = (told if modelled else pd.Series(1, index=table.index)).where(known, 0)
        step = step.where(known, 0)
        if name == "exposure_kmh":  # nobody looked: neither much nor little
            group = group.where(values > 0, 0)
        palettes = [[ramps.NO_EVIDENCE], list(measure.ramp), list(ramps.BLUES)]
    colour = colours_by_place(group, step, palettes, key)
    form = Form(line=colour, line_px=5) if lines else Form(fill=colour, line=OUTLINE, line_px=1)
    return Picture(measure, limits, form, modelled)


def class_limits(values: pd.Series[float], classes: int = CLASSES) -> tuple[float, ...]:
    """Upper limits of all classes but the last: quantiles of what is above 0, in two digits, each once."""
    some = values[values > 0].to_numpy(dtype=np.float64)
    if not some.size:
        return ()
    marks = np.quantile(some, np.arange(1, classes) / classes)
    return tuple(sorted({float(f"{mark:.2g}") for mark in marks}))


def _digits(limits: Sequence[float], least: int) -> int:
    """As many decimals as tell the limits apart."""
    if not limits or min(limits) <= 0:
        return least
    return max(0, min(6, 1 - int(np.floor(np.log10(min(limits))))))
