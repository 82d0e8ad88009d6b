"""What the Parking screen shows: view, number, cells or streets, hours of the week, place; all of it in the address."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from geodata.queries.parking import DAYS, EDGE, PLACES, UNIT_CELL, week_hours
from geodata.queries.parking_access import FARTHEST_M, Rules
from layers.i18n import N_
from layers.parking import MEASURES, VIEWS
from pages.session import address, recall, remember, set_address, words
from pages.widgets.map import Click

__all__ = ["KEYS", "Choice", "choose", "choose_rules", "chosen_place", "hours_told"]

KEYS = {UNIT_CELL: "cell_id", EDGE: "street_edge_id"}
"""Kind of place → property of its tiles that holds the id."""
PLACE_NAMES = {UNIT_CELL: N_("Unit cells"), EDGE: N_("Streets")}
SHORT = {UNIT_CELL: "cell", EDGE: "street"}
DAY_NAMES = {
    "all": N_("Every day"),
    "work": N_("Monday to Friday"),
    "rest": N_("Saturday and Sunday"),
    "0": N_("Monday"),
    "1": N_("Tuesday"),
    "2": N_("Wednesday"),
    "3": N_("Thursday"),
    "4": N_("Friday"),
    "5": N_("Saturday"),
    "6": N_("Sunday"),
}


@dataclass(frozen=True)
class Choice:
    """
    What is to be seen.

    Attributes
    ----------
    view, number
        Of layers.parking.
    place
        Kind of place.
    days, begin, end
        Kind of day; hours of the day, the last one not in it.
    """

    view: str
    number: str
    place: str
    days: str
    begin: int
    end: int

    @property
    def hours(self) -> tuple[int, ...]:
        """Hours of the week."""
        return week_hours(self.days, self.begin, self.end)

    @property
    def whole_week(self) -> bool:
        """All hours."""
        return self.days == "all" and (self.begin, self.end) == (0, 24)


def choose() -> Choice:
    """The bar above the map."""
    view = _among(address("view"), VIEWS, "demand")
    titles = {name: words(title) for name, (title, _) in VIEWS.items()}
    picked = st.segmented_control(
        words(N_("View")),
        list(VIEWS),
        format_func=titles.__getitem__,
        default=view,
        key="parking_view",
        label_visibility="collapsed",
    )
    view = picked or view
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="parking_bar"):
        names = {name: words(title) for name, title in PLACE_NAMES.items()}
        short = {value: name for name, value in SHORT.items()}
        first = short.get(str(address("of")), UNIT_CELL)
        place = (
            st.segmented_control(
                words(N_("Place")),
                list(PLACES),
                format_func=names.__getitem__,
                default=first,
                key="parking_place",
            )
            or first
        )
        days, begin, end = _hours()
        numbers = VIEWS[view][1]
        number = numbers[0]
        if len(numbers) > 1:
            shown = {name: words(MEASURES[name].title) for name in numbers}
            number = (
                st.segmented_control(
                    words(N_("Shown")),
                    list(numbers),
                    format_func=shown.__getitem__,
                    default=_among(address("shown"), numbers, numbers[0]),
                    key=f"parking_shown_{view}",
                )
                or number
            )
    choice = Choice(view, number, place, days, begin, end)
    set_address(
        view=view,
        of=SHORT[place],
        days=None if choice.whole_week else days,
        hours=None if choice.whole_week else f"{begin}-{end}",
        shown=number if number != numbers[0] else None,
    )
    return choice


def chosen_place(choice: Choice, click: Click | None, there: object) -> int | None:
    """
    The place that is selected: the newest click, or the one of the address; None if it is of another kind or gone.

    `there` holds the ids that exist.
    """
    key = KEYS[choice.place]
    held = address("place")
    if click is not None:
        for name, prop in KEYS.items():
            if prop in click.properties:
                told = f"{SHORT[name]}:{int(click.properties[prop])}"
                if told != recall("parking_click"):  # an old click does not undo what the address says
                    remember("parking_click", told)
                    set_address(place=told)
                    held = told
    kind, _, number = (held or "").partition(":")
    if kind != SHORT[choice.place] or not number.isdecimal() or int(number) not in there:  # type: ignore[operator]
        return None
    assert key
    return int(number)


def choose_rules() -> Rules:
    """Assumptions about those who park, with where they come from."""
    usual = Rules()
    with st.expander(words(N_("Assumptions: walk, stay, free places")), icon=":material/tune:"):
        limit = st.slider(
            words(N_("Walking limit, m")), 100, int(FARTHEST_M), int(usual.limit_m), 50, key="parking_limit"
        )
        st.caption(words(N_("300 m is about four minutes on foot; this project's own assumption.")))
        stay = st.slider(words(N_("Mean stay, minutes")), 5, 240, int(usual.stay_min), 5, key="parking_stay")
        st.caption(
            words(
                N_(
                    "The mean of the simulated violations; replace it by a survey. Vehicles at a time = begun × stay."
                )
            )
        )
        free = st.slider(
            words(N_("Free share of legal places, %")),
            0,
            100,
            round(usual.free_ratio * 100),
            5,
            key="parking_free",
        )
        st.caption(
            words(
                N_(
                    "Nobody counts vacancies here yet: assumed as in the middle of SFpark's target, 70 % full."
                )
            )
        )
    return Rules(float(limit), float(stay), free / 100)


def hours_told(choice: Choice) -> str:
    """The hours in words."""
    if choice.whole_week:
        return words(N_("whole week"))
    return f"{words(DAY_NAMES[choice.days])} {choice.begin}:00–{choice.end}:00"


def _hours() -> tuple[str, int, int]:
    days = _among(address("days"), DAYS, "all")
    begin, end = _span(address("hours"))
    turn = int(recall("parking_turn", 0))
    names = {name: words(DAY_NAMES[name]) for name in DAYS}
    days = st.selectbox(
        words(N_("Days of the week")),
        list(DAY_NAMES),
        index=list(DAY_NAMES).index(days),
        format_func=names.__getitem__,
        key=f"parking_days_{turn}",
        width=190,
    )
    begin, end = st.slider(
        words(N_("Hours of the day")),
        0,
        24,
        (begin, end),
        format="%d:00",
        key=f"parking_hours_{turn}",
        width=260,
    )
    if begin == end:
        begin, end = (begin, begin + 1) if begin < 24 else (23, 24)
    if st.button(words(N_("Whole week")), key="parking_whole", disabled=(days, begin, end) == ("all", 0, 24)):
        remember("parking_turn", turn + 1)
        set_address(days=None, hours=None)
        st.rerun()
    return days, begin, end


def _span(told: str | None) -> tuple[int, int]:
    """Hours of the address, as far as they make sense."""
    first, _, last = (told or "").partition("-")
    if first.isdecimal() and last.isdecimal() and 0 <= int(first) < int(last) <= 24:
        return int(first), int(last)
    return 0, 24


def _among(told: str | None, choices: object, default: str) -> str:
    return told if told is not None and told in choices else default  # type: ignore[operator]
