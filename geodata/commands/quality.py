"""Checking datasets and keeping what was found; cards of datasets."""

from __future__ import annotations

import json

from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.errors import InputError
from geodata import database
from geodata.errors import NotFound
from geodata.progress import Progress, silent
from geodata.queries.datasets import dataset_rows
from geodata.queries.quality import Check, check_dataset

__all__ = ["LONGEST", "check_datasets", "set_card"]

LONGEST = 400
"""Characters of a field of a card."""
KEPT_REVISIONS = 5
"""Checks of so many revisions of a dataset are kept."""


def check_datasets(
    name: str | None = None, progress: Progress = silent, *, again: bool = False
) -> dict[str, list[Check]]:
    """
    Checks a dataset, or all, and keeps what was found beside its revision; one transaction a dataset.

    Parameters
    ----------
    name
        Of a dataset; None: all.
    progress
        Told which is being checked.
    again
        Also those whose revision was checked before.

    Returns
    -------
    found
        Dataset → its checks, of those that were checked now.

    Raises
    ------
    NotFound
        If there is no such dataset.
    """
    with database.connection() as conn:
        known = {row.name: row.revision for row in dataset_rows(conn)}
        done = {
            row.name: row.revision
            for row in conn.execute(
                text("SELECT name, max(revision) AS revision FROM dataset_check GROUP BY name")
            )
        }
    if name is not None and name not in known:
        raise NotFound(
            "There is no dataset '{name}'.", "Choose one of: {names}.", name=name, names=", ".join(known)
        )
    wanted = [name] if name is not None else list(known)
    wanted = [each for each in wanted if again or name is not None or done.get(each) != known[each]]
    found: dict[str, list[Check]] = {}
    for at, each in enumerate(wanted):
        progress(at, len(wanted), "Checking datasets")
        with database.transaction() as session:
            found[each] = _check(session, each)
    progress(len(wanted), len(wanted), "The datasets are checked")
    return found


def _check(session: Session, name: str) -> list[Check]:
    session.execute(
        text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    )  # rows and revision of one moment
    revision = session.scalar(text("SELECT revision FROM dataset WHERE name = :name"), {"name": name})
    found = check_dataset(session, name)
    session.execute(
        text("DELETE FROM dataset_check WHERE name = :name AND revision = :revision"),
        {"name": name, "revision": revision},
    )
    for each in found:
        session.execute(
            text(
                "INSERT INTO dataset_check (name, revision, kind, subject, rows, faults, examples, seconds)"
                " VALUES (:name, :revision, :kind, :subject, :rows, :faults, :examples, :seconds)"
            ),
            {
                "name": name,
                "revision": revision,
                "kind": each.kind,
                "subject": each.subject,
                "rows": each.rows,
                "faults": each.faults,
                "examples": json.dumps(each.examples, ensure_ascii=False, default=str),
                "seconds": each.seconds,
            },
        )
    session.execute(
        text(
            "DELETE FROM dataset_check WHERE name = :name AND revision NOT IN (SELECT DISTINCT revision"
            " FROM dataset_check WHERE name = :name ORDER BY revision DESC LIMIT :kept)"
        ),
        {"name": name, "kept": KEPT_REVISIONS},
    )
    return found


def set_card(
    name: str,
    *,
    owner: str | None = None,
    contact: str | None = None,
    renew_days: float | None = None,
    note: str | None = None,
) -> None:
    """
    Writes who answers for a dataset and how often it is to be renewed; what is None or "" is not given.

    Raises
    ------
    NotFound
        If there is no such dataset.
    InputError
        If a text is too long or the days are not above 0.
    """
    texts = {"owner": owner, "contact": contact, "note": note}
    for field, value in texts.items():
        if value is not None and (len(value) > LONGEST or "\0" in value):
            raise InputError(
                "{field} has {length} characters.",
                "Keep it to {most}, without NUL.",
                field=field,
                length=len(value),
                most=LONGEST,
            )
    if renew_days is not None and not 0 < renew_days <= 36_500:
        raise InputError(
            "A dataset cannot be renewed every {days} days.", "Give days above 0.", days=renew_days
        )
    values = {field: (value or "").strip() or None for field, value in texts.items()}
    facts = {"name": name, "renew_days": renew_days, **values}
    with database.transaction() as session:
        names = [row.name for row in dataset_rows(session)]
        if name not in names:
            raise NotFound(
                "There is no dataset '{name}'.", "Choose one of: {names}.", name=name, names=", ".join(names)
            )
        session.execute(
            text(
                "INSERT INTO dataset_card (name, owner, contact, renew_days, note)"
                " VALUES (:name, :owner, :contact, :renew_days, :note) ON CONFLICT (name) DO UPDATE SET"
                " owner = excluded.owner, contact = excluded.contact, renew_days = excluded.renew_days,"
                " note = excluded.note, changed_at = now()"
            ),
            facts,
        )
        session.execute(
            text(
                "INSERT INTO audit (actor, action, subject, details)"
                " VALUES (current_user, 'card', :name, CAST(:details AS jsonb))"
            ),
            {"name": name, "details": json.dumps(facts, ensure_ascii=False)},
        )
