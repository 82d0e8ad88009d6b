"""Tables of the plan panel: tariffs, patrols, works; each as a file too."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.parking import SFPARK
from geodata.queries.demand import UNIT_CELL
from geodata.queries.parking import ParkingGround, Standing
from geodata.queries.parking_access import Need, Rules
from geodata.queries.parking_changes import ParkingChanges
from geodata.queries.parking_plan import Bays, patrols, short_places, tariffs, works
from geodata.queries.scenarios import Scenario
from layers.demand import EVIDENCE
from layers.i18n import N_
from layers.streets import street_words
from pages.kerbside.changing import put_tariffs
from pages.kerbside.choosing import Choice, hours_told
from pages.kerbside.filing import block_shapes, file_button, question_of
from pages.kerbside.inspecting import WEEKDAYS
from pages.session import words
from pages.widgets.figures import figures
from pages.widgets.taking import data_table

__all__ = ["patrol_part", "tariff_part", "works_part"]

TARIFF_UNITS = {
    "tariff": N_("yuan an hour"),
    "new_tariff": N_("yuan an hour"),
    "occupancy": N_("share of the places, mean over the hours chosen"),
    "capacity": N_("vehicles"),
}
PATROL_UNITS = {
    "hour": N_("hour of the week, 0 is Monday 0:00"),
    "hours": N_("hours"),
    "expected": N_("violations found"),
}
WORK_UNITS = {
    "cost": N_("yuan"),
    "benefit": N_("vehicle-hours a week"),
    "captures": N_("captures in the period"),
}


def tariff_part(
    revision: int,
    need: Need,
    standing: Standing,
    choice: Choice,
    scenario: Scenario | None,
    changes: ParkingChanges | None,
) -> None:
    """The next tariff of each street and car park."""
    tariff = st.number_input(words(N_("Tariff today, yuan an hour")), 0.0, 100.0, 5.0, 0.5, key="tariff_now")
    own = None if changes is None else changes.tariffs.set_index("block")["tariff"]
    steps = tariffs(need, standing.found.demand[UNIT_CELL], list(choice.hours), float(tariff), own)
    st.caption(
        words(
            N_(
                "Hours: {hours}. Occupancy is the share assumed to be taken ({base:.0%}) and those who park badly now,"
                " put into the nearest places: nobody counts vacancies here yet. Steps as SFpark's (2014): below 30 %"
                " −0.50, to 60 % −0.25, to 80 % none, above +0.25; elasticity −0.6 to −0.2."
            ),
            hours=hours_told(choice),
            base=1 - need.rules.free_ratio,
        )
    )
    kinds = {"kerb": words(N_("Bays")), "car_park": words(N_("Car parks"))}
    table = pd.DataFrame(
        {
            "street": [street_words(each, words) for each in steps["street"]],
            "kind": steps["kind"].map(kinds),
            "capacity": steps["capacity"],
            "occupancy": steps["occupancy"] * 100,
            "interval": _spans(steps["lower"], steps["upper"]),
            "today": steps["tariff"],
            "new": steps["new_tariff"],
            "expected": _spans(steps["expected_lower"], steps["expected_upper"]),
            "target": [words(N_("yes")) if each else words(N_("no")) for each in steps["on_target"]],
        }
    )
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    picked = data_table(
        "tariff-steps",
        table,
        hide_index=True,
        width="stretch",
        height=360,
        on_select="rerun",
        selection_mode="multi-row",
        key="tariff_table",
        column_config={
            "street": texts(words(N_("Street or car park"))),
            "kind": texts(words(N_("Kind"))),
            "capacity": number(words(N_("Places")), format="%.0f"),
            "occupancy": number(words(N_("Occupancy")), format="%.0f %%"),
            "interval": texts(words(N_("95 % interval"))),
            "today": number(words(N_("Tariff, yuan an hour")), format="%.2f"),
            "new": number(words(N_("Next tariff")), format="%.2f"),
            "expected": texts(words(N_("Occupancy to expect"))),
            "target": texts(
                words(N_("Inside {low:.0%}–{high:.0%}"), low=SFPARK.target[0], high=SFPARK.target[1])
            ),
        },
    )
    rows = picked["selection"]["rows"]
    with st.container(horizontal=True):
        file_button(
            revision,
            steps.drop(columns="hour"),
            block_shapes(need.access).loc[steps["block"]],
            name="tariffs",
            title=f"{words(N_('Tariff'))} · {hours_told(choice)}",
            method=words(N_("SFpark's steps (2014) on estimated occupancy; elasticity −0.6 to −0.2")),
            units=TARIFF_UNITS,
            question=question_of(need.rules, scenario, hours=list(choice.hours), tariff=float(tariff)),
        )
        put_tariffs(steps.iloc[rows] if rows else steps, scenario)
    st.caption(
        words(
            N_(
                "Selected rows, or all, go into the scenario. There those who stand legally follow the tariff by the"
                " middle of the elasticities; where they go is not followed."
            )
        )
    )


def _spans(low: pd.Series[float], high: pd.Series[float]) -> list[str]:
    return [f"{a:.0%} – {b:.0%}" for a, b in zip(low, high, strict=True)]


def patrol_part(
    revision: int,
    ground: ParkingGround,
    standing: Standing,
    choice: Choice,
    rules: Rules,
    scenario: Scenario | None,
) -> None:
    """Windows in which officers find most."""
    first, second, third, fourth = st.columns(4)
    officers = first.number_input(words(N_("Officers a day")), 1, 50, 3, key="patrol_officers")
    shift = second.selectbox(words(N_("Shift, hours")), [4, 6, 8, 12], index=2, key="patrol_shift")
    window = third.selectbox(words(N_("Window at a place, hours")), [1, 2, 4], index=1, key="patrol_window")
    found = fourth.slider(words(N_("Share found, %")), 5, 100, 50, 5, key="patrol_found")
    demand = standing.found.demand[choice.place]
    plan = patrols(
        demand, officers=int(officers), shift_h=int(shift), window_h=int(window), found_ratio=found / 100
    )
    figures(
        [
            (N_("Found a week"), f"{plan.expected:,.0f}"),
            (
                N_("95 % interval, all places wrong alike"),
                f"{plan.lower:,.0f} – {plan.upper:,.0f}",
                N_("Wide on purpose: the ends of all windows are added up."),
            ),
        ]
    )
    rows = plan.windows.sort_values("expected", ascending=False)
    places = demand.places.index[rows["place"]]
    shapes = ground.shapes[choice.place].loc[places]
    names = (
        shapes["code"].tolist()
        if "code" in shapes
        else [street_words(each, words) for each in shapes["name"].fillna(shapes["highway"])]
    )
    clock = rows["hour"] % 24
    table = pd.DataFrame(
        {
            "day": [words(WEEKDAYS[day]) for day in rows["day"]],
            "from": [f"{a}:00–{a + b}:00" for a, b in zip(clock, rows["hours"], strict=True)],
            "place": names,
            "expected": rows["expected"].to_numpy(),
            "interval": [f"{a:.1f} – {b:.1f}" for a, b in zip(rows["lower"], rows["upper"], strict=True)],
            "evidence": [words(EVIDENCE[each][1]) for each in demand.places["evidence"].loc[places]],
        }
    )
    texts = st.column_config.TextColumn
    data_table(
        "patrol-windows",
        table,
        hide_index=True,
        width="stretch",
        height=360,
        key="patrol_table",
        column_config={
            "day": texts(words(N_("Day"))),
            "from": texts(words(N_("Hours"))),
            "place": texts(words(N_("Place"))),
            "expected": st.column_config.NumberColumn(words(N_("Violations found")), format="%.2f"),
            "interval": texts(words(N_("95 % interval"))),
            "evidence": texts(words(N_("Evidence"))),
        },
    )
    file_button(
        revision,
        rows.drop(columns="place").assign(evidence=demand.places["evidence"].loc[places].to_numpy()),
        shapes,
        name="patrols",
        title=words(N_("Enforcement")),
        method=words(N_("windows of most expected violations, one shift an officer and day")),
        units=PATROL_UNITS,
        question=question_of(
            rules,
            scenario,
            place=choice.place,
            officers=int(officers),
            shift_h=int(shift),
            window_h=int(window),
            found_ratio=found / 100,
        ),
    )
    st.caption(
        words(
            N_(
                "Each officer works one shift a day, each window at one place; ways between places do not count."
            )
        )
    )


def works_part(
    revision: int,
    ground: ParkingGround,
    standing: Standing,
    need: Need,
    bays: Bays | None,
    scenario: Scenario | None,
) -> None:
    """Cells short of places again and again, and works by benefit for cost."""
    first, second = st.columns(2)
    vehicles = first.number_input(
        words(N_("An hour is short from so many vehicles")), 0.01, 50.0, 0.05, 0.05, key="short_vehicles"
    )
    share = second.slider(words(N_("Share of hours that must be short, %")), 0, 100, 10, 5, key="short_share")
    short = short_places(ground, need, least_vehicles=float(vehicles), least_ratio=share / 100)
    st.markdown(f"**{words(N_('Cells that are short again and again'))}**")
    if short.empty:
        st.caption(words(N_("No cell is, under these assumptions.")))
    else:
        _short_table(ground, standing, short)
    st.markdown(f"**{words(N_('Costed works'))}**")
    if bays is None or bays.blocks.empty:
        st.caption(words(N_("Work out bays first: their blocks are the works.")))
        return
    budget = st.number_input(
        words(N_("Budget of the works, yuan")),
        1_000.0,
        None,
        bays.question.budget,
        5_000.0,
        key="works_budget",
    )
    found = works(ground, need, standing.found.demand[UNIT_CELL], bays, float(budget))
    figures(
        [
            (N_("Works chosen"), f"{int(found.works['chosen'].sum()):,} / {len(found.works):,}"),
            (N_("Benefit, vehicle-hours a week"), f"{found.benefit:,.1f}"),
            (N_("No choice brings more than"), f"{found.upper_bound:,.1f}"),
            (N_("Cost, yuan"), f"{found.cost:,.0f}"),
        ]
    )
    table = found.works.assign(
        evidence=[words(EVIDENCE[each][1]) for each in found.works["evidence"]],
        per_1000=found.works["benefit_per_cost"] * 1000,
        street=[street_words(each, words) for each in found.works["street"]],
    )
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    data_table(
        "works",
        table[["rank", "street", "bays", "cost", "benefit", "per_1000", "evidence", "captures", "chosen"]],
        hide_index=True,
        width="stretch",
        key="works_table",
        column_config={
            "rank": number("#", width="small"),
            "street": texts(words(N_("Street"))),
            "bays": number(words(N_("Bays"))),
            "cost": number(words(N_("Cost, yuan")), format="localized"),
            "benefit": number(words(N_("Adds, vehicle-hours a week")), format="%.2f"),
            "per_1000": number(words(N_("for 1,000 yuan")), format="%.3f"),
            "evidence": texts(words(N_("Evidence"))),
            "captures": number(words(N_("Captures")), format="%.0f"),
            "chosen": st.column_config.CheckboxColumn(words(N_("Within the budget"))),
        },
    )
    file_button(
        revision,
        found.works,
        bays.shapes.dissolve("order")[[bays.shapes.geometry.name]].loc[found.works["order"]],
        name="works",
        title=words(N_("Costed works")),
        method=words(N_("works within a budget by benefit, as a knapsack with a bound")),
        units=WORK_UNITS,
        question=question_of(need.rules, scenario, budget=float(budget)),
    )


def _short_table(ground: ParkingGround, standing: Standing, short: pd.DataFrame) -> None:
    known = standing.found.demand[UNIT_CELL].places.loc[short["cell_id"]]
    worst = short["worst_hour"]
    table = pd.DataFrame(
        {
            "code": ground.shapes[UNIT_CELL].loc[short["cell_id"], "code"].to_numpy(),
            "hours": short["short_hours"],
            "mean": short["mean_unmet"],
            "worst": [f"{words(WEEKDAYS[hour // 24])} {hour % 24}:00" for hour in worst],
            "vehicle_hours": short["vehicle_hours"],
            "evidence": [words(EVIDENCE[each][1]) for each in known["evidence"]],
            "captures": known["captures"].to_numpy(),
        }
    )
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    data_table(
        "shortage",
        table,
        hide_index=True,
        width="stretch",
        key="short_table",
        column_config={
            "code": texts(words(N_("Unit cell"))),
            "hours": number(words(N_("Short hours a week"))),
            "mean": number(words(N_("Vehicles without a place then")), format="%.2f"),
            "worst": texts(words(N_("Worst hour"))),
            "vehicle_hours": number(words(N_("Vehicle-hours a week")), format="%.1f"),
            "evidence": texts(words(N_("Evidence"))),
            "captures": number(words(N_("Captures")), format="%.0f"),
        },
    )
