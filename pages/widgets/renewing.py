"""Coverage and demand that are older than the data they come from: a line that says so, and a button."""

from __future__ import annotations

import html

import streamlit as st

from geodata import database
from geodata.queries.jobs import newest_job
from layers.datasets import DATASET_NAMES
from layers.i18n import N_
from pages import cached_scenes
from pages.session import language, listed, recall, remember, words
from pages.widgets.jobs import job_button

__all__ = ["renewal", "tell_age"]

SAID = {
    "coverage": N_("Coverage and demand are older than the data they come from: {datasets}."),
    "demand": N_("Demand is older than the data it comes from: {datasets}."),
}


def tell_age(revision: int) -> None:
    """One line where coverage or demand is behind the data, with the way to the button."""
    kind, said = _said(revision)
    if kind is not None:
        link = f"/data?part=bring&amp;lang={language()}"
        way = html.escape(words(N_("Renew what follows from them")))
        st.html(f'<p class="hy-source">{html.escape(said)} <a href="{link}" target="_self">{way}</a></p>')


def renewal(revision: int) -> None:
    """The same with the button; one that somebody else pressed shows its progress here too."""
    kind, said = _said(revision)
    if kind is None:
        return
    st.warning(said, icon=":material/update:")
    with database.connection() as conn:
        before = newest_job(conn, kind)
    if before is not None and before.state == "running" and recall(f"job_{kind}") is None:
        remember(f"job_{kind}", before.id - 1)
    job_button(kind, words(N_("Renew what follows from them")))


def _said(revision: int) -> tuple[str | None, str]:
    found = cached_scenes.behind(revision)
    if found.job is None:
        return None, ""
    titles = listed(words(DATASET_NAMES.get(name, name)) for name in found.datasets)
    return found.job, words(SAID[found.job], datasets=titles)
