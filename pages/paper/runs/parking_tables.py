"""Tables of a parking plan on paper: bays, tariffs, patrols, short cells, works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from layers.demand import EVIDENCE
from layers.i18n import N_
from layers.streets import place_name
from pages.paper.brief import Grid, Section
from pages.paper.runs.asked import WEEKDAYS, yes_no
from pages.paper.telling import Say

__all__ = ["plan_sections"]

MOST_ROWS = 60
KINDS = {"kerb": N_("Bays"), "car_park": N_("Car parks")}


def plan_sections(held: dict[str, Any], figures: dict[str, Any], say: Say) -> list[Section]:
    """
    Sections of what a plan has.

    Parameters
    ----------
    held
        Name → FeatureCollection.
    figures
        Of the run.
    say
        In the reader's language.
    """
    tables = {
        "bays": _bays,
        "works": _works,
        "tariffs": _tariffs,
        "patrols": _patrols,
        "short": _short,
    }
    found = []
    for name, table in tables.items():
        if name in held:
            rows = [{"id": each.get("id"), **each["properties"]} for each in held[name]["features"]]
            found.append(table(rows, figures, say))
    return found


def _bays(rows: list[dict[str, Any]], figures: dict[str, Any], say: Say) -> Section:
    told = figures["bays"]
    sentence = say(
        "{new:,} new bays for {cost:,.0f} yuan: {before:,.1f} → {after:,.1f} vehicle-hours a week are served of"
        " {wanted:,.1f} that are wanted. No choice within the budget serves more than {bound:,.1f} (gap {gap:.1%}).",
        new=told["new"],
        cost=told["cost"],
        before=told["served_before"],
        after=told["served_after"],
        wanted=told["wanted"],
        bound=told["upper_bound"],
        gap=told["gap_ratio"],
    )
    heads = ("#", say("Street"), say("Bays"), say("Cost, yuan"), say("Adds, vehicle-hours a week"))
    body = [
        (
            str(row["order"]),
            place_name(row, say),
            f"{row['bays']:,.0f}",
            f"{row['cost']:,.0f}",
            f"{row['gain']:,.2f}",
        )
        for row in rows
    ]
    return _section(say("New bays"), (sentence,), heads, body, (0.08, 0.4, 0.12, 0.16, 0.24), {2, 3, 4}, say)


def _works(rows: list[dict[str, Any]], figures: dict[str, Any], say: Say) -> Section:
    told = figures["works"]
    sentence = say(
        "Within {budget:,.0f} yuan: {benefit:,.1f} vehicle-hours a week for {cost:,.0f} yuan; no choice brings more"
        " than {bound:,.1f}.",
        budget=told["budget"],
        benefit=told["benefit"],
        cost=told["cost"],
        bound=told["upper_bound"],
    )
    heads = (
        "#",
        say("Street"),
        say("Bays"),
        say("Cost, yuan"),
        say("Adds, vehicle-hours a week"),
        say("Evidence"),
        say("Within the budget"),
    )
    body = [
        (
            f"{row['rank']:.0f}",
            place_name(row, say),
            f"{row['bays']:,.0f}",
            f"{row['cost']:,.0f}",
            f"{row['benefit']:,.2f}",
            say(EVIDENCE[row["evidence"]][1]),
            yes_no(bool(row["chosen"]), say),
        )
        for row in rows
    ]
    widths = (0.06, 0.3, 0.09, 0.13, 0.17, 0.13, 0.12)
    return _section(say("Costed works"), (sentence,), heads, body, widths, {2, 3, 4}, say)


def _tariffs(rows: list[dict[str, Any]], _figures: dict[str, Any], say: Say) -> Section:
    heads = (
        say("Street or car park"),
        say("Kind"),
        say("Legal places"),
        say("Occupancy"),
        say("95 % interval"),
        say("Tariff, yuan an hour"),
        say("Next tariff"),
        say("Occupancy to expect"),
    )
    body = [
        (
            place_name(row, say),
            say(KINDS.get(row["kind"], row["kind"])),
            f"{row['capacity']:,.0f}",
            f"{row['occupancy']:.0%}",
            _span(row, "lower", "upper"),
            f"{row['tariff']:.2f}",
            f"{row['new_tariff']:.2f}",
            _span(row, "expected_lower", "expected_upper"),
        )
        for row in rows
    ]
    note = say(
        "Steps as SFpark's (2014) on the occupancy of the hours chosen: the share assumed to be taken and those who"
        " park badly now, put into the nearest places. Nobody counts vacancies here yet."
    )
    widths = (0.24, 0.1, 0.09, 0.11, 0.14, 0.1, 0.09, 0.13)
    return _section(say("Tariff"), (note,), heads, body, widths, {2, 3, 4, 5, 6, 7}, say)


def _patrols(rows: list[dict[str, Any]], figures: dict[str, Any], say: Say) -> Section:
    found = figures["found"]
    note = say(
        "Found in a week: {expected:,.0f} ({lower:,.0f} – {upper:,.0f}; the ends of all windows are added up, as if all"
        " places were wrong alike). Each officer works one shift a day; ways between places do not count.",
        expected=found[0],
        lower=found[1],
        upper=found[2],
    )
    heads = (
        say("Day"),
        say("Hours"),
        say("Place"),
        say("Violations found"),
        say("95 % interval"),
        say("Evidence"),
    )
    body = [
        (
            say(WEEKDAYS[int(row["day"])]),
            f"{int(row['hour']) % 24}:00–{int(row['hour']) % 24 + int(row['hours'])}:00",
            str(row.get("code") or place_name(row, say)),
            f"{row['expected']:.2f}",
            f"{row['lower']:.1f} – {row['upper']:.1f}",
            say(EVIDENCE[row["evidence"]][1]),
        )
        for row in rows
    ]
    widths = (0.14, 0.14, 0.26, 0.15, 0.16, 0.15)
    return _section(say("Enforcement"), (note,), heads, body, widths, {3, 4}, say)


def _short(rows: list[dict[str, Any]], _figures: dict[str, Any], say: Say) -> Section:
    heads = (
        say("Unit cell"),
        say("Short hours a week"),
        say("Vehicles without a place then"),
        say("Worst hour"),
        say("Vehicle-hours a week"),
        say("Evidence"),
    )
    body = [
        (
            str(row["code"]),
            f"{row['short_hours']:,.0f}",
            f"{row['mean_unmet']:.2f}",
            f"{say(WEEKDAYS[int(row['worst_hour']) // 24])} {int(row['worst_hour']) % 24}:00",
            f"{row['vehicle_hours']:,.1f}",
            say(EVIDENCE[row["evidence"]][1]),
        )
        for row in rows
    ]
    none = () if rows else (say("No cell is, under these assumptions."),)
    widths = (0.26, 0.13, 0.17, 0.17, 0.14, 0.13)
    return _section(say("Cells that are short again and again"), none, heads, body, widths, {1, 2, 4}, say)


def _section(
    title: str,
    sentences: tuple[str, ...],
    heads: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    widths: tuple[float, ...],
    numbers: set[int],
    say: Say,
) -> Section:
    """A table of its first rows, which says how many it leaves to its file."""
    if len(rows) > MOST_ROWS:
        sentences += (say(N_("The first {count} of {all}."), count=MOST_ROWS, all=len(rows)),)
    grid = Grid(heads, tuple(rows[:MOST_ROWS]), widths, frozenset(numbers)) if rows else None
    return Section(title, sentences, grid)


def _span(row: dict[str, Any], low: str, high: str) -> str:
    ends = row.get(low), row.get(high)
    return "–" if None in ends else f"{ends[0]:.0%} – {ends[1]:.0%}"
