"""The divisions of the town to choose from, and what kinds of violations there are."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from geodata.queries.frames import read_table

__all__ = ["AreaChoice", "areas", "violation_kinds"]


@dataclass(frozen=True)
class AreaChoice:
    """
    A county, street or community.

    Attributes
    ----------
    code
        6, 9 or 12 digits.
    kind
        county, street or community.
    name_zh, name_en
        Its own name with the street's before it, where it is a community.
    bounds
        West, south, east, north, degrees.
    """

    code: str
    kind: str
    name_zh: str
    name_en: str
    bounds: tuple[float, float, float, float]

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of its middle, degrees."""
        west, south, east, north = self.bounds
        return (west + east) / 2, (south + north) / 2


def areas(conn: Connection) -> list[AreaChoice]:
    """All divisions by their codes, so that each street stands before its communities."""
    rows = conn.execute(
        text(
            "SELECT a.code, a.kind, a.name_zh, a.name_en, p.name_zh AS over_zh, p.name_en AS over_en, p.kind AS over,"
            " ST_XMin(a.geom), ST_YMin(a.geom), ST_XMax(a.geom), ST_YMax(a.geom)"
            " FROM area a LEFT JOIN area p ON p.id = a.parent_id ORDER BY a.code"
        )
    ).all()
    found = []
    for code, kind, name_zh, name_en, over_zh, over_en, over, *box in rows:
        streeted = over == "street"
        names = (f"{over_zh} · {name_zh}", f"{over_en} · {name_en}") if streeted else (name_zh, name_en)
        found.append(AreaChoice(code, kind, *names, tuple(box)))  # type: ignore[arg-type]
    return found


def violation_kinds(conn: Connection) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Classes of the violations there are (code → Chinese and English name), and their sources."""
    rows = read_table(
        conn,
        "SELECT v.class_code, v.source, e.name_zh, e.name_en FROM (SELECT DISTINCT class_code, source FROM violation) v"
        " LEFT JOIN event_class e ON e.code = v.class_code ORDER BY 1, 2",
    )
    classes = {
        row.class_code: (row.name_zh or row.class_code, row.name_en or row.class_code)
        for row in rows.itertuples()
    }
    return classes, sorted(set(rows["source"]))
