"""A part of a picture, enlarged by the browser."""

from __future__ import annotations

import html

import streamlit as st

__all__ = ["close_up", "part_of"]

AROUND = 0.6
"""So much of the box' longer side is shown on each side of it."""
LEAST_PX = 60.0
"""A part is at least so wide and high."""
RATIO = 4 / 3


def part_of(
    size: tuple[int, int], box: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """
    Left, top, width and height in pixels of the part of a picture around a box, four to three, inside the picture.

    Parameters
    ----------
    size
        Width and height of the picture.
    box
        Left, top, right, bottom.
    """
    width, height = size
    x1, y1, x2, y2 = box
    around = AROUND * max(x2 - x1, y2 - y1)
    high = max(y2 - y1 + 2 * around, (x2 - x1 + 2 * around) / RATIO, LEAST_PX)
    high = min(high, height, width / RATIO)
    wide = high * RATIO
    left = min(max((x1 + x2) / 2 - wide / 2, 0.0), width - wide)
    top = min(max((y1 + y2) / 2 - high / 2, 0.0), height - high)
    return left, top, wide, high


def close_up(
    address: str, size: tuple[int, int], box: tuple[float, float, float, float], *, alternative: str
) -> None:
    """Shows the part of a picture around a box; `address` is of the whole picture, on this origin."""
    left, top, wide, high = part_of(size, box)
    x1, y1, x2, y2 = box
    st.html(
        '<div style="position:relative;overflow:hidden;border-radius:6px;line-height:0;background:var(--hy-void);'
        f'aspect-ratio:{wide:.2f}/{high:.2f}"><img src="{html.escape(address)}" alt="{html.escape(alternative)}"'
        f' style="position:absolute;max-width:none;height:auto;width:{size[0] / wide:.2%};left:{-left / wide:.2%};'
        f'top:{-top / high:.2%}"/><div style="position:absolute;box-sizing:border-box;border:2px solid #d55e00;'
        f"left:{(x1 - left) / wide:.2%};top:{(y1 - top) / high:.2%};width:{(x2 - x1) / wide:.2%};"
        f'height:{(y2 - y1) / high:.2%}"></div></div>'
    )
