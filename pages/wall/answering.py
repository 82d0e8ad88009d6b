"""Answers for the wall: each page read once in a few seconds for all walls, and the last good one kept."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.errors import HuiyanError
from geodata import database
from geodata.errors import NotFound
from geodata.queries import wall, wall_pages
from geodata.queries.wall_scope import Scope
from geodata.settings import Settings
from geodata.towns.town import Town
from layers import wall as dark
from layers.catalogue import LAYERS
from layers.i18n import N_, explain
from layers.layer import Measure
from layers.measures import MEASURES
from layers.ramps import css
from layers.view import HEAT, View, framed
from layers.watching import LEADS_PER_H
from pages.paper.telling import Say, speaker
from pages.wall.blocks import number
from pages.wall.scoping import scope_of, scope_told
from pages.wall.telling import TELLERS, TITLES
from pages.wall.told import Told

__all__ = ["Answers"]

FRESH_S = 4.0
"""So long a page's figures are good for every wall that asks."""
PAGE_DATASETS: Mapping[str, tuple[str, ...]] = {
    "overview": ("case_file", "finding", "camera", "cell_measure"),
    "cells": ("case_file", "unit_cell", "cell_measure"),
    "cameras": ("camera", "camera_view", "coverage_share"),
    "parking": ("kerb", "car_park", "demand_estimate", "demand_profile", "detector_recall"),
    "pipes": ("pipe", "pipe_node", "sensor"),
    "video": ("finding", "sample"),
    "evaluation": ("case_file", "cell_measure", "area"),
}
"""What the figures of a page rest on, beside the layers of its map."""
NAMED = ("cell_demand", "edge_demand")
"""Layers whose legend says how something is known, and not of what."""
MEASURES_BY_ID: dict[str, Measure] = {each.id: each for each in (*MEASURES, LEADS_PER_H)}
Read = Callable[[str, Scope], wall_pages.Reading]
OWN = "Huiyan"
"""Source of what this twin computed or simulated: told where there is no other."""
MOST_HELD = 64
"""So many pages are kept at most: whoever asks may ask for any view, and the memory of a wall stays flat."""


@dataclass(frozen=True)
class Held:
    """A reading, when it was made by this process's own clock, and why there is no newer one."""

    reading: wall_pages.Reading
    at: float
    error: HuiyanError | None = None


class Answers:
    """
    What walls ask for; one for each web process, safe in threads.

    Parameters
    ----------
    chosen
        Settings.
    read
        Reads the figures of a page, of what a view asks; None: from the database.
    clock
        Seconds that never run backwards.
    """

    def __init__(
        self, chosen: Settings, read: Read | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._chosen = chosen
        self._read = read or _from_database
        self._clock = clock
        self._held: OrderedDict[tuple[str, Scope], Held] = OrderedDict()
        self._locks: dict[tuple[str, Scope], threading.Lock] = {}
        self._one = threading.Lock()

    def answer(self, page: str, language: str, view: View | None = None) -> dict[str, Any]:
        """
        A page as JSON: words, figures and the map; from the last good reading if the database is away.

        Parameters
        ----------
        page
            One of `geodata.queries.wall.PAGES`.
        language
            BCP 47 tag.
        view
            What a planner shared: shown on the map in place of the page's own layers, and what the figures are of as
            far as they can.

        Raises
        ------
        NotFound
            If there is no such page, or nothing is loaded.
        HuiyanError
            If the database is away and nothing was ever read.
        """
        if page not in wall.PAGES:
            raise NotFound(
                "The wall has no page '{name}'.",
                "Choose one of: {names}.",
                name=page,
                names=", ".join(wall.PAGES),
            )
        held = self._newest((page, scope_of(view)))
        say = speaker(language)
        reading = held.reading
        told = TELLERS[page](reading.figures, reading.town, say, language)
        return {
            "page": page,
            "title": say(TITLES[page]),
            "city": city_name(reading.town, self._chosen, language),
            "takenAt": reading.taken_at.isoformat(),
            "ageS": round(self._clock() - held.at, 1),
            "trouble": explain(held.error, language) if held.error else None,
            "timeZone": str(reading.town.time_zone),
            "left": told.left,
            "right": told.right,
            "method": told.method,
            **_origin(reading, page, told, view, say),
            "scope": scope_told(
                reading.asked,
                page,
                reading.town,
                say,
                language,
                units=view is not None and view.figure is not None,
            ),
            "map": _map(reading, told, view),
            "legend": _legend(told, view, say),
        }

    def _newest(self, key: tuple[str, Scope]) -> Held:
        held = self._kept(key)
        if held and self._clock() - held.at < FRESH_S:
            return held
        with self._lock(key):  # one reads, the others wait for it
            held = self._kept(key)
            if held and self._clock() - held.at < FRESH_S:
                return held
            try:
                newest = Held(self._read(*key), self._clock())
            except HuiyanError as error:
                if held is None:
                    self._unlock(key)
                    raise
                return Held(held.reading, held.at, error)
            self._keep(key, newest)
            return newest

    def _kept(self, key: tuple[str, Scope]) -> Held | None:
        with self._one:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def _keep(self, key: tuple[str, Scope], newest: Held) -> None:
        """Keeps a reading; of too many the shared view goes that nobody asked for longest, never the town's own."""
        with self._one:
            self._held[key] = newest
            self._held.move_to_end(key)
            shared = [each for each in self._held if each[1]]
            for each in shared[: max(0, len(self._held) - MOST_HELD)]:
                del self._held[each]
                self._locks.pop(each, None)

    def _lock(self, key: tuple[str, Scope]) -> threading.Lock:
        with self._one:
            return self._locks.setdefault(key, threading.Lock())

    def _unlock(self, key: tuple[str, Scope]) -> None:
        """Forgets the lock of a page that was never read: nothing is kept of it."""
        with self._one:
            self._locks.pop(key, None)


def city_name(town: Town, chosen: Settings, language: str) -> str:
    """The name at the head of the wall: of the settings, or the town's own."""
    return chosen.wall_city or (town.name_zh if language == "zh-CN" else town.name_en)


def _from_database(page: str, scope: Scope) -> wall_pages.Reading:
    with database.guarded(), database.connection() as conn:
        return wall.read(conn, page, scope)


def _shown(told: Told, view: View | None) -> list[str]:
    """Layers above the ground, in drawing order."""
    names = told.layers if view is None else view.layers
    return [name for name in names if name not in dark.BASE]


def _map(reading: wall_pages.Reading, told: Told, view: View | None) -> dict[str, Any]:
    """Layers, pins, and where the camera of the map goes."""

    def revision(name: str) -> int:
        rows = (reading.register.get(each) for each in LAYERS[name].datasets)
        return max((row.revision for row in rows if row is not None), default=0)

    filters = view.tile_filters() if view else {}
    drawn = [dark.tiles(LAYERS[name], revision=revision(name)) for name in dark.BASE[:1]]
    for name in _shown(told, view):
        if name == HEAT:
            drawn.append(dark.heat(LAYERS["violations"], filters=filters, revision=revision("violations")))
            continue
        measure, breaks = _measure(name, told, view)
        drawn.append(
            dark.tiles(LAYERS[name], measure=measure, breaks=breaks, filters=filters, revision=revision(name))
        )
    drawn += [dark.tiles(LAYERS[name], revision=revision(name)) for name in dark.BASE[1:]]
    town = reading.town
    bounds = reading.asked.bounds
    (lon, lat), zoom = framed(bounds) if bounds else (told.focus or town.centre, town.zoom + told.closer)
    if view and bounds is None:
        lon, lat = town.centre
    if view and view.centre:
        lon, lat = view.centre
    return {
        "layers": drawn,
        "extent": reading.extent,
        "places": [] if view else [{"at": [p.lon_deg, p.lat_deg], "mark": p.mark} for p in told.places],
        "view": {
            "longitude": lon,
            "latitude": lat,
            "zoom": view.zoom if view and view.zoom is not None else zoom,
            "pitch": view.pitch_deg if view and view.pitch_deg is not None else told.pitch_deg,
            "bearing": view.bearing_deg if view and view.bearing_deg is not None else told.bearing_deg,
        },
    }


def _measure(name: str, told: Told, view: View | None) -> tuple[Measure | None, tuple[float, ...]]:
    """Number that a layer of cells shows, and the limits of its classes."""
    if not LAYERS[name].measures:
        return None, ()
    if view is None:
        chosen = MEASURES_BY_ID[told.measure] if told.measure else LAYERS[name].measures[0]
        return chosen, told.breaks
    chosen = next(
        (each for each in LAYERS[name].measures if each.id == view.measure), LAYERS[name].measures[0]
    )
    return chosen, chosen.breaks or ()


def _legend(told: Told, view: View | None, say: Say) -> list[dict[str, str]]:
    """What the colours mean, in few words."""
    entries: list[dict[str, str]] = []

    def add(colour: tuple[int, int, int, int], words: str, mark: str) -> None:
        if all(each["words"] != words for each in entries):
            entries.append({"colour": css((*colour[:3], 255)), "words": words, "mark": mark})

    for name in _shown(told, view):
        if name == HEAT:
            add(dark.DARK_HEAT[-2], say(N_("many violations")), "fill")
            continue
        measure, breaks = _measure(name, told, view)
        if measure is None:
            if name in NAMED:
                entries.append({"colour": "transparent", "words": say(LAYERS[name].title), "mark": "title"})
            for colour, label, mark in dark.legend(LAYERS[name]):
                add(colour, say(label), mark)
            continue
        entries.append({"colour": "transparent", "words": say(measure.title), "mark": "title"})
        ramp = dark.dark_ramp(measure)
        limits = [
            number(100 * each, 0) + " %" if measure.percent else number(each, measure.digits)
            for each in breaks
        ]
        for place, limit in enumerate(limits):
            add(ramp[place], f"≤ {limit}", "fill")
        if limits:
            add(ramp[len(limits)], f"> {limits[-1]}", "fill")
        add(dark.QUIET, say(measure.empty), "fill")
    return entries


def _origin(
    reading: wall_pages.Reading, page: str, told: Told, view: View | None, say: Say
) -> dict[str, Any]:
    """Sources of what is shown, and whether any of it is simulated."""
    layers = [LAYERS["violations" if name == HEAT else name] for name in (*dark.BASE, *_shown(told, view))]
    names = {each for layer in layers for each in layer.datasets} | set(PAGE_DATASETS[page])
    rows = [row for name, row in reading.register.items() if name in names]
    others = sorted(
        {say(row.source) for row in rows if row.source != OWN}, key=lambda text: (text[0] != "©", text)
    )
    sources = others or [OWN]
    return {
        "source": say(N_("Source: {sources}"), sources=" · ".join(sources)),
        "simulated": say(N_("simulated data included")) if any(row.simulated for row in rows) else None,
    }
