"""Colour ramps, all safe for colour-blind eyes (ColorBrewer 2, Harrower & Brewer 2003), and the colours of the city."""

from __future__ import annotations

from layers.layer import Colour

__all__ = [
    "ACCENT",
    "BLUES",
    "BUILDING",
    "BUILDING_EDGE",
    "CAMERA",
    "CAMERA_OFF",
    "CAR_PARK",
    "FINDING",
    "GREENS",
    "GROUND",
    "HEAT",
    "INK",
    "KERB",
    "NIGHT",
    "NIGHT_STREET",
    "NO_EVIDENCE",
    "ORANGES",
    "PIPES",
    "PROPOSED",
    "PURPLES",
    "QR",
    "STREET",
    "TEALS",
    "VIEW",
    "VIOLATION",
    "at_night",
    "contrast",
    "css",
    "ink_on",
]

INK: tuple[Colour, ...] = ((29, 43, 51, 255), (255, 255, 255, 255), (0, 0, 0, 255))
"""Colours for words on a colour of the map, the first that can be read is taken."""
READABLE = 4.5
"""Least contrast of words with their ground: WCAG 2.2, success criterion 1.4.3, level AA."""


def _ramp(*colours: str, alpha: int = 185) -> tuple[Colour, ...]:
    return tuple((int(c[0:2], 16), int(c[2:4], 16), int(c[4:6], 16), alpha) for c in colours)


TEALS = _ramp("F6EFF7", "BDC9E1", "67A9CF", "1C9099", "016C59")
"""PuBuGn, 5 classes: more is covered."""
ORANGES = _ramp("FEF0D9", "FDCC8A", "FC8D59", "E34A33", "B30000")
"""OrRd, 5 classes: more is worse."""
HEAT: tuple[Colour, ...] = (
    (254, 240, 217, 0),
    (253, 204, 138, 120),
    (252, 141, 89, 170),
    (227, 74, 51, 210),
    (179, 0, 0, 235),
)
"""OrRd, fading out where there is little."""
PURPLES = _ramp("EDF8FB", "B3CDE3", "8C96C6", "8856A7", "810F7C")
"""BuPu, 5 classes: more was looked at."""
BLUES = _ramp("EFF3FF", "BDD7E7", "6BAED6", "3182BD", "08519C")
"""Blues, 5 classes: more, by a model."""
GREENS = _ramp("EDF8E9", "BAE4B3", "74C476", "31A354", "006D2C")
"""Greens, 5 classes: more is better."""

NO_EVIDENCE: Colour = (134, 132, 126, 115)
"""Nobody looked: neither good nor bad."""
GROUND: Colour = (231, 235, 232, 255)
BUILDING: Colour = (205, 210, 206, 235)
BUILDING_EDGE: Colour = (170, 176, 172, 255)
STREET: Colour = (255, 255, 255, 255)
CAMERA: Colour = (11, 95, 131, 255)
CAMERA_OFF: Colour = (130, 134, 138, 255)
VIEW: Colour = (27, 142, 168, 70)
VIOLATION: Colour = (200, 80, 40, 190)
FINDING: Colour = (176, 0, 32, 255)
CAR_PARK: Colour = (66, 103, 178, 150)
KERB: Colour = (66, 103, 178, 220)
QR: Colour = (106, 61, 154, 220)
ACCENT: Colour = (240, 165, 0, 255)
PROPOSED: Colour = (190, 30, 120, 255)
"""Not there yet: apart from every colour of what is."""

PIPES: dict[str, Colour] = {
    "water": (31, 98, 190, 255),
    "drain": (134, 94, 60, 255),
    "gas": (214, 74, 146, 255),
    "heat": (228, 107, 32, 255),
    "power": (200, 30, 30, 255),
    "telecom": (44, 140, 70, 255),
    "unknown": (120, 124, 128, 255),
}
"""Network → colour, after CJJ 61: water blue, drains brown, gas pink, heat orange, power red, telecom green."""


_RAMPS = (TEALS, ORANGES, PURPLES, BLUES, GREENS)
_Rgb = tuple[int, int, int]
NIGHT: dict[_Rgb, _Rgb] = {
    GROUND[:3]: (27, 36, 42),
    BUILDING[:3]: (63, 76, 84),
    BUILDING_EDGE[:3]: (96, 110, 119),
    (222, 226, 223): (63, 76, 84),
    NO_EVIDENCE[:3]: (72, 74, 78),
    # what is drawn nearly black to stand out
    (20, 20, 20): (245, 245, 245),
    (40, 40, 40): (225, 225, 225),
    (60, 20, 50): (255, 214, 240),
    (90, 90, 90): (190, 190, 190),
    **{day[:3]: night[:3] for ramp in _RAMPS for day, night in zip(ramp, reversed(ramp), strict=True)},
}
"""
Colour by day → colour where the visitor has chosen dark: the ground is dark, and ramps run the other way, so that more
still stands out from the ground more. What is not here is the same in both.
"""
NIGHT_STREET: Colour = (112, 127, 136, 255)
"""Streets by night; by day they are white, as are the rims of points, which stay so."""


def css(colour: Colour) -> str:
    """`rgba(…)` for HTML."""
    red, green, blue, alpha = colour
    return f"rgba({red},{green},{blue},{alpha / 255:.2f})"


def at_night(colour: Colour, dark: bool = True) -> Colour:
    """A colour of a map as it is where the visitor has chosen dark."""
    return (*NIGHT.get(colour[:3], colour[:3]), colour[3]) if dark else colour


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio of two opaque colours, 1 (none) to 21 (black on white), as WCAG 2.2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(colour: Colour) -> Colour:
    """The colour of words on an opaque `colour`, with a contrast of at least `READABLE`."""
    return next((ink for ink in INK if contrast(ink, colour) >= READABLE), INK[-1])


def _luminance(colour: Colour) -> float:
    parts = (part / 255 for part in colour[:3])
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
