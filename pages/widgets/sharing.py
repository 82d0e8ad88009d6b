"""Share a view: one link that opens the same map, and one that opens it on the wall."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import streamlit as st

from layers.i18n import N_
from layers.view import View
from pages import cached
from pages.session import language, recall, remember, words
from pages.wall.scoping import NO_TREE

__all__ = ["report_button", "run_link", "run_report", "share", "share_link"]

WALL = "big-screen"


def share_link(view: View, page: str = "") -> str:
    """The address of a view on a page of this origin, in the visitor's language."""
    query = urlencode({**view.to_query(), "lang": language()}, safe=",:")
    return f"{cached.own_address()}/{page}?{query}"


def share(view: View) -> None:
    """A menu with both links."""
    with st.popover(words(N_("Share this view")), icon=":material/share:"):
        units = view.figure is not None
        st.caption(
            words(
                N_("This link opens the same unit, figure, filters and days.")
                if units
                else N_("This link opens the same layers, filters, area and days.")
            )
        )
        st.code(share_link(view), language=None, wrap_lines=True)
        st.caption(words(NO_TREE if units else N_("The same on the wall, without controls.")))
        st.code(share_link(view, WALL), language=None, wrap_lines=True)


def report_button(view: View) -> None:
    """A button for the report of a view, in the visitor's language."""
    st.link_button(
        words(N_("Report")),
        share_link(view, "api/report.zip"),
        icon=":material/description:",
        help=words(
            N_("A zip: these layers, a brief as PDF and HTML with the map, method and sources, a manifest.")
        ),
    )


def run_link(run: int) -> None:
    """A button for the report of a run that is kept, in the visitor's language."""
    st.link_button(
        words(N_("Report of run {run}"), run=run),
        f"{cached.own_address()}/api/report.zip?{urlencode({'run': run, 'lang': language()})}",
        icon=":material/description:",
        help=words(
            N_(
                "A zip: this answer as layers, a brief as PDF and HTML with maps, parameters, method and sources, a"
                " manifest."
            )
        ),
    )


def run_report(key: str, held: object, keep: Callable[[], int]) -> None:
    """
    A button that keeps what is shown as a run; once it is kept, the link to its report.

    Parameters
    ----------
    key
        Tells this button from others of the screen.
    held
        What is shown: another value, another run.
    keep
        Keeps it and returns the number of the run; called when somebody presses.
    """
    run, of = recall(f"report_{key}", (None, None))
    if run is not None and of == held:
        run_link(run)
    elif st.button(
        words(N_("Report of this run")),
        icon=":material/description:",
        key=f"report_{key}_keep",
        help=words(N_("Keeps what is shown here as a run, with its question and its data's revision.")),
    ):
        remember(f"report_{key}", (keep(), held))
        st.rerun()
