"""Colours away from the browser: the rules of the catalogue, read as deck.gl reads them."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.catalogue import LAYERS
from layers.paints import colours, names_in, painted

RULED = [
    (layer, rule)
    for layer in LAYERS.values()
    for rule in (layer.form.fill, layer.form.line)
    if isinstance(rule, str)
]
values = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["online", "water", "observed", "x"])
)


@given(st.sampled_from(RULED), st.data())
def test_every_rule_of_the_catalogue_gives_every_feature_a_colour(each: tuple, data: st.DataObject) -> None:
    _, rule = each
    row = {name: data.draw(values) for name in names_in(rule)}
    colour = painted(rule, row)
    assert len(colour) == 4 and all(0 <= part <= 255 for part in colour)


@pytest.mark.parametrize(("layer", "rule"), RULED, ids=[layer.id for layer, _ in RULED])
def test_a_file_holds_what_its_colours_ask_for(layer, rule: str) -> None:
    """A class that the screen tells apart is told apart on paper; bins and their counts are in tiles only."""
    bins = {"n", *layer.tile.bin_columns}
    assert set(names_in(rule)) - bins <= set(layer.export.columns)


def test_classes_are_those_of_the_legend() -> None:
    pipes, cameras = LAYERS["pipes"], LAYERS["cameras"]
    rows = pd.DataFrame({"kind": ["gas", "water", None, "gas"]}, index=[4, 3, 2, 1])
    told = colours(str(pipes.form.line), rows)
    legend = {entry.label: entry.colour for entry in pipes.legend}
    assert told.to_dict() == {
        4: legend["gas"],
        3: legend["water"],
        2: legend["not tagged"],
        1: legend["gas"],
    }
    rule = str(cameras.form.fill)
    states = [{"state": "online"}, {"state": "offline"}, {"state": "online", "demonstration": True}]
    assert [painted(rule, each) for each in states] == [entry.colour for entry in cameras.legend]
    assert colours(rule, pd.DataFrame({"state": []})).empty


@pytest.mark.parametrize(
    "wrong",
    ["", "properties.a ?", "[1,2", "properties.a = 1 ? [1,1,1,1] : [2,2,2,2]", "fetch('x')", "[1,1,1,1] 2"],
)
def test_a_rule_that_cannot_be_read_is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        painted(wrong, {})
