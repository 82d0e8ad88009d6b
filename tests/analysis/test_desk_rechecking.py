"""Second recognition: solved, not solved, or an honest "cannot say" with its reason."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.desk import OUTCOMES, Looks, recheck
from analysis.errors import InputError

FEW = settings(max_examples=200, deadline=None)
looks_of = st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.booleans(), st.booleans()), max_size=10)


def looks(*rows):
    at, found, blocked, calibrated = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Looks(np.array(at, float), np.array(found), np.array(blocked), np.array(calibrated))


def clear(*at):
    return [(each, False, False, True) for each in at]


def again(*at):
    return [(each, True, False, True) for each in at]


@FEW
@given(looks_of, st.floats(0, 100), st.integers(1, 4))
def test_it_is_decided_by_the_last_usable_looks_alone(rows, disposed, needed):
    told = recheck(looks(*rows), disposed, needed=needed)
    usable = sorted(
        (row for row in rows if row[0] > disposed and not row[2] and row[3]), key=lambda row: row[0]
    )
    last = [row[1] for row in usable][-needed:]
    assert told.outcome in OUTCOMES
    assert told.used == len(usable)
    if len(last) == needed and len({row[0] for row in usable}) == len(usable):
        expected = {0: "solved", needed: "not solved"}.get(sum(last), "cannot say")
        assert told.outcome == expected
    if len(last) < needed:
        assert told.outcome == "cannot say"
    assert (told.decided_s is None) == (told.outcome == "cannot say")
    assert "{" not in told.reason.format(**told.facts)


@FEW
@given(looks_of, st.floats(0, 100))
def test_looks_that_could_not_see_count_for_nothing(rows, disposed):
    seen = [row for row in rows if not row[2] and row[3]]
    assert recheck(looks(*rows), disposed).outcome == recheck(looks(*seen), disposed).outcome


@pytest.mark.parametrize(
    ("rows", "outcome", "word"),
    [
        (clear(1, 2, 3), "cannot say", "No camera has looked"),
        (clear(11, 12, 13), "solved", "3 looks in a row found nothing"),
        (again(11, 12, 13), "not solved", "found it again"),
        (again(11) + clear(12, 13, 14), "solved", "nothing"),
        (clear(11, 12), "cannot say", "2 of 3"),
        (again(11, 13) + clear(12), "cannot say", "2 found it"),
        ([(11, False, True, True)] * 3, "cannot say", "blocked in every look"),
        ([(11, False, False, False)] * 3, "cannot say", "lost its calibration"),
        ([(11, False, False, False), (12, False, True, True)], "cannot say", "Of 2 looks since, 1 had"),
    ],
)
def test_outcomes_and_reasons(rows, outcome, word):
    told = recheck(looks(*rows), 10.0)
    assert told.outcome == outcome
    assert word in told.reason.format(**told.facts)


def test_the_crew_is_not_a_lead_and_next_week_is_another_case():
    rows = again(11, 12, 13) + clear(21, 22, 23) + again(91, 92, 93)
    assert recheck(looks(*rows), 10.0, grace_s=5, until_s=50).outcome == "solved"
    assert recheck(looks(*rows), 10.0, until_s=15).outcome == "not solved"
    assert recheck(looks(*rows), 10.0).outcome == "not solved"
    assert recheck(looks(*rows), 10.0, until_s=50).decided_s == 23


def test_impossible_looks_are_refused():
    with pytest.raises(InputError):
        recheck(looks(), 10.0, needed=0)
    with pytest.raises(InputError):
        recheck(looks(), np.nan)
    with pytest.raises(InputError):
        looks((np.nan, True, True, True))
    with pytest.raises(InputError, match="blocked"):
        Looks(np.zeros(2), np.zeros(2), np.zeros(3), np.zeros(2))
