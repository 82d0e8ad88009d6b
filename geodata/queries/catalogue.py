"""The catalogue of datasets: cards, freshness, what each rests on and what rests on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from geodata.lineage import MADE_FROM, READ_BY_RUN, WRITTEN_BY_RUN
from geodata.models.describing import columns_of
from geodata.queries.frames import read_table
from geodata.queries.quality import scores, stored_checks

__all__ = ["Lineage", "catalogue", "catalogue_stamp", "history", "lineage"]

RUNS_SHOWN = 20


@dataclass(frozen=True, eq=False)
class Lineage:
    """
    What a dataset rests on and what rests on it.

    Attributes
    ----------
    inputs
        Datasets that the present revision was made from: dataset, used (their revision then; missing where it was not
        recorded), now (their revision today).
    outputs
        Datasets made from this one: dataset, used, now, of this one.
    runs
        The newest runs that read or wrote it: id, kind, role (read or written), revision, used (revision of this
        dataset then), method, created_at.
    """

    inputs: pd.DataFrame
    outputs: pd.DataFrame
    runs: pd.DataFrame

    @property
    def stale(self) -> list[str]:
        """Inputs that have changed since."""
        return [str(row.dataset) for row in self.inputs.itertuples() if row.now > row.used]


def catalogue_stamp(conn: Connection) -> str:
    """Changes when a card or a check does."""
    row = conn.execute(
        text(
            "SELECT (SELECT max(changed_at) FROM dataset_card)::text || '',"
            " (SELECT max(checked_at) FROM dataset_check)::text || '', (SELECT max(id) FROM run)"
        )
    ).one()
    return "/".join(str(part) for part in row)


def catalogue(conn: Connection) -> pd.DataFrame:
    """
    Every dataset, by name.

    Columns: name, town, source, licence, method, rows, revision, loaded_at, simulated, owner, contact, renew_days,
    note, score ([0, 1], missing where nothing was checked), checked_revision, checked_at, columns (their names).
    """
    rows = read_table(
        conn,
        "SELECT d.name, d.town, d.source, d.licence, d.method, d.rows, d.revision, d.loaded_at, d.simulated,"
        " c.owner, c.contact, c.renew_days, c.note FROM dataset d LEFT JOIN dataset_card c ON c.name = d.name"
        " ORDER BY d.name",
    )
    checks = stored_checks(conn)
    rows["score"] = rows["name"].map(scores(checks)).astype(float)
    newest = checks.groupby("name").agg(
        checked_revision=("revision", "max"), checked_at=("checked_at", "max")
    )
    rows = rows.merge(newest, how="left", left_on="name", right_index=True)
    rows["columns"] = [" ".join(each.name for each in columns_of(name)) for name in rows["name"]]
    return rows


def history(conn: Connection, name: str, most: int = 50) -> pd.DataFrame:
    """What was done to a dataset, the newest first: at, actor, action, revision, rows, method."""
    return read_table(
        conn,
        "SELECT at, actor, action, (details->>'revision')::bigint AS revision, (details->>'rows')::bigint AS rows,"
        " details->>'method' AS method FROM audit WHERE subject = :name ORDER BY id DESC LIMIT :most",
        {"name": name, "most": most},
    )


def lineage(conn: Connection, name: str) -> Lineage:
    """What a dataset rests on and what rests on it, as the audit and the runs tell."""
    present = dict(conn.execute(text("SELECT name, revision FROM dataset")).all())
    recorded = {
        row.subject: row.inputs
        for row in conn.execute(
            text(
                "SELECT DISTINCT ON (subject) subject, details->'inputs' AS inputs FROM audit"
                " WHERE action = 'write' ORDER BY subject, id DESC"
            )
        )
    }

    def rests(made: str) -> dict[str, int | None]:
        """Written before inputs were recorded: what the program makes it from, without a revision."""
        told = recorded.get(made)
        return dict.fromkeys(MADE_FROM.get(made, ())) if told is None else dict(told)

    inputs = [(each, used, present[each]) for each, used in sorted(rests(name).items()) if each in present]
    outputs = [
        (made, rests(made)[name], present.get(name)) for made in sorted(present) if name in rests(made)
    ]
    return Lineage(_uses(inputs), _uses(outputs), _runs(conn, name))


def _uses(rows: list[tuple[str, int | None, int | None]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["dataset", "used", "now"])
    return table.astype({"used": float, "now": float}) if len(table) else table


def _runs(conn: Connection, name: str) -> pd.DataFrame:
    """Runs that read or wrote a dataset; which revision of it they saw follows from the audit."""
    kinds = {kind: "read" for kind, names in READ_BY_RUN.items() if name in names}
    kinds |= {kind: "written" for kind, names in WRITTEN_BY_RUN.items() if name in names}
    rows = read_table(
        conn,
        "SELECT r.id, r.kind, r.revision, (SELECT max((a.details->>'revision')::bigint) FROM audit a"
        " WHERE a.subject = :name AND a.action = 'write' AND (a.details->>'revision')::bigint <= r.revision)"
        " AS used, r.method, r.created_at FROM run r WHERE r.kind = ANY (:kinds) ORDER BY r.id DESC LIMIT :most",
        {"name": name, "kinds": list(kinds), "most": RUNS_SHOWN},
    )
    rows.insert(2, "role", rows["kind"].map(kinds) if len(rows) else np.array([], dtype=object))
    return rows
