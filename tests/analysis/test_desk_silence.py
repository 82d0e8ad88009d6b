"""Cameras that find nothing where people report: laws of the chance, a worked case, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.desk import chance_of_silence
from analysis.errors import InputError

RATIOS = st.floats(0, 50)
COUNTS = st.lists(st.integers(0, 500), min_size=1, max_size=20)


@given(COUNTS, RATIOS)
def test_more_reports_make_silence_less_likely(reports: list[int], ratio: float) -> None:
    chance = chance_of_silence(np.sort(reports), finds_per_report=ratio)
    assert ((chance >= 0) & (chance <= 1)).all() and (np.diff(chance) <= 0).all()


@given(st.integers(0, 100), RATIOS, RATIOS)
def test_the_more_cameras_find_elsewhere_the_less_likely(reports: int, one: float, other: float) -> None:
    few, many = sorted((one, other))
    count = np.array([reports])
    assert chance_of_silence(count, finds_per_report=many) <= chance_of_silence(count, finds_per_report=few)


def test_where_cameras_find_nothing_anywhere_silence_is_certain() -> None:
    assert chance_of_silence(np.array([0, 9]), finds_per_report=0.0).tolist() == [1.0, 1.0]


def test_it_is_what_drawing_places_gives() -> None:
    """Three reports and two finds a report: the posterior mean is drawn, then what cameras find."""
    draw = np.random.default_rng(1)
    mean = draw.gamma(3.5, 1.0, 400_000)
    drawn = float((draw.poisson(2.0 * mean) == 0).mean())
    assert chance_of_silence(np.array([3]), finds_per_report=2.0)[0] == pytest.approx(drawn, abs=1.5e-3)


@pytest.mark.parametrize(("reports", "ratio"), [([-1], 1.0), ([1], -0.1), ([1], float("nan"))])
def test_what_is_no_count_or_no_ratio_is_refused(reports: list[int], ratio: float) -> None:
    with pytest.raises(InputError):
        chance_of_silence(np.array(reports), finds_per_report=ratio)
