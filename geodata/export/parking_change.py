"""What a scenario changes of the parking estimate, place by place: kept with the figures of its run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from geodata.queries.parking import EDGE, UNIT_CELL, ParkingGround, Standing

__all__ = ["MOST_CHANGED", "TOP", "changed_places"]

MOST_CHANGED = 60
TOP = 15
NAMES = {"cells": UNIT_CELL, "streets": EDGE}
COLUMNS = ("rate_100", "lower95", "upper95", "evidence")
LEAST = 1e-9
"""A rate that differs by less of itself is the same."""


def changed_places(ground: ParkingGround, before: Standing, after: Standing) -> dict[str, Any]:
    """
    Cells and streets whose estimate changes, and those with most demand afterwards; in what JSON knows.

    Returns
    -------
    told
        By cells and streets: `changed`, how many there are; `rows`, the first of them by how much their violations
        an hour change; `most`, those with the highest rate afterwards. A row has `code` (or `name` and `highway`) and
        [before, after] of `rate_100` (violations begun per 100 m and hour, mean over the week), `lower95`, `upper95`,
        `evidence`; None where nothing is known.
    """
    return {name: _told(ground, before, after, place) for name, place in NAMES.items()}


def _told(ground: ParkingGround, before: Standing, after: Standing, place: str) -> dict[str, Any]:
    ends = [_table(each, place) for each in (before, after)]
    old, new = ends
    value = [each[list(COLUMNS[:3])].to_numpy(dtype=np.float64) for each in ends]
    same = np.isclose(value[0], value[1], rtol=LEAST, atol=0, equal_nan=True).all(axis=1)
    changed = ~(same & (old["evidence"] == new["evidence"]).to_numpy())
    much = (new["per_h"].fillna(0.0) - old["per_h"].fillna(0.0)).abs()
    first = much[changed].sort_values(ascending=False, kind="stable").index[:MOST_CHANGED]
    most = new["rate_100"].dropna().sort_values(ascending=False, kind="stable").index[:TOP]
    frame = ground.shapes[place]
    names = [name for name in ("code", "name", "highway") if name in frame]

    def row(label: int) -> dict[str, Any]:
        told = {name: _plain(frame.at[label, name]) for name in names}
        return told | {name: [_plain(each.at[label, name]) for each in ends] for name in COLUMNS}

    return {
        "changed": int(changed.sum()),
        "rows": [row(label) for label in first],
        "most": [row(label) for label in most],
    }


def _table(standing: Standing, place: str) -> pd.DataFrame:
    demand = standing.found.demand[place]
    rates = demand.rates()
    told = {
        name: rates[source] * 100
        for name, source in zip(COLUMNS, ("rate", "lower95", "upper95"), strict=False)
    }
    return pd.DataFrame(told).assign(per_h=rates["per_h"], evidence=demand.places["evidence"])


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return round(float(value), 9) if isinstance(value, float) else value
