"""Hot spots as RFC 7946 GeoJSON: exactly what the map shows, with the question, the method and where it comes from."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pandas as pd
import shapely

from analysis.crs import DISPLAY_EPSG
from geodata.export.provenance import provenance
from geodata.queries.hotspot_answers import HotSpots, Question

__all__ = ["hotspots_geojson", "hotspots_run"]

GRID_DEG = 1e-7
"""Seven decimals of a degree: about a centimetre."""
UNITS = {
    "value": "see unit",
    "exposure_kmh": "kilometre-hours of kerb looked at",
    "z": "standard score",
    "p": "two-sided (scan, near repeat: one-sided)",
    "p_fdr": "false discovery rate",
}


def hotspots_geojson(
    found: HotSpots, question: Question, register: pd.DataFrame, *, title: str, method: str, unit: str
) -> str:
    """
    What is shown as one FeatureCollection in WGS 84.

    Parameters
    ----------
    found
        The answer.
    question
        What it answers.
    register
        Rows of the datasets that it rests on: name, town, source, licence, method, revision, simulated.
    title, method, unit
        In the reader's language.
    """
    shapes = found.shapes.to_crs(DISPLAY_EPSG)
    plain = pd.DataFrame(shapes.drop(columns=shapes.geometry.name))
    features = [
        {"type": "Feature", "id": _value(label), "geometry": _shape(shape), "properties": _row(row)}
        for label, shape, row in zip(
            shapes.index, shapes.geometry, plain.to_dict(orient="records"), strict=True
        )
    ]
    body = {
        "type": "FeatureCollection",
        "title": title,
        "method": method,
        "unit": unit,
        "units": {name: words for name, words in UNITS.items() if name in plain.columns},
        "question": _asked(question),
        "notes": {name: _value(value) for name, value in found.notes.items()},
        "limits": list(found.limits),
        "events": found.events,
        "events_left_out": found.left_out,
        **provenance(register),
        "features": features,
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def hotspots_run(
    found: HotSpots, question: Question, register: pd.DataFrame
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Question and answer to be kept as a run: the collection, with the `table` of places and `evidence`."""
    body = json.loads(hotspots_geojson(found, question, register, title="", method="", unit=""))
    body.pop("exported_at")
    rows = [
        {str(name): _value(value) if not pd.isna(value) else None for name, value in row.items()}
        for row in found.table.to_dict(orient="records")
    ]
    asked = _asked(question)
    if question.statistic == "density":
        asked["bandwidth_m"] = question.bandwidth_m
    return asked, {**body, "table": rows, "evidence": [found.evidence, found.places]}


def _asked(question: Question) -> dict[str, Any]:
    period = question.period
    return {
        "class": question.class_code,
        "statistic": question.statistic,
        "denominator": "exposure" if question.by_exposure else "captures as they are",
        "place": question.place,
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "days": list(period.days),
        "hours": [period.from_hour, period.to_hour],
    }


def _shape(shape: shapely.Geometry) -> Any:
    rounded = shapely.set_precision(shape, GRID_DEG, mode="pointwise")
    return json.loads(shapely.to_geojson(shapely.orient_polygons(rounded)))


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    """What is known of a feature."""
    return {str(name): _value(value) for name, value in row.items() if not pd.isna(value)}


def _value(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return value.isoformat() if isinstance(value, dt.date) else value
