"""Tables of what a scenario changes of the parking estimate, on paper."""

from __future__ import annotations

from typing import Any

from layers.demand import EVIDENCE
from layers.i18n import N_
from layers.streets import place_name
from pages.paper.brief import Grid, Section
from pages.paper.telling import Say

__all__ = ["change_sections"]

HEADS = {"cells": N_("Unit cell"), "streets": N_("Street")}
CHANGED = {"cells": N_("Cells whose estimate changes"), "streets": N_("Streets whose estimate changes")}
MOST = {"cells": N_("Cells with most demand"), "streets": N_("Streets with most demand")}


def change_sections(told: dict[str, Any], say: Say) -> list[Section]:
    """
    Sections of cells and streets: what changes, and where demand is highest afterwards.

    Parameters
    ----------
    told
        From `geodata.export.parking_change.changed_places`.
    say
        In the reader's language.
    """
    note = say(
        "Violations begun per 100 m of kerb and hour, mean over the week, with the interval that holds the rate in"
        " 95 of 100 cases. Where intervals overlap, the order says little."
    )
    found = []
    for name, head in HEADS.items():
        part = told[name]
        heads = (
            say(head),
            say("Before the change"),
            say("95 % interval"),
            say("Evidence"),
            say("After the change"),
            say("95 % interval"),
            say("Evidence"),
        )
        rows = [(_name(row, say), *_end(row, 0, say), *_end(row, 1, say)) for row in part["rows"]]
        sentence = say("No estimate changes.")
        if part["changed"]:
            sentence = say(
                "{count:,} change; those first whose violations an hour change most.", count=part["changed"]
            )
        found.append(
            Section(
                say(CHANGED[name]),
                (sentence, note) if rows else (sentence,),
                Grid(heads, tuple(rows), (0.22, 0.11, 0.18, 0.1, 0.11, 0.18, 0.1), frozenset({1, 4}))
                if rows
                else None,
            )
        )
        most = [(_name(row, say), *_end(row, 1, say)) for row in part["most"]]
        if most:
            heads = (say(head), say("Per 100 m and hour"), say("95 % interval"), say("Evidence"))
            found.append(
                Section(
                    say(MOST[name]), (), Grid(heads, tuple(most), (0.4, 0.18, 0.24, 0.18), frozenset({1}))
                )
            )
    return found


def _name(row: dict[str, Any], say: Say) -> str:
    return str(row["code"]) if row.get("code") else place_name(row, say)


def _end(row: dict[str, Any], end: int, say: Say) -> tuple[str, str, str]:
    """Rate, interval and evidence before (0) or after (1)."""
    rate, low, high, evidence = (row[each][end] for each in ("rate_100", "lower95", "upper95", "evidence"))
    words = say(EVIDENCE[evidence][1])
    return ("–", "–", words) if rate is None else (f"{rate:.4f}", f"{low:.4f} – {high:.4f}", words)
