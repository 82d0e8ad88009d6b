"""What cameras miss, from those violations that people reported: capture–recapture for the town and each community."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.demand import capture_recapture
from geodata.queries.demand import EDGE, UNIT_CELL, same_violation
from geodata.queries.parking import ParkingGround

__all__ = ["FEW_BOTH", "TOWN", "missed_by_cameras"]

FEW_BOTH = 7
"""With fewer violations in both lists the total is too low (Chapman's bias)."""
TOWN = "town"
LEAST_REPORTS = 5


def missed_by_cameras(ground: ParkingGround, place: str = UNIT_CELL) -> pd.DataFrame:
    """
    Chapman's estimate for the town and its parts, where cameras look.

    Only captures and reports count whose place a camera with hours sees; hours that nobody sampled count as missed.

    Returns
    -------
    table
        One row an area: `area` (TOWN first; then by what is missed most), `name_zh`, `name_en`, `captures`, `reports`,
        `both`, `total` with `lower` and `upper` (95 %), `missed_ratio` (share that cameras miss) with `missed_lower`
        and `missed_upper`, and `few` (fewer than FEW_BOTH in both). Parts with fewer than five reports are left out;
        streets are parts by name.
    """
    scape, watch, looking = ground.scape, ground.now.watch, ground.now.looking
    seen = np.zeros(len(scape.points) + 1, dtype=bool)  # the last one is that of events far from every kerb
    active = looking.share.index[looking.share.gt(0).any(axis=1)]
    camera, point = watch.pairs()
    seen[point[np.isin(camera, np.flatnonzero(watch.cameras.isin(active)))]] = True
    rows = ground.events.rows
    rows = rows[seen[rows["point"].to_numpy()]]
    both = same_violation(ground.events).reindex(rows.index[rows["source"] == "qr"])
    frame = ground.shapes[place]
    names = ["name_zh", "name_en"] if place == UNIT_CELL else ["name"]
    at = scape.place[place][rows["point"].to_numpy()]
    area = frame[names[-1]].to_numpy(dtype=object)[at] if len(rows) else np.zeros(0, dtype=object)
    told = pd.DataFrame(
        {
            "area": area,
            "camera": (rows["source"] == "camera").to_numpy(),
            "report": (rows["source"] == "qr").to_numpy(),
            "both": both.reindex(rows.index).eq(True).to_numpy(),
        }
    )
    parts = told[told["area"].notna()].groupby("area")[["camera", "report", "both"]].sum()
    parts = parts[parts["report"] >= LEAST_REPORTS]
    whole = told[["camera", "report", "both"]].sum().rename(TOWN).to_frame().T
    table = pd.concat([whole, parts]) if len(parts) else whole
    found = pd.DataFrame([_row(str(name), *map(int, counts)) for name, *counts in table.itertuples()])
    found = pd.concat([found.iloc[:1], found.iloc[1:].sort_values("missed_ratio", ascending=False)])
    if place == EDGE:
        return found.assign(name_zh=found["area"], name_en=found["area"]).reset_index(drop=True)
    chinese = dict(zip(frame["name_en"], frame["name_zh"], strict=True))
    return found.assign(
        name_en=found["area"], name_zh=[chinese.get(name, name) for name in found["area"]]
    ).reset_index(drop=True)


def _row(area: str, captures: int, reports: int, both: int) -> dict[str, object]:
    both = min(captures, both)  # a capture may answer to two reports
    found = capture_recapture(captures, reports, both)

    def missed(total: float) -> float:
        return 1 - captures / total if total > 0 else float("nan")

    return {
        "area": area,
        "captures": captures,
        "reports": reports,
        "both": both,
        "total": found.total,
        "lower": found.lower,
        "upper": found.upper,
        "missed_ratio": missed(found.total),
        "missed_lower": missed(found.lower),
        "missed_upper": missed(found.upper),
        "few": both < FEW_BOTH,
    }
