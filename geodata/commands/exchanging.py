"""What left the house as a package is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import text

from geodata import database

__all__ = ["note_package"]


def note_package(name: str, rows: Mapping[str, int], *, stills: bool, sha256: str) -> None:
    """
    Notes in the audit that a package was made.

    Parameters
    ----------
    name
        Its format.
    rows
        File → rows.
    stills
        Pictures went along.
    sha256
        Of the zip: whoever has a package can tell whether it is the one that was made here.
    """
    details = {"format": name, "rows": dict(rows), "stills": stills, "sha256": sha256}
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO audit (actor, action, subject, details)"
                " VALUES (current_user, 'exchange out', 'package', CAST(:details AS jsonb))"
            ),
            {"details": json.dumps(details)},
        )
