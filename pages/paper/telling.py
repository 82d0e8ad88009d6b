"""A review sheet in words: figures with units, reasons as sentences, in either language; for screen and paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.errors import HuiyanError
from analysis.review.sheet import MENDS, METHODS, REASONS, TITLES, UNITS
from layers.i18n import N_, explain, translate

__all__ = [
    "ADVICES",
    "DATASETS",
    "DONE",
    "KINDS",
    "OWNERS",
    "PLACE_KINDS",
    "SEVERITIES",
    "SHARES",
    "STATES",
    "TASKS",
    "Say",
    "Told",
    "figure",
    "method",
    "owner",
    "reasons",
    "speaker",
    "title",
    "unit",
]

Say = Callable[..., str]

ADVICES = {"approve": N_("Approve"), "return": N_("Return")}
STATES = {"submitted": N_("to be decided"), "approved": N_("approved"), "returned": N_("returned")}
SEVERITIES = {
    "return": N_("Reason to return"),
    "condition": N_("Condition"),
    "note": N_("Note"),
}
KINDS = {
    "guest_room": N_("guest rooms"),
    "dormitory": N_("dormitory"),
    "toilet": N_("toilet"),
    "bathing": N_("bathing"),
    "changing": N_("changing room"),
    "dwelling": N_("dwelling"),
}
PLACE_KINDS = {
    "school": N_("school"),
    "hospital": N_("hospital"),
    "shop": N_("bank, fuel or pharmacy"),
    "square": N_("station, market or town hall"),
}
TASKS = {
    "detect": N_("detect"),
    "observe": N_("observe"),
    "recognise": N_("recognise"),
    "identify": N_("identify"),
}
SHARES = {1: N_("own office only"), 2: N_("departments"), 3: N_("all partners")}
DONE = {True: N_("reached"), False: N_("not reached")}
DIGITS = {"m²": 0, "m": 1, "px/m": 0, "cameras": 0, "places": 0, "currency": 0}
UNIT_WORDS = {"currency": N_("yuan"), "cameras": N_("cameras"), "places": N_("places")}
OWNERS = {
    "city management": N_("city management"),
    "traffic police": N_("traffic police"),
    "public security": N_("public security"),
    "education": N_("education"),
    "environment": N_("environment"),
    "private": N_("private"),
}
DATASETS = {
    "building": N_("Buildings"),
    "camera": N_("Cameras"),
    "camera_view": N_("Visible areas"),
    "poi": N_("Points of interest"),
    "restricted_area": N_("Where no camera may look"),
    "street_edge": N_("Streets"),
}


@dataclass(frozen=True)
class Told:
    """Reasons that say the same, of one camera or several."""

    severity: str
    cameras: tuple[Any, ...]
    sentence: str
    mend: str

    def where(self, say: Say) -> str:
        """Which cameras it is about."""
        known = [str(each) for each in self.cameras if each is not None]
        return say(N_(", ")).join(known) if known else say("all")


def speaker(language: str) -> Say:
    """A function that says words in that language."""

    def say(message: str, **facts: object) -> str:
        return translate(message, language, **facts)

    return say


def title(name: str, say: Say) -> str:
    """What a figure is called."""
    return say(N_(TITLES[name]))


def method(name: str, say: Say) -> str:
    """How a figure is found."""
    return say(N_(METHODS[name]))


def unit(name: str, say: Say) -> str:
    """Unit of a figure."""
    sign = UNITS[name]
    return say(UNIT_WORDS[sign]) if sign in UNIT_WORDS else sign


def figure(name: str, value: Any) -> str:
    """A figure as people read it, without its unit but for per cent; a dash where there is none."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return "–"
    sign = UNITS[name]
    return f"{value:.0%}" if sign == "%" else f"{value:,.{DIGITS[sign]}f}"


def owner(name: Any, say: Say) -> str:
    """An owner; of a private unit the number stays as it is."""
    head, colon, unit_name = str(name or "–").partition(":")
    return say(OWNERS.get(head, head)) + colon + unit_name


def reasons(told: Sequence[Mapping[str, Any]], language: str) -> list[Told]:
    """Reasons as sentences; cameras of which the same is said share one."""
    say = speaker(language)
    found: dict[tuple[str, str, str], list[Any]] = {}
    for each in told:
        facts = _facts(each["facts"], say)
        sentence = say(N_(REASONS[each["code"]]), **facts)
        if each.get("problem"):
            between = "" if language == "zh-CN" else " "
            sentence += between + explain(HuiyanError.retold(dict(each["problem"])), language)
        mend = say(N_(MENDS[each["code"]]), **facts)
        found.setdefault((each["severity"], sentence, mend), []).append(each["camera"])
    return [Told(key[0], tuple(cameras), key[1], key[2]) for key, cameras in found.items()]


def _facts(facts: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Facts whose words are translated too."""
    known = {"kind": KINDS | PLACE_KINDS, "task": TASKS, "place": KINDS | PLACE_KINDS}
    found = {
        name: say(known[name][value]) if name in known and value in known[name] else value
        for name, value in facts.items()
    }
    if "owners" in found:
        owners = str(found["owners"]).split(", ")
        found["owners"] = say(N_(", ")).join(owner(each, say) for each in owners)
    return found
