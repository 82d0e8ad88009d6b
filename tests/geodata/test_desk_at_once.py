"""What happens at the desk when two do something at once."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata import database
from geodata.commands.desk import give_verdict
from geodata.commands.leads import merge_leads
from tests.geodata.test_desk import add_lead, desk, lead_of, row

pytestmark = pytest.mark.postgis

__all__ = ["desk"]

COPIED = (
    "camera_id, zone_id, class_code, label, dwell_s, confidence, y1, x2, y2, rule, hint, state, simulated, geom,"
    " error_m, cell_id"
)


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as found:
        yield found


def another(session: Session, lead: int, x1: float) -> int:
    """A lead like that one, two hours later, not yet committed."""
    return int(
        session.execute(
            text(
                f"INSERT INTO finding ({COPIED}, x1, first_seen_at, last_seen_at) SELECT {COPIED}, :x1,"
                " first_seen_at + interval '2 hours', last_seen_at + interval '2 hours' FROM finding"
                " WHERE id = :lead RETURNING id"
            ),
            {"lead": lead, "x1": x1},
        ).scalar_one()
    )


def wait_until_held_up(done: Future[int | None]) -> None:
    """Until somebody waits for a lock of this database, or has ended without."""
    until = time.monotonic() + 120
    while not done.done() and time.monotonic() < until:
        if row(
            "SELECT count(*) AS n FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).n:
            return
        time.sleep(0.05)


def test_leads_that_two_looks_write_at_once_become_one(desk: int, aside: ThreadPoolExecutor) -> None:
    first = add_lead(desk)

    def other_look() -> int | None:
        with database.transaction() as session:
            mine.append(another(session, first, 31))
            return merge_leads(session, mine[0])

    mine: list[int] = []
    with database.transaction() as session:
        ours = another(session, first, 30)
        assert merge_leads(session, ours) is None
        done = aside.submit(other_look)
        wait_until_held_up(done)
    done.result(timeout=120)
    assert {lead_of(ours).merged_into, lead_of(mine[0]).merged_into} in ({None, ours}, {None, mine[0]})
    assert row("SELECT count(*) AS n FROM finding WHERE merged_into IS NULL").n == 2


def test_a_verdict_finds_its_lead_that_goes_behind_another_meanwhile(
    desk: int,
    aside: ThreadPoolExecutor,
) -> None:
    front, lead = add_lead(desk), add_lead(desk)
    with database.transaction() as session:
        session.execute(
            text("UPDATE finding SET merged_into = :front WHERE id = :lead"), {"front": front, "lead": lead}
        )
        done = aside.submit(give_verdict, lead, "confirmed")
        wait_until_held_up(done)
    done.result(timeout=120)
    assert (lead_of(front).state, lead_of(lead).state) == ("confirmed", "lead")


def test_a_lead_that_is_judged_while_others_are_merged_stays_in_front(
    desk: int,
    aside: ThreadPoolExecutor,
) -> None:
    faint, sure = add_lead(desk, confidence=0.5), add_lead(desk, confidence=0.9)

    def merging() -> int | None:
        with database.transaction() as session:
            return merge_leads(session, sure)

    with database.transaction() as session:
        session.execute(text("UPDATE finding SET state = 'confirmed' WHERE id = :lead"), {"lead": faint})
        done = aside.submit(merging)
        wait_until_held_up(done)
    assert done.result(timeout=120) == faint
    assert (lead_of(faint).merged_into, lead_of(sure).merged_into) == (None, faint)


def test_a_chain_of_leads_keeps_the_one_in_front_that_a_person_judged(desk: int) -> None:
    first = add_lead(desk, confidence=0.9)
    give_verdict(first, "rejected")
    for minutes in (10, 20, 30):
        at = lead_of(first).first_seen_at + dt.timedelta(minutes=minutes)
        with database.transaction() as session:
            assert merge_leads(session, add_lead(desk, at=at, confidence=0.95)) == first
    assert row("SELECT count(*) AS n FROM finding WHERE merged_into IS NULL").n == 1
