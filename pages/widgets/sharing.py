"""Share a view: one link that opens the same map, and one that opens it on the wall."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from layers.i18n import N_
from layers.view import View
from pages import cached
from pages.session import language, words

__all__ = ["report_button", "share", "share_link"]

WALL = "big-screen"


def share_link(view: View, page: str = "") -> str:
    """The address of a view on a page of this origin, in the visitor's language."""
    query = urlencode({**view.to_query(), "lang": language()}, safe=",:")
    return f"{cached.own_address()}/{page}?{query}"


def share(view: View) -> None:
    """A menu with both links."""
    with st.popover(words(N_("Share this view")), icon=":material/share:"):
        st.caption(words(N_("This link opens the same layers, filters, area and days.")))
        st.code(share_link(view), language=None, wrap_lines=True)
        st.caption(words(N_("The same on the wall, without controls.")))
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
