"""Two columns: controls beside what they control; on a phone the controls come after it."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

__all__ = ["side_and_field"]


def side_and_field(wide: float) -> tuple[DeltaGenerator, DeltaGenerator]:
    """The side column and the field, which is `wide` times as wide."""
    side, field = st.columns([1, wide], gap="medium")
    return side.container(key="side"), field
