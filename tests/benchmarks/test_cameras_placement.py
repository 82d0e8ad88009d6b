"""
Where the next cameras go, measured side by side with peers, and on instances that others have published.

A gap is (bound − covered) / bound: no answer, from whomever, covers more than the bound. What greedy choice alone
loses against our answer stands beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import highspy
import numpy as np
import pytest
from scipy import sparse

from analysis.placement import Placement, location_set_covering, maximal_covering
from analysis.placement.incidence import Incidence
from analysis.placement.search import greedy
from tests.benchmarks.conftest import Row
from tests.benchmarks.instances import (
    FOLDER,
    Covering,
    clustered_city,
    hypercube_cycles,
    located,
    monochromatic_fours,
    networked,
    san_francisco_stores,
    set_covering,
    uniform_field,
)

LIMIT_S = 20.0
"""For each published instance."""

PLACES = {
    # name of the file, radius, in degrees → k: gap in per cent that is to be reached
    ("SJC/SJC324.txt", 800.0, False): {3: 0.0},
    ("SJC/SJC402.txt", 800.0, False): {4: 0.0},
    ("SJC/SJC500.txt", 800.0, False): {5: 0.0},
    ("SJC/SJC708.txt", 800.0, False): {6: 0.0, 11: 0.0},
    ("SJC/SJC818.txt", 800.0, False): {8: 0.0, 14: 0.0},
    ("ZDS/ZDS1800.txt", 4.0, False): {10: 0.0, 20: 2.0},
    ("ZDS/ZDS2500.txt", 4.0, False): {10: 0.0, 20: 1.4},
    ("PCB/PCB3038.txt", 400.0, False): {10: 0.0, 20: 0.3},
    ("Maximo/Manhattan2713.txt", 800.0, True): {15: 0.0, 30: 0.3},
    ("Maximo/Bronx3839.txt", 800.0, True): {15: 0.1, 30: 0.6},
    ("Maximo/SanFrancisco5137.txt", 800.0, True): {10: 0.1, 30: 0.8},
    ("Maximo/Kings7730.txt", 800.0, True): {20: 0.1, 50: 0.9, 100: 0.1},
}
NETWORKS = {("G&R/GR100.txt", 80.0): 8, ("G&R/GR150.txt", 95.0): 10, ("Beasley/B700.txt", 20.0): 10}
FIELDS = {(10_000, 5.5): (10, 15, 20), (10_000, 3.25): (10, 20), (100_000, 5.5): (20,)}
"""Customers and radius of the instances of Cordeau, Furini & Ljubić, and the numbers chosen."""

SETS = {
    # OR-Library: optimum, or the best cost that is known (Beasley 1987, 1990; Caprara, Fischetti & Toth 1999)
    "scp4": (429, 512, 516, 494, 512, 560, 430, 492, 641, 514),
    "scp5": (253, 302, 226, 242, 211, 213, 293, 288, 279, 265),
    "scp6": (138, 146, 145, 131, 161),
    "scpa": (253, 252, 232, 234, 236),
    "scpb": (69, 76, 80, 79, 72),
    "scpc": (227, 219, 243, 219, 215),
    "scpd": (60, 66, 72, 62, 61),
    "scpnre": (29, 30, 27, 28, 28),
    "scpnrf": (14, 15, 14, 14, 13),
    "scpnrg": (176, 154, 166, 168, 168),
    "scpnrh": (63, 63, 59, 58, 55),
}
SET_LIMIT_S = 5.0


def best_seconds(task: Callable[[], object], times: int) -> float:
    """The shortest of several runs: other programs only ever make one longer."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        task()
        taken.append(time.perf_counter() - start)
    return min(taken)


def greedy_loss(covering: Covering, k: int, covered: float) -> float:
    """What greedy choice alone covers less, in per cent."""
    covers = covering.covers
    found = Incidence.of(covers.indptr.astype(np.int64), covers.indices.astype(np.uint32), covering.weights)
    return 100 * (1 - greedy(found, k)[1].sum() / covered)


def by_highs(covering: Covering, k: int) -> float:
    """The optimum by HiGHS, from the model as the textbook writes it."""
    candidates, demand = covering.covers.shape
    model, kinds = highspy.HighsLp(), highspy.HighsVarType
    across = sparse.hstack([-covering.covers.T, sparse.identity(demand)])
    limit = np.concatenate([np.ones(candidates), np.zeros(demand)])
    matrix = sparse.vstack([across, sparse.csr_matrix(limit)], format="csr")
    model.num_col_, model.num_row_ = matrix.shape[1], matrix.shape[0]
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = np.concatenate([np.zeros(candidates), covering.weights])
    model.col_lower_, model.col_upper_ = np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])
    model.row_lower_ = np.full(demand + 1, -highspy.kHighsInf)
    model.row_upper_ = np.concatenate([np.zeros(demand), [float(k)]])
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.num_col_, model.a_matrix_.num_row_ = matrix.shape[1], matrix.shape[0]
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
    model.a_matrix_.value_ = matrix.data.astype(float)
    model.integrality_ = [kinds.kInteger] * candidates + [kinds.kContinuous] * demand
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.passModel(model)
    solver.run()
    return float(solver.getInfo().objective_function_value)


def by_spopt(distances: np.ndarray, weights: np.ndarray, radius: float, k: int) -> float:
    """The optimum by spopt with the solver that it takes by default, CBC through PuLP."""
    import pulp
    from spopt.locate import MCLP

    solved = MCLP.from_cost_matrix(distances, weights, service_radius=radius, p_facilities=k)
    return float(pulp.value(solved.solve(pulp.PULP_CBC_CMD(msg=False)).problem.objective))


def test_small_size_against_highs_and_spopt(row: Row) -> None:
    """500 candidates, 2,000 demand, 20 to choose: the same proven optimum, and how much sooner. Best of runs."""
    covering, k = clustered_city(500, 2_000, 20), 20
    distances = np.linalg.norm(covering.points[:, None] - covering.sites[None], axis=2)
    answers: dict[str, float] = {}

    def ours() -> Placement:
        return maximal_covering(covering.covers, covering.weights, k)

    def highs() -> None:
        answers["HiGHS"] = by_highs(covering, k)

    def spopt() -> None:
        answers["spopt"] = by_spopt(distances, covering.weights, covering.radius, k)

    placement = ours()
    taken = {"HiGHS": best_seconds(highs, 3), "spopt": best_seconds(spopt, 1), "ours": best_seconds(ours, 10)}
    same = all(abs(answer - placement.covered_weight) < 1e-3 for answer in answers.values())
    proven = placement.proven_optimal and same
    row("MCLP 500 × 2,000, k 20: gap", 100 * placement.gap_ratio, 0, "%", proven)
    row("MCLP 500 × 2,000, k 20", 1000 * taken["ours"], 0, "ms", True)
    for peer, floor in (("HiGHS", 5), ("spopt", 100)):
        row(f"MCLP 500 × 2,000, k 20, {peer}", 1000 * taken[peer], 0, "ms", True)
        times = taken[peer] / taken["ours"]
        row(f"MCLP 500 × 2,000, k 20, faster than {peer}", times, floor, "×", proven and times >= floor)
    loss = greedy_loss(covering, k, placement.covered_weight)
    row("MCLP 500 × 2,000, k 20: greedy loses", loss, 0, "%", True)


@pytest.mark.parametrize(
    ("candidates", "demand", "k", "limits"),
    [(5_000, 50_000, 100, {15: 2.1}), (50_000, 200_000, 500, {20: 5.0, 40: 3.6})],
    ids=["middle", "large"],
)
def test_size_beyond_any_proof(
    row: Row, candidates: int, demand: int, k: int, limits: dict[int, float]
) -> None:
    """How small the gap is in so many seconds, one thread, all included."""
    covering = clustered_city(candidates, demand, k)
    maximal_covering(covering.covers[:50], covering.weights, 5)  # compiles
    name = f"MCLP {candidates:,} × {demand:,}, k {k}"
    for limit_s, floor in limits.items():
        start = time.perf_counter()
        placement = maximal_covering(covering.covers, covering.weights, k, time_limit_s=limit_s - 0.5)
        taken = time.perf_counter() - start
        gap = 100 * (placement.upper_bound / placement.covered_weight - 1)
        row(f"{name}: gap in {limit_s} s", gap, floor, "%", gap <= floor and taken <= limit_s)
        row(f"{name}: time for {limit_s} s", taken, limit_s, "s", taken <= limit_s)
    row(f"{name}: greedy loses", greedy_loss(covering, k, placement.covered_weight), 0, "%", True)


def _row_of(row: Row, name: str, covering: Covering, k: int, floor: float) -> Placement:
    """Gap and time of one instance, and what greedy loses."""
    start = time.perf_counter()
    placement = maximal_covering(covering.covers, covering.weights, k, time_limit_s=LIMIT_S)
    taken = time.perf_counter() - start
    gap = 100 * placement.gap_ratio
    row(f"{name}, k {k}: gap", gap, floor, "%", gap <= floor)
    row(f"{name}, k {k}: time", taken, LIMIT_S, "s", taken <= LIMIT_S + 1)
    row(f"{name}, k {k}: greedy loses", greedy_loss(covering, k, placement.covered_weight), 0, "%", True)
    return placement


def test_uniform_fields_of_cordeau_furini_and_ljubic(row: Row) -> None:
    """Made by their generator; proven optimal in seconds."""
    for (customers, radius), counts in FIELDS.items():
        covering = uniform_field(100, customers, radius)
        for k in counts:
            _row_of(row, f"BDS 100 × {customers:,}, R {radius:g}", covering, k, 0.0)


def test_san_francisco_stores_against_spopt(row: Row) -> None:
    """The instance that spopt tests itself with: the same optimum."""
    covering, distances = san_francisco_stores(5_000.0)
    placement = _row_of(row, "SF stores 16 × 205", covering, 4, 0.0)
    peer = by_spopt(distances, covering.weights, 5_000.0, 4)
    row(
        "SF stores 16 × 205, k 4: more than spopt",
        placement.covered_weight - peer,
        0,
        "",
        abs(placement.covered_weight - peer) < 1e-3,
    )


def _files(names: list[str]) -> None:
    missing = [name for name in names if not (FOLDER / name).exists()]
    if missing:
        pytest.skip(f"{FOLDER} lacks {missing[0]}; tests/benchmarks/instances.py tells where to find it")


def test_published_places(row: Row) -> None:
    """Maximal covering from the literature: proven optimum, or the gap."""
    _files([name for name, _, _ in PLACES] + [name for name, _ in NETWORKS])
    for (name, radius, degrees), counts in PLACES.items():
        covering = located(name, radius, degrees=degrees)
        for k, floor in counts.items():
            _row_of(row, name.partition("/")[2].removesuffix(".txt"), covering, k, floor)
    for (name, radius), k in NETWORKS.items():
        _row_of(row, name.partition("/")[2].removesuffix(".txt"), networked(name, radius), k, 0.0)


def _greedy_cost(covering: Covering) -> float:
    """What the greedy choice by newly covered demand for cost costs [Chvátal 1979]."""
    covers = covering.covers.tocsr()
    left, cost = np.ones(covers.shape[1], np.int64), 0.0
    while left.any():
        best = int(np.argmax((covers @ left) / covering.costs))
        left[covers.indices[covers.indptr[best] : covers.indptr[best + 1]]] = 0
        cost += float(covering.costs[best])
    return cost


def _cost_rows(row: Row, name: str, coverings: list[Covering], known: tuple[int, ...], most: float) -> None:
    """How far a class of instances is from the best costs known, and how far greedy choice is."""
    answers = [
        location_set_covering(one.covers, costs=one.costs, time_limit_s=SET_LIMIT_S) for one in coverings
    ]
    best = np.array(known, float)
    above = 100 * (np.array([answer.cost for answer in answers]) / best - 1)
    greedy_above = 100 * (np.array([_greedy_cost(one) for one in coverings]) / best - 1)
    row(f"LSCP {name}: mean cost above the best known", above.mean(), most, "%", above.mean() <= most)
    row(f"LSCP {name}: greedy above the best known", greedy_above.mean(), 0, "%", True)
    row(f"LSCP {name}: mean gap", 100 * np.mean([answer.gap_ratio for answer in answers]), 0, "%", True)
    row(f"LSCP {name}: proven of {len(known)}", sum(answer.proven_optimal for answer in answers), 0, "", True)
    assert (above >= -1e-9).all(), "no cost is below a proven optimum"


def test_set_covering_by_recipe(row: Row) -> None:
    """Of Grossman & Wool: far from what the linear relaxation tells, so that the gap stays wide."""
    _cost_rows(row, "CYC 6–8", [hypercube_cycles(size) for size in (6, 7, 8)], (60, 144, 342), 2.0)
    _cost_rows(row, "CLR 10–12", [monochromatic_fours(size) for size in (10, 11, 12)], (25, 23, 23), 5.0)


@pytest.mark.parametrize("kind", SETS)
def test_set_covering_of_the_or_library(row: Row, kind: str) -> None:
    """Beasley's instances with costs."""
    names = [f"OR-Library/{kind}{number + 1}.txt" for number in range(len(SETS[kind]))]
    _files(names)
    _cost_rows(row, kind, [set_covering(name) for name in names], SETS[kind], 1.0)


def test_optimal_camera_placement(row: Row) -> None:
    """Of the GECCO 2020 competition."""
    names = ["OCP/AC_01_cover.txt", "OCP/AC_10_cover.txt"]
    _files(names)
    _cost_rows(row, "OCP AC 01, 10", [set_covering(name) for name in names], (7, 20), 0.0)
