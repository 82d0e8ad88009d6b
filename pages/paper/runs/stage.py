"""What every report of a run stands on: its facts, words in one language, maps over streets and buildings, layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
from sqlalchemy import Connection

from geodata.export.collections import collection_frame
from geodata.export.provenance import CRS_NOTE
from geodata.queries.runs import RunFacts, coverage_cells, surroundings
from layers import ramps
from layers.i18n import N_
from layers.planning import PARAMETERS
from pages.paper.brief import Grid, Section
from pages.paper.classes import hexed
from pages.paper.mapping import NORTH, Ink, MapLayer, PaperMap
from pages.paper.report_map import OWN, SIZE
from pages.paper.runs.asked import value_words
from pages.paper.telling import Say, speaker

__all__ = ["Stage", "Story", "without_secrets"]

LEAST_M = 250.0
"""Metres across the smallest map."""
MARGIN = 0.06
STREET = Ink(line="#ffffff", width_pt=1.4)
PATH = Ink(line="#ffffff", width_pt=0.6)
BUILDING = Ink(fill=hexed(ramps.BUILDING), line=hexed(ramps.BUILDING_EDGE), width_pt=0.2)
SECRET = frozenset({"scenario", "asked", "token"})
"""Members of a question that open a scenario to whoever reads them."""
LEFT_OUT = frozenset({"kept", "exported_at"})
"""Members of a kept answer that no reader of its file needs."""


@dataclass(frozen=True, eq=False)
class Story:
    """
    What a kind of run tells.

    Attributes
    ----------
    title
        Of the report.
    lead
        Sentences at its head.
    sections
        Figures, maps and tables.
    layers
        Name → (title, FeatureCollection).
    methods
        Sentences on how it was found.
    simulated
        Whether simulated data are behind it.
    question
        Its parameters in full.
    """

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    layers: Mapping[str, tuple[str, dict[str, Any]]]
    methods: tuple[str, ...]
    simulated: bool
    question: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Stage:
    """
    A run on its way to paper.

    Attributes
    ----------
    conn
        An open connection.
    facts
        The run.
    language
        zh-CN or en.
    """

    conn: Connection
    facts: RunFacts
    language: str
    say: Say = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "say", speaker(self.language))

    @property
    def epsg(self) -> int:
        """The town's metric system."""
        return self.facts.town.metric_epsg

    def attribution(self) -> str:
        """Whom maps have to name."""
        sources = sorted({str(each) for each in self.facts.register["source"]} - {OWN})
        return " · ".join(self.say(each) for each in sources)

    def map(
        self,
        title: str,
        drawn: Sequence[MapLayer],
        marks: Sequence[tuple[float, float, float, float, str]] = (),
        *,
        mark_label: str = "",
        notes: tuple[str, ...] = (),
    ) -> Section | None:
        """
        A section with a map of what is drawn, over streets and buildings as they are loaded now.

        Parameters
        ----------
        title
            Of the section, without the scale.
        drawn
            Shapes in metres, from the ground up.
        marks
            As of `PaperMap`.
        mark_label
            Words of the marks.
        notes
            Sentences below it.

        Returns
        -------
        section
            None where there is nothing to draw.
        """
        ends = [each.shapes.total_bounds for each in drawn if len(each.shapes)]
        ends += [np.array([east, north, east, north]) for east, north, *_ in marks]
        ends = [each for each in ends if np.isfinite(each).all()]
        if not ends:
            return None
        low, high = np.min(ends, axis=0)[:2], np.max(ends, axis=0)[2:]
        more = max(float((high - low).max()) * MARGIN, (LEAST_M - float((high - low).max())) / 2)
        box = (low[0] - more, low[1] - more, high[0] + more, high[1] + more)
        frame = PaperMap(box, (), (), SIZE, attribution="", epsg=self.epsg).frame.bounds
        under = surroundings(self.conn, self.facts.town, frame)
        drivable = under.streets["drivable"].to_numpy(dtype=bool)
        ground = [
            MapLayer(under.buildings.geometry, BUILDING, self.say(N_("building"))),
            MapLayer(under.streets.geometry[~drivable], PATH),
            MapLayer(under.streets.geometry[drivable], STREET),
        ]
        paper = PaperMap(
            box,
            [*ground, *drawn],
            marks,
            SIZE,
            attribution=self.attribution(),
            epsg=self.epsg,
            north=self.say(NORTH),
            mark_label=mark_label,
        )
        return Section(f"{title} · {paper.scale}", notes, None, paper)

    def coverage(self) -> gpd.GeoDataFrame:
        """Cells with `code` and `coverage_ratio` as they are stored now."""
        return coverage_cells(self.conn)

    def frame(self, body: Mapping[str, Any]) -> gpd.GeoDataFrame:
        """Features of a collection in the town's metres."""
        return collection_frame(dict(body)).to_crs(self.epsg)

    def collection(
        self, body: Mapping[str, Any], title: str, method: str, units: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """
        A kept collection as a layer of the report, RFC 7946: dated by its run, without what opens a scenario.

        Parameters
        ----------
        body
            A FeatureCollection of ours.
        title, method
            In the reader's language.
        units
            Column → unit, messages.
        """
        facts = self.facts
        kept = {name: value for name, value in body.items() if name not in LEFT_OUT | {"features"}}
        if isinstance(kept.get("question"), dict):
            kept["question"] = without_secrets(kept["question"])
        told = {
            **kept,
            "title": title,
            "method": method,
            "crs_note": CRS_NOTE,
            "town": facts.town.name,
            "run": facts.run.id,
            "made_at": facts.run.made_at.isoformat(timespec="seconds"),
            "revision": facts.run.revision,
            "code_profiles": list(facts.profiles),
            "licence": kept.get("licence") or "; ".join(sorted(set(facts.register["licence"]))),
            "attribution": kept.get("attribution") or "; ".join(sorted(set(facts.register["source"]))),
            "simulated": bool(kept.get("simulated", True)),
        }
        units = dict(kept.get("units", {})) if units is None else units
        if units:
            told["units"] = {name: self.say(str(unit)) for name, unit in units.items()}
        return {**told, "type": "FeatureCollection", "features": body["features"]}

    def parameters(self, question: Mapping[str, Any]) -> Section:
        """A question in full: name, value, unit."""
        say = self.say
        rows = []
        order = list(PARAMETERS)
        known = without_secrets(question).items()
        for name, value in sorted(
            known, key=lambda each: order.index(each[0]) if each[0] in order else len(order)
        ):
            own = name.removeprefix("rules_").removeprefix("bays_")
            words, unit = PARAMETERS.get(own, (name, ""))
            rows.append((say(words), value_words(own, value, say, self.conn, self.language), say(unit)))
        heads = (say("Parameter"), say("Value"), say("Unit"))
        grid = Grid(heads, tuple(rows), (0.4, 0.46, 0.14))
        return Section(say("Parameters"), (), grid if rows else None)

    def crs_told(self) -> str:
        """Which systems the report is in, and the profile of its codes."""
        return self.say(
            "Layers are in EPSG:4326, the map in EPSG:{metric}, the store in EPSG:4490 (CGCS2000). Profile of the"
            " codes: GB/T 30428.1 ({profiles}).",
            metric=self.epsg,
            profiles=self.say(", ").join(self.facts.profiles) or "–",
        )


def without_secrets(question: Mapping[str, Any]) -> dict[str, Any]:
    """A question without what opens a scenario."""
    return {name: value for name, value in question.items() if name not in SECRET}
