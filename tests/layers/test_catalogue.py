"""Every layer is whole: its queries run, its words and colours are there, its datasets exist."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter

import pytest

from geodata.errors import NotFound
from geodata.export.geojson import geojson_stream
from geodata.models import Base
from geodata.queries.heat import heat_sql
from geodata.queries.serving import TileStore
from geodata.queries.tiles import MAX_ZOOM, tile_sql
from layers.catalogue import LAYERS, layer
from layers.layer import Layer
from layers.measures import MEASURES

each_layer = pytest.mark.parametrize("chosen", LAYERS.values(), ids=LAYERS)
FILTERS = {"since": "2026-01-01", "until": "2026-02-01", "class": "05-05", "source": "qr"}


@pytest.mark.postgis
@each_layer
def test_every_query_runs_on_an_empty_database(chosen: Layer, empty_url: str) -> None:
    async def ask() -> None:
        store = TileStore(empty_url, max_bytes=1)
        try:
            for z in (0, chosen.tile.coarse_below, MAX_ZOOM):
                for filters in ({}, FILTERS):
                    for coarse in (True, False):
                        asked = {**filters, "z": z, "x": 0, "y": 0, "layer": chosen.id}
                        assert await store.rows(tile_sql(chosen.tile, z, filters, coarse=coarse), asked)
            if chosen.tile.shape == "point":
                assert await store.rows(heat_sql(chosen.tile, FILTERS), FILTERS) == []
        finally:
            await store.close()

    asyncio.run(ask())
    written = geojson_stream(
        chosen.id, chosen.export, chosen.title, chosen.method, chosen.datasets, url=empty_url
    )
    assert json.loads(b"".join(written))["features"] == []


def test_names_are_unique_and_fit_an_address() -> None:
    assert all(name == each.id and re.fullmatch(r"[a-z][a-z_]*", name) for name, each in LAYERS.items())
    assert max(Counter(each.title for each in LAYERS.values()).values()) == 1
    assert {
        "unit_cells",
        "streets",
        "buildings",
        "cameras",
        "camera_views",
        "pipes",
        "pipe_nodes",
        "car_parks",
        "violations",
    } <= set(LAYERS)


@each_layer
def test_a_layer_says_what_it_shows_and_where_it_is_from(chosen: Layer) -> None:
    assert chosen.title and chosen.method
    assert chosen.datasets and set(chosen.datasets) <= set(Base.metadata.tables)
    assert chosen.legend or chosen.measures
    for entry in chosen.legend:
        assert entry.label and all(0 <= part <= 255 for part in entry.colour)
    assert "simulated" in chosen.export.columns
    if chosen.tile.mosaic:
        assert chosen.tile.shape == "area"


@each_layer
def test_no_layer_reads_the_truth_behind_the_simulation(chosen: Layer) -> None:
    written = [chosen.tile.table, chosen.tile.join, chosen.export.table, chosen.export.join]
    written += [*chosen.tile.columns.values(), *chosen.export.columns.values()]
    assert not [sql for sql in written if "truth" in sql]


@each_layer
def test_a_private_column_does_not_leave_the_house(chosen: Layer) -> None:
    private = re.compile(r"\b(stream_url|picture|evidence|owner)\b")
    # a pipe's operator is public knowledge; the evidence of a rate is whether it was observed or modelled
    allowed = {"pipes", "cell_demand", "edge_demand"}
    written = {*chosen.tile.columns.values(), *chosen.export.columns.values()}
    assert chosen.id in allowed or not [sql for sql in written if private.search(sql)]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.id)
def test_a_measure_has_a_class_more_than_limits(measure: object) -> None:
    breaks, ramp = measure.breaks, measure.ramp  # type: ignore[attr-defined]
    assert breaks is None or (len(breaks) < len(ramp) and list(breaks) == sorted(set(breaks)))
    assert len(set(ramp)) == len(ramp)
    assert measure.title and measure.unit and measure.meaning and measure.empty  # type: ignore[attr-defined]
    assert measure.id in LAYERS["unit_cells"].tile.columns  # type: ignore[attr-defined]


def test_an_unknown_layer_names_those_there_are() -> None:
    with pytest.raises(NotFound, match=r"no layer 'clouds'.*unit_cells.*violations"):
        layer("clouds")
