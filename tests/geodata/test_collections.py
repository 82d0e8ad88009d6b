"""Results that are no layer: the same rows and words in every format."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq
import pyogrio
import pytest

from geodata.export.collections import SUFFIXES, collection_as

BODY = {
    "type": "FeatureCollection",
    "title": "Hot spots",
    "method": "Gi*",
    "revision": 7,
    "licence": "ODbL-1.0",
    "features": [
        {
            "type": "Feature",
            "id": 3,
            "geometry": {"type": "Polygon", "coordinates": [[[24, 60], [24.1, 60], [24.1, 60.1], [24, 60]]]},
            "properties": {"name": "=1+1", "z": 1.5, "twins": ["a", "b"], "mixed": 1},
        },
        {
            "type": "Feature",
            "id": "four",
            "geometry": {
                "type": "MultiPolygon",
                "coordinates": [[[[24, 60], [24.2, 60], [24.2, 60.1], [24, 60]]]],
            },
            "properties": {"name": "慧眼", "z": None, "twins": None, "mixed": "x"},
        },
    ],
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("rows", [2, 0])
def test_every_format_holds_the_same(suffix: str, rows: int, tmp_path: Path) -> None:
    text = json.dumps({**BODY, "features": BODY["features"][:rows]})  # type: ignore[index]
    made = collection_as(text, suffix, "hot-spots")
    file = tmp_path / f"hot-spots.{suffix}"
    file.write_bytes(made)
    if suffix == "csv":
        assert made.decode("utf-8-sig").count("\r\n") == rows + 1
        assert rows == 0 or ("'=1+1" in made.decode() and '"[""a"", ""b""]"' in made.decode())
        return
    frame = gpd.read_parquet(file) if suffix == "parquet" else pyogrio.read_dataframe(file)
    assert len(frame) == rows
    if rows and suffix != "geojson":
        assert [str(each) for each in frame["id"]] == ["3", "four"]
        assert list(frame["name"]) == ["=1+1", "慧眼"] and frame.geometry.is_valid.all()
        assert frame.crs.to_epsg() == 4326
    if suffix == "parquet":
        told = json.loads(pq.read_metadata(file).metadata[b"huiyan"])
        assert (told["title"], told["revision"], told["licence"]) == ("Hot spots", 7, "ODbL-1.0")
