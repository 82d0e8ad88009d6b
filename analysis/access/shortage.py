"""Shortage: demand for places to stand that no supply within a walk has room for, by hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.access.flow import Arcs, allocate_hours
from analysis.access.walks import Walks
from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["Shortage", "occupied_places", "shortage"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Shortage:
    """
    Who finds no place, hour by hour.

    Attributes
    ----------
    unmet
        Vehicles that find none within the limit, (places, hours).
    used
        Vehicles that stand at each supply, (supplies, hours).
    least_unmet
        No allocation leaves fewer in sum, by hour; equal to the sums of `unmet` but for rounding.
    walk_m
        Mean way of those that are served, by hour; NaN where nobody is.
    unreachable
        Places that have no supply with capacity within the limit at any hour, (places,).
    """

    unmet: Floats
    used: Floats
    least_unmet: Floats
    walk_m: Floats
    unreachable: npt.NDArray[np.bool_]


def occupied_places(arrivals_per_h: npt.ArrayLike, stay_h: npt.ArrayLike) -> Floats:
    """
    Places that arriving vehicles keep occupied at a time: arrivals × mean stay, Little's law [1]_.

    Parameters
    ----------
    arrivals_per_h
        Vehicles that begin to stand an hour, 0 or more.
    stay_h
        Hours that they stand on average, 0 or more; one, or as many as fit.

    Notes
    -----
    Holds for each hour where arrivals change slowly against the stay; a vehicle that stays for many hours is counted
    with the arrivals of the hour, not of the hour in which it came.

    References
    ----------
    .. [1] Little (1961), A proof for the queuing formula L = λW.
    """
    arrivals, stays = np.asarray(arrivals_per_h, dtype=np.float64), np.asarray(stay_h, dtype=np.float64)
    require_positive("arrivals_per_h", arrivals.ravel(), zero=True)
    require_positive("stay_h", stays.ravel(), zero=True)
    return np.asarray(arrivals * stays)


def shortage(walks: Walks, demand: npt.ArrayLike, capacity: npt.ArrayLike) -> Shortage:
    """
    Demand that is left when as much as possible is served within the walking limit.

    A transport problem for each hour, solved exactly: as many vehicles as can be are served. Whoever is nearest to a
    supply stands there first; others are sent farther only where that serves somebody who would find no place at all.
    The sums are the only ones possible; which of several neighbours goes without depends on that order.

    Parameters
    ----------
    walks
        From places of demand to supplies, as far as anybody walks.
    demand
        Vehicles that want to stand at the same time, 0 or more, (places,) or (places, hours); see `occupied_places`.
    capacity
        Places to stand, 0 or more, (supplies,) or (supplies, hours) where some close by night.

    Raises
    ------
    InputError
        If a value is negative or missing, or sizes differ.

    Notes
    -----
    More supply and a longer limit never raise the sum of an hour. Hours that are alike are computed once.
    """
    wanted = _by_hour("demand", demand, walks.origins)
    offered = _by_hour("capacity", capacity, walks.targets)
    hours = max(wanted.shape[1], offered.shape[1])
    if {wanted.shape[1], offered.shape[1]} - {1, hours}:
        raise InputError(
            "demand has {demand} hours but capacity {capacity}.",
            "Give both the same hours, or one of them a single column that holds for all.",
            demand=wanted.shape[1],
            capacity=offered.shape[1],
        )
    kinds, alike = _unlike(wanted, offered, hours)
    unmet, used, least, walked = allocate_hours(
        Arcs.of(walks),
        walks.turned().metres,
        np.ascontiguousarray(wanted.T[kinds % wanted.shape[1]] if hours else wanted.T),
        np.ascontiguousarray(offered.T[kinds % offered.shape[1]] if hours else offered.T),
    )
    served = used.sum(axis=1)
    way = np.divide(walked, served, out=np.full_like(walked, np.nan), where=served > 0)
    open_somewhere = np.bincount(
        walks.origin, offered.max(axis=1, initial=0.0)[walks.target], minlength=walks.origins
    )
    return Shortage(
        unmet=unmet[alike].T,
        used=used[alike].T,
        least_unmet=least[alike],
        walk_m=way[alike],
        unreachable=open_somewhere <= 0,
    )


def _by_hour(name: str, values: npt.ArrayLike, size: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim not in {1, 2} or len(array) != size:
        raise InputError(
            "{name} has the shape {shape}, but there are {size} rows.",
            "Give one value a row, or one a row and hour.",
            name=name,
            shape=array.shape,
            size=size,
        )
    require_positive(name, array.ravel(), zero=True)
    return array if array.ndim == 2 else array[:, None]


def _unlike(demand: Floats, capacity: Floats, hours: int) -> tuple[Ints, Ints]:
    """One hour of each kind, and the kind of every hour."""
    if hours == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    kinds: dict[bytes, int] = {}
    first: list[int] = []
    of_hour = np.zeros(hours, np.int64)
    for hour in range(hours):
        key = demand[:, hour % demand.shape[1]].tobytes() + capacity[:, hour % capacity.shape[1]].tobytes()
        if key not in kinds:
            kinds[key] = len(first)
            first.append(hour)
        of_hour[hour] = kinds[key]
    return np.array(first, dtype=np.int64), of_hour
