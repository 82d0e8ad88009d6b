"""The loads that there are, the newest of a table to be taken back; and rasters."""

from __future__ import annotations

import streamlit as st

from geodata.commands.unloading import unload
from geodata.ingest.kinds import KINDS
from layers.i18n import N_
from pages import cached
from pages.session import words
from pages.widgets.screen import told
from pages.widgets.taking import data_table

__all__ = ["loads_and_rasters"]


def loads_and_rasters(revision: int) -> None:
    """Both lists; a word where there is none yet."""
    st.header(words(N_("Loaded files")), anchor=False)
    rows = cached.loads(revision)
    if rows.empty:
        st.caption(words(N_("No file was loaded yet.")))
    else:
        shown = rows.assign(
            kind=[words(KINDS[each].title) if each in KINDS else each for each in rows["kind"]],
            state=[
                words(N_("taken back")) if back else words(N_("stands"))
                for back in rows["rolled_back_at"].notna()
            ],
        )
        data_table(
            "loads",
            shown[
                [
                    *("revision", "at", "state", "kind", "file_name", "added", "changed", "same", "faulty"),
                    *("source", "licence", "crs", "actor"),
                ]
            ],
            hide_index=True,
            width="stretch",
            column_config={
                "revision": st.column_config.NumberColumn(words(N_("Revision")), format="%d"),
                "at": st.column_config.DatetimeColumn(words(N_("Loaded (UTC)")), format="YYYY-MM-DD HH:mm"),
                "state": st.column_config.TextColumn(words(N_("State"))),
                "kind": st.column_config.TextColumn(words(N_("What"))),
                "file_name": st.column_config.TextColumn(words(N_("File"))),
                "added": st.column_config.NumberColumn(words(N_("Added")), format="localized"),
                "changed": st.column_config.NumberColumn(words(N_("Changed")), format="localized"),
                "same": st.column_config.NumberColumn(words(N_("As stored")), format="localized"),
                "faulty": st.column_config.NumberColumn(words(N_("Rows left out")), format="localized"),
                "source": st.column_config.TextColumn(words(N_("Source"))),
                "licence": st.column_config.TextColumn(words(N_("Licence"))),
                "crs": st.column_config.TextColumn(words(N_("Coordinates"))),
                "actor": st.column_config.TextColumn(words(N_("Loaded by"))),
            },
        )
        _take_back(
            {
                int(row.revision): f"{row.revision} · {row.file_name}"
                for row in rows.itertuples()
                if row.newest
            }
        )
    _rasters(revision)


def _take_back(standing: dict[int, str]) -> None:
    """The newest load of each table may go."""
    if not standing:
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    chosen = left.selectbox(
        words(N_("Take a load back")),
        list(standing),
        format_func=standing.__getitem__,
        key=f"bring_back_which_{max(standing)}",
        help=words(
            N_(
                "Rows that it added go, rows that it changed are as before. Later loads of the same table go first."
            )
        ),
    )
    if right.button(words(N_("Take it back")), icon=":material/undo:", key="bring_back"):
        with told():
            unload(int(chosen))
            st.rerun()


def _rasters(revision: int) -> None:
    rows = cached.rasters(revision)
    if rows.empty:
        return
    st.header(words(N_("Rasters")), anchor=False)
    data_table(
        "rasters",
        rows[
            ["name", "crs", "width_px", "height_px", "bands", "resolution_m", "taken_on", "source", "licence"]
        ],
        hide_index=True,
        width="stretch",
        column_config={
            "name": st.column_config.TextColumn(words(N_("File"))),
            "crs": st.column_config.TextColumn(words(N_("Coordinates"))),
            "width_px": st.column_config.NumberColumn(words(N_("Width, px")), format="localized"),
            "height_px": st.column_config.NumberColumn(words(N_("Height, px")), format="localized"),
            "bands": st.column_config.NumberColumn(words(N_("Bands"))),
            "resolution_m": st.column_config.NumberColumn(
                words(N_("Ground size of a pixel, m")), format="%.2f"
            ),
            "taken_on": st.column_config.DateColumn(words(N_("Taken on"))),
            "source": st.column_config.TextColumn(words(N_("Source"))),
            "licence": st.column_config.TextColumn(words(N_("Licence"))),
        },
    )
