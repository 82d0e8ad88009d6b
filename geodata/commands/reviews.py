"""Applications to build cameras: submitted, decided, handed out; each of it stands in the audit."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Literal

import geopandas as gpd
import pandas as pd
from sqlalchemy import text

from analysis.errors import InputError, Term
from geodata import database
from geodata.errors import TwinError
from geodata.export.review import proposal_geojson, review_geojson
from geodata.queries.datasets import loaded_town
from geodata.queries.reviews import METHOD, Precheck, Review, read_review

__all__ = ["decide_review", "export_review", "note_export", "submit_review"]

OFFICE = Term("office")
WORDS_LENGTH = 120
REASONS_LENGTH = 4_000
NUMBERING = 20_250_401
"""Lock under which applications are numbered."""


def submit_review(title: str, applicant: str, proposed: gpd.GeoDataFrame, found: Precheck) -> str:
    """
    Stores an application with its sheet and returns its number, such as 2026-0001.

    Parameters
    ----------
    title
        What is to be built, for people.
    applicant
        The office that applies.
    proposed
        Its cameras in the town's metres.
    found
        The check of those cameras.

    Raises
    ------
    InputError
        If title or office is empty or too long.
    """
    title, applicant = _line(Term("title"), title), _line(OFFICE, applicant)
    with database.transaction() as session:
        town = loaded_town(session)
        year = dt.datetime.now(town.time_zone).year
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": NUMBERING})
        last = session.scalar(
            text("SELECT max(split_part(number, '-', 2)::int) FROM building_review WHERE number LIKE :year"),
            {"year": f"{year}-%"},
        )
        number = f"{year}-{int(last or 0) + 1:04d}"
        session.execute(
            text(
                "INSERT INTO building_review (number, title, applicant, proposal, sheet, revision, state)"
                " VALUES (:number, :title, :applicant, CAST(:proposal AS jsonb), CAST(:sheet AS jsonb), :revision,"
                " 'submitted')"
            ),
            {
                "number": number,
                "title": title,
                "applicant": applicant,
                "proposal": json.dumps(proposal_geojson(proposed, found.sheet), ensure_ascii=False),
                "sheet": json.dumps(_stored(found, town.name), ensure_ascii=False, allow_nan=False),
                "revision": found.revision,
            },
        )
        _audit(session, applicant, "submit", number, {"cameras": len(proposed), "advice": found.sheet.advice})
    return number


def decide_review(number: str, decision: Literal["approve", "return"], reasons: str, office: str) -> None:
    """
    Approves an application or returns it.

    Raises
    ------
    NotFound
        If there is no such application.
    InputError
        If no office is named, or an application is returned without a reason.
    TwinError
        If it has been decided already.
    """
    office, reasons = _line(OFFICE, office), reasons.strip()
    if decision not in ("approve", "return"):
        raise InputError("'{decision}' is no decision.", "Approve or return.", decision=decision)
    if decision == "return" and not reasons:
        raise InputError("An application cannot be returned without a reason.", "Say what has to be changed.")
    if len(reasons) > REASONS_LENGTH:
        raise InputError(
            "The reasons have {length} characters.",
            "Say it in {most}.",
            length=len(reasons),
            most=REASONS_LENGTH,
        )
    with database.transaction() as session:
        review = read_review(session.connection(), number)
        state = {"approve": "approved", "return": "returned"}[decision]
        done = session.execute(
            text(
                "UPDATE building_review SET state = :state, reasons = :reasons, decided_at = now(),"
                " decided_by = :office WHERE number = :number AND state = 'submitted' RETURNING number"
            ),
            {"state": state, "reasons": reasons or None, "office": office, "number": number},
        ).first()
        if done is None:
            raise TwinError(
                "Application {number} has been decided by {office} already.",
                "Submit a new one if things have changed.",
                number=number,
                office=review.decided_by,
            )
        _audit(
            session,
            office,
            decision,
            number,
            {"advice": review.sheet.get("advice"), "reasons": reasons, "revision": review.revision},
        )


def export_review(number: str, office: str) -> str:
    """The application as GeoJSON text; notes in the audit that `office` took it."""
    with database.transaction() as session:
        review = read_review(session.connection(), number)
        _audit(session, _line(OFFICE, office), "export", number, {"form": "geojson"})
    return review_geojson(review)


def note_export(review: Review, form: str, office: str) -> None:
    """Notes in the audit that `office` took the application in some form, such as pdf."""
    with database.transaction() as session:
        _audit(session, _line(OFFICE, office), "export", review.number, {"form": form})


def _stored(found: Precheck, town: str) -> dict[str, Any]:
    """The sheet with what it rests on."""
    return found.sheet.plain() | {
        "method": METHOD,
        "town": town,
        "crs_of_measures": f"EPSG:{found.epsg}",
        "code_profile": "GB/T 28181",
        "revision": found.revision,
        "sources": [dict(each) for each in found.sources],
        "simulated": found.simulated,
        "checked_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def _line(what: Term, value: str) -> str:
    """One line of words; InputError if it is empty or too long."""
    line = " ".join(str(value).split())
    if not 1 <= len(line) <= WORDS_LENGTH:
        raise InputError(
            "The {what} has {length} characters.",
            "Give it 1 to {most}.",
            what=what,
            length=len(line),
            most=WORDS_LENGTH,
        )
    return line


def _audit(session: Any, actor: str, action: str, number: str, details: Mapping[str, Any]) -> None:
    session.execute(
        text(
            "INSERT INTO audit (actor, action, subject, details)"
            " VALUES (:actor, :action, :subject, CAST(:details AS jsonb))"
        ),
        {
            "actor": actor,
            "action": action,
            "subject": f"building_review {number}",
            "details": json.dumps(
                {k: v for k, v in details.items() if not (isinstance(v, float) and pd.isna(v))},
                ensure_ascii=False,
            ),
        },
    )
