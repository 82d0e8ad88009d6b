"""How commands speak: progress bars, tables, and one clear sentence when something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from analysis.errors import HuiyanError
from geodata.progress import Progress
from geodata.settings import terminal_locale
from layers.i18n import explain, pick_language, translate

__all__ = ["console", "language", "progress_bar", "say", "tells_mistakes"]

console = Console()
complaints = Console(stderr=True)


def language() -> str:
    """The terminal's language, from its locale."""
    return pick_language(terminal_locale())


def say(message: str, **facts: object) -> None:
    """Prints `message` in the terminal's language."""
    console.print(translate(message, language(), **facts), highlight=False, soft_wrap=True, markup=False)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar for long work; where nobody watches it prints nothing."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=complaints, transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int | None, message: str) -> None:
            bar.update(task, completed=done, total=total, description=translate(message, language()))

        yield progress


def tells_mistakes(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose errors are one sentence on stderr and exit code 1; Ctrl-C is 130."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except HuiyanError as error:
            sentence = escape(explain(error, language()))
            complaints.print(f"[bold red]✗[/] {sentence}", highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    return wrapped
