"""Colour ramps, all safe for colour-blind eyes (ColorBrewer 2, Harrower & Brewer 2003), and the colours of the city."""

from __future__ import annotations

from layers.layer import Colour

__all__ = [
    "ACCENT",
    "BLUES",
    "BUILDING",
    "CAMERA",
    "CAMERA_OFF",
    "CAR_PARK",
    "FINDING",
    "GREENS",
    "GROUND",
    "HEAT",
    "KERB",
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
    "css",
]


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
PURPLES = _ramp("F2F0F7", "CBC9E2", "9E9AC8", "756BB1", "54278F")
"""Purples, 5 classes: more was looked at."""
BLUES = _ramp("EFF3FF", "BDD7E7", "6BAED6", "3182BD", "08519C")
"""Blues, 5 classes: more, by a model."""
GREENS = _ramp("EDF8E9", "BAE4B3", "74C476", "31A354", "006D2C")
"""Greens, 5 classes: more is better."""

NO_EVIDENCE: Colour = (128, 134, 138, 105)
"""Nobody looked: neither good nor bad."""
GROUND: Colour = (231, 235, 232, 255)
BUILDING: Colour = (205, 210, 206, 235)
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


def css(colour: Colour) -> str:
    """`rgba(…)` for HTML."""
    red, green, blue, alpha = colour
    return f"rgba({red},{green},{blue},{alpha / 255:.2f})"
