"""`huiyan catalogue`, `check` and `card`: datasets, their quality, and who answers for them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any

import typer

from geodata import database
from layers.i18n import translate
from pages.terminal.console import console, language, progress_bar, say, tells_mistakes
from pages.terminal.opening import open_database

__all__ = ["card", "catalogue", "check"]

PLAIN = ("name", "source", "licence", "method", "rows", "revision", "simulated", "owner", "contact")


@tells_mistakes
def catalogue(
    search: Annotated[str, typer.Argument(help="Words that must all be found; all datasets if none.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List datasets with rows, revision, quality, age and owner."""
    from geodata.queries.catalogue import catalogue as read_catalogue
    from layers.datasets import DATASET_NAMES, FRESHNESS, freshness, matches, searched

    with open_database(), database.connection() as conn:
        rows = read_catalogue(conn)
    now = dt.datetime.now(dt.UTC)
    told: list[dict[str, Any]] = []
    for row in rows.to_dict(orient="records"):
        texts = [row[name] for name in ("source", "licence", "method", "owner", "contact", "note", "columns")]
        if not matches(searched(row["name"], texts), search):
            continue
        age, state = freshness(row["loaded_at"], now, row["renew_days"])
        plain = {name: row[name] for name in PLAIN}
        told.append(
            plain
            | {
                "title": translate(DATASET_NAMES.get(row["name"], row["name"]), language()),
                "loaded_at": row["loaded_at"].isoformat(),
                "age_days": round(age, 2),
                "freshness": state,
                "renew_days": None if row["renew_days"] != row["renew_days"] else row["renew_days"],
                "quality": None if row["score"] != row["score"] else round(row["score"], 6),
                "columns": row["columns"].split(),
            }
        )
    if as_json:
        console.print_json(json.dumps(told, ensure_ascii=False))
        return
    for each in told:
        quality = "–" if each["quality"] is None else f"{each['quality']:.1%}"
        fresh = translate(FRESHNESS[each["freshness"]], language())
        console.print(
            f"{each['name']:>18} {each['rows']:>11,} r{each['revision']:<5} {quality:>7} {each['age_days']:>7.1f} d"
            f"  {fresh}  {each['owner'] or '–'}  {each['title']}",
            highlight=False,
            soft_wrap=True,
        )


@tells_mistakes
def check(
    dataset: Annotated[str | None, typer.Argument(help="Dataset; all that changed if not given.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were checked before.")] = False,
) -> None:
    """Check codes, geometry, duplicates, times and what is not given; keep what was found."""
    from geodata.commands.quality import check_datasets
    from layers.datasets import CHECK_NAMES

    with open_database(), progress_bar() as progress:
        found = check_datasets(dataset, progress, again=again)
    if not found:
        say("Nothing has changed since it was checked.")
    for name, checks in found.items():
        wrong = [each for each in checks if each.faults and each.kind != "null"]
        if not wrong:
            say("{name}: {checks} checks, nothing wrong", name=name, checks=len(checks))
        for each in wrong:
            say(
                "{name}: {check} ({subject}): {faults:,} of {rows:,} rows fail",
                name=name,
                check=translate(CHECK_NAMES[each.kind], language()),
                subject=each.subject,
                faults=each.faults,
                rows=each.rows,
            )


@tells_mistakes
def card(
    dataset: Annotated[str, typer.Argument(help="Dataset.")],
    owner: Annotated[str | None, typer.Option(help="Office that answers for it.")] = None,
    contact: Annotated[str | None, typer.Option(help="Unit to ask.")] = None,
    renew_days: Annotated[
        float | None, typer.Option("--renew", help="Renewed at least every so many days.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Anything else.")] = None,
) -> None:
    """Say who answers for a dataset and how often it is to be renewed."""
    from geodata.commands.quality import set_card

    with open_database():
        set_card(dataset, owner=owner, contact=contact, renew_days=renew_days, note=note)
    say("The card of {name} is written", name=dataset)
