"""
Words in both languages.

English is the key (`msgid`), as in gettext; `zh_CN.po` holds the Chinese. `N_` marks a word for translation where it is
written, `translate` turns it where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from analysis.errors import HuiyanError, Term, Terms

__all__ = ["LANGUAGES", "N_", "enumerate_words", "explain", "pick_language", "translate"]

LANGUAGES = {"zh-CN": "简体中文", "en": "English"}
"""BCP 47 tag → the language's own name."""


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Marks `message` for translation and returns it unchanged."""
    return message


@cache
def catalogue(language: str) -> dict[str, str]:
    """All translated messages of a language; empty for English."""
    path = Path(__file__).parent / f"{language.replace('-', '_')}.po"
    if language == "en" or not path.exists():
        return {}
    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file) if m.id and m.string}


def translate(message: str, language: str, /, **facts: object) -> str:
    """
    `message` in `language`, its `{placeholders}` filled from `facts`; those that are terms are translated too.

    A message without a translation shows in English; a test keeps the catalogue complete.
    """
    words = catalogue(language).get(message, message)
    return words.format(**{name: _fact(fact, language) for name, fact in facts.items()}) if facts else words


def enumerate_words(items: Iterable[str], language: str) -> str:
    """Several items in a sentence, as the language lines them up."""
    return translate(N_(", "), language).join(items)


def _fact(fact: object, language: str) -> object:
    """A term of ours in the language; everything else as it is."""
    if isinstance(fact, Terms):
        return enumerate_words([translate(each, language) for each in fact], language)
    return translate(fact, language) if isinstance(fact, Term) else fact


def explain(error: HuiyanError, language: str) -> str:
    """What is wrong and how to mend it, in `language`."""
    between = "" if language == "zh-CN" else " "
    return between.join(
        translate(part, language, **error.facts) for part in (error.message, error.mend) if part
    )


def pick_language(*wishes: str | None) -> str:
    """The first wish we speak (`zh`, `zh-Hans-CN`, `en-GB` …); English otherwise."""
    for wish in wishes:
        if wish and wish.lower().startswith("zh"):
            return "zh-CN"
        if wish and wish.lower().startswith("en"):
            return "en"
    return "en"
