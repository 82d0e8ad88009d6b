"""All screens under the five tasks of a city's service: sense, analyse, serve, command, inspect."""

from __future__ import annotations

import html

import streamlit as st

from layers.i18n import N_
from pages.session import language, words

__all__ = ["five_tasks"]

TASKS = (
    (
        N_("Sense"),
        N_("what cameras, people and devices notice"),
        (("/video", N_("Video")), ("/calibration", N_("Calibration"))),
    ),
    (
        N_("Analyse"),
        N_("where it happens, and who looks"),
        (("/cameras", N_("Cameras")), ("/parking", N_("Parking")), ("/hot-spots", N_("Hot spots"))),
    ),
    (
        N_("Serve"),
        N_("what builders ask of the city, and which data it gives"),
        (("/review", N_("Building review")), ("/data", N_("Data"))),
    ),
    (
        N_("Command"),
        N_("what each scene asks for, and the wall in the command room"),
        (("/scenes", N_("Scenes")), ("/big-screen", N_("Big screen"))),
    ),
    (
        N_("Inspect"),
        N_("how well the city finds and deals with its problems"),
        (("/big-screen?page=evaluation&hold=1", N_("Evaluation")),),
    ),
)
"""Task, what it is about, its screens: address and title."""


def five_tasks() -> None:
    """Five groups of links; one below the other where the screen is narrow."""
    st.header(words(N_("Five tasks")), anchor=False)
    st.html(f'<div class="hy-tasks">{"".join(_task(*each) for each in TASKS)}</div>')


def _task(title: str, about: str, screens: tuple[tuple[str, str], ...]) -> str:
    links = "".join(f"<li>{_link(address, name)}</li>" for address, name in screens)
    return (
        f"<div><h3>{html.escape(words(title))}</h3><p>{html.escape(words(about))}</p><ul>{links}</ul></div>"
    )


def _link(address: str, name: str) -> str:
    query = f"{address}{'&' if '?' in address else '?'}lang={language()}"
    return f'<a class="hy-get" href="{html.escape(query)}" target="_self">{html.escape(words(name))}</a>'
