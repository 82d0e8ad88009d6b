"""Pages of long lists."""

from __future__ import annotations

import math

import streamlit as st

from layers.i18n import N_
from pages.session import recall, remember, words

__all__ = ["page_of"]


def page_of(key: str, rows: int, of: int) -> int:
    """
    The page that is shown, from 0, with buttons to the next one where there are several.

    Parameters
    ----------
    key
        Tells this list from others of the screen.
    rows, of
        Rows in all, and on one page.
    """
    pages = max(1, math.ceil(rows / of))
    page = min(int(recall(f"page_{key}", 0)), pages - 1)
    if pages == 1:
        return 0
    with st.container(horizontal=True, vertical_alignment="center", key=f"pages_{key}"):
        if st.button("", icon=":material/chevron_left:", key=f"{key}_back", disabled=page == 0):
            remember(f"page_{key}", page - 1)
            st.rerun()
        st.caption(
            words(
                N_("{first:,}–{last:,} of {all:,}"),
                first=page * of + 1,
                last=min(rows, (page + 1) * of),
                all=rows,
            )
        )
        if st.button("", icon=":material/chevron_right:", key=f"{key}_on", disabled=page == pages - 1):
            remember(f"page_{key}", page + 1)
            st.rerun()
    return page
