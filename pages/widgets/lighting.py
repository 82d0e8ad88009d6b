"""Light or dark: the visitor's choice, kept by the browser as Streamlit keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from layers.i18n import N_
from pages.session import words

__all__ = ["choose_light"]

HERE = Path(__file__).parent

_switch = st.components.v2.component(
    "huiyan_lighting",
    html='<div class="lights" role="group"></div>',
    css=(HERE / "lighting.css").read_text(encoding="utf-8"),
    js=(HERE / "lighting.js").read_text(encoding="utf-8"),
)


def choose_light(paths: Sequence[str]) -> None:
    """
    Three buttons: light, dark, or as the visitor's machine wishes. The page is loaded anew with what was chosen.

    Parameters
    ----------
    paths
        Of all screens: Streamlit keeps the choice for each address by itself.
    """
    _switch(
        key="lighting",
        data={
            "paths": list(paths),
            "label": words(N_("Light or dark")),
            "names": {
                "Light": words(N_("Light")),
                "Dark": words(N_("Dark")),
                "System": words(N_("As the device")),
            },
        },
    )
