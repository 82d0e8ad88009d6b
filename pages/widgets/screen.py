"""The frame of one screen: its head, and what it shows when there is nothing or something is wrong."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from analysis.errors import HuiyanError
from geodata.errors import ClusterError, DatabaseUnavailable
from layers.i18n import N_
from pages import cached
from pages.session import explained, words

__all__ = ["empty", "fact_table", "lead", "screen", "simulated_mark", "told"]


@contextmanager
def screen(title: str, sentence: str) -> Iterator[int | None]:
    """
    A screen: heading, one sentence of what it shows, then the block.

    Yields the data's revision, or None after it has shown that nothing is loaded or the database is away (the block
    should then return).
    Errors of ours become a sentence with their mend instead of a traceback.
    """
    st.title(words(title), anchor=False)
    lead(sentence)
    revision: int | None = None
    with _troubles_told():
        revision = cached.revision() or None
        if revision is None:
            empty(
                N_("No town is loaded yet"),
                N_("Load one with this command, then look again:"),
                "huiyan load helsinki",
            )
    with _troubles_told():
        yield revision


@contextmanager
def _troubles_told() -> Iterator[None]:
    """Errors of ours become what the screen shows."""
    try:
        yield
    except (DatabaseUnavailable, ClusterError) as error:
        trouble(N_("The database cannot be reached"), error)
        if st.button(words(N_("Try again")), icon=":material/refresh:"):
            st.rerun()
    except HuiyanError as error:
        trouble(N_("This cannot be shown"), error)


@contextmanager
def told() -> Iterator[None]:
    """An error of ours in the block becomes a sentence at this place of the screen; the rest of it stays."""
    try:
        yield
    except HuiyanError as error:
        st.error(explained(error), icon=":material/error:")


def lead(sentence: str) -> None:
    """The sentence under a heading."""
    st.html(f'<p class="hy-lead">{html.escape(words(sentence))}</p>')


def empty(title: str, sentence: str, command: str = "") -> None:
    """What a screen shows where there is nothing to show."""
    tail = f"<p><code>{html.escape(command)}</code></p>" if command else ""
    st.html(
        f'<div class="hy-state"><h2>{html.escape(words(title))}</h2><p>{html.escape(words(sentence))}</p>{tail}</div>'
    )


def trouble(title: str, error: HuiyanError) -> None:
    """What a screen shows when something is wrong: the sentence and its mend."""
    st.error(f"**{words(title)}**\n\n{explained(error)}", icon=":material/error:")


def simulated_mark() -> str:
    """The mark that simulated data bear, as HTML."""
    return f'<span class="hy-mark">{html.escape(words(N_("simulated")))}</span>'


def fact_table(rows: list[tuple[str, str]]) -> None:
    """Two columns: what, and its value with unit. Both come as plain text."""
    cells = "".join(f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in rows)
    st.html(f'<table class="hy-facts">{cells}</table>')
