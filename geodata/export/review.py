"""A building review as RFC 7946 GeoJSON: its cameras, what they would see, its sheet, where it comes from."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.crs import DISPLAY_EPSG
from analysis.review import ReviewSheet

if TYPE_CHECKING:
    from geodata.queries.reviews import Review

__all__ = ["proposal_geojson", "review_geojson"]

GRID_DEG = 1e-7
"""Seven decimals of a degree: about a centimetre."""
KEPT = ("view", "new", "duplicate", "forbidden", "window", "close", "barred", "unknown")


def proposal_geojson(proposed: gpd.GeoDataFrame, sheet: ReviewSheet) -> dict[str, Any]:
    """Cameras and the shapes of their sheet as one FeatureCollection in WGS 84; `what` tells them apart."""
    points = proposed.to_crs(DISPLAY_EPSG)
    features = [
        _feature(shape, {"what": "camera", "camera": _plain(label), **row})
        for label, shape, row in zip(points.index, points.geometry, _rows(points), strict=True)
    ]
    shapes = sheet.shapes[sheet.shapes["kind"].isin(KEPT)].to_crs(DISPLAY_EPSG)
    features += [
        _feature(shape, {"what": kind, "camera": _plain(camera)})
        for camera, kind, shape in zip(shapes["camera"], shapes["kind"], shapes.geometry, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def review_geojson(review: Review) -> str:
    """The application with its sheet, decision, method, reference systems, sources and dates."""
    sheet = dict(review.sheet)
    body = {
        "type": "FeatureCollection",
        "title": review.title,
        "number": review.number,
        "applicant": review.applicant,
        "state": review.state,
        "reasons": review.reasons,
        "decided_by": review.decided_by,
        "decided_at": _moment(review.decided_at),
        "submitted_at": _moment(review.submitted_at),
        "exported_at": _moment(dt.datetime.now(dt.UTC)),
        "method": sheet.pop("method", None),
        "crs_note": "EPSG:4326 (WGS 84), longitude before latitude, degrees; lengths in metres",
        "crs_of_measures": sheet.pop("crs_of_measures", None),
        "code_profile": sheet.pop("code_profile", None),
        "revision": review.revision,
        "simulated": sheet.pop("simulated", True),
        "sources": sheet.pop("sources", []),
        "attribution": "; ".join(sorted({each["source"] for each in review.sheet.get("sources", [])})),
        "sheet": sheet,
        "features": review.proposal["features"],
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _feature(shape: shapely.Geometry, properties: dict[str, Any]) -> dict[str, Any]:
    rounded = shapely.set_precision(shape, GRID_DEG, mode="pointwise")
    return {
        "type": "Feature",
        "geometry": json.loads(shapely.to_geojson(shapely.orient_polygons(rounded))),
        "properties": properties,
    }


def _rows(points: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    plain = points.drop(columns=points.geometry.name)
    return [
        {str(name): _plain(value) for name, value in row.items() if value is not None and not pd.isna(value)}
        for row in plain.to_dict(orient="records")
    ]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _moment(at: dt.datetime | None) -> str | None:
    return at.astimezone(dt.UTC).isoformat(timespec="seconds") if at is not None else None
