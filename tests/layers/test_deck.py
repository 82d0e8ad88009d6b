"""What a page sends to the map: small, of this origin only, and coloured as the legend says."""

from __future__ import annotations

import json
import re
from typing import Any

import geopandas as gpd
import pydeck as pdk
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.catalogue import LAYERS
from layers.deck import (
    MOST_FEATURES,
    choropleth_colour,
    deck,
    heat_layer,
    shape_layer,
    tile_layer,
    view_state,
)
from layers.layer import Form
from layers.measures import MEASURES
from layers.ramps import NO_EVIDENCE

VIEW = view_state((24.94, 60.17), 13)


def described(*layers: pdk.Layer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(deck(layers, VIEW).to_json())
    return body


def texts(nested: Any) -> list[str]:
    if isinstance(nested, dict):
        return [text for key, value in nested.items() for text in (str(key), *texts(value))]
    if isinstance(nested, list):
        return [text for value in nested for text in texts(value)]
    return [nested] if isinstance(nested, str) else []


def points(count: int) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"order": range(count)}, geometry=[shapely.Point(385000, 6672000)] * count, crs=3067
    )


def test_a_map_of_everything_names_no_other_host() -> None:
    body = described(
        *(tile_layer(each, revision=7) for each in LAYERS.values()),
        heat_layer(LAYERS["violations"], filters={"since": "2026-01-01"}, revision=7),
        shape_layer("proposal", points(3), Form(fill=(1, 2, 3, 4))),
    )
    assert not [text for text in texts(body) if re.search(r"//|\bhttp|\bwww\.|mapbox|carto|google", text)]
    addresses = [each["data"] for each in body["layers"] if isinstance(each["data"], str)]
    assert len(addresses) == len(LAYERS) + 1
    assert all(address.startswith("/api/") for address in addresses)
    assert not body.get("mapProvider")


def test_a_map_of_everything_is_small() -> None:
    body = json.dumps(described(*(tile_layer(each) for each in LAYERS.values())))
    assert len(body) < 40_000


def test_an_address_carries_the_revision_and_quoted_filters() -> None:
    since = "2026-01-01T00:00:00+02:00"
    [drawn] = described(
        tile_layer(LAYERS["violations"], filters={"since": since, "class": "a&b"}, revision=9)
    )["layers"]
    assert drawn["data"].startswith("/api/tiles/violations/{z}/{x}/{y}.pbf?")
    assert "since=2026-01-01T00%3A00%3A00%2B02%3A00" in drawn["data"]
    assert "class=a%26b" in drawn["data"] and drawn["data"].endswith("r=9")


def test_more_shapes_than_a_browser_likes_are_refused() -> None:
    shape_layer("many", points(MOST_FEATURES), Form())
    with pytest.raises(ValueError, match=f"many has {MOST_FEATURES + 1} features"):
        shape_layer("many", points(MOST_FEATURES + 1), Form())


def test_shapes_are_sent_in_degrees_with_plain_facts() -> None:
    layer = shape_layer("proposal", points(1).assign(name="a", when=shapely.Point(0, 0)), Form())
    [drawn] = described(layer)["layers"]
    [feature] = drawn["data"]["features"]
    assert feature["properties"] == {"order": 0, "name": "a"}
    longitude, latitude = feature["geometry"]["coordinates"]
    assert 24 < longitude < 26 and 60 < latitude < 61


def evaluated(expression: str, value: float | None) -> list[int]:
    """What the browser makes of a chain of `? :`; a missing value compares false."""
    name = re.match(r"properties\.(\w+)", expression)
    assert name
    while True:
        expression = expression.strip()
        while expression.startswith("(") and expression.endswith(")"):
            expression = expression[1:-1].strip()
        found = re.match(r"properties\.\w+ (>=|<=) ([-\d.e]+) \? (\(.*\)|\[.*?\]) : (.*)$", expression)
        if not found:
            return [int(part) for part in json.loads(expression)]
        operator, limit, yes, no = found.groups()
        holds = value is not None and (value >= float(limit) if operator == ">=" else value <= float(limit))
        expression = yes if holds else no


@given(
    measure=st.sampled_from(MEASURES),
    breaks=st.lists(st.floats(0.001, 1000), unique=True, max_size=4).map(sorted),
    value=st.one_of(st.none(), st.floats(0, 2000)),
)
def test_a_value_has_the_colour_of_its_class(measure: Any, breaks: list[float], value: float | None) -> None:
    colour = evaluated(choropleth_colour(measure, breaks), value)
    if value is None:
        assert colour == list(NO_EVIDENCE)
    else:
        assert colour == list(measure.ramp[sum(value > limit for limit in breaks)])
