"""Key figures in a row that wraps where the screen is narrow."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.session import words

__all__ = ["figures"]


def figures(rows: Sequence[tuple[str, str] | tuple[str, str, str]]) -> None:
    """Shows figures: (message, value with its unit) or (message, value, message that explains it)."""
    with st.container(horizontal=True, gap="large", key=f"figures_{rows[0][0].replace(' ', '_').lower()}"):
        for label, value, *more in rows:
            st.metric(words(label), value, help=words(more[0]) if more else None, width="content")
