"""What the Parking screen shows, kept as a run, and its report."""

from __future__ import annotations

import time

from geodata.commands.parking import keep_parking
from geodata.export.parking_run import PlanQuestion, parking_run
from geodata.queries.parking import ParkingGround, Standing
from geodata.queries.parking_access import Need, Rules
from geodata.queries.parking_changes import ParkingChanges
from geodata.queries.parking_plan import Bays
from geodata.queries.parking_scenario import METHOD
from geodata.queries.scenarios import Scenario
from pages import cached
from pages.kerbside.choosing import Choice
from pages.kerbside.filing import REST_ON
from pages.session import widget
from pages.widgets.sharing import run_report

__all__ = ["report_of_parking"]


def report_of_parking(
    revision: int,
    ground: ParkingGround,
    standing: Standing,
    need: Need | None,
    choice: Choice,
    rules: Rules,
    bays: Bays | None,
    scenario: Scenario | None,
    changes: ParkingChanges | None,
) -> None:
    """A button that keeps demand, shortage and plan as they stand on the screen, then the link to their report."""
    usual = PlanQuestion()
    question = PlanQuestion(
        place=choice.place,
        hours=choice.hours,
        tariff=float(widget("tariff_now", usual.tariff)),
        officers=int(widget("patrol_officers", usual.officers)),
        shift_h=int(widget("patrol_shift", usual.shift_h)),
        window_h=int(widget("patrol_window", usual.window_h)),
        found_ratio=float(widget("patrol_found", round(usual.found_ratio * 100))) / 100,
        least_vehicles=float(widget("short_vehicles", usual.least_vehicles)),
        least_ratio=float(widget("short_share", round(usual.least_ratio * 100))) / 100,
        works_budget=widget("works_budget"),
    )
    token = None if scenario is None else (scenario.token, scenario.version)
    held = (revision, token, rules, question, None if bays is None else bays.question)

    def keep() -> int:
        began = time.perf_counter()
        register = cached.register(revision)
        parameters, result = parking_run(
            ground,
            standing,
            need,
            rules,
            register[register["name"].isin(["unit_cell", *REST_ON])],
            question,
            bays=bays,
            scenario=scenario,
            changes=changes,
        )
        return keep_parking(
            "parking",
            parameters,
            result,
            method=METHOD,
            seconds=round(time.perf_counter() - began, 3),
            scenario=None if scenario is None else scenario.token,
        )

    run_report("parking", held, keep)
