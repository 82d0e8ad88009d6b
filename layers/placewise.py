"""Colours of places by their ids: the page sends a digit or two a place, and the browser looks them up on its tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from layers.layer import Colour

__all__ = ["colours_by_kind", "colours_by_place"]

NOTHING: Colour = (0, 0, 0, 0)
TEN = 10


def colours_by_place(
    group: pd.Series[int], step: pd.Series[int], palettes: Sequence[Sequence[Colour]], key: str
) -> str:
    """
    A deck.gl expression: id of a place → its colour.

    Parameters
    ----------
    group, step
        Of each place, by its id: row and column of the palettes, each 0 … 9.
    palettes
        Colours.
    key
        Property of the tiles that holds the id.
    """
    first, last = (int(table) for table in (group.index.min(), group.index.max())) if len(group) else (0, 0)
    digits = [np.full(last - first + 1, b"0", dtype="S1") for _ in range(2)]
    at = group.index.to_numpy() - first
    for text, values in zip(digits, (group, step), strict=True):
        text[at] = values.to_numpy(dtype=np.int64).astype("S1")
    kind, level = (text.tobytes().decode() for text in digits)
    row = f"properties.{key} - {first}"
    colours = str([[list(colour) for colour in palette] for palette in palettes])
    # the browser's parser takes a member only of a name or of what stands in brackets
    return f"({colours})[('{kind}')[{row}]][('{level}')[{row}]]"


def colours_by_kind(kinds: pd.Series[str], colours: Mapping[str, Colour], key: str = "key") -> str:
    """
    A deck.gl expression: id of a place → the colour of its kind; nothing where an id is not among them.

    Parameters
    ----------
    kinds
        Of each place, by its id.
    colours
        Kind → colour, at most 99.
    key
        Property of the tiles that holds the id.
    """
    if kinds.empty:
        return str(list(NOTHING))
    there = [kind for kind in colours if (kinds == kind).any()]
    number = kinds.map({kind: n for n, kind in enumerate(there, start=1)}).fillna(0).astype(int)
    flat = [NOTHING, *(colours[kind] for kind in there)]
    palettes = [flat[at : at + TEN] for at in range(0, len(flat), TEN)]
    found = colours_by_place(number // TEN, number % TEN, palettes, key)
    first, last = int(kinds.index.min()), int(kinds.index.max())
    inside = f"properties.{key} >= {first} && properties.{key} <= {last}"
    return f"{inside} ? {found} : {list(NOTHING)}"
