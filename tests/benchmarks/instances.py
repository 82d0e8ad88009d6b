"""
Instances of covering problems that others have published, and a synthetic one of any size.

Some are made here by their published recipe. The rest is not ours to pass on; it is read from a folder if that is
there: HUIYAN_COVERING names it, otherwise ../shared/data/covering.

`SJC`, `Maximo`, `PCB`, `ZDS`, `G&R`, `Beasley`
    Maximal covering, as published with Wang & Zhou (2025), Cross-entropy method for the maximal covering location
    problem, INFORMS J. on Computing, https://github.com/INFORMSJoC/2024.0611 (folder data).
`OR-Library`
    Set covering scp*.txt, Beasley (1990), OR-Library, https://people.brunel.ac.uk/~mastjjb/jeb/orlib/scpinfo.html.
`OCP`
    Optimal camera placement AC_*_cover.txt, GECCO 2020 competition (Brévilliers, Lepagnot & Idoumghar).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import shortest_path
from scipy.spatial import cKDTree

from geodata.settings import ROOT

__all__ = [
    "FOLDER",
    "Covering",
    "clustered_city",
    "hypercube_cycles",
    "located",
    "monochromatic_fours",
    "networked",
    "san_francisco_stores",
    "set_covering",
    "uniform_field",
]

Floats = npt.NDArray[np.float64]

FOLDER = Path(os.environ.get("HUIYAN_COVERING", ROOT.parent / "shared" / "data" / "covering"))
EARTH_RADIUS_M = 6_378_100.0
"""As the authors of the instances in degrees take it."""


@dataclass(frozen=True, eq=False)
class Covering:
    """
    Candidates and demand.

    Attributes
    ----------
    covers
        Candidates in rows, demand in columns; ones.
    weights
        One a column.
    costs
        One a row.
    sites, points
        Where candidates and demand lie; empty if that is not told.
    radius
        How far a candidate reaches; 0 if that is not told.
    """

    covers: sparse.csr_matrix
    weights: Floats
    costs: Floats
    sites: Floats
    points: Floats
    radius: float


def clustered_city(candidates: int, demand: int, k: int, seed: int = 0) -> Covering:
    """
    A city of 10 km with 40 centres; k discs could cover six tenths of its ground.

    Seven tenths of the demand lie about a centre, half of the candidates beside a demand.
    """
    random = np.random.default_rng(seed)
    side = 10_000.0
    centres, pull = random.uniform(0, side, (40, 2)), random.dirichlet(np.ones(40))
    near = (random.random(demand) < 0.7)[:, None]
    about = centres[random.choice(40, demand, p=pull)] + random.normal(0, 600, (demand, 2))
    points = np.clip(np.where(near, about, random.uniform(0, side, (demand, 2))), 0, side)
    by_demand = (random.random(candidates) < 0.5)[:, None]
    beside = points[random.integers(0, demand, candidates)] + random.normal(0, 50, (candidates, 2))
    sites = np.where(by_demand, beside, random.uniform(0, side, (candidates, 2)))
    weights = random.integers(1, 101, demand).astype(float)
    return _within(sites, points, weights, float(np.sqrt(0.6 * side * side / np.pi / k)))


def uniform_field(locations: int, customers: int, radius: float, seed: int = 1) -> Covering:
    """
    An instance of Cordeau, Furini & Ljubić (2019), to the last digit.

    Their generator draws from the C library's `rand`: coordinates in [0, 30] of the locations, then of the
    customers, a cost of 1 for each location, and a demand of 1 to 100 for each customer. Files write six decimals.

    References
    ----------
    Benders decomposition for very large scale partial set covering and maximal covering location problems,
    European J. of Operational Research 275; generator at https://github.com/fabiofurini/LocationCovering.
    """
    places = locations + customers
    drawn = _c_library_rand(seed, 3 * places)
    where = np.round(drawn[: 2 * places].reshape(places, 2) / (2**31 - 1) * 30, 6)
    weights = drawn[2 * places + locations :] % 100 + 1.0
    return _within(where[:locations], where[locations:], weights, radius)


def _c_library_rand(seed: int, count: int) -> npt.NDArray[np.int64]:
    """The first numbers of `rand` after `srand(seed)` in the GNU C library: an additive feedback generator."""
    state = [seed]
    for _ in range(30):
        state.append(16807 * state[-1] % (2**31 - 1))
    state += state[:3]
    for place in range(34, count + 344):
        state.append((state[place - 31] + state[place - 3]) & 0xFFFFFFFF)
    return np.array(state[344:], dtype=np.int64) >> 1


def located(name: str, radius: float, *, degrees: bool = False) -> Covering:
    """One of `SJC/…`, `PCB/…`, `ZDS/…`, `Maximo/…`: every place is a candidate and has demand."""
    lines = [line.split() for line in (FOLDER / name).read_text("utf-8-sig").splitlines()[1:]]
    table = np.array([line[:3] for line in lines if len(line) >= 3], float)
    if not degrees:
        return _within(table[:, :2], table[:, :2], table[:, 2], radius)
    latitude, longitude = np.radians(table[:, :2]).T
    flat = np.cos(latitude)
    ball = (
        np.column_stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)])
        * EARTH_RADIUS_M
    )
    chord = 2 * EARTH_RADIUS_M * np.sin(radius / 2 / EARTH_RADIUS_M)
    return _within(ball, ball, table[:, 2], chord)


def networked(name: str, radius: float) -> Covering:
    """One of `G&R/…`, `Beasley/…`: places on a network, near if the way is short."""
    lines = [line.split() for line in (FOLDER / name).read_text("utf-8-sig").splitlines()]
    count = int(lines[0][0])
    links = [line for line in lines[1:] if len(line) >= 3]
    weights = np.array([line[3] for line in links[:count]], float)
    length = np.full((count, count), np.inf)
    for line in links:
        one, other = int(line[0]) - 1, int(line[1]) - 1
        length[one, other] = length[other, one] = float(line[2])
    way = shortest_path(length, directed=False)
    none = np.zeros((0, 2))
    return Covering(_pattern(way <= radius), weights, np.ones(count), none, none, radius)


def san_francisco_stores(radius_m: float) -> tuple[Covering, Floats]:
    """16 sites and 205 census tracts that come with spopt, and the distances between them (tract × site)."""
    import spopt

    folder = Path(spopt.__file__).parent / "tests" / "test_locate" / "data"
    ways = pd.read_csv(folder / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    length = ways.pivot(index="DestinationName", columns="name", values="distance").sort_index()
    weights = ways.groupby("DestinationName")["demand"].first().sort_index().to_numpy(float)
    table = length.to_numpy(float)
    none = np.zeros((0, 2))
    covering = Covering(_pattern(radius_m >= table.T), weights, np.ones(table.shape[1]), none, none, radius_m)
    return covering, table


def set_covering(name: str) -> Covering:
    """One of `OR-Library/scp….txt`, `OR-Library/rail….txt`, `OCP/AC_…_cover.txt`."""
    numbers = np.array((FOLDER / name).read_text("utf-8").split(), dtype=np.int64)
    demand, candidates, place = int(numbers[0]), int(numbers[1]), 2
    by_candidate, from_one = "rail" in name, not name.startswith("OCP")
    led = (
        by_candidate or not from_one
    )  # each list by the cost of the candidate, or by the number of the demand
    costs = np.ones(candidates)
    if not led:
        costs, place = numbers[2 : 2 + candidates].astype(float), 2 + candidates
    lists = []
    for which in range(candidates if by_candidate else demand):
        if by_candidate:
            costs[which] = numbers[place]
        place += led
        lists.append(numbers[place + 1 : place + 1 + numbers[place]] - from_one)
        place += 1 + numbers[place]
    counted = np.repeat(np.arange(len(lists)), [part.size for part in lists])
    listed = np.concatenate(lists)
    pairs = (counted, listed) if by_candidate else (listed, counted)
    covers = sparse.csr_matrix((np.ones(listed.size, np.int8), pairs), (candidates, demand))
    none = np.zeros((0, 2))
    return Covering(covers, np.ones(demand), costs, none, none, 0.0)


def hypercube_cycles(dimension: int) -> Covering:
    """
    The fewest edges that hit every 4-cycle of a hypercube: CYC of Grossman & Wool (1997).

    References
    ----------
    Computational experience with approximation algorithms for the set covering problem, European J. of
    Operational Research 101.
    """
    edges = [(low, axis) for low in range(2**dimension) for axis in range(dimension) if not low >> axis & 1]
    number = {edge: place for place, edge in enumerate(edges)}
    hit = []
    for one, other in combinations(range(dimension), 2):
        for low in range(2**dimension):
            if not (low >> one & 1 or low >> other & 1):
                ring = ((low, one), (low, other), (low | 1 << other, one), (low | 1 << one, other))
                hit.append([number[edge] for edge in ring])
    return _hitting(hit, len(edges))


def monochromatic_fours(points: int) -> Covering:
    """
    The fewest 4-tuples of which every two-colouring leaves one in one colour: CLR of Grossman & Wool (1997).

    The colouring in which all are alike is left out, as they do.
    """
    fours = np.array(list(combinations(range(points), 4)))
    colours = np.array(list(product((0, 1), repeat=points - 1)), dtype=np.int8)[1:]
    colours = np.column_stack([np.zeros(len(colours), np.int8), colours])
    alike = np.ptp(colours[:, fours], axis=2) == 0
    return _hitting([np.flatnonzero(row) for row in alike], len(fours))


def _hitting(hit: list[list[int]] | list[npt.NDArray[np.int64]], candidates: int) -> Covering:
    demand = np.repeat(np.arange(len(hit)), [len(part) for part in hit])
    pairs = (np.concatenate(hit), demand)
    covers = sparse.csr_matrix((np.ones(demand.size, np.int8), pairs), (candidates, len(hit)))
    none = np.zeros((0, 2))
    return Covering(covers, np.ones(len(hit)), np.ones(candidates), none, none, 0.0)


def _within(sites: Floats, points: Floats, weights: Floats, radius: float) -> Covering:
    """Each site covers the points within the radius."""
    near = cKDTree(points).query_ball_point(sites, radius, return_sorted=True)
    starts = np.concatenate([[0], np.cumsum([len(part) for part in near])])
    items = np.concatenate([np.asarray(part, np.int32) for part in near])
    covers = sparse.csr_matrix((np.ones(items.size, np.int8), items, starts), (len(sites), len(points)))
    return Covering(covers, weights, np.ones(len(sites)), sites, points, radius)


def _pattern(near: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
    return sparse.csr_matrix(near.astype(np.int8))
