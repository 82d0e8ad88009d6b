"""How far the wall's figures follow a shared view, and how it says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from geodata.queries.wall_scope import Named, Scope
from geodata.towns.town import Town
from layers.i18n import N_
from layers.view import View
from pages.paper.telling import Say

__all__ = ["NO_TREE", "scope_of", "scope_told"]

NO_TREE = N_(
    "A tree of units is opened by hand, and the wall has none: it shows the map with the same area, days, class and"
    " source."
)

FOUND_BY = {
    "camera": N_("captures by cameras"),
    "qr": N_("reports by people"),
    "video": N_("confirmed video leads"),
}
BEYOND_AREA: Mapping[str, str] = {
    "overview": N_("Violations follow all of this; cells, cameras and coverage follow the area."),
    "cells": N_("Violations follow all of this; cells and their rates follow the area."),
    "cameras": N_("These figures follow the area; they know no days and no class."),
    "parking": N_("These figures follow the area; they know no days and no class."),
    "pipes": N_("These figures follow the area; they know no days and no class."),
    "video": N_("Leads follow area and class; looks and streams follow the area; none follows the days."),
    "evaluation": N_("Cases and reports follow all of this; rates and ranks follow the area."),
}
"""Page → how far its figures follow more than an area."""
OF_THE_TOWN: Mapping[str, str] = {
    "parking": N_("The share caught and the busy hours are the whole town's."),
}
"""Page → what is known of the whole town only."""


def scope_of(view: View | None) -> Scope:
    """What a view asks figures to be of; equal for views that differ in their layers or camera only."""
    if view is None:
        return Scope()
    return Scope(view.area, view.since, view.until, view.filters.get("class"), view.filters.get("source"))


def scope_told(
    asked: Named, page: str, town: Town, say: Say, language: str, *, units: bool = False
) -> dict[str, str] | None:
    """
    What the figures are of, in words.

    Parameters
    ----------
    units
        The view was shared from the units, which the wall does not show.

    Returns
    -------
    told
        `of`: area, days, classes and source; `how`: how far the page's figures follow, empty where they follow all.
        None: the figures are of the whole town.
    """
    scope = asked.scope
    if not scope:
        return {"of": say(N_("Shared from the units")), "how": say(NO_TREE)} if units else None
    at = 0 if language == "zh-CN" else 1
    parts = []
    if scope.area is not None:
        parts.append(asked.area[at] if asked.area else scope.area)
    last = scope.until and scope.until - dt.timedelta(microseconds=1)
    dates = [moment and f"{moment.astimezone(town.time_zone):%Y-%m-%d}" for moment in (scope.since, last)]
    if dates[0] and dates[1]:
        parts.append(say(N_("{first} to {last}"), first=dates[0], last=dates[1]))
    elif dates[0]:
        parts.append(say(N_("since {first}"), first=dates[0]))
    elif dates[1]:
        parts.append(say(N_("until {last}"), last=dates[1]))
    if scope.class_codes is not None:
        codes = scope.class_codes.split(",")
        parts.append(", ".join(asked.classes[code][at] if code in asked.classes else code for code in codes))
    if scope.source is not None:
        parts.append(say(FOUND_BY.get(scope.source, scope.source)))
    how = [*([OF_THE_TOWN[page]] if page in OF_THE_TOWN else []), *([NO_TREE] if units else [])]
    if Scope(area=scope.area) != scope:
        how.insert(0, BEYOND_AREA[page])
    return {
        "of": say(N_("Figures of the shared view: {parts}"), parts=" · ".join(parts)),
        "how": ("" if language == "zh-CN" else " ").join(say(each) for each in how),
    }
