"""The one door to what a visit remembers: session state and the address."""

from __future__ import annotations

from typing import Any

import streamlit as st

from layers.i18n import pick_language, translate

__all__ = ["forget", "language", "recall", "remember", "set_language", "words"]


def language() -> str:
    """The visitor's language: of the address (`?lang=`), then chosen before, then the browser's."""
    asked = st.query_params.get("lang")  # noqa: TID251 - this is the door
    if asked:
        remember("language", pick_language(asked))
    return str(recall("language") or pick_language(st.context.locale))


def set_language(tag: str) -> None:
    """Chooses a language and writes it into the address, so that a shared link shows the same words."""
    remember("language", tag)
    st.query_params["lang"] = tag  # noqa: TID251 - this is the door


def words(message: str, **facts: object) -> str:
    """`message` in the visitor's language."""
    return translate(message, language(), **facts)


def remember(name: str, value: Any) -> None:
    """Keeps `value` for this visit."""
    st.session_state[f"hy_{name}"] = value  # noqa: TID251 - this is the door


def recall(name: str, default: Any = None) -> Any:
    """What this visit remembers under `name`."""
    return st.session_state.get(f"hy_{name}", default)  # noqa: TID251 - this is the door


def forget(name: str) -> None:
    """Forgets `name`."""
    st.session_state.pop(f"hy_{name}", None)  # noqa: TID251 - this is the door
