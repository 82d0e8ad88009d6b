"""
Which words a person sees, and which of them wait for a translation.

Reads the source without running it and holds it against `layers/i18n/zh_CN.po`: prints words that lack Chinese, words
that nobody says any more, and words that it cannot read (say those in plain text). Ends with 1 if there is any.

    scripts/words.py            look
    scripts/words.py --write    bring the catalogue up to date: new words wait there with an empty msgstr

Words are what stands in `N_("…")`, `Term("…")`, `words("…")`, `translate("…")` and `say("…")`; the third argument
of `progress(…)`; message and mend of every error of ours; and what is stored with data: the texts of a `Provenance`,
a constant `METHOD`, and a name given to a row in geodata/commands. A name is followed to where its text is written:
to a constant, to an assignment, through a parameter to its callers, through a call to what it returns.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "layers" / "i18n" / "zh_CN.po"
FLOORS = ("analysis", "geodata", "layers", "pages")
SAYING = ("N_", "Term", "words", "translate", "say")
ERROR = "HuiyanError"
HEADER = """\
# 慧眼的中文词句。英文原文是键；花括号里的占位符照抄。新词由 make words ARGS=--write 列入。
msgid ""
msgstr ""
"Project-Id-Version: Huiyan\\n"
"Language: zh_CN\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
DEPTH = 6
"""A name is followed over at most this many steps."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Words:
    """A text that a person sees, and where it is written."""

    text: str
    path: str = field(compare=False)
    line: int = field(compare=False)


class Unreadable(Exception):
    """A text is put together where the source alone does not tell it."""


@dataclass
class Found:
    """All words by their text, and the places that cannot be read."""

    words: dict[str, list[Words]]
    unreadable: list[str]


class Module:
    """A file's tree, with the function around every node."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.tree = ast.parse(source, path)
        self.around: dict[ast.AST, Function | None] = {}
        self.constants: dict[str, ast.expr] = {}
        self.imported: dict[str, str] = {}
        self._enter(self.tree, None)
        for node in self.tree.body:
            for name, value in _assigned(node):
                self.constants[name] = value
            if isinstance(node, ast.ImportFrom):
                self.imported |= {each.asname or each.name: node.module or "" for each in node.names}

    def _enter(self, node: ast.AST, function: Function | None) -> None:
        self.around[node] = function
        inner = node if isinstance(node, Function) else function
        for child in ast.iter_child_nodes(node):
            self._enter(child, inner)

    def calls(self) -> Iterator[ast.Call]:
        """Every call in the file."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))


class Source:
    """The floors of the house, read without being run."""

    def __init__(self, root: Path = ROOT) -> None:
        paths = sorted(path for floor in FLOORS for path in (root / floor).rglob("*.py"))
        self.modules = [
            Module(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in paths
        ]
        self.by_path = {module.path: module for module in self.modules}
        self.functions: dict[str, list[tuple[Module, Function]]] = defaultdict(list)
        self.calls: dict[str, list[tuple[Module, ast.Call]]] = defaultdict(list)
        for module in self.modules:
            for node in ast.walk(module.tree):
                if isinstance(node, Function):
                    self.functions[node.name].append((module, node))
            for call in module.calls():
                self.calls[_name(call.func)].append((module, call))
        self.errors = self._errors()

    def words(self) -> Found:
        """Every word that a person sees."""
        found = Found(defaultdict(list), [])
        for module in self.modules:
            for call in module.calls():
                self._spoken(found, module, call)
            if module.path.startswith("geodata/"):
                self._stored(found, module)
        for text, places in found.words.items():
            found.words[text] = sorted(set(places), key=lambda each: (each.path, each.line))
        return found

    def _spoken(self, found: Found, module: Module, call: ast.Call) -> None:
        name = _name(call.func)
        if name in SAYING:
            # a name that comes from data or from a frozen value was marked where it was written
            self._add(found, module, call.args[:1], strict=name == "N_")
        elif name == "progress" and _numbers_and_words(call.args):
            self._add(found, module, call.args[-1:], strict=_holds_text(call.args[-1]))
        elif name in self.errors:
            named = [each.value for each in call.keywords if each.arg in ("message", "mend")]
            self._add(found, module, [*call.args[:2], *named], strict=True)
        elif name == "Provenance":
            self._add(found, module, call.args[:3], strict=True, stored=True)

    def _stored(self, found: Found, module: Module) -> None:
        if "METHOD" in module.constants:
            self._add(found, module, [module.constants["METHOD"]], strict=True, stored=True)
        if module.path.startswith("geodata/commands/"):
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Dict):
                    pairs = zip(node.keys, node.values, strict=True)
                    given = [v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "name"]
                    self._add(found, module, given, strict=False, stored=True)

    def _add(
        self, found: Found, module: Module, nodes: list[ast.expr], *, strict: bool, stored: bool = False
    ) -> None:
        for node in nodes:
            try:
                texts = list(self.texts(module, node, strict=strict))
            except Unreadable:
                found.unreadable.append(f"{module.path}:{node.lineno}: {ast.unparse(node)}")
                continue
            for each in texts:
                # a single token that is stored (ODbL-1.0, a column) is a code, except our own name
                if each.text and not (stored and " " not in each.text and each.text != "Huiyan"):
                    found.words[each.text].append(each)

    def texts(self, module: Module, node: ast.expr, *, strict: bool, depth: int = DEPTH) -> Iterator[Words]:
        """
        All texts that an expression can be.

        Raises
        ------
        Unreadable
            If it can be something else, and `strict`.
        """
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield Words(node.value, module.path, node.lineno)
            return
        parts = self._alternatives(module, node, strict=strict) if depth else None
        if parts is not None:
            for where, part in parts:
                yield from self.texts(where, part, strict=strict, depth=depth - 1)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and depth:
            left = list(self.texts(module, node.left, strict=strict, depth=depth - 1))
            right = list(self.texts(module, node.right, strict=strict, depth=depth - 1))
            for a, b in product(left, right):
                longer = a if len(a.text) > len(b.text) else b
                yield Words(a.text + b.text, longer.path, longer.line)
        elif strict:
            raise Unreadable

    def _alternatives(
        self, module: Module, node: ast.expr, *, strict: bool
    ) -> list[tuple[Module, ast.expr]] | None:
        """Expressions that stand for `node`, one step further; None if there is no such step."""
        steps: list[tuple[Module, ast.expr]] | None = None
        match node:
            case ast.IfExp():
                steps = [(module, node.body), (module, node.orelse)]
            case ast.BoolOp() | ast.Dict():
                steps = [(module, each) for each in node.values]
            case ast.Subscript() if strict:
                steps = [(module, node.value)]
            case ast.Attribute(attr="message" | "mend"):
                steps = []  # of an error that was made elsewhere
            case ast.Attribute(attr="METHOD" | "licence"):
                steps = []  # read in the module that is named; a licence is a code
            case ast.Name():
                steps = self._named(module, node)
            case ast.Call() if _name(node.func) in SAYING:
                steps = [(module, node.args[0])]
            case ast.Call():
                steps = self._returned(module, node)
        return steps

    def _named(self, module: Module, node: ast.Name) -> list[tuple[Module, ast.expr]] | None:
        function = module.around[node]
        if function is not None:
            if node.id in _parameters(function):
                return self._given(module, function, node.id)
            inside = [
                (module, value)
                for each in ast.walk(function)
                for name, value in _assigned(each)
                if name == node.id
            ]
            if inside:
                return inside
        if node.id in module.constants:
            return [(module, module.constants[node.id])]
        home = self._home(module.imported.get(node.id, ""))
        if home is not None and node.id in home.constants:
            return [(home, home.constants[node.id])]
        return None

    def _given(self, module: Module, function: Function, parameter: str) -> list[tuple[Module, ast.expr]]:
        """What callers pass for a parameter; a name with a leading underscore is called in its own file only."""
        place = _parameters(function).index(parameter)
        given = []
        for where, call in self.calls[function.name]:
            if function.name.startswith("_") and where is not module:
                continue
            if place < len(call.args):
                given.append((where, call.args[place]))
            given += [(where, each.value) for each in call.keywords if each.arg == parameter]
        return given

    def _returned(self, module: Module, call: ast.Call) -> list[tuple[Module, ast.expr]] | None:
        name = _name(call.func)
        homes = [pair for pair in self.functions[name] if pair[0] is module] or self.functions[name]
        if len(homes) != 1 or not isinstance(call.func, ast.Name):
            return None
        where, function = homes[0]
        return [
            (where, each.value)
            for each in ast.walk(function)
            if isinstance(each, ast.Return) and each.value is not None
        ]

    def _home(self, dotted: str) -> Module | None:
        path = dotted.replace(".", "/")
        return self.by_path.get(f"{path}.py") or self.by_path.get(f"{path}/__init__.py")

    def _errors(self) -> set[str]:
        """Names of the error classes of ours."""
        classes = [
            node
            for module in self.modules
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef)
        ]
        names = {ERROR}
        while more := {c.name for c in classes if names & {_name(base) for base in c.bases}} - names:
            names |= more
        return names


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _numbers_and_words(given: list[ast.expr]) -> bool:
    """Done, total and a message; the numbers may come as one starred pair."""
    return len(given) == 3 or (len(given) == 2 and isinstance(given[0], ast.Starred))


def _holds_text(node: ast.expr) -> bool:
    """Whether words are written here, rather than only passed on."""
    return any(
        isinstance(each, ast.JoinedStr) or (isinstance(each, ast.Constant) and isinstance(each.value, str))
        for each in ast.walk(node)
    )


def _parameters(function: Function) -> list[str]:
    every = function.args
    return [each.arg for each in (*every.posonlyargs, *every.args, *every.kwonlyargs)]


def _assigned(node: ast.AST) -> list[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        return [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return [(node.target.id, node.value)]
    return []


def read_catalogue(path: Path = CATALOGUE) -> Catalog:
    """The catalogue of translations."""
    with path.open("rb") as file:
        return read_po(file)


def write_catalogue(found: Found, path: Path = CATALOGUE) -> None:
    """Brings the catalogue up to date: told words stay, new ones wait, forgotten ones go."""
    old = read_catalogue(path)
    new = Catalog(locale=old.locale)
    for places in sorted(found.words.values(), key=lambda each: (each[0].path, each[0].line)):
        text = places[0].text
        known = old.get(text)
        homes = dict.fromkeys((each.path, each.line) for each in places)
        new.add(text, known.string if known else "", locations=list(homes))
    with path.open("wb") as file:
        file.write(HEADER.encode())
        write_po(file, new, width=110, include_lineno=False, omit_header=True)


def main() -> int:
    """Looks, writes if asked, and tells."""
    parser = argparse.ArgumentParser(description="Words that a person sees, and their Chinese.")
    parser.add_argument("--write", action="store_true", help="bring the catalogue up to date")
    asked = parser.parse_args()
    found = Source().words()
    if asked.write:
        write_catalogue(found)
    told = {str(each.id): each.string for each in read_catalogue() if each.id}
    missing = [places[0] for text, places in found.words.items() if not told.get(text)]
    forgotten = sorted(set(told) - set(found.words))
    for each in sorted(missing, key=lambda each: (each.path, each.line)):
        print(f"{each.path}:{each.line}: no Chinese for {each.text!r}")
    for text in forgotten:
        print(f"{CATALOGUE.relative_to(ROOT)}: nobody says {text!r}")
    for place in found.unreadable:
        print(f"{place}: cannot be read; write the words out")
    print(f"{len(found.words)} messages, {len(missing)} without Chinese, {len(forgotten)} that nobody says")
    return 1 if missing or forgotten or found.unreadable else 0


if __name__ == "__main__":
    sys.exit(main())
