"""Quality of a dataset: laws of the score, codes with the digit that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.quality import CODE_KINDS, check_codes, quality_score

checks = st.lists(
    st.integers(0, 1_000_000).flatmap(lambda rows: st.tuples(st.just(rows), st.integers(0, rows))), max_size=8
)


@given(checks)
def test_the_score_is_a_share_and_one_only_where_nothing_fails(found: list[tuple[int, int]]) -> None:
    score = quality_score(found)
    looked = [each for each in found if each[0]]
    assert (score is None) == (not looked)
    if score is not None:
        assert 0 <= score <= 1
        assert (score == 1) == all(faults == 0 for _, faults in looked)
        assert (score == 0) == any(rows == faults for rows, faults in looked)


@given(checks, st.integers(1, 1000), st.integers(0, 1000))
def test_one_more_fault_never_raises_the_score_and_order_does_not_matter(
    found: list[tuple[int, int]], rows: int, faults: int
) -> None:
    faults = min(faults, rows - 1)
    better = quality_score([*found, (rows, faults)])
    worse = quality_score([(rows, faults + 1), *found])
    assert better is not None and worse is not None and worse <= better
    assert quality_score([(rows, faults), *found]) == pytest.approx(better)


def test_a_wrong_code_is_told_with_its_row_and_digit() -> None:
    good, bad = "330481001001001", "33048100100100X"
    seen, faults = check_codes("cell", [(1, good), (2, None), (3, bad), (4, "")])
    assert seen == 3
    assert [each.row for each in faults] == [3, 4]
    assert faults[0].error.facts["first"] == 15
    assert all(check_codes(kind, [])[0] == 0 for kind in CODE_KINDS)


@pytest.mark.parametrize("found", [[(1, 2)], [(-1, 0)], [(5, -1)]])
def test_no_check(found: list[tuple[int, int]]) -> None:
    with pytest.raises(InputError):
        quality_score(found)


def test_no_such_code() -> None:
    with pytest.raises(InputError):
        check_codes("colour", [])
