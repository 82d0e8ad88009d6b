"""One dataset: card, quality, lineage, history, preview, columns."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any

import pandas as pd
import streamlit as st

from analysis.errors import HuiyanError
from geodata.commands.quality import LONGEST, set_card
from geodata.models.describing import columns_of, sentence_of
from geodata.queries.catalogue import Lineage
from layers.datasets import (
    ACTIONS,
    CHECK_NAMES,
    DATASET_NAMES,
    FRESHNESS,
    GEOMETRY_CHECKS,
    RUN_KINDS,
    freshness,
    preview_layer,
)
from layers.deck import tile_layer, view_state
from layers.i18n import N_, explain
from pages import cached, cached_scenes
from pages.session import language, listed, words
from pages.widgets.legend import legend, shown_sources
from pages.widgets.map import show_map
from pages.widgets.screen import fact_table, simulated_mark, told
from pages.widgets.taking import data_table

__all__ = ["detail"]

YES_NO = {True: N_("may be empty"), False: N_("always given")}
ROLES = {"read": N_("read it"), "written": N_("wrote it")}


def detail(revision: int, stamp: str, row: pd.Series[Any]) -> None:
    """All that is known of one dataset."""
    name = str(row["name"])
    mark = f" {simulated_mark()}" if row["simulated"] else ""
    st.html(f"<h2>{html.escape(_title(name))} <code>{html.escape(name)}</code>{mark}</h2>")
    left, right = st.columns([1, 1], gap="medium")
    with left:
        _card(row)
        _edit(row)
    with right:
        _preview(revision, name, int(row["rows"]))
    _quality(cached_scenes.dataset_checks(revision, stamp, name), row)
    _lineage(name, int(row["revision"]), cached_scenes.dataset_lineage(revision, stamp, name))
    _history(cached_scenes.dataset_history(revision, stamp, name))
    _columns(name)


def _title(name: str) -> str:
    return words(DATASET_NAMES.get(name, name))


def _meaning(said: str) -> str:
    """What a column means, as `layers.columns` has it; a dash where its name says enough."""
    return words(said) if said else "–"


def _given(value: Any) -> str:
    return str(value) if isinstance(value, str) and value else "–"


def _card(row: pd.Series[Any]) -> None:
    age, state = freshness(row["loaded_at"], dt.datetime.now(dt.UTC), row["renew_days"])
    told = words(N_("{days:.1f} days"), days=age)
    if not pd.isna(row["renew_days"]):
        told += " / " + words(N_("{days:.1f} days"), days=row["renew_days"])
    fact_table(
        [
            (words(N_("Owner")), _given(row["owner"])),
            (words(N_("Contact unit")), _given(row["contact"])),
            (words(N_("Source")), words(row["source"])),
            (words(N_("Licence")), words(row["licence"])),
            (words(N_("Method")), words(row["method"])),
            (words(N_("Rows")), f"{row['rows']:,}"),
            (words(N_("Revision")), f"{row['revision']}"),
            (words(N_("Loaded (UTC)")), f"{row['loaded_at']:%Y-%m-%d %H:%M}"),
            (words(N_("Age against renewal")), f"{told} · {words(FRESHNESS[state])}"),
            (words(N_("Remark")), _given(row["note"])),
        ]
    )


def _edit(row: pd.Series[Any]) -> None:
    name = str(row["name"])
    with (
        st.expander(words(N_("Who answers for it, and how often it is renewed")), icon=":material/edit:"),
        st.form(f"card_{name}", border=False),
    ):
        st.caption(words(N_("Name offices and units, not persons.")))
        owner = st.text_input(words(N_("Owner")), value=row["owner"] or "", max_chars=LONGEST)
        contact = st.text_input(words(N_("Contact unit")), value=row["contact"] or "", max_chars=LONGEST)
        days = st.number_input(
            words(N_("Renewed at least every, days (0: not agreed)")),
            min_value=0.0,
            value=0.0 if pd.isna(row["renew_days"]) else float(row["renew_days"]),
            step=1.0,
        )
        note = st.text_input(words(N_("Remark")), value=row["note"] or "", max_chars=LONGEST)
        if st.form_submit_button(words(N_("Save the card"))):
            with told():
                set_card(name, owner=owner, contact=contact, renew_days=days or None, note=note)
                st.rerun()


def _preview(revision: int, name: str, rows: int) -> None:
    layer = preview_layer(name)
    if layer is None:
        st.caption(words(N_("No layer of its own: nothing to draw.")))
        return
    town = cached.town(revision)
    sources, simulated = shown_sources(cached.register(revision), [layer])
    show_map(
        f"catalogue_map_{name}",
        [tile_layer(layer, revision=revision, pickable=False)],
        view_state(town.centre, town.zoom - 0.5),
        sources,
        simulated=simulated,
        height_px=320,
        selectable=False,
        told=words(N_("{rows:,} rows in the dataset."), rows=rows),
    )
    legend([layer])
    st.html(
        f'<a class="hy-get" href="/api/export/{layer.id}.geojson" download>'
        f"{html.escape(layer.id)}.geojson</a>"
    )


def _quality(checks: pd.DataFrame, row: pd.Series[Any]) -> None:
    st.subheader(words(N_("Quality")), anchor=False)
    if checks.empty:
        st.caption(words(N_("Not checked yet: press the button above, or run the command.")))
        st.code(f"huiyan check {row['name']}", language=None)
        return
    score = "–" if pd.isna(row["score"]) else f"{row['score']:.1%}"
    st.caption(
        words(
            N_("Score {score}; revision {revision} checked {at} UTC."),
            score=score,
            revision=int(checks["revision"].iloc[0]),
            at=f"{checks['checked_at'].iloc[0]:%Y-%m-%d %H:%M}",
        )
    )
    if int(checks["revision"].iloc[0]) != int(row["revision"]):
        st.warning(words(N_("The dataset has changed since it was checked.")), icon=":material/history:")
    table = checks.assign(
        check=[words(CHECK_NAMES[kind]) for kind in checks["kind"]],
        what=[words(GEOMETRY_CHECKS.get(subject, subject)) for subject in checks["subject"]],
        share=checks["faults"] / checks["rows"].where(checks["rows"] > 0),
        seen=[_examples(each) for each in checks["examples"]],
    )
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    data_table(
        "checks",
        table[["check", "what", "rows", "faults", "share", "seen"]],
        hide_index=True,
        height=36 * (min(len(table), 12) + 1) + 3,
        key="catalogue_checks",
        column_config={
            "check": text(words(N_("Check"))),
            "what": text(words(N_("Of what"))),
            "rows": number(words(N_("Rows looked at")), format="localized"),
            "faults": number(words(N_("Rows that fail")), format="localized"),
            "share": number(words(N_("Share")), format="percent"),
            "seen": text(words(N_("Examples: row, value, reason")), width="large"),
        },
    )


def _examples(examples: list[dict[str, Any]]) -> str:
    parts = []
    for each in examples:
        reason = f" ({explain(HuiyanError.retold(each['error']), language())})" if each.get("error") else ""
        parts.append(f"{each['row']}: {each['value']}{reason}")
    return " | ".join(parts)


def _lineage(name: str, revision: int, found: Lineage) -> None:
    st.subheader(words(N_("Lineage")), anchor=False)
    if found.stale:
        st.warning(
            words(
                N_("Changed since this was made: {datasets}."),
                datasets=listed(_title(each) for each in found.stale),
            ),
            icon=":material/update:",
        )
    made_from = [_chip(row.dataset, row.used, row.now) for row in found.inputs.itertuples()]
    gives = [_chip(row.dataset, row.used, row.now) for row in found.outputs.itertuples()]
    nothing = f"<i>{html.escape(words(N_('nothing of ours')))}</i>"
    here = f'<div class="hy-chip"><b>{html.escape(_title(name))}</b> r{revision}</div>'
    style = "display:flex;align-items:center;gap:1rem;flex-wrap:wrap"
    st.html(
        f'<div style="{style}"><div>{"".join(made_from) or nothing}</div><div>→</div><div>{here}</div>'
        f"<div>→</div><div>{''.join(gives) or nothing}</div></div>"
    )
    st.caption(
        words(N_("r is the revision that was read; where it was not recorded, the name stands alone."))
    )
    if found.runs.empty:
        return
    runs = found.runs.assign(role=[words(ROLES[role]) for role in found.runs["role"]])
    runs["method"] = runs["method"].map(words)
    runs["kind"] = [words(RUN_KINDS.get(kind, kind)) for kind in runs["kind"]]
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    data_table(
        "runs",
        runs[["id", "kind", "role", "used", "revision", "method", "created_at"]],
        hide_index=True,
        key="catalogue_runs",
        column_config={
            "id": number(words(N_("Run")), format="%d"),
            "kind": text(words(N_("Kind"))),
            "role": text(words(N_("What it did"))),
            "used": number(words(N_("Revision of this dataset")), format="%d"),
            "revision": number(words(N_("Revision of the data")), format="%d"),
            "method": text(words(N_("Method")), width="large"),
            "created_at": st.column_config.DatetimeColumn(words(N_("Time (UTC)")), format="YYYY-MM-DD HH:mm"),
        },
    )


def _chip(name: str, used: float, now: float) -> str:
    told = "" if pd.isna(used) else f" r{int(used)}" + (f" → r{int(now)}" if now > used else "")
    return (
        f'<div class="hy-chip"><a href="?dataset={html.escape(name)}&amp;lang={language()}" target="_self">'
        f"{html.escape(_title(name))}</a>{told}</div>"
    )


def _history(rows: pd.DataFrame) -> None:
    with st.expander(words(N_("History of revisions")), icon=":material/history:"):
        shown = rows.assign(
            action=[words(ACTIONS.get(action, action)) for action in rows["action"]],
            method=[words(method) if isinstance(method, str) else "" for method in rows["method"]],
        )
        text, number = st.column_config.TextColumn, st.column_config.NumberColumn
        data_table(
            "history",
            shown,
            hide_index=True,
            key="catalogue_history",
            column_config={
                "at": st.column_config.DatetimeColumn(words(N_("Time (UTC)")), format="YYYY-MM-DD HH:mm"),
                "actor": text(words(N_("Who"))),
                "action": text(words(N_("What was done"))),
                "revision": number(words(N_("Revision")), format="%d"),
                "rows": number(words(N_("Rows")), format="localized"),
                "method": text(words(N_("Method")), width="large"),
            },
        )


def _columns(name: str) -> None:
    with st.expander(words(N_("Columns")), icon=":material/view_column:"):
        st.caption(words(sentence_of(name)))
        rows = pd.DataFrame(
            [
                (each.name, each.type, words(YES_NO[each.nullable]), _meaning(each.meaning))
                for each in columns_of(name)
            ],
            columns=["name", "type", "empty", "meaning"],
        )
        text = st.column_config.TextColumn
        data_table(
            "columns",
            rows,
            hide_index=True,
            key="catalogue_columns",
            column_config={
                "name": text(words(N_("Column"))),
                "type": text(words(N_("Type"))),
                "empty": text(words(N_("Given"))),
                "meaning": text(words(N_("Meaning")), width="large"),
            },
        )
