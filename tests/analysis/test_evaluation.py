"""Shares with what they are shares of, ranks that know their doubt, change that is more than chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.evaluation import INDICATORS, change, indicators, ranked_rates

counts = st.integers(0, 5_000)


@settings(deadline=None)
@given(counts, counts)
def test_a_share_lies_in_its_interval(hits: int, misses: int) -> None:
    told = {each.name: each for each in indicators({"registered": hits, "reported": hits + misses})}[
        "registered"
    ]
    if hits + misses == 0:
        assert told.ratio is None
    else:
        assert 0 <= told.lower <= told.ratio <= told.upper <= 1


def test_the_worked_numbers_of_a_city() -> None:
    """Tianmen: 996 registered, 972 to close, 911 closed, 737 of them in time."""
    told = {
        each.name: each
        for each in indicators(
            {"due_closing": 972, "closed": 911, "due_in_time": 972, "closed_in_time": 737, "reported": None}
        )
    }
    assert told["closed"].ratio == pytest.approx(0.9372, abs=5e-5)
    assert told["closed_in_time"].ratio == pytest.approx(0.7582, abs=5e-5)
    assert told["registered"].ratio is None and told["disposed"].ratio is None
    assert list(told) == list(INDICATORS)


@settings(deadline=None)
@given(counts, counts)
def test_change_is_turned_by_turning_time(now: int, before: int) -> None:
    there, back = change(now, before), change(before, now)
    assert there.told == back.told
    if now and before:
        assert there.ratio * back.ratio == pytest.approx(1)
        assert there.lower <= there.ratio <= there.upper
        assert there.lower == pytest.approx(1 / back.upper)


def test_change_knows_chance() -> None:
    assert not change(103, 100).told and change(200, 100).told and change(100, 200).told
    assert change(0, 0).ratio is None and change(5, 0).upper is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.floats(1, 1e4)), min_size=1, max_size=9))
def test_a_rank_lies_in_its_interval(rows: list[tuple[int, float]]) -> None:
    count, hours = (pd.Series(each) for each in zip(*rows, strict=True))
    table = ranked_rates(count, hours)
    assert (table["rate_per_h"].diff().dropna() <= 0).all()
    assert (table["rank_first"] >= 1).all() and (table["rank_last"] <= len(rows)).all()
    assert (table["rank_first"] <= table["rank_last"]).all()


def test_who_was_not_looked_at_has_no_rank() -> None:
    table = ranked_rates(
        pd.Series([0, 50, 10], index=list("abc")), pd.Series([0.0, 100.0, 100.0], index=list("abc"))
    )
    assert list(table.index) == ["b", "c", "a"]
    assert np.isnan(table.loc["a", "rank"]) and np.isnan(table.loc["a", "rate_per_h"])
    assert table.loc["b", ["rank", "rank_first", "rank_last"]].tolist() == [1, 1, 1]


def test_like_areas_share_their_ranks() -> None:
    table = ranked_rates(pd.Series([20] * 4), pd.Series([100.0] * 4))
    assert (table["rank_first"] == 1).all() and (table["rank_last"] == 4).all()


@pytest.mark.parametrize("wrong", [{"registered": 5, "reported": 4}, {"registered": -1, "reported": 4}])
def test_more_than_the_whole_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="cannot be"):
        indicators(wrong)
