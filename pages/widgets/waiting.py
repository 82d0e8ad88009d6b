"""Waiting for the town to be read: how far that is, instead of a screen."""

from __future__ import annotations

from typing import Any

import streamlit as st

from geodata.queries.background import Background
from layers.i18n import N_
from pages import cached
from pages.session import words

__all__ = ["wait_for", "wait_for_ground"]

LOOK_EVERY_S = 0.3


def wait_for_ground(revision: int) -> None:
    """
    Returns once the town is read; meanwhile the screen tells how far it is.

    That is so right after the start of the web process, and after cameras, buildings or places have changed.
    """
    wait_for(cached.reading(revision))


def wait_for(reading: Background[Any]) -> None:
    """Returns once something is read; meanwhile the screen tells how far it is."""
    if reading.wait(LOOK_EVERY_S):
        return
    place = st.empty()
    while not reading.wait(LOOK_EVERY_S):
        told = words(reading.message or N_("Measuring what the cameras see …"))
        head = words(N_("The town is being read anew, once for all visitors:"))
        place.progress(reading.done / reading.total, f"{head} {told}")
    place.empty()
