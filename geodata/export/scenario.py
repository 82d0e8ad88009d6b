"""A scenario as RFC 7946 GeoJSON: its cameras, what they would see, and what that changes."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pandas as pd
import shapely

from analysis.crs import DISPLAY_EPSG
from geodata.queries.outlook import METHOD, Figures, Outlook
from geodata.queries.parking_changes import ParkingChanges
from geodata.queries.scenarios import Scenario

__all__ = ["cells_geojson", "scenario_geojson"]


def scenario_geojson(
    scenario: Scenario,
    found: Outlook,
    revision: int,
    *,
    base: Figures,
    changes: ParkingChanges | None = None,
) -> str:
    """
    The scenario as one FeatureCollection in WGS 84.

    Parameters
    ----------
    scenario
        What is changed.
    found
        What it leads to.
    revision
        Of the data that it was measured on.
    base
        Figures of the cameras as they stand.
    changes
        Its bays and tariffs; bays become features, tariffs a member.
    """
    items = scenario.items.to_crs(DISPLAY_EPSG)
    features: list[dict[str, Any]] = []
    for number, row in items.drop(columns="geom").to_dict("index").items():
        known = {k: v for k, v in row.items() if isinstance(v, list) or not pd.isna(v)}
        features.append(_feature(items.geom[number], {"what": "camera", "item": int(number), **known}))
    for what, views, name in (("view", found.new_views, "item"), ("lost_view", found.lost_views, "camera")):
        for number, shape in views.to_crs(DISPLAY_EPSG).items():
            features.append(_feature(shape, {"what": what, name: int(number)}))  # type: ignore[call-overload]
    bays = changes.bays.to_crs(DISPLAY_EPSG) if changes is not None else None
    if bays is not None:
        for number, row in bays.drop(columns=bays.geometry.name).to_dict("index").items():
            known = {name: value for name, value in row.items() if not pd.isna(value)}
            features.append(_feature(bays.geometry[number], {"what": "bays", "block": int(number), **known}))
    tariffs = changes.tariffs.to_dict("records") if changes is not None else []
    body = {
        "type": "FeatureCollection",
        "title": scenario.name,
        "method": METHOD,
        "crs_note": "EPSG:4326 (WGS 84), longitude before latitude, degrees; lengths in metres",
        "revision": revision,
        "changed_at": scenario.changed_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "exported_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "simulated": True,
        "before": _plain(base),
        "after": _plain(found.figures),
        "tariffs": tariffs,
        "features": features,
    }
    return json.dumps(body, ensure_ascii=False, indent=1, default=_number) + "\n"


def cells_geojson(found: Outlook, revision: int) -> dict[str, Any]:
    """Cells whose coverage the scenario changes, with what at least one camera sees before and after, [0, 1]."""
    changed = found.changed_cells.to_crs(DISPLAY_EPSG)
    features = [
        _feature(
            row.geometry,
            {
                "code": row.code,
                "before_ratio": round(float(row.coverage_ratio) - float(row.change), 6),
                "after_ratio": round(float(row.coverage_ratio), 6),
                "change": round(float(row.change), 6),
            },
        )
        for row in changed.rename_geometry("geometry").itertuples()
    ]
    return {"type": "FeatureCollection", "revision": revision, "simulated": True, "features": features}


def _plain(figures: Figures) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and np.isnan(value) else value
        for name, value in vars(figures).items()
    }


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


def _feature(shape: shapely.Geometry, properties: dict[str, Any]) -> dict[str, Any]:
    rounded = shapely.set_precision(shape, 1e-7, mode="pointwise")
    return {
        "type": "Feature",
        "geometry": json.loads(shapely.to_geojson(rounded)),
        "properties": properties,
    }
