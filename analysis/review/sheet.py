"""The sheet of a building review: its figures with unit and method, its reasons, its advice."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.errors import HuiyanError

__all__ = [
    "ADVICE",
    "MENDS",
    "METHODS",
    "REASONS",
    "SEVERITIES",
    "TITLES",
    "UNITS",
    "Advice",
    "Reason",
    "ReviewRules",
    "ReviewSheet",
    "Severity",
]

Advice = Literal["approve", "return"]
Severity = Literal["return", "condition", "note"]
"""Returned as it is; approved only with a condition; worth knowing."""

TITLES: dict[str, str] = {
    "cameras": "Cameras proposed",
    "view_m2": "Ground seen",
    "new_m2": "New ground, seen by no existing camera",
    "new_ratio": "Share that is new",
    "duplicate_m2": "Ground that existing cameras see already",
    "duplicate_ratio": "Share that repeats existing cameras",
    "unshared_m2": "Of that, seen only by cameras that are not shared",
    "mutual_m2": "Ground that another proposed camera sees too",
    "mutual_ratio": "Share that repeats other proposed cameras",
    "sharper_m2": "Ground seen sharper than before",
    "own_m2": "New ground that only this camera would see",
    "forbidden_m2": "Forbidden ground in view",
    "forbidden_nearest_m": "Nearest forbidden area",
    "forbidden_facade_m": "Facade of forbidden rooms in view",
    "private_m": "Facade of dwellings in view",
    "private_close_m": "Facade of dwellings where faces can be identified",
    "private_nearest_m": "Nearest dwelling in view",
    "private_px_per_m": "Pixel density at the nearest dwelling",
    "unknown_m": "Facade of buildings whose use is not known",
    "places": "Places that matter nearby",
    "places_before": "Of those, task reached by existing cameras",
    "places_after": "Of those, task reached with the proposed cameras",
    "cost": "Cost",
    "needless": "Cameras that need not be built",
    "saved": "Money saved by not building those",
}
"""Figure → what it is called."""

UNITS: dict[str, str] = {
    "cameras": "cameras",
    "view_m2": "m²",
    "new_m2": "m²",
    "new_ratio": "%",
    "duplicate_m2": "m²",
    "duplicate_ratio": "%",
    "unshared_m2": "m²",
    "mutual_m2": "m²",
    "mutual_ratio": "%",
    "sharper_m2": "m²",
    "own_m2": "m²",
    "forbidden_m2": "m²",
    "forbidden_nearest_m": "m",
    "forbidden_facade_m": "m",
    "private_m": "m",
    "private_close_m": "m",
    "private_nearest_m": "m",
    "private_px_per_m": "px/m",
    "unknown_m": "m",
    "places": "places",
    "places_before": "places",
    "places_after": "places",
    "cost": "currency",
    "needless": "cameras",
    "saved": "currency",
}
"""Figure → its unit; money is in the town's currency."""

_VISIBLE = "Visible ground: sector of the field behind the buildings, within range, outside the blind cone."
_FACADE = (
    "Walls on the edge of the sight area that face the camera by 15° or more, in the picture's height, and near"
    " enough for the pixel density named in the rules; whatever the range set."
)
METHODS: dict[str, str] = {
    "cameras": "Rows of the application that were read without a fault.",
    "view_m2": _VISIBLE,
    "new_m2": "Visible ground minus the union of what existing cameras see.",
    "new_ratio": "New ground over visible ground.",
    "duplicate_m2": "Visible ground within the union of what existing cameras see.",
    "duplicate_ratio": "That ground over visible ground.",
    "unshared_m2": "Ground within views of cameras of share level 1, outside those of levels 2 and 3.",
    "mutual_m2": "Visible ground within the union of what the other proposed cameras see.",
    "mutual_ratio": "That ground over visible ground.",
    "sharper_m2": "Ground seen with the pixel density of the rules, which no existing camera has there.",
    "own_m2": "New ground minus the union of what the other proposed cameras see.",
    "forbidden_m2": (
        "Visible ground within restricted areas other than dwellings, with at least the pixel density of the rules."
    ),
    "forbidden_nearest_m": "From the camera to the nearest forbidden ground or facade in view.",
    "forbidden_facade_m": _FACADE,
    "private_m": _FACADE,
    "private_close_m": _FACADE,
    "private_nearest_m": "From the camera to the nearest facade of a dwelling in view.",
    "private_px_per_m": "Pixels across one metre there: picture width / (2 · tan(field / 2) · distance).",
    "unknown_m": _FACADE,
    "places": "Schools, hospitals and the like within reach of a proposed camera, with the task they ask for.",
    "places_before": "Share of the place seen with the pixel density of its task, by existing cameras.",
    "places_after": "The same with the proposed cameras added.",
    "cost": "Sum of the costs given in the application.",
    "needless": (
        "Taken out one by one, the least useful first, while one adds less than the least share of the rules and no"
        " place that matters loses its task."
    ),
    "saved": "Sum of the costs of those cameras.",
}
"""Figure → how it is found."""

SEVERITIES: dict[str, Severity] = {
    "sees_nothing": "return",
    "duplicates_existing": "return",
    "duplicates_proposed": "return",
    "inside_forbidden": "return",
    "forbidden_in_view": "return",
    "windows_identified": "return",
    "code_invalid": "return",
    "code_repeated": "return",
    "code_taken": "return",
    "class_unknown": "condition",
    "code_missing": "condition",
    "forbidden_facade": "condition",
    "windows_recognised": "condition",
    "ask_to_share": "condition",
    "cost_missing": "note",
    "code_elsewhere": "note",
    "place_missed": "note",
    "use_unknown": "note",
    "needed_for_place": "note",
}
"""Reason → how much it weighs."""

REASONS: dict[str, str] = {
    "sees_nothing": "It sees no ground.",
    "duplicates_existing": "Existing cameras see {share:.0%} of its ground already; only {gain:.0%} would be gained.",
    "duplicates_proposed": "Other proposed cameras see its ground too; only {gain:.0%} would be gained.",
    "inside_forbidden": "It stands in a place where no camera may be: {kind} ({source}).",
    "forbidden_in_view": "It sees {area:.0f} m² of a place where no camera may look, {distance:.0f} m away: {kind}.",
    "windows_identified": "It could identify people behind {length:.0f} m of dwelling facade, {distance:.0f} m away.",
    "code_invalid": "Its code {code} is not a code of GB/T 28181.",
    "code_repeated": "Its code {code} stands in the application more than once.",
    "code_taken": "Its code {code} belongs to an existing camera.",
    "class_unknown": "Its class '{found}' is none of those in use.",
    "code_missing": "It has no code yet.",
    "forbidden_facade": "It sees {length:.0f} m of the facade of {kind}, {distance:.0f} m away.",
    "windows_recognised": "It could recognise people behind {length:.0f} m of dwelling facade, {distance:.0f} m away.",
    "ask_to_share": "{share:.0%} of its ground is seen by cameras whose owners do not share them: {owners}.",
    "cost_missing": "Its cost is not given, so what is saved without it is not known.",
    "code_elsewhere": "Its code begins with {found}, not with this county's {wanted}.",
    "place_missed": "{place} would have {density:.0f} px/m, but its task ({task}) needs {wanted:.0f} px/m.",
    "use_unknown": "{length:.0f} m of facade in sight belong to buildings whose use is not known.",
    "needed_for_place": "It adds little ground, but {place} reaches its task only with it.",
}
"""Reason → sentence, a template."""

MENDS: dict[str, str] = {
    "sees_nothing": "Move it out of the building or turn it.",
    "duplicates_existing": "Do not build it; use {codes}.",
    "duplicates_proposed": "Do not build it.",
    "inside_forbidden": "Choose another place (State Council Order 799, article 8).",
    "forbidden_in_view": "Turn it, lower its range or mask that ground (State Council Order 799, article 8).",
    "windows_identified": "Turn it away, or mask the windows and say so in the application.",
    "code_invalid": "Write 20 digits: centre, industry, type, network, number.",
    "code_repeated": "Give each camera its own code.",
    "code_taken": "Give it a number that is free.",
    "class_unknown": "Write one of: {known}.",
    "code_missing": "Give it a code before it is connected.",
    "forbidden_facade": "Mask the windows.",
    "windows_recognised": "Mask the windows.",
    "ask_to_share": "Ask for them to be shared before building.",
    "cost_missing": "Add the cost.",
    "code_elsewhere": "Check the first digits.",
    "place_missed": "Move it nearer, or choose a narrower field or more pixels.",
    "use_unknown": "Look at them on site.",
    "needed_for_place": "Build it.",
}
"""Reason → what to do about it, a template."""

ADVICE: dict[Advice, str] = {"approve": "Approve", "return": "Return"}
"""What the sheet advises; an office decides."""


@dataclass(frozen=True)
class ReviewRules:
    """
    What an office asks of a camera.

    Attributes
    ----------
    least_gain_ratio
        A camera is worth building if at least this share of its ground is new or seen sharper, [0, 1].
    sharp_task
        DORI task whose pixel density counts as seeing sharper.
    window_task, close_task
        Dwelling facades count from this pixel density on; from the second on they are a reason to return.
    most_window_m
        So many metres of facade are overlooked at each density, 0 or more.
    forbidden_task
        Forbidden ground and the facades of forbidden rooms count from this pixel density on.
    least_forbidden_m2
        Less forbidden ground than this is not told, 0 or more.
    reached_ratio
        A place reaches its task if this share of it is seen sharply enough, (0, 1].
    unshared_ratio
        Owners are asked to share if this share of the ground is seen by unshared cameras only, [0, 1].
    classes
        Area classes in use; none: not checked.
    county_code
        Six digits that codes begin with; none: not checked.
    listed
        Existing cameras named for each proposed one.
    """

    least_gain_ratio: float = 0.3
    sharp_task: str = "recognise"
    window_task: str = "recognise"
    close_task: str = "identify"
    most_window_m: float = 3.0
    forbidden_task: str = "observe"
    least_forbidden_m2: float = 1.0
    reached_ratio: float = 0.8
    unshared_ratio: float = 0.3
    classes: tuple[str, ...] = ()
    county_code: str | None = None
    listed: int = 5


@dataclass(frozen=True)
class Reason:
    """
    One reason for or against.

    Attributes
    ----------
    code
        A key of `REASONS`.
    camera
        Label of the proposed camera, None for all.
    facts
        Values for the templates of `REASONS` and `MENDS`.
    problem
        An error as `HuiyanError.told` keeps it, where one says more.
    """

    code: str
    camera: Hashable | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    problem: Mapping[str, Any] | None = None

    @property
    def severity(self) -> Severity:
        """How much it weighs."""
        return SEVERITIES[self.code]

    def plain(self) -> dict[str, Any]:
        """Plain values with the sentence in English."""
        said = [REASONS[self.code].format(**self.facts), MENDS[self.code].format(**self.facts)]
        if self.problem is not None:
            said.insert(1, str(HuiyanError.retold(dict(self.problem))))
        return {
            "code": self.code,
            "severity": self.severity,
            "camera": _value(self.camera),
            "text": " ".join(said),
            "facts": {name: _value(value) for name, value in self.facts.items()},
            "problem": dict(self.problem) if self.problem is not None else None,
        }


@dataclass(frozen=True, eq=False)
class ReviewSheet:
    """
    What is known of an application before anyone decides.

    Attributes
    ----------
    advice
        `return` if any reason weighs so much.
    reasons
        Sorted by weight.
    totals
        Figure → value for all proposed cameras together; areas are of unions, so nothing counts twice.
    cameras
        Figures of each proposed camera, and `needless`; Points.
    duplicates
        camera, existing, code, name, owner, share_level, shared_m2, shared_ratio: the existing cameras that see most
        of its ground.
    forbidden
        camera, area, kind, name, source, simulated, ground_m2, facade_m, nearest_m, px_per_m.
    windows
        camera, area, name, facade_m, close_m, nearest_m, px_per_m, simulated.
    places
        place, name, kind, task, wanted_px_per_m, before_ratio, after_ratio, before_px_per_m, after_px_per_m, camera,
        reached_before, reached_after.
    shapes
        camera, kind (view, new, duplicate, forbidden, window, close, unknown) and geometry, for maps.
    rules
        What was asked.
    """

    advice: Advice
    reasons: tuple[Reason, ...]
    totals: Mapping[str, float]
    cameras: gpd.GeoDataFrame
    duplicates: pd.DataFrame
    forbidden: pd.DataFrame
    windows: pd.DataFrame
    places: pd.DataFrame
    shapes: gpd.GeoDataFrame
    rules: ReviewRules

    def plain(self) -> dict[str, Any]:
        """Everything but the shapes as values that JSON holds; every figure with unit and method."""
        return {
            "advice": self.advice,
            "totals": [
                {
                    "name": name,
                    "title": TITLES[name],
                    "value": _value(value),
                    "unit": UNITS[name],
                    "method": METHODS[name],
                }
                for name, value in self.totals.items()
            ],
            "figures": {
                name: {"title": TITLES[name], "unit": UNITS[name], "method": METHODS[name]} for name in TITLES
            },
            "cameras": _rows(
                self.cameras.drop(columns=self.cameras.geometry.name).reset_index(names="camera")
            ),
            "duplicates": _rows(self.duplicates),
            "forbidden": _rows(self.forbidden),
            "windows": _rows(self.windows),
            "places": _rows(self.places),
            "reasons": [reason.plain() for reason in self.reasons],
            "rules": asdict(self.rules) | {"classes": list(self.rules.classes)},
        }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): _value(value) for name, value in row.items()} for row in frame.to_dict(orient="records")
    ]


def _value(value: Any) -> Any:
    """A plain value: numbers to five digits after the point, None for what is missing."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return None if value is pd.NA or value is pd.NaT else str(value)
