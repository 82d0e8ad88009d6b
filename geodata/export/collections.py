"""A FeatureCollection of ours in the other formats: for results that are no layer of the catalogue."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import shapely

from geodata.export.arrow import GEOMETRY, ArrowRows
from geodata.export.columnar import DRIVERS, one_kind, parquet_chunks, write_driver
from geodata.export.tables import frame_csv

__all__ = ["SUFFIXES", "collection_as", "collection_frame"]

SUFFIXES = ("geojson", "parquet", "gpkg", "fgb", "csv")


def collection_as(text: str, suffix: str, name: str) -> bytes:
    """
    A FeatureCollection as a file of another format: same rows, same values, same words about their source.

    Parameters
    ----------
    text
        RFC 7946, with our members.
    suffix
        Of `SUFFIXES`.
    name
        Of the layer inside the file.
    """
    if suffix == "geojson":
        return text.encode()
    body = json.loads(text)
    told = {key: value for key, value in body.items() if key not in ("type", "features")}
    told = {"name": name, "title": name, "method": "", **told}
    frame = collection_frame(body)
    if suffix == "csv":
        points = bool(len(frame)) and (frame.geom_type == "Point").all()
        table = pd.DataFrame(frame.drop(columns=GEOMETRY))
        if points:
            table = table.assign(lon=frame.geometry.x.round(7), lat=frame.geometry.y.round(7))
        else:
            table = table.assign(wkt=shapely.to_wkt(frame.geometry.to_numpy(), rounding_precision=7))
        return frame_csv(table)
    kinds = sorted(set(frame.geom_type.dropna()))
    if suffix == "parquet":
        return b"".join(parquet_chunks(_rows(frame), told, kinds))
    kind, multi = one_kind(kinds)
    if multi:
        frame = frame.set_geometry([_several(shape) for shape in frame.geometry], crs=frame.crs)
    whole = bool((~(shapely.is_missing(frame.geometry.to_numpy()) | frame.geometry.is_empty)).all())
    with tempfile.TemporaryDirectory(prefix="huiyan-export-") as folder:
        file = Path(folder) / f"{name}.{suffix}"
        assert suffix in DRIVERS
        write_driver(file, _rows(frame), told, kind, indexed=whole)
        return file.read_bytes()


def collection_frame(body: dict[str, Any]) -> gpd.GeoDataFrame:
    """Its features with `id` as a column; lists and objects among their values are JSON text."""
    features = body["features"]
    rows = [
        {"id": each.get("id"), **{k: _plain(v) for k, v in each["properties"].items()}} for each in features
    ]
    shapes = [
        None if each["geometry"] is None else shapely.from_geojson(json.dumps(each["geometry"]))
        for each in features
    ]
    table = pd.DataFrame(rows) if rows else pd.DataFrame({"id": []})
    if "geometry" in table:
        table = table.rename(columns={"geometry": "geometry_1"})
    return gpd.GeoDataFrame(table, geometry=gpd.array.from_shapely(shapes, crs=4326))


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _several(shape: shapely.Geometry | None) -> shapely.Geometry | None:
    if shape is None or shape.geom_type.startswith("Multi"):
        return shape
    parts = {
        "Point": shapely.multipoints,
        "LineString": shapely.multilinestrings,
        "Polygon": shapely.multipolygons,
    }
    return parts[shape.geom_type]([shape])


def _rows(frame: gpd.GeoDataFrame) -> ArrowRows:
    table = frame.drop(columns=GEOMETRY)
    for name in table.columns:  # a column of several kinds of value goes out as text
        kinds = {type(value) for value in table[name].dropna()}
        if len(kinds - {int, float}) > 1 or (kinds & {str} and kinds - {str}):
            table[name] = [None if pd.isna(each) else str(each) for each in table[name]]
    plain = pa.Table.from_pandas(pd.DataFrame(table), preserve_index=False).replace_schema_metadata(None)
    shapes = pa.array(
        [None if each is None else shapely.to_wkb(each) for each in frame.geometry], pa.binary()
    )
    whole = plain.append_column(GEOMETRY, shapes).combine_chunks()

    def batches() -> Iterator[pa.RecordBatch]:
        yield from whole.to_batches()

    return ArrowRows(whole.schema, batches())
