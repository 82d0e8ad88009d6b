"""A picture with boxes and zones over it, drawn by the browser: plain boxes, for SVG does not pass the sanitiser."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

__all__ = ["annotated_picture", "zone_opacity"]

VEHICLE = "#d55e00"
OTHER = "#56b4e9"
ZONE = "#f0e442"


def annotated_picture(
    address: str,
    size: tuple[int, int],
    *,
    boxes: Sequence[tuple[float, float, float, float, str, bool]],
    zones: Sequence[tuple[Sequence[Sequence[float]], str]],
    alternative: str,
) -> None:
    """
    Shows a picture of ours with what was seen in it.

    Parameters
    ----------
    address
        Of the picture, on this origin.
    size
        Width and height in pixels: the system of boxes and zones.
    boxes
        Left, top, right, bottom, words, and whether it is a vehicle.
    zones
        Corners and words.
    alternative
        What the picture shows, for those who do not see it.
    """
    width, height = size
    layers = []
    for corners, label in zones:
        outline = ", ".join(f"{x / width:.2%} {y / height:.2%}" for x, y in corners)
        layers.append(
            f'<div style="position:absolute;inset:0;background:{ZONE};opacity:{zone_opacity(corners, size):.2f};'
            f'clip-path:polygon({outline})"></div>'
        )
        left, right = min(c[0] for c in corners), max(c[0] for c in corners)
        low = max(c[1] for c in corners)
        layers.append(_words(left / width, right / width, (low + 3) / height, label, ZONE))
    for x1, y1, x2, y2, label, vehicle in boxes:
        colour, thick = (VEHICLE, 3) if vehicle else (OTHER, 2)
        layers.append(
            f'<div style="position:absolute;box-sizing:border-box;border:{thick}px solid {colour};border-radius:2px;'
            f"left:{x1 / width:.2%};top:{y1 / height:.2%};"
            f'width:{(x2 - x1) / width:.2%};height:{(y2 - y1) / height:.2%}"></div>'
        )
        if label:
            layers.append(_words(x1 / width, x2 / width, max(y1 - 17, 0) / height, label, colour))
    st.html(
        f'<div style="position:relative;line-height:0;overflow:hidden;border-radius:6px">'
        f'<img src="{html.escape(address)}" alt="{html.escape(alternative)}"'
        f' style="width:100%;height:auto;aspect-ratio:{width}/{height};background:var(--hy-void)"/>'
        f"{''.join(layers)}</div>"
    )


def zone_opacity(corners: Sequence[Sequence[float]], size: tuple[int, int]) -> float:
    """How dense the colour of a zone is: a small one must be seen, a large one must hide nothing; in [0.12, 0.42]."""
    x, y = zip(*((float(c[0]), float(c[1])) for c in corners), strict=True)
    twice = sum(x[at - 1] * y[at] - x[at] * y[at - 1] for at in range(len(x)))
    return 0.42 - 0.3 * min(1.0, abs(twice) / 2 / (size[0] * size[1]))


def _words(left: float, right: float, top: float, label: str, colour: str) -> str:
    """A label of what lies between two shares of the picture's width; it begins or ends there, to stay in view."""
    side = f"left:{max(0.0, left):.2%}" if left + right <= 1 else f"right:{max(0.0, 1 - right):.2%}"
    return (
        f'<div style="position:absolute;{side};top:min({top:.2%},calc(100% - 16px));font-size:12px;line-height:16px;'
        f'padding:0 4px;white-space:nowrap;color:#10181c;background:{colour};border-radius:2px">'
        f"{html.escape(label)}</div>"
    )
