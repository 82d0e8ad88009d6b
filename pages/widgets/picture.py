"""A picture with boxes and zones over it, drawn by the browser: plain boxes, for SVG does not pass the sanitiser."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

__all__ = ["annotated_picture"]

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
            f'<div style="position:absolute;inset:0;background:{ZONE};opacity:0.42;clip-path:polygon({outline})"></div>'
        )
        left, low = min(c[0] for c in corners), max(c[1] for c in corners)
        layers.append(_words(min(left, width - 170) / width, (low + 3) / height, label, ZONE))
    for x1, y1, x2, y2, label, vehicle in boxes:
        colour, thick = (VEHICLE, 3) if vehicle else (OTHER, 2)
        layers.append(
            f'<div style="position:absolute;box-sizing:border-box;border:{thick}px solid {colour};border-radius:2px;'
            f"left:{x1 / width:.2%};top:{y1 / height:.2%};"
            f'width:{(x2 - x1) / width:.2%};height:{(y2 - y1) / height:.2%}"></div>'
        )
        layers.append(_words(x1 / width, max(y1 - 17, 0) / height, label, colour))
    st.html(
        f'<div style="position:relative;line-height:0;overflow:hidden;border-radius:6px">'
        f'<img src="{html.escape(address)}" alt="{html.escape(alternative)}"'
        f' style="width:100%;height:auto;aspect-ratio:{width}/{height};background:var(--hy-void)"/>'
        f"{''.join(layers)}</div>"
    )


def _words(left: float, top: float, label: str, colour: str) -> str:
    """A label at a share of the picture's width and height."""
    return (
        f'<div style="position:absolute;left:{left:.2%};top:{top:.2%};font-size:12px;line-height:16px;padding:0 4px;'
        f'white-space:nowrap;color:#10181c;background:{colour};border-radius:2px">{html.escape(label)}</div>'
    )
