"""Taking a load back: what it added goes, what it changed is as it was."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geodata import database
from geodata.commands.datasets import Provenance, record
from geodata.commands.imports import actor
from geodata.errors import IngestError, NotFound
from geodata.models import Base
from geodata.queries.datasets import loaded_town

__all__ = ["unload"]


def unload(revision: int, *, force: bool = False) -> dict[str, int]:
    """
    Takes the load of a revision back, as a new revision; returns how many rows went and how many are as before.

    Parameters
    ----------
    revision
        Of the load, as `huiyan loads` lists it.
    force
        Also where rows were changed by something else since.

    Raises
    ------
    NotFound
        If no load has that revision.
    IngestError
        If it was taken back already, a later load of the same table stands, rows were changed since, or other rows
        refer to rows that would go. Nothing is changed then.
    """
    with database.transaction() as session:
        load = session.execute(
            text("SELECT * FROM load WHERE revision = :revision FOR UPDATE"), {"revision": revision}
        ).one_or_none()
        if load is None:
            raise NotFound(
                "No load has the revision {revision}.", "See them with huiyan loads.", revision=revision
            )
        _require_newest(session, load)
        table = Base.metadata.tables[load.dataset].name
        session.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
        if not force:
            _require_untouched(session, load, table)
        try:
            done = _restore(session, load.id, table)
        except IntegrityError as error:
            raise IngestError(
                "Rows of the load {revision} are referred to by others ({why}).",
                "Take those back first.",
                revision=revision,
                why=str(error.orig).splitlines()[0],
            ) from error
        was: dict[str, Any] | None = load.before
        if was is not None:
            made = Provenance(**was)
        else:
            made = Provenance("Huiyan", "unknown", "a load was taken back", simulated=False)
        now = record(session, table, loaded_town(session).name, made)
        session.execute(
            text(
                "UPDATE load SET rolled_back_at = now(), rolled_back_by = :actor, rolled_back_xid ="
                " (pg_current_xact_id()::text::numeric % 4294967296)::bigint WHERE id = :id"
            ),
            {"id": load.id, "actor": actor()},
        )
        session.execute(
            text(
                "INSERT INTO audit (actor, action, subject, details) VALUES (:actor, 'unload', :table,"
                " jsonb_build_object('revision', cast(:revision AS bigint), 'now', cast(:now AS bigint),"
                " 'removed', cast(:removed AS bigint), 'restored', cast(:restored AS bigint)))"
            ),
            {"actor": actor(), "table": table, "revision": revision, "now": now, **done},
        )
        return done


def _require_newest(session: Session, load: Any) -> None:
    if load.rolled_back_at is not None:
        raise IngestError(
            "The load {revision} was taken back already.", "There is nothing to do.", revision=load.revision
        )
    later = session.scalars(
        text(
            "SELECT revision FROM load WHERE dataset = :dataset AND id > :id AND rolled_back_at IS NULL"
            " ORDER BY id DESC"
        ),
        {"dataset": load.dataset, "id": load.id},
    ).all()
    if later:
        raise IngestError(
            "Later loads stand on the load {revision}: {later}.",
            "Take those back first, the newest before the others.",
            revision=load.revision,
            later=", ".join(map(str, later)),
        )


def _require_untouched(session: Session, load: Any, table: str) -> None:
    """Rows that somebody wrote since are told by the transaction that wrote them."""
    touched = session.scalar(
        text(
            f"SELECT count(*) FROM load_row r LEFT JOIN {table} t ON t.id = r.row_id"  # noqa: S608
            " WHERE r.load_id = :id AND (t.id IS NULL OR t.xmin::text::bigint <> ALL (:own))"
        ),
        {"id": load.id, "own": [load.xid, *_later_ends(session, load)]},
    )
    if touched:
        raise IngestError(
            "{count:,} rows of the load {revision} were changed or deleted since.",
            "Taking it back would undo that too; force it if you want so.",
            count=int(touched),
            revision=load.revision,
        )


def _later_ends(session: Session, load: Any) -> list[int]:
    """Transactions that put rows of this load back, when later loads were taken back."""
    return list(
        session.scalars(
            text(
                "SELECT rolled_back_xid FROM load WHERE dataset = :dataset AND id > :id"
                " AND rolled_back_xid IS NOT NULL"
            ),
            {"dataset": load.dataset, "id": load.id},
        )
    )


def _restore(session: Session, load: int, table: str) -> dict[str, int]:
    """Deletes what was added, puts back what was changed, and forgets both."""
    columns = [each.name for each in Base.metadata.tables[table].columns if each.name not in ("id", "g3857")]
    restored = session.execute(
        text(
            f"UPDATE {table} t SET ({', '.join(columns)}) = (SELECT {', '.join(f'b.{c}' for c in columns)}"  # noqa: S608
            f" FROM jsonb_populate_record(NULL::{table}, r.before) b) FROM load_row r"
            " WHERE r.load_id = :load AND r.row_id = t.id AND r.before IS NOT NULL"
        ),
        {"load": load},
    ).rowcount
    removed = session.execute(
        text(
            f"DELETE FROM {table} t USING load_row r"  # noqa: S608
            " WHERE r.load_id = :load AND r.row_id = t.id AND r.before IS NULL"
        ),
        {"load": load},
    ).rowcount
    session.execute(text("DELETE FROM load_row WHERE load_id = :load"), {"load": load})
    return {"removed": int(removed), "restored": int(restored)}
