"""Marks on a picture or on a plan: points, a line or a polygon, set by pointer or by keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from layers.i18n import N_
from pages.session import recall, remember, words

__all__ = ["Marks", "Mode", "Overlay", "Surface", "mark"]

HERE = Path(__file__).parent
Mode = Literal["points", "polygon", "line", "arrow", "none"]
HINTS = {
    "points": N_("Click to set a point; drag it, or move it with the arrow keys; Delete takes it out."),
    "polygon": N_("Click corner by corner, and the first again to close; a click on an edge adds a corner."),
    "line": N_("Click the two ends of the line."),
    "arrow": N_("Click where the arrow begins, then where it points to."),
    "none": "",
}

_maker = st.components.v2.component(
    "huiyan_marking",
    html='<div class="maker"></div>',
    css=(HERE / "marking.css").read_text(encoding="utf-8"),
    js=(HERE / "marking.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Overlay:
    """Something drawn over a surface: its kind (a class of marking.css), words, corners, and whether it is closed."""

    kind: str
    label: str
    corners: Sequence[Sequence[float]]
    closed: bool = True


@dataclass(frozen=True)
class Surface:
    """
    What marks are set on; x to the right and y downwards, in units of its own.

    Attributes
    ----------
    box
        Left, top, width and height of the whole.
    says
        What it is, for those who do not see it.
    unit
        Of its numbers: px or m.
    step
        How far an arrow key moves a mark.
    digits
        Decimals that are kept.
    image
        Address of a picture that fills it.
    ground
        Shapes under everything: kind and SVG path.
    up
        -1 where people read y upwards.
    start
        Left, top and width of what is seen first; None for all of it.
    """

    box: tuple[float, float, float, float]
    says: str
    unit: str
    step: float
    digits: int
    image: str | None = None
    ground: Sequence[tuple[str, str]] = ()
    up: int = 1
    start: tuple[float, float, float] | None = None

    @property
    def opening(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of what is seen first."""
        if self.start is None:
            return self.box
        x, y, wide = self.start
        return x, y, wide, wide * self.box[3] / self.box[2]


@dataclass(frozen=True)
class Marks:
    """What a person has set: (x, y) each, and the id that the mark was given, None for a new one."""

    places: tuple[tuple[float, float], ...] = ()
    ids: tuple[int | None, ...] = field(default=())


def mark(
    key: str,
    surface: Surface,
    marks: Sequence[tuple[float, float, str, int | None]],
    mode: Mode,
    overlays: Sequence[Overlay] = (),
) -> Marks | None:
    """
    Draws a surface with marks and returns them where a person has changed them since the last run, else None.

    Parameters
    ----------
    key
        Of the widget; another one for each thing that is marked.
    surface
        What they are set on.
    marks
        As they are now: x, y, a short label, an id.
    mode
        points: any number; polygon: corners in order; line, arrow: two; none: to be looked at only.
    overlays
        What else is drawn, from the ground up.
    """
    left, top, width, height = surface.box
    seen = int(recall(f"marks_{key}", 0))
    result = _maker(
        key=key,
        data={
            "id": key,
            "seen": seen,
            "mode": mode,
            "marks": [list(each) for each in marks],
            "box": list(surface.box),
            "start": list(surface.opening),
            "limits": [left, top, left + width, top + height],
            "image": surface.image,
            "ground": [list(each) for each in surface.ground],
            "overlays": [
                [each.kind, each.label, [list(c) for c in each.corners], each.closed]
                for each in overlays
                if len(each.corners)
            ],
            "step": surface.step,
            "digits": surface.digits,
            "up": surface.up,
            "words": {
                "surface": surface.says,
                "unit": surface.unit,
                "point": words(N_("Point")),
                "hint": words(HINTS[mode]) if HINTS[mode] else "",
                "add": words(N_("Add a point in the middle")),
                "remove": words(N_("Take the chosen point out")),
                "closer": words(N_("Closer")),
                "farther": words(N_("Farther")),
                "whole": words(N_("Show all")),
            },
        },
        on_marks_change=_heard,
    )
    return _newer(key, getattr(result, "marks", None), seen)


def _heard() -> None:
    """Streamlit keeps a component's state only where somebody listens."""


def _newer(key: str, told: Any, seen: int) -> Marks | None:
    """What the browser told, if it has not been taken over yet."""
    if not told or int(told["sent"]) <= seen:
        return None
    remember(f"marks_{key}", int(told["sent"]))
    return Marks(
        tuple((float(x), float(y)) for x, y, _ in told["marks"]),
        tuple(None if each is None else int(each) for *_, each in told["marks"]),
    )
