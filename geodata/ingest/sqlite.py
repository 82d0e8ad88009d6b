"""GeoPackages are databases: what in them would compute instead of being read is refused before anybody opens them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from geodata.errors import IngestError
from geodata.ingest.camera_columns import told_text

__all__ = ["SQLITE_MAGIC", "require_tables_only"]

SQLITE_MAGIC = b"SQLite format 3\x00"
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_NAME = r"""(?:"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|[^\s"'`\[(]+)"""
_COMPUTES = re.compile(
    r"\s*create\s+(?:(?:temp|temporary)\s+)?(?:view\b|virtual\s+table\b"
    rf"(?!\s+(?:if\s+not\s+exists\s+)?{_NAME}\s+using\s+[\"'`\[]?rtree[\"'`\]]?\s*\())",
    re.IGNORECASE,
)
"""A view may run for ever; the only virtual tables that the format knows are spatial indexes."""
_COMPUTED_COLUMN = re.compile(r"\bgenerated\s+always\b|\bas\s*\(", re.IGNORECASE)
_CALL = re.compile(r"""([\w"'`\]]+)\s*\(""")
KNOWN_CALLS = frozenset({"code4name"})
USUAL = frozenset({"st_spatial_ref_sys", "st_geometry_columns", "spatial_ref_sys", "geometry_columns"})
"""Views that some programs write, after a recommendation of the first edition of the format."""


def require_tables_only(name: str, path: Path) -> None:
    """
    Reads the list of what a GeoPackage holds, and nothing of it.

    Parameters
    ----------
    name
        As the person calls it.
    path
        Where it lies; not written to.

    Raises
    ------
    IngestError
        If it is damaged, or holds a view, a virtual table or a computed column.
    """
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as link:
            held = link.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    except sqlite3.Error as error:
        raise IngestError(
            "{name} cannot be read ({why}).", "Export it again.", name=name, why=told_text(str(error))
        ) from error
    for kind, what, statement in held:
        plain = _COMMENT.sub(" ", str(statement))
        if kind == "table" and _COMPUTED_COLUMN.search(plain):
            raise IngestError(
                "{name} holds a table with a computed column: {what}.",
                "Export the rows themselves, into a GeoPackage of tables only.",
                name=name,
                what=told_text(str(what)),
            )
        if _COMPUTES.match(plain) and not (what in USUAL and _simple(plain)):
            raise IngestError(
                "{name} holds a view: {what}.",
                "Export the rows themselves, into a GeoPackage of tables only.",
                name=name,
                what=told_text(str(what)),
            )


def _simple(view: str) -> bool:
    """It looks up one table, or joins two, calls nothing that could take long, and nothing more."""
    words = re.findall(r"[a-z_]+", view.lower())
    return (
        words.count("select") == 1
        and words.count("join") <= 1
        and "with" not in words
        and "," not in (view.lower().rpartition("from")[2])
        and KNOWN_CALLS.issuperset(_CALL.findall(view.lower()))
    )
