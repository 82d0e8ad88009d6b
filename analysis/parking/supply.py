"""Where vehicles may stand: bays along kerbs, and car parks with their capacity."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.checks import require_columns, require_metric, require_positive
from analysis.errors import InputError, Term
from analysis.parking.faults import Fault

__all__ = ["BAY_PITCH_M", "OPEN_ACCESS", "Supply", "car_park_supply", "joined_supply", "kerb_supply"]

Floats = npt.NDArray[np.float64]

BAY_PITCH_M: Mapping[str, float] = {
    "parallel": 6.0,
    "inline": 6.0,
    "diagonal": 2.5 / np.sin(np.radians(60.0)),
    "perpendicular": 2.5,
    "orthogonal": 2.5,
}
"""Metres of kerb that a bay of 6 × 2.5 m takes: lengthwise, at 60° (2.89 m), or at 90°."""
ENDS_M = 5.0
"""Kerb at each end of a street edge that is a junction's mouth rather than a bay; assumed."""
OPEN_ACCESS = frozenset({"yes", "public", "permissive", "customers", "destination", "unknown"})
"""OpenStreetMap's access of car parks that the public may use; a car park without the tag counts, too."""
M2_PER_BAY = 27.5
"""Ground of a car park for each bay, with its share of the lanes: 25 to 30 m² on the surface; assumed."""
DEFAULT_CAPACITY = 20
"""Of a car park drawn as a point, where no other car park of its kind has a capacity; assumed."""


@dataclass(frozen=True, eq=False)
class Supply:
    """
    Places to stand.

    Attributes
    ----------
    places
        One supply a row: `kind` (kerb or car_park), `source` (label in the frame it comes from), `capacity` (vehicles,
        0 or more), `assumed` (whether the capacity rests on an assumption), `basis` (on which) and a geometry.
    faults
        Rows that were left out or that rest on an assumption, with the reason.
    """

    places: gpd.GeoDataFrame
    faults: tuple[Fault, ...] = field(default=())

    @property
    def capacity(self) -> Floats:
        """Of each place."""
        return self.places["capacity"].to_numpy(dtype=np.float64)

    @property
    def total(self) -> float:
        """All capacity."""
        return float(self.capacity.sum())

    @property
    def assumed_ratio(self) -> float:
        """Share of the capacity that rests on assumptions, in [0, 1]; 0 without any capacity."""
        total = self.total
        return (
            float(self.capacity[self.places["assumed"].to_numpy(dtype=bool)].sum()) / total if total else 0.0
        )


def kerb_supply(
    kerbs: gpd.GeoDataFrame, *, pitch_m: Mapping[str, float] = BAY_PITCH_M, ends_m: float = ENDS_M
) -> Supply:
    """
    Legal bays along kerbs: as many as fit between the ends of each kerb.

    Parameters
    ----------
    kerbs
        LineStrings in a projected CRS in metres, with `rule` and `legal` (true where there are bays, false where it is
        forbidden, null where nobody tagged it); `length_m` where the length is known better than the geometry tells.
        With `capacity`, a count from the street goes before what would fit.
    pitch_m
        Metres of kerb a bay takes, by rule.
    ends_m
        Metres at each end that have no bays, 0 or more.

    Returns
    -------
    supply
        Kerbs on which standing is legal and at least one bay fits. Legal kerbs whose rule is unknown or whose length or
        capacity is negative or missing are faults.

    Raises
    ------
    CrsError
        If `kerbs` is not in metres.
    InputError
        If a column is missing or a setting is out of range.
    """
    require_metric(kerbs=kerbs)
    require_columns("kerbs", kerbs, "rule", "legal")
    require_positive("ends_m", ends_m, zero=True)
    require_positive("pitch_m", list(pitch_m.values()))
    legal = kerbs[kerbs["legal"].eq(True).fillna(False).to_numpy(dtype=bool)]
    length = pd.to_numeric(legal.get("length_m", legal.length), errors="coerce")
    counted = pd.to_numeric(legal["capacity"], errors="coerce") if "capacity" in legal else None
    metres = length.to_numpy(dtype=np.float64)
    pitch = legal["rule"].map(dict(pitch_m)).to_numpy(dtype=np.float64)
    faults = []
    for row in np.flatnonzero(~(np.isfinite(metres) & (metres >= 0)) | np.isnan(pitch)):
        label = legal.index[row]
        if np.isnan(pitch[row]):
            error = InputError(
                "Kerb {row} has bays, but its rule {rule!r} says not how they lie.",
                "Use one of {known}.",
                row=label,
                rule=legal["rule"].iloc[row],
                known=", ".join(pitch_m),
            )
        else:
            error = InputError(
                "Kerb {row} has the length {value}.", "Measure it again.", row=label, value=metres[row]
            )
        faults.append(Fault(label, error, left_out=True))
    fits = np.floor(np.maximum(np.nan_to_num(metres) - 2 * ends_m, 0.0) / pitch + 1e-9)
    capacity, assumed = np.nan_to_num(fits), np.ones(len(legal), dtype=bool)
    if counted is not None:
        known = counted.to_numpy(dtype=np.float64)
        for row in np.flatnonzero(known < 0):
            faults.append(_negative("Kerb", legal.index[row], known[row]))
        good = np.isfinite(known)
        capacity, assumed = np.where(good, np.maximum(known, 0.0), capacity), ~good
    out = {fault.row for fault in faults}
    kept = (capacity > 0) & ~legal.index.isin(list(out))
    return Supply(
        _places(
            legal[kept], "kerb", capacity[kept], assumed[kept], np.where(assumed[kept], "length", "given")
        ),
        tuple(faults),
    )


def car_park_supply(
    car_parks: gpd.GeoDataFrame,
    *,
    open_access: Collection[str] | None = OPEN_ACCESS,
    m2_per_bay: float = M2_PER_BAY,
    default_capacity: int = DEFAULT_CAPACITY,
) -> Supply:
    """
    Car parks with their capacity; one without is assumed from its ground, from others of its kind, or by default.

    Parameters
    ----------
    car_parks
        Points or polygons in a projected CRS in metres, with `capacity` (vehicles; null where nobody counted); `kind`
        and `access`, if they are there.
    open_access
        Values of `access` that count; others are left out with a fault. None: all count.
    m2_per_bay
        Ground of a polygon for each bay, above 0.
    default_capacity
        Where nothing else tells, 0 or more.

    Returns
    -------
    supply
        A negative capacity leaves the car park out. A missing one stays in with `assumed`, its `basis` (area, kind or
        default) and a fault that tells the number.

    Raises
    ------
    CrsError
        If `car_parks` is not in metres.
    InputError
        If the column capacity is missing or a setting is out of range.
    """
    require_metric(car_parks=car_parks)
    require_columns("car_parks", car_parks, "capacity")
    require_positive("m2_per_bay", m2_per_bay)
    require_positive("default_capacity", default_capacity, zero=True)
    capacity = pd.to_numeric(car_parks["capacity"], errors="coerce").to_numpy(
        dtype=np.float64, na_value=np.nan
    )
    faults = [
        _negative("Car park", car_parks.index[row], capacity[row]) for row in np.flatnonzero(capacity < 0)
    ]
    kept = ~(capacity < 0)
    if open_access is not None and "access" in car_parks:
        shut = (car_parks["access"].notna() & ~car_parks["access"].isin(open_access)).to_numpy(dtype=bool)
        for row in np.flatnonzero(shut & kept):
            error = InputError(
                "Car park {row} is not open to the public ({access}).",
                "Count such car parks as well, or correct the tag.",
                row=car_parks.index[row],
                access=car_parks["access"].iloc[row],
            )
            faults.append(Fault(car_parks.index[row], error, left_out=True))
        kept &= ~shut
    filled, basis = _assumed(car_parks, capacity, m2_per_bay, default_capacity)
    for row in np.flatnonzero(kept & ~np.isfinite(capacity)):
        error = InputError(
            "Car park {row} has no capacity; {capacity:.0f} is assumed, from {basis}.",
            "Count its bays and write the number down.",
            row=car_parks.index[row],
            capacity=filled[row],
            basis=_BASIS[basis[row]],
        )
        faults.append(Fault(car_parks.index[row], error, left_out=False))
    places = _places(car_parks[kept], "car_park", filled[kept], ~np.isfinite(capacity)[kept], basis[kept])
    return Supply(places, tuple(faults))


_BASIS = {
    "area": Term("its ground"),
    "kind": Term("the median of its kind"),
    "default": Term("the default"),
    "given": Term("the register"),
}


def joined_supply(*supplies: Supply) -> Supply:
    """
    Several supplies as one, counted from 0.

    Raises
    ------
    InputError
        If there is no place to stand in any of them.
    """
    kept = [each for each in supplies if len(each.places)]
    faults = tuple(fault for each in supplies for fault in each.faults)
    if not kept:
        raise InputError(
            "There are no legal bays and no car parks with capacity.",
            "Load kerbs with parking tags or car parks; without them all demand is shortage.",
        )
    places = pd.concat([each.places for each in kept], ignore_index=True)
    return Supply(gpd.GeoDataFrame(places, geometry="geometry", crs=kept[0].places.crs), faults)


def _assumed(
    car_parks: gpd.GeoDataFrame, capacity: Floats, m2_per_bay: float, default_capacity: int
) -> tuple[Floats, npt.NDArray[np.object_]]:
    """Capacity with what is missing assumed, and from what."""
    known = np.isfinite(capacity) & (capacity >= 0)
    area = np.nan_to_num(shapely.area(np.asarray(car_parks.geometry.array, dtype=object)))
    kinds = car_parks["kind"] if "kind" in car_parks else pd.Series("", index=car_parks.index)
    kind = kinds.astype(object).where(kinds.notna(), "").to_numpy()
    medians = pd.Series(capacity[known]).groupby(kind[known]).median()
    by_kind = pd.Series(kind).map(medians).to_numpy(dtype=np.float64)
    by_area = np.floor(area / m2_per_bay)
    basis = np.where(
        known, "given", np.where(by_area > 0, "area", np.where(np.isfinite(by_kind), "kind", "default"))
    ).astype(object)
    filled = np.select(
        [basis == "given", basis == "area", basis == "kind"],
        [capacity, by_area, np.round(by_kind)],
        float(default_capacity),
    )
    return filled, basis


def _negative(what: str, row: object, value: float) -> Fault:
    if what == "Kerb":
        error = InputError(
            "Kerb {row} has the capacity {value:g}.", "A capacity is 0 or more.", row=row, value=value
        )
    else:
        error = InputError(
            "Car park {row} has the capacity {value:g}.", "A capacity is 0 or more.", row=row, value=value
        )
    return Fault(row, error, left_out=True)


def _places(
    rows: gpd.GeoDataFrame, kind: str, capacity: Floats, assumed: npt.NDArray[np.bool_], basis: npt.ArrayLike
) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "kind": kind,
            "source": rows.index.to_numpy(),
            "capacity": capacity,
            "assumed": assumed,
            "basis": np.asarray(basis, dtype=object),
        },
        geometry=rows.geometry.to_numpy(),
        crs=rows.crs,
    )
