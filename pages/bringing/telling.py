"""What a dry run found: figures, a better reading of the coordinates, every fault with its mend."""

from __future__ import annotations

import csv
import io

import pandas as pd
import streamlit as st

from analysis.errors import HuiyanError
from geodata.commands.imports import Report
from geodata.export.faults import fault_lines
from layers.i18n import N_, translate
from pages.session import language, listed, remember, words
from pages.widgets.figures import figures

__all__ = ["tell_report"]


def tell_report(report: Report) -> None:
    """The whole report of a dry run."""
    figures(
        [
            (N_("Rows"), f"{report.rows:,}"),
            (N_("Good"), f"{report.good:,}"),
            (N_("At fault"), f"{report.faulty:,}"),
            (N_("New"), f"{report.added:,}"),
            (N_("Changed"), f"{report.changed:,}"),
            (N_("As stored"), f"{report.same:,}"),
        ]
    )
    said = [words(N_("Coordinates: {crs}."), crs=report.crs[:80])]
    if report.encoding:
        said.append(words(N_("Text: {encoding}."), encoding=report.encoding))
    if report.types:
        shapes = listed(f"{name} {count:,}" for name, count in report.types.items())
        said.append(words(N_("Shapes: {shapes}."), shapes=shapes))
    if report.repaired:
        said.append(words(N_("Rings mended in {count:,} rows."), count=report.repaired))
    if report.left:
        said.append(words(N_("Columns that fill nothing: {columns}"), columns=listed(report.left[:30])))
    st.caption(" ".join(said))
    _offer(report)
    _faults(report)


def _offer(report: Report) -> None:
    """A better reading of the coordinates, to be taken with one click."""
    hint = report.hint
    if hint is None:
        return
    if hint.median_m:
        said = words(
            N_(
                "This looks shifted by about {metres:.0f} m: {crs}? Read so, its rows lie {after:.0f} m from streets"
                " in the median, as read {before:.0f} m."
            ),
            metres=max(hint.median_m[0] - hint.median_m[1], 0),
            crs=hint.crs,
            before=hint.median_m[0],
            after=hint.median_m[1],
        )
    else:
        reading = words(N_("{crs}, coordinates exchanged"), crs=hint.crs) if hint.exchanged else hint.crs
        said = words(
            N_("Read as {reading}, {share:.0%} of the rows lie in the town."),
            reading=reading,
            share=hint.inside_ratio,
        )
    st.warning(said, icon=":material/explore:")
    left, right = st.columns(2)
    if left.button(words(N_("Read them so")), key="bring_reread", icon=":material/sync_alt:"):
        remember("bring_reading", (hint.crs, hint.exchanged))
        st.rerun()
    if right.button(words(N_("They are right as they are")), key="bring_keep", icon=":material/check:"):
        remember("bring_reading", (report.crs, False))
        st.rerun()


def _faults(report: Report) -> None:
    if not report.faulty:
        return

    def in_words(error: HuiyanError) -> tuple[str, str]:
        tongue = language()
        mend = translate(error.mend, tongue, **error.facts) if error.mend else ""
        return translate(error.message, tongue, **error.facts), mend

    lines = list(fault_lines(report.faults, in_words))
    heads = [
        words(each) for each in (N_("Row"), N_("Column"), N_("Value"), N_("What is wrong"), N_("What to do"))
    ]
    st.markdown(f"**{words(N_('Rows that cannot be used'))}** ({report.faulty:,})")
    st.dataframe(pd.DataFrame(lines[1:], columns=heads), hide_index=True, width="stretch")
    text = io.StringIO()
    csv.writer(text).writerows([tuple(heads), *lines[1:]])
    st.download_button(
        words(N_("Download the report (CSV)")),
        text.getvalue().encode("utf-8-sig"),
        file_name="faults.csv",
        mime="text/csv",
        icon=":material/download:",
        key="bring_faults",
    )
    if report.faulty > len({each.row for each in report.faults}):
        st.caption(words(N_("Only the first faults are listed.")))
