"""A picture with boxes and zones over it, drawn by the browser."""

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
    drawn = []
    for corners, label in zones:
        points = " ".join(f"{x:.0f},{y:.0f}" for x, y in corners)
        x, y = min(c[0] for c in corners), max(c[1] for c in corners)
        drawn.append(
            f'<polygon points="{points}" fill="{ZONE}" fill-opacity="0.18" stroke="{ZONE}" stroke-width="2.5"'
            f' stroke-dasharray="7 4"/>{_words(min(x, width - 150), min(y + 16, height - 4), label, ZONE)}'
        )
    for x1, y1, x2, y2, label, vehicle in boxes:
        colour = VEHICLE if vehicle else OTHER
        drawn.append(
            f'<rect x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}" fill="none"'
            f' stroke="{colour}" stroke-width="{3 if vehicle else 1.8}"/>{_words(x1, max(y1 - 4, 12), label, colour)}'
        )
    # an SVG inside a data address may not fetch the picture, so both lie on top of each other
    st.html(
        f'<div style="position:relative;line-height:0"><img src="{html.escape(address)}" alt="{html.escape(alternative)}"'
        f' style="width:100%;height:auto;border-radius:6px;aspect-ratio:{width}/{height};background:#dfe5e8"/>'
        f'<svg viewBox="0 0 {width} {height}" style="position:absolute;inset:0;width:100%;height:100%">'
        f"{''.join(drawn)}</svg></div>"
    )


def _words(x: float, y: float, label: str, colour: str) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="14" font-weight="700" fill="{colour}" stroke="#10181c"'
        f' stroke-width="3" paint-order="stroke">{html.escape(label)}</text>'
    )
