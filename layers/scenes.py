"""Words and layers of scenes; what a scene says of itself stands in its TOML, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from geodata.scenes import PEOPLE, SENSOR, Scene, Scenes, read_scenes
from layers.catalogue import LAYERS
from layers.i18n import N_
from layers.view import View
from layers.watching import RULE_NAMES

__all__ = [
    "CLOCK_NAMES",
    "DOMAIN_NAMES",
    "INDICATOR_NAMES",
    "STAGE_NAMES",
    "STATE_NAMES",
    "WHY",
    "known_scenes",
    "rule_title",
    "scene_view",
]

DOMAIN_NAMES = {
    "street": N_("Street order"),
    "appearance": N_("Appearance and environment"),
    "construction": N_("Building and muck"),
    "lifeline": N_("Lifelines"),
    "safety": N_("Public safety"),
}
STATE_NAMES = {
    "watched": (N_("Monitored"), N_("Cameras or sensors look for it.")),
    "reported": (
        N_("Reported by people only"),
        N_("No camera and no sensor looks for it, but people report it."),
    ),
    "nothing": (N_("No evidence"), N_("Nobody looks for it and nobody reported it: nothing is known.")),
}
"""Whether anybody looks for a scene → words, and what they mean."""
STAGE_NAMES = {
    "register": N_("Register"),
    "dispatch": N_("Dispatch"),
    "dispose": N_("Dispose"),
    "verify": N_("Verify"),
}
CLOCK_NAMES = {"natural": N_("hours"), "working": N_("working hours")}
INDICATOR_NAMES: dict[str, tuple[str, str]] = {
    "open": (N_("Open cases"), N_("Cases that are neither closed nor void.")),
    "per_day": (
        N_("New a day"),
        N_("Mean of the last 28 days that have cases, with its 95 % interval (exact Poisson)."),
    ),
    "per_sampled_h": (
        N_("Found per camera hour"),
        N_("What cameras found over the hours in which they looked for it, with its 95 % interval."),
    ),
    "closed_in_time": (
        N_("Closed in time (share)"),
        N_(
            "Of the cases that are closed or overdue, those closed within all limits together; Wilson's interval."
        ),
    ),
    "repeat": (
        N_("Happens again (share)"),
        N_("Cases with an earlier one of the same class in the same cell within the days of the scene."),
    ),
    "no_evidence": (
        N_("Cells without evidence (share)"),
        N_("Cells where no camera looked for it and nobody reported it: nothing is known of them."),
    ),
}
WHY = {
    "no_cases": N_("no evidence: no cases"),
    "nobody_looked": N_("no evidence: nobody looked"),
    "never_closed": N_("no evidence: no case was ever closed here"),
    "none_due": N_("no evidence: no case is due yet"),
    "no_cells": N_("no evidence: no unit cells"),
}
"""Why an indicator has no value → words."""
UNDER = ("streets", "buildings")


def known_scenes(event_classes: Mapping[str, object]) -> Scenes:
    """Every scene whose layers the catalogue has and whose codes the standard or the town has, and what is broken."""
    return read_scenes(tuple(LAYERS), event_classes)


def rule_title(scene: Scene) -> str:
    """What notices it: a message."""
    if scene.rule.kind == PEOPLE:
        return N_("people report it")
    if scene.rule.kind == SENSOR:
        return N_("sensors measure it")
    return RULE_NAMES[scene.rule.kind]


def scene_view(scene: Scene) -> View:
    """The map of a scene as a view, which the overview opens."""
    filters = {"class": ",".join(scene.codes)} if scene.codes else {}
    return View(layers=(*UNDER, *scene.layers), filters=filters)
