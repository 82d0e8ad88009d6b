"""What a page of the wall is made of: figures, bars, shares, lines and tables with their intervals, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from layers.layer import Colour
from layers.ramps import css

__all__ = [
    "DASH",
    "Block",
    "bars",
    "figure",
    "number",
    "percent",
    "series",
    "share",
    "span",
    "split",
    "statement",
    "table",
]

Block = dict[str, Any]
"""JSON; the browser draws it and knows nothing of what it means."""
Tone = Literal["plain", "good", "warn"]
DASH = "–"


def number(value: float | None, digits: int = 0) -> str:
    """A number as people read it; a dash where there is none."""
    if value is None or not np.isfinite(value):
        return DASH
    return f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in [0, 1] in per cent; a dash where there is none."""
    return DASH if value is None or not np.isfinite(value) else f"{100 * value:.{digits}f} %"


def span(lower: float | None, upper: float | None, digits: int = 2) -> str:
    """An interval; empty where there is none."""
    if lower is None or upper is None or not np.isfinite([lower, upper]).all():
        return ""
    return f"{number(lower, digits)}–{number(upper, digits)}"


def figure(label: str, value: str, *, unit: str = "", note: str = "", tone: Tone = "plain") -> Block:
    """One large number."""
    return {"kind": "figure", "label": label, "value": value, "unit": unit, "note": note, "tone": tone}


def statement(label: str, told: str) -> Block:
    """What has no number, and why."""
    return {"kind": "statement", "label": label, "text": told}


def share(label: str, ratio: float | None, *, lower: float | None, upper: float | None, note: str) -> Block:
    """A share in [0, 1] with its interval, on a scale from none to all."""
    ends = {"ratio": _plain(ratio), "lower": _plain(lower), "upper": _plain(upper)}
    return {"kind": "share", "label": label, "value": percent(ratio), "note": note, **ends}


def split(label: str, parts: Iterable[tuple[str, float, str, Colour]]) -> Block:
    """A whole and its parts: name, size, size as people read it, colour."""
    told = [
        {"label": name, "size": float(size), "text": text, "colour": css((*colour[:3], 255))}
        for name, size, text, colour in parts
        if size > 0
    ]
    return {"kind": "split", "label": label, "parts": told}


def bars(
    label: str,
    rows: Iterable[tuple[str, float, str]],
    *,
    unit: str = "",
    note: str = "",
    empty: str = "",
    colours: Sequence[Colour] = (),
) -> Block:
    """Names and sizes beside each other: name, size, size as people read it."""
    told: list[dict[str, Any]] = [
        {"label": name, "size": float(size), "text": text} for name, size, text in rows
    ]
    for row, colour in zip(told, colours, strict=False):
        row["colour"] = css((*colour[:3], 255))
    most = max((row["size"] for row in told), default=0.0) or 1.0
    return {
        "kind": "bars",
        "label": label,
        "unit": unit,
        "rows": told,
        "most": most,
        "note": note,
        "empty": empty,
    }


def series(
    label: str,
    values: Iterable[float],
    ticks: Sequence[tuple[int, str]],
    *,
    unit: str = "",
    note: str = "",
    shape: Literal["columns", "line"] = "columns",
    text: str | None = None,
) -> Block:
    """Values in order with a few ticks (place, words); `text` tells the largest."""
    told = [_plain(value) for value in values]
    most = max((value for value in told if value is not None), default=0.0)
    return {
        "kind": "series",
        "label": label,
        "unit": unit,
        "values": told,
        "ticks": [[at, words] for at, words in ticks],
        "most": most or 1.0,
        "mostText": number(most) if text is None else text,
        "shape": shape,
        "note": note,
    }


def table(
    label: str,
    rows: Iterable[dict[str, Any]],
    *,
    unit: str = "",
    note: str = "",
    empty: str = "",
    middle: float | None = None,
) -> Block:
    """
    Names with values on one scale and their intervals.

    Each row has `mark`, `label`, `value`, `lower`, `upper`, `text` and `note`; `middle` draws a line, such as 1 for
    "as before".
    """
    told = [{**row, **{name: _plain(row[name]) for name in ("value", "lower", "upper")}} for row in rows]
    ends = [row[name] for row in told for name in ("value", "upper") if row[name] is not None]
    return {
        "kind": "table",
        "label": label,
        "unit": unit,
        "rows": told,
        "most": max(ends, default=1.0) or 1.0,
        "middle": middle,
        "note": note,
        "empty": empty,
    }


def _plain(value: float | None) -> float | None:
    """JSON has no NaN."""
    return None if value is None or not np.isfinite(value) else float(value)
