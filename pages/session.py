"""The one door to what a visit remembers: session state and the address."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from numbers import Number
from typing import Any

import streamlit as st

from analysis.errors import HuiyanError, Term, Terms
from layers.i18n import enumerate_words, explain, pick_language, translate

__all__ = [
    "address",
    "choose",
    "dark",
    "explained",
    "forget",
    "language",
    "listed",
    "literal",
    "recall",
    "remember",
    "scenario_token",
    "set_address",
    "set_language",
    "set_scenario",
    "whole_address",
    "widget",
    "words",
]


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


def dark() -> bool:
    """The visitor sees the screens dark: chosen, or asked for by the machine."""
    return st.context.theme.type == "dark"


def scenario_token(name: str = "scenario") -> str | None:
    """The scenario that the address names (`?scenario=`), if any; `against` is the one it is compared with."""
    return st.query_params.get(name)  # noqa: TID251 - this is the door


def set_scenario(token: str | None, name: str = "scenario") -> None:
    """Writes a scenario into the address, so that a shared link opens it; None takes it out."""
    if token is None:
        st.query_params.pop(name, None)  # noqa: TID251 - this is the door
    elif address(name) != token:
        st.query_params[name] = token  # noqa: TID251 - this is the door


def address(name: str) -> str | None:
    """What the address says of `name`, if anything."""
    return st.query_params.get(name)  # noqa: TID251 - this is the door


def whole_address() -> dict[str, str]:
    """All parts of the address."""
    return st.query_params.to_dict()  # noqa: TID251 - this is the door


def set_address(**parts: str | None) -> None:
    """Writes parts into the address, so that a shared link shows the same; None takes one out."""
    for name, value in parts.items():
        set_scenario(value, name)


def widget(key: str, default: Any = None) -> Any:
    """What the widget called `key` holds in this run."""
    return st.session_state.get(key, default)  # noqa: TID251 - this is the door


def choose(key: str, value: Any) -> None:
    """Sets the widget called `key`, before it is drawn in this run or in a callback."""
    st.session_state[key] = value  # noqa: TID251 - this is the door


def words(message: str, **facts: object) -> str:
    """`message` in the visitor's language."""
    return translate(message, language(), **facts)


def literal(text: str) -> str:
    """`text` as Markdown that shows just it: names of files that others gave hold no pictures and no links."""
    # inside a word an underscore means nothing
    return re.sub(r"([\\`*~$:#|!<>\[\]]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)


def explained(error: HuiyanError) -> str:
    """
    What is wrong and how to mend it in the visitor's language, as Markdown.

    What others wrote in an address, a file or a name is shown as they wrote it and holds no pictures and no links.
    """
    facts = {name: literal(str(fact)) if _of_others(fact) else fact for name, fact in error.facts.items()}
    return explain(HuiyanError(error.message, error.mend, **facts), language())


def _of_others(fact: object) -> bool:
    """Neither a word of ours nor a number or a moment, which messages may format."""
    return not isinstance(fact, Term | Terms | Number | dt.date | dt.time | dt.timedelta)


def listed(items: Iterable[str]) -> str:
    """Items in a sentence, as the visitor's language lines them up."""
    return enumerate_words(items, language())


def remember(name: str, value: Any) -> None:
    """Keeps `value` for this visit."""
    st.session_state[f"hy_{name}"] = value  # noqa: TID251 - this is the door


def recall(name: str, default: Any = None) -> Any:
    """What this visit remembers under `name`."""
    return st.session_state.get(f"hy_{name}", default)  # noqa: TID251 - this is the door


def forget(name: str) -> None:
    """Forgets `name`."""
    st.session_state.pop(f"hy_{name}", None)  # noqa: TID251 - this is the door
