"""`huiyan coverage`: what every camera sees, and how much of every place, computed anew."""

from __future__ import annotations

from typing import Annotated

import typer

from layers.i18n import explain
from pages.terminal.console import console, language, progress_bar, say, tells_mistakes
from pages.terminal.opening import open_database

__all__ = ["coverage"]

NAMED = 3
"""So many of the cameras left out are explained."""


@tells_mistakes
def coverage(
    town: Annotated[str | None, typer.Option(help="The town; it must be the loaded one.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes on this machine, 0 for one a core; TWIN_WORKERS if not given.", min=0),
    ] = None,
) -> None:
    """Recompute what every camera sees and how much of every place; on TWIN_DASK_SCHEDULER if that is set."""
    from geodata.commands.coverage import run_coverage

    with open_database(), progress_bar() as progress:
        run = run_coverage(town, workers=workers, progress=progress)
    say(
        "{cells} cells; mean coverage {mean:.1%}; {blind} cells that no camera sees",
        cells=len(run.share),
        mean=float(run.share.mean()),
        blind=int((run.share <= 0).sum()),
    )
    say(
        "{cameras} cameras see ground; {computed} of {parts} parts computed ({executor}) in {seconds:.1f} s",
        cameras=run.cameras,
        computed=run.computed,
        parts=run.parts,
        executor=run.executor,
        seconds=run.seconds,
    )
    if run.left_out:
        say("{count} cameras left out:", count=len(run.left_out))
        for fault in list(run.left_out.values())[:NAMED]:
            console.print(f"  {explain(fault, language())}", markup=False, highlight=False)
    say("SHA-256 of the result: {digest}", digest=run.digest)
