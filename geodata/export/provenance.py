"""Where a file's numbers come from: the members that every FeatureCollection of ours bears."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["CRS_NOTE", "provenance"]

CRS_NOTE = "EPSG:4326 (WGS 84), longitude before latitude, degrees; lengths in metres"
TOLD = ("name", "source", "licence", "method", "revision", "simulated")


def provenance(register: pd.DataFrame) -> dict[str, Any]:
    """
    Town, CRS, revision, licence, attribution, simulated mark, moment and sources of a file.

    Parameters
    ----------
    register
        Rows of the datasets that the file rests on: name, town, source, licence, method, revision, simulated.
    """
    return {
        "town": str(register["town"].iloc[0]) if len(register) else None,
        "crs_note": CRS_NOTE,
        "revision": int(register["revision"].max()) if len(register) else 0,
        "licence": "; ".join(sorted(set(register["licence"]))),
        "attribution": "; ".join(sorted(set(register["source"]))),
        "simulated": bool(register["simulated"].any()),
        "exported_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "sources": [{name: _plain(row[name]) for name in TOLD} for row in register.to_dict(orient="records")],
    }


def _plain(value: Any) -> Any:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value
