"""Demand given to supplies in reach: nearest first, then rerouted until no more can be served; compiled."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from analysis.access.walks import Walks

__all__ = ["Arcs", "allocate", "allocate_hours", "levels", "listed", "reroute"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Arcs(NamedTuple):
    """
    Pairs of a place and a supply in reach, seen from both sides.

    Attributes
    ----------
    first, place
        The places of supply j stand from first[j] to first[j + 1], by rising row.
    supply
        Supply of each pair, in that order.
    place_first, place_arc
        Rows of the pairs of each place.
    nearest
        Rows of all pairs by rising distance, then by place and supply.
    near_place, near_supply
        Their places and supplies in that order.
    """

    first: Ints
    place: Ints
    supply: Ints
    place_first: Ints
    place_arc: Ints
    nearest: Ints
    near_place: Ints
    near_supply: Ints

    @classmethod
    def of(cls, walks: Walks) -> Arcs:
        """Pairs of walks from places to supplies."""
        turned = walks.turned()
        supply, place = turned.origin, turned.target
        by_place = np.argsort(place, kind="stable").astype(np.int64)
        place_first = np.searchsorted(place[by_place], np.arange(walks.origins + 1)).astype(np.int64)
        nearest = np.lexsort((supply, place, turned.metres)).astype(np.int64)
        supply = supply.astype(np.int64)
        return cls(
            turned.starts, place, supply, place_first, by_place, nearest, place[nearest], supply[nearest]
        )


@numba.njit(cache=True, nogil=True)
def allocate_hours(arcs, metres, demand, capacity):  # type: ignore[no-untyped-def]
    """
    `allocate` for each hour.

    Parameters
    ----------
    arcs, metres
        The pairs, and the way of each.
    demand, capacity
        Hours in rows; one row of capacity holds for all hours, and one row of demand likewise.

    Returns
    -------
    unmet, used, cut, walked
        (hours, places), (hours, supplies), the bound of each hour, and metres that all the served walk together.
    """
    hours = max(demand.shape[0], capacity.shape[0])
    unmet, used = np.empty((hours, demand.shape[1])), np.zeros((hours, capacity.shape[1]))
    cut, walked = np.empty(hours), np.zeros(hours)
    flow = np.empty(metres.shape[0])
    for hour in range(hours):
        left, room = demand[hour % demand.shape[0]].copy(), capacity[hour % capacity.shape[0]].copy()
        flow[:] = 0.0
        cut[hour] = allocate(arcs, left, room, flow)
        unmet[hour] = left
        for arc in range(flow.shape[0]):
            if flow[arc] > 0.0:
                used[hour, arcs.supply[arc]] += flow[arc]
                walked[hour] += flow[arc] * metres[arc]
    return unmet, used, cut, walked


@numba.njit(cache=True, nogil=True)
def allocate(arcs, left, room, flow):  # type: ignore[no-untyped-def]
    """
    Serves as much demand as can be, for one hour.

    Whoever is nearest to a supply comes first; what is left over is served by sending others farther, along shortest
    augmenting paths, all of one length at a time [1]_, until none is left: then nothing serves more, and the cut proves
    it.

    Parameters
    ----------
    arcs
        The pairs.
    left, room
        Demand of each place and capacity of each supply; on return what is left of them.
    flow
        Zeros, one a pair; on return what each pair carries.

    Returns
    -------
    cut
        No way of serving gives less unmet demand than this; equal to the sum of `left` but for rounding.

    References
    ----------
    .. [1] Dinic (1970), Algorithm for solution of a problem of maximum flow in networks with power estimation.
    """
    demand, capacity = left.copy(), room.copy()
    for row in range(arcs.nearest.shape[0]):
        place, supply = arcs.near_place[row], arcs.near_supply[row]
        moved = min(left[place], room[supply])
        if moved > 0.0:
            flow[arcs.nearest[row]] = moved
            left[place] -= moved
            room[supply] -= moved
    place_level, supply_level = np.empty(left.shape[0], np.int64), np.empty(room.shape[0], np.int64)
    while levels(arcs, left, room, flow, place_level, supply_level):
        _block(arcs, left, room, flow, place_level, supply_level)
    unmet = 0.0
    for place in range(left.shape[0]):
        if place_level[place] >= 0:
            unmet += demand[place]
    for supply in range(room.shape[0]):
        if supply_level[supply] >= 0:
            unmet -= capacity[supply]
    return max(unmet, 0.0)


@numba.njit(cache=True, nogil=True)
def levels(arcs, left, room, flow, place_level, supply_level):  # type: ignore[no-untyped-def]
    """How many steps each place and supply is from unmet demand, −1 beyond the nearest room; whether there is room."""
    place_level[:] = -1
    supply_level[:] = -1
    places = np.empty(left.shape[0], np.int64)
    size = 0
    for place in range(left.shape[0]):
        if left[place] > 0.0:
            place_level[place] = 0
            places[size] = place
            size += 1
    begin, found = 0, False
    supplies = np.empty(room.shape[0], np.int64)
    while begin < size and not found:
        many = 0
        for row in range(begin, size):
            place = places[row]
            for entry in range(arcs.place_first[place], arcs.place_first[place + 1]):
                supply = arcs.supply[arcs.place_arc[entry]]
                if supply_level[supply] < 0:
                    supply_level[supply] = place_level[place]
                    supplies[many] = supply
                    many += 1
                    found |= room[supply] > 0.0
        begin = size
        if found:
            break
        for row in range(many):
            supply = supplies[row]
            for arc in range(arcs.first[supply], arcs.first[supply + 1]):
                place = arcs.place[arc]
                if flow[arc] > 0.0 and place_level[place] < 0:
                    place_level[place] = supply_level[supply] + 1
                    places[size] = place
                    size += 1
    return found


@numba.njit(cache=True, nogil=True)
def _block(arcs, left, room, flow, place_level, supply_level):  # type: ignore[no-untyped-def]  # noqa: PLR0912
    """Sends demand along paths of rising level until every one of them is blocked."""
    place_next, supply_next = arcs.place_first[:-1].copy(), arcs.first[:-1].copy()
    there, back = np.empty(left.shape[0] + 1, np.int64), np.empty(left.shape[0] + 1, np.int64)
    for root in range(left.shape[0]):
        if place_level[root] != 0:
            continue
        place, steps = root, 0
        while left[root] > 0.0:
            if place_next[place] == arcs.place_first[place + 1]:  # this place leads nowhere
                if place == root:
                    break
                steps -= 1
                supply_next[arcs.supply[there[steps]]] += 1
                place = arcs.place[there[steps]]
                # the supply may have other vehicles to send on: look at it again from the same pair
            arc = arcs.place_arc[place_next[place]] if place_next[place] < arcs.place_first[place + 1] else -1
            supply = arcs.supply[arc]
            if arc < 0 or supply_level[supply] != place_level[place]:
                if arc >= 0:
                    place_next[place] += 1
                continue
            there[steps] = arc
            if room[supply] > 0.0:
                moved = min(left[root], room[supply])
                for row in range(steps):
                    moved = min(moved, flow[back[row]])
                for row in range(steps):
                    flow[there[row]] += moved
                    flow[back[row]] -= moved
                flow[arc] += moved
                left[root] -= moved
                room[supply] -= moved
                place, steps = root, 0
                continue
            while supply_next[supply] < arcs.first[supply + 1]:
                other = supply_next[supply]
                if flow[other] > 0.0 and place_level[arcs.place[other]] == supply_level[supply] + 1:
                    break
                supply_next[supply] += 1
            if supply_next[supply] == arcs.first[supply + 1]:
                place_next[place] += 1
                continue
            back[steps] = supply_next[supply]
            place = arcs.place[back[steps]]
            steps += 1


@numba.njit(cache=True, nogil=True)
def listed(arcs, flow):  # type: ignore[no-untyped-def]
    """
    For each place the first pair that carries something, −1 if none does, and for each pair the next one of its place.

    −1 ends a list, −2 marks pairs in none. A pair stays in its list when it carries nothing any more.
    """
    head, follow = np.full(arcs.place_first.shape[0] - 1, -1, np.int32), np.full(flow.shape[0], -2, np.int32)
    for arc in range(flow.shape[0]):
        if flow[arc] > 0.0:
            follow[arc] = head[arcs.place[arc]]
            head[arcs.place[arc]] = arc
    return head, follow


@numba.njit(cache=True, nogil=True)
def reroute(arcs, root, left, room, flow, carriers, spent_place, spent_supply, keep):  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915
    """
    Gives the room of one supply to unmet demand, taking over demand of other supplies where that frees theirs.

    Places and supplies from which no unmet demand can be reached are marked as spent: more rerouting never changes
    that.

    Parameters
    ----------
    arcs
        The pairs.
    root
        The supply.
    left, room, flow
        The state of one hour, as `allocate` leaves it.
    carriers
        Pairs that carry something, listed by place: see `listed`.
    spent_place, spent_supply
        Marks, one a place and a supply.
    keep
        Whether the state stays changed; otherwise it is as before, and only what would be gained is told.

    Returns
    -------
    gained
        Demand that is served in addition.
    """
    place_arc, supply_arc = np.full(left.shape[0], -1, np.int64), np.full(room.shape[0], -1, np.int64)
    queue = np.empty(room.shape[0] + 1, np.int64)
    seen = np.empty(left.shape[0] + 1, np.int64)
    log_arc, log_moved, logged = np.empty(256, np.int64), np.empty(256), 0
    before, wanted, gained = room[root], left.copy(), 0.0
    head, follow = carriers
    while room[root] > 0.0:
        queue[0], size, at, found, many = root, 1, 0, -1, 0
        supply_arc[root] = -2
        while at < size and found < 0:
            supply = queue[at]
            at += 1
            for arc in range(arcs.first[supply], arcs.first[supply + 1]):
                place = arcs.place[arc]
                if place_arc[place] != -1 or spent_place[place]:
                    continue
                place_arc[place] = arc
                seen[many] = place
                many += 1
                if left[place] > 0.0:
                    found = place
                    break
                back = head[place]
                while back >= 0:
                    other = arcs.supply[back]
                    if flow[back] > 0.0 and supply_arc[other] == -1 and not spent_supply[other]:
                        supply_arc[other] = back
                        queue[size] = other
                        size += 1
                    back = follow[back]
        if found < 0:
            if keep or gained == 0.0:
                for row in range(many):
                    spent_place[seen[row]] = True
                for row in range(1, size):
                    spent_supply[queue[row]] = True
            break
        moved = min(room[root], left[found])
        supply = arcs.supply[place_arc[found]]
        while supply != root:
            back = supply_arc[supply]
            moved = min(moved, flow[back])
            supply = arcs.supply[place_arc[arcs.place[back]]]
        place = found
        while True:
            if logged + 2 > log_arc.shape[0]:
                log_arc = np.concatenate((log_arc, np.empty_like(log_arc)))
                log_moved = np.concatenate((log_moved, np.empty_like(log_moved)))
            taken = place_arc[place]
            log_arc[logged], log_moved[logged] = taken, flow[taken]
            flow[taken] += moved
            logged += 1
            if follow[taken] == -2:
                follow[taken], head[place] = head[place], taken
            supply = arcs.supply[taken]
            if supply == root:
                break
            back = supply_arc[supply]
            log_arc[logged], log_moved[logged] = back, flow[back]
            flow[back] -= moved
            logged += 1
            place = arcs.place[back]
        left[found] -= moved
        room[root] -= moved
        gained += moved
        for row in range(many):
            place_arc[seen[row]] = -1
        for row in range(size):
            supply_arc[queue[row]] = -1
    if not keep:
        for row in range(logged - 1, -1, -1):  # what each pair carried before, the last change first
            flow[log_arc[row]] = log_moved[row]
        room[root] = before
        left[:] = wanted
    return gained
