"""Colours of places by their ids: every id has the colour of its kind, however many kinds there are."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.layer import Colour
from layers.placewise import colours_by_kind
from layers.streets import HIGHWAYS, place_name, street_words

COLOURS: dict[str, Colour] = {f"kind {n}": (n, n, n, 255) for n in range(25)}


def found(expression: str, key: int) -> list[int]:
    """What the expression gives for a feature with that id."""
    inside = re.match(r"properties\.key >= (\d+) && properties\.key <= (\d+) \? \((.*?)\)\[", expression)
    assert inside
    first, last, palettes = int(inside[1]), int(inside[2]), json.loads(inside[3])
    if not first <= key <= last:
        return list(json.loads(expression.rsplit(" : ", 1)[1]))
    group, step = re.findall(r"\('(\d+)'\)\[properties\.key - \d+\]", expression)
    return list(palettes[int(group[key - first])][int(step[key - first])])


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.integers(1, 300), st.sampled_from(sorted(COLOURS)), min_size=1))
def test_every_id_has_the_colour_of_its_kind_and_others_none(kinds: dict[int, str]) -> None:
    told = colours_by_kind(pd.Series(kinds), COLOURS)
    for key in range(302):
        assert found(told, key) == list(COLOURS[kinds[key]] if key in kinds else (0, 0, 0, 0))


def test_no_place_and_an_unknown_kind_are_not_drawn() -> None:
    assert colours_by_kind(pd.Series([], dtype=object), COLOURS) == "[0, 0, 0, 0]"
    assert found(colours_by_kind(pd.Series({5: "strange"}), COLOURS), 5) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"name": "Aleksanterinkatu", "highway": "primary"}, "Aleksanterinkatu"),
        ({"name": None, "highway": "residential"}, "residential street"),
        ({"street": float("nan"), "highway": "trunk_link"}, "slip road"),
        ({"name": "#17"}, "without a name, no. 17"),
        ({"street": "+3"}, "new bays 3"),
        ({"street": "#five"}, "#five"),
        ({"highway": "raceway"}, "raceway"),
        ({}, "–"),
    ],
)
def test_streets_without_a_name_are_told_by_their_class(row: dict[str, object], told: str) -> None:
    assert place_name(row, lambda message, **facts: message.format(**facts)) == told


def test_every_class_of_street_has_words_of_its_own() -> None:
    assert len(set(HIGHWAYS.values())) == len(HIGHWAYS)
    assert street_words(None, str) == "–"
