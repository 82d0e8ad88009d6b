"""The k rows that cover most: first a good choice, then a bound, then both brought together."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.placement.bound import Relaxed, relaxed
from analysis.placement.budget import Budget
from analysis.placement.exact import rest_of, solved
from analysis.placement.incidence import Incidence, reduced
from analysis.placement.programme import EXACT_ENTRIES, PROOF_RATIO
from analysis.placement.search import VISIT_STEPS, annealed, exchanged, greedy

__all__ = ["best_rows", "compiled"]

Ints = npt.NDArray[np.int64]

EXCHANGE_SHARE, BOUND_SHARE, WALK_SHARE = 0.1, 0.4, 0.5
"""Shares of the budget by which exchanges, the bound, and walks before a proof have ended."""
NEAR_RATIO = 0.01
"""The bound is good enough when a perfect one would narrow the gap by no more than this share."""
FIRST_WALK, LONGER = 100, 4
"""How often the first walk visits each entry, and how much longer the next one is."""
QUICK_ENTRIES = 1_000
"""Entries of a rest that HiGHS decides sooner than a first walk ends; LONGER times as many with each walk."""
USED = 1e-6
"""Least share of a row that the relaxed answer uses."""
OPEN_RATIO = 0.5
"""While more rows than this share are open, the bound decides too little for a proof."""


@cache
def compiled() -> None:
    """Goes through every loop once on a small ring, so that none is compiled while a clock runs."""
    ring = sparse.csr_matrix(np.eye(5, dtype=np.int8) + np.eye(5, k=1, dtype=np.int8))
    found, _ = reduced(ring, np.arange(1.0, 6.0))
    rows, _ = greedy(found, 2)
    frozen = Budget(1e-6, lambda: 0.0)
    relaxed(found, 2, rows, found.covered(rows), frozen, 0.0, gap_ratio=0.0, near_ratio=0.0)
    annealed(found, exchanged(found, rows, frozen, 1.0), Budget(1e-6, lambda: 0.0), 1.0)


class _Hunt:
    """
    A choice and a bound on their way to each other.

    Attributes
    ----------
    rows, covered
        The best choice so far and what it covers.
    bound
        No choice covers more.
    gap_ratio
        Share of the bound that the gap may be.
    """

    def __init__(self, found: Incidence, rows: Ints, gap_ratio: float) -> None:
        self._found = found
        self.gap_ratio = max(gap_ratio, PROOF_RATIO)
        total = float(found.weight.sum())
        self._whole = total < 2**50 and bool((found.weight == np.rint(found.weight)).all())
        self.rows = rows
        self.covered = found.covered(rows)
        self.bound = total

    def offer(self, rows: Ints) -> None:
        """Keeps the rows if they cover more."""
        covered = self._found.covered(rows)
        if covered > self.covered:
            self.rows, self.covered = rows, covered

    def lower(self, bound: float) -> None:
        """Keeps the bound if it is lower; where all weights are whole, so is every weight that can be covered."""
        if self._whole:
            bound = float(np.floor(bound + 1e-6))
        self.bound = max(min(self.bound, bound), self.covered)

    @property
    def enough(self) -> float:
        """Weight at which the gap is as small as it need be."""
        return self.bound * (1.0 - self.gap_ratio)

    @property
    def better(self) -> float:
        """The least that a better choice covers."""
        return self.covered + (1.0 - 1e-6 if self._whole else 0.0)

    @property
    def over(self) -> bool:
        """Whether the gap is as small as it need be."""
        return self.covered >= self.enough


def best_rows(found: Incidence, k: int, budget: Budget, gap_ratio: float) -> tuple[Ints, float]:
    """
    At most k rows that together cover much, and a bound on what any k rows cover.

    Greedy, exchanges, and the linear relaxation, whose leaning is a second start. Then walks, each longer than
    the one before, and after each what the bound leaves open; once that is little, HiGHS decides it.

    Parameters
    ----------
    gap_ratio
        Stops when (bound − covered) / bound is no more.
    """
    hunt = _Hunt(found, greedy(found, k)[0], gap_ratio)
    if k == 0 or k >= found.rows:
        hunt.lower(hunt.covered)
    if not hunt.over:
        hunt.offer(exchanged(found, hunt.rows, budget, EXCHANGE_SHARE))
        known = relaxed(
            found,
            k,
            hunt.rows,
            hunt.covered,
            budget,
            BOUND_SHARE,
            gap_ratio=hunt.gap_ratio,
            near_ratio=NEAR_RATIO,
        )
        hunt.lower(known.bound)
        leaning = np.argsort(-known.leaning, kind="stable")[:k]
        hunt.offer(exchanged(found, leaning, budget, BOUND_SHARE))
        _walk_and_prove(hunt, found, k, known, budget)
    return hunt.rows, hunt.bound


def _walk_and_prove(hunt: _Hunt, found: Incidence, k: int, known: Relaxed, budget: Budget) -> None:
    """
    Walks until the rest is small enough for a proof, and proves it, or until the budget is spent.

    A walk goes among all rows that are open while they may become few, then among those that the relaxed answer
    uses: they are fewer, and the best are mostly among them.
    """
    visits, quick, walks = float(FIRST_WALK * found.entries), QUICK_ENTRIES, 0
    while not hunt.over and budget.spent_ratio < 1:
        rest = rest_of(found, k, known, hunt.better)
        late = budget.spent_ratio >= WALK_SHARE
        if rest.found.entries <= (EXACT_ENTRIES if late else min(quick, EXACT_ENTRIES)):
            rows, bound = solved(rest, hunt.rows, budget.left_s)
            hunt.offer(rows)
            hunt.lower(bound)
            return
        hopeful = rest.open_rows.size <= OPEN_RATIO * found.rows or rest.found.entries <= EXACT_ENTRIES
        if hopeful and not late:
            core = np.concatenate([rest.taken, rest.open_rows])
            share = min(budget.share_after(VISIT_STEPS * visits), WALK_SHARE)
        else:
            core, share = np.flatnonzero(known.leaning > USED), 1.0
        hunt.offer(_walked(hunt, found, np.union1d(core, hunt.rows), budget, share, walks))
        visits, quick, walks = visits * LONGER, quick * LONGER, walks + 1


def _walked(hunt: _Hunt, found: Incidence, core: Ints, budget: Budget, share: float, seed: int) -> Ints:
    """The best rows that a walk meets in the core, where the best ones are, and their exchanges with all."""
    begin = np.searchsorted(core, hunt.rows)
    walked, _ = annealed(found.only(core), begin, budget, share, enough=hunt.enough, seed=seed)
    return exchanged(found, core[walked], budget, 1.0)
