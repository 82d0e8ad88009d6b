"""Reading scenes from TOML: what is wrong is told with file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from analysis.algorithms import library
from analysis.categories import COMPONENT_CLASSES
from analysis.categories import EVENT_CLASSES as CLASSES
from analysis.errors import HuiyanError, InputError, Term
from analysis.vision.rules import RULES, from_settings
from geodata.errors import SceneError
from geodata.scenes.scene import (
    CLOCKS,
    DOMAINS,
    INDICATORS,
    PEOPLE,
    SENSOR,
    STAGES,
    Limit,
    Rule,
    Scene,
    Words,
)
from geodata.settings import settings

__all__ = ["Scenes", "read_scene", "read_scenes", "scenes_stamp"]

HERE = Path(__file__).parent
LANGUAGES = {"zh": "zh-CN", "en": "en"}
PROFILES = ("2013", "revision")
LARGEST = 64 * 1024
"""Bytes of a file; a scene is some dozen lines."""
TOP = (
    *("domain", "icon", "profile", "codes", "components", "layers", "indicators", "repeat_days"),
    *("asked_zh", "asked_en", "rule", "limits", "words"),
)
EVENTS = frozenset(each.code for each in CLASSES)
COMPONENTS = frozenset(each.code for each in COMPONENT_CLASSES)
Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Scenes:
    """
    The scenes there are.

    Attributes
    ----------
    found
        Id → scene, by domain and id.
    broken
        One error for each file that cannot be used.
    """

    found: Mapping[str, Scene] = field(default_factory=dict)
    broken: tuple[SceneError, ...] = ()


def folders() -> tuple[Path, ...]:
    """Where scenes are: those that come with the program, then `scenes` in the data folder, the city's own."""
    return (HERE, settings().data_dir / "scenes")


def scenes_stamp() -> str:
    """Changes when a file of a scene does."""
    return repr([(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in _files()])


def read_scenes(
    layers: Sequence[str] | None = None, event_classes: Mapping[str, object] | None = None
) -> Scenes:
    """
    Every scene; one of the city's own takes the place of one of the program's with the same name.

    Parameters
    ----------
    layers
        Layers that there are; None: not checked.
    event_classes
        Event classes beside those of the standard: local extensions of the town.
    """
    found: dict[str, Scene] = {}
    broken: dict[str, SceneError] = {}
    for path in _files():
        found.pop(path.stem, None)
        broken.pop(path.stem, None)
        try:
            found[path.stem] = read_scene(path, layers, event_classes)
        except SceneError as error:
            broken[path.stem] = error
    order = sorted(found.values(), key=lambda each: (DOMAINS.index(each.domain), each.id))
    return Scenes({each.id: each for each in order}, tuple(broken.values()))


def read_scene(
    path: Path, layers: Sequence[str] | None = None, event_classes: Mapping[str, object] | None = None
) -> Scene:
    """
    The scene in a file.

    Raises
    ------
    SceneError
        If the file cannot be read or says something that will not do; the message names file, line and key.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > LARGEST:
            raise SceneError(
                "{file} has {size:,} bytes.",
                "Keep a scene below {most:,} bytes.",
                file=path.name,
                size=len(raw),
                most=LARGEST,
            )
        text = raw.decode("utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise SceneError(
            "{file} cannot be read: {reason}.",
            "Look at its permissions.",
            file=path.name,
            reason=error.strerror,
        ) from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SceneError(
            "{file}, line {line}: this is not UTF-8.", "Save the file as UTF-8.", file=path.name, line=line
        ) from error
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+)", str(error))
        raise SceneError(
            "{file}, line {line}: this is not TOML ({reason}).",
            "Mend that line: key = value, texts in quotation marks, tables in brackets.",
            file=path.name,
            line=int(where.group(1)) if where else text.count("\n") + 1,
            reason=str(error),
        ) from error
    events = EVENTS | frozenset(event_classes or ())
    return _Reader(path.name, text, events, layers).scene(path.stem, data)


def _files() -> list[Path]:
    return [path for folder in folders() if folder.is_dir() for path in sorted(folder.glob("*.toml"))]


def _line_of(text: str, key: Key) -> int:
    """Line of a key, or of the nearest table around it that the file has."""
    best, depth, table = 1, 0, ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        here: Key = table
        if head := re.match(r"\s*\[\[\s*([\w.-]+)\s*\]\]", line):
            counts[head[1]] = counts.get(head[1], -1) + 1
            here = table = (*head[1].split("."), counts[head[1]])
        elif head := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            here = table = tuple(head[1].split("."))
        elif head := re.match(r"\s*([\w-]+)\s*=", line):
            here = (*table, head[1])
        else:
            continue
        if len(here) > depth and here == key[: len(here)]:
            best, depth = number, len(here)
    return best


class _Reader:
    """Takes a scene from the plain values of one file."""

    def __init__(self, file: str, text: str, events: frozenset[str], layers: Sequence[str] | None) -> None:
        self.file = file
        self.source = text
        self.events = events
        self.layers = layers

    def scene(self, name: str, data: dict[str, Any]) -> Scene:
        self.only(data, (), TOP)
        if re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name) is None:
            raise SceneError(
                "{file} is not a name for a scene.",
                "Name the file in lower-case letters, digits and underscores, such as store_overflow.toml.",
                file=self.file,
            )
        words = self.table(data, (), "words")
        self.only(words, ("words",), tuple(LANGUAGES))
        told = {tag: self.words(words, short) for short, tag in LANGUAGES.items()}
        components = self.texts(data, (), "components", COMPONENTS)
        codes = self.texts(data, (), "codes", self.events, least=0 if components else 1)
        limits = tuple(self.limit(each, at) for at, each in enumerate(self.tables(data, "limits")))
        stages = [limit.stage for limit in limits]
        for at, stage in enumerate(stages):
            if stage in stages[:at]:
                self.refuse(("limits", at, "stage"), stage, Term("each step once"))
        return Scene(
            id=name,
            domain=self.one_of(data, (), "domain", DOMAINS),
            icon=self.text(data, (), "icon", re.compile(r"[a-z][a-z0-9_]*")),
            profile=self.one_of(data, (), "profile", PROFILES),
            codes=codes,
            components=components,
            layers=self.texts(data, (), "layers", None if self.layers is None else self.layers, least=1),
            rule=self.rule(self.table(data, (), "rule"), codes),
            limits=limits,
            indicators=self.texts(data, (), "indicators", INDICATORS, least=1),
            repeat_days=int(self.number(data, (), "repeat_days", whole=True))
            if "repeat_days" in data
            else 15,
            words=told,
            asked_zh=self.text(data, (), "asked_zh"),
            asked_en=self.text(data, (), "asked_en"),
        )

    def words(self, table: dict[str, Any], short: str) -> Words:
        key: Key = ("words", short)
        inner = self.table(table, ("words",), short)
        self.only(inner, key, ("title", "sentence", "advice"))
        return Words(*(self.text(inner, key, name) for name in ("title", "sentence", "advice")))

    def limit(self, table: dict[str, Any], at: int) -> Limit:
        key: Key = ("limits", at)
        self.only(table, key, ("stage", "hours", "clock", "source_zh", "source_en"))
        source_zh, source_en = self.source_of(table, key)
        return Limit(
            stage=self.one_of(table, key, "stage", STAGES),
            hours=self.number(table, key, "hours"),
            clock=self.one_of(table, key, "clock", CLOCKS),  # type: ignore[arg-type]
            source_zh=source_zh,
            source_en=source_en,
        )

    def rule(self, table: dict[str, Any], codes: tuple[str, ...]) -> Rule:
        key: Key = ("rule",)
        kind = self.one_of(table, key, "kind", (*RULES, PEOPLE, SENSOR))
        video = ("settings",) if kind in RULES else ()
        device = ("measures", "unit", "warn", "alarm", "source_zh", "source_en") if kind == SENSOR else ()
        self.only(table, key, ("kind", "algorithm", "density_px_m", *video, *device))
        algorithm = self.one_of(table, key, "algorithm", tuple(library())) if "algorithm" in table else None
        density = self.number(table, key, "density_px_m") if "density_px_m" in table else None
        if algorithm is not None:
            entry = library()[algorithm]
            if not set(entry.events) & set(codes):
                self.refuse((*key, "algorithm"), algorithm, ", ".join(entry.events))
            if entry.rule and entry.rule != kind:
                self.refuse((*key, "kind"), kind, entry.rule)
            density = entry.density_px_m if density is None else density
        chosen = self.table(table, key, "settings") if "settings" in table else {}
        if kind in RULES:
            try:
                from_settings(kind, chosen)
            except InputError as error:
                self.reject((*key, "settings"), chosen, error)
        if kind != SENSOR:
            return Rule(kind, chosen, algorithm, density)
        warn, alarm = self.number(table, key, "warn"), self.number(table, key, "alarm")
        if not warn <= alarm:
            self.refuse((*key, "alarm"), alarm, Term("at least as much as warn"))
        return Rule(
            kind,
            chosen,
            algorithm,
            density,
            self.text(table, key, "measures"),
            self.text(table, key, "unit"),
            warn,
            alarm,
            *self.source_of(table, key),
        )

    def source_of(self, table: dict[str, Any], key: Key) -> tuple[str, str]:
        """Both or none."""
        names = ("source_zh", "source_en")
        if not set(names) & set(table):
            return "", ""
        return tuple(self.text(table, key, name) for name in names)  # type: ignore[return-value]

    # ------------------------------------------------------------------------------------- single values

    def only(self, table: dict[str, Any], key: Key, known: tuple[str, ...]) -> None:
        for name in table:
            if name not in known:
                raise SceneError(
                    "{file}, line {line}: {key} is not known.",
                    "Take it out or correct it; here may stand: {names}.",
                    names=", ".join(known),
                    **self.where((*key, name)),
                )

    def given(self, table: dict[str, Any], key: Key, name: str, allowed: object) -> Any:
        if name not in table:
            raise SceneError(
                "{file}, line {line}: {key} is missing.",
                "Add it: {allowed}.",
                allowed=allowed,
                **self.where((*key, name)),
            )
        return table[name]

    def text(self, table: dict[str, Any], key: Key, name: str, pattern: re.Pattern[str] | None = None) -> str:
        allowed = Term("a text") if pattern is None else Term("lower-case letters and underscores")
        value = self.given(table, key, name, allowed)
        good = isinstance(value, str) and value.strip() and (pattern is None or pattern.fullmatch(value))
        if not good:
            self.refuse((*key, name), value, allowed)
        return str(value).strip()

    def one_of(self, table: dict[str, Any], key: Key, name: str, known: Sequence[str]) -> str:
        value = self.given(table, key, name, ", ".join(known))
        if value not in known:
            self.refuse((*key, name), value, ", ".join(known))
        return str(value)

    def number(self, table: dict[str, Any], key: Key, name: str, *, whole: bool = False) -> float:
        allowed = Term("a whole number above 0") if whole else Term("a number above 0")
        value = self.given(table, key, name, allowed)
        kinds = (int,) if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not isfinite(value) or value <= 0:
            self.refuse((*key, name), value, allowed)
        return float(value)

    def texts(
        self,
        table: dict[str, Any],
        key: Key,
        name: str,
        known: Sequence[str] | frozenset[str] | None,
        *,
        least: int = 0,
    ) -> tuple[str, ...]:
        allowed: Callable[[], object] = lambda: (  # noqa: E731 - told only where it is needed
            Term("a list of texts") if known is None else ", ".join(sorted(known))
        )
        value = self.given(table, key, name, allowed()) if least else table.get(name, [])
        if not isinstance(value, list) or len(value) < least or not all(isinstance(e, str) for e in value):
            self.refuse((*key, name), value, Term("a list of texts"))
        for each in value:
            if known is not None and each not in known:
                self.refuse((*key, name), each, allowed())
        if len(set(value)) < len(value):
            self.refuse((*key, name), value, Term("each value once"))
        return tuple(value)

    def table(self, table: dict[str, Any], key: Key, name: str) -> dict[str, Any]:
        value = self.given(table, key, name, Term("a table"))
        if not isinstance(value, dict):
            self.refuse((*key, name), value, Term("a table"))
        return dict(value)

    def tables(self, table: dict[str, Any], name: str) -> list[dict[str, Any]]:
        value = self.given(table, (), name, Term("tables, one for each step"))
        if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
            self.refuse((name,), value, Term("tables, one for each step"))
        return list(value)

    # --------------------------------------------------------------------------------------- what is wrong

    def where(self, key: Key) -> dict[str, Any]:
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")
        return {"file": self.file, "line": _line_of(self.source, key), "key": name}

    def refuse(self, key: Key, value: object, allowed: object) -> None:
        raise SceneError(
            "{file}, line {line}: {key} = {value} will not do.",
            "Give: {allowed}.",
            value=str(value)[:80],
            allowed=allowed,
            **self.where(key),
        )

    def reject(self, key: Key, settings: Mapping[str, object], error: HuiyanError) -> None:
        named = next((name for name in settings if name in str(error)), None)
        raise SceneError(
            "{file}, line {line}: {key} will not do: {reason}",
            "Correct the settings of the rule.",
            reason=str(error),
            **self.where(key if named is None else (*key, named)),
        ) from error
