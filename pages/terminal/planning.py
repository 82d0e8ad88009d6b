"""`huiyan place`, `remove` and `relocate`: where cameras, signs and QR points should go, and which could."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geodata import database
from layers.i18n import translate
from pages.terminal.console import console, language, progress_bar, say, tells_mistakes
from pages.terminal.opening import open_database

if TYPE_CHECKING:
    from geodata.queries.planning import Plan
    from geodata.queries.thinning import Relocated, Thinned

__all__ = ["place", "relocate", "remove"]

Out = Annotated[Path | None, typer.Option(help="Write them as GeoJSON.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the answer in the table of runs.")]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        help="Kind of demand and factor, such as schools=2; may be given again. Kinds: violations, complaints, "
        "schools, uniform.",
    ),
]
Sites = Annotated[
    list[str] | None, typer.Option("--site", help="lamps, streets or walls; may be given again.")
]
Lenses = Annotated[
    list[str] | None, typer.Option("--lens", help="wide, medium, tele or panorama; may be given again.")
]
Area = Annotated[str | None, typer.Option(help="Code of the area to plan for; the whole town if not given.")]
Limit = Annotated[float, typer.Option("--time-limit", help="Seconds for search and proof.", min=0)]
NEEDS_COUNT = ("mclp", "backup", "fair")


@tells_mistakes
def place(
    count: Annotated[int | None, typer.Argument(help="How many more.", min=1)] = None,
    model: Annotated[
        str,
        typer.Option(
            help="mclp: most demand; lscp: fewest for all of it; backup: seen twice counts too; budgeted: most for "
            "the money; fair: a minimum for each district."
        ),
    ] = "mclp",
    kind: Annotated[str, typer.Option(help="camera, sign or qr.")] = "camera",
    site: Sites = None,
    lens: Lenses = None,
    headings: Annotated[int, typer.Option(help="Headings tried at each site.", min=1)] = 8,
    weight: Weights = None,
    budget: Annotated[float | None, typer.Option(help="For budgeted.", min=0)] = None,
    share: Annotated[float, typer.Option(help="For lscp: share of the demand to cover.", min=0, max=1)] = 1.0,
    by_cost: Annotated[bool, typer.Option("--by-cost", help="For lscp: cheapest, not fewest.")] = False,
    districts: Annotated[str, typer.Option(help="For fair: county, street or community.")] = "street",
    minimum: Annotated[float, typer.Option(help="For fair: share of each district.", min=0, max=1)] = 0.0,
    minimum_of: Annotated[
        list[str] | None,
        typer.Option("--minimum-of", help="For fair: CODE=SHARE of one district; may be given again."),
    ] = None,
    area: Area = None,
    curve: Annotated[bool, typer.Option("--curve", help="Also tell cover against number.")] = False,
    time_limit: Limit = 10.0,
    keep: Keep = False,
    out: Out = None,
) -> None:
    """Propose places for COUNT more cameras, signs or QR points."""
    if count is None and model in NEEDS_COUNT:
        raise typer.BadParameter("Say how many.", param_hint="COUNT")
    from geodata.queries.planning import Question, make_plan

    question = Question(
        model=model,  # type: ignore[arg-type]  # the query tells what it does not know
        count=count or 1,
        kind=kind,  # type: ignore[arg-type]
        headings=headings,
        budget=budget,
        share_ratio=share,
        by_cost=by_cost,
        districts=districts,
        minimum_ratio=minimum,
        minima=_pairs(minimum_of, "--minimum-of"),
        curve=curve,
        **_common(site, lens, weight, area, time_limit),
    )
    with open_database(), progress_bar() as progress:
        from geodata.queries.datasets import loaded_town

        with database.connection() as conn:
            plan = make_plan(conn, loaded_town(conn), question, progress=progress)
        _keep(plan, keep=keep)
    _tell_plan(plan)
    _write(plan, out)


@tells_mistakes
def remove(
    count: Annotated[int, typer.Argument(help="How many may go.", min=1)],
    weight: Annotated[
        list[str] | None,
        typer.Option(
            "--weight",
            help="What must not be lost and its factor, such as schools=2; may be given again. Kinds: ground, "
            "violations, complaints, schools, uniform.",
        ),
    ] = None,
    time_limit: Limit = 10.0,
    keep: Keep = False,
    out: Out = None,
) -> None:
    """Name the COUNT cameras whose loss costs least, and what would be lost."""
    from geodata.queries.thinning import LOSSES, remove_cameras

    with open_database(), progress_bar() as progress:
        from geodata.queries.datasets import loaded_town

        with database.connection() as conn:
            answer = remove_cameras(
                conn,
                loaded_town(conn),
                count,
                weights=_pairs(weight, "--weight") or LOSSES,
                time_limit_s=time_limit,
                progress=progress,
            )
        _keep(answer, keep=keep)
    say(
        "{count} of {among} cameras: {loss:.2%} of what counts would be lost; no choice loses less than {bound:.2%}",
        count=len(answer.cameras),
        among=answer.among,
        loss=answer.loss_ratio,
        bound=answer.bound_ratio,
    )
    say("{area:,.0f} m² that nobody would see any more", area=answer.lost_m2)
    say("In order: camera, loss of what counts, ground lost, share of its view that others see")
    for row in answer.cameras.itertuples():
        console.print(
            f"{row.order:>3}  {row.code}  −{row.loss_ratio:.3%}  {row.lost_m2:>8,.0f} m²  {row.overlap_ratio:>4.0%}",
            highlight=False,
        )
    _write(answer, out)


@tells_mistakes
def relocate(
    swaps: Annotated[int, typer.Argument(help="How many may move.", min=1)],
    site: Sites = None,
    lens: Lenses = None,
    headings: Annotated[int, typer.Option(help="Headings tried at each site.", min=1)] = 8,
    weight: Weights = None,
    area: Area = None,
    time_limit: Limit = 10.0,
    keep: Keep = False,
    out: Out = None,
) -> None:
    """Name at most SWAPS cameras that would do more elsewhere, and where."""
    from geodata.queries.planning import Question
    from geodata.queries.thinning import relocate_cameras

    question = Question(headings=headings, **_common(site, lens, weight, area, time_limit))
    with open_database(), progress_bar() as progress:
        from geodata.queries.datasets import loaded_town

        with database.connection() as conn:
            answer = relocate_cameras(conn, loaded_town(conn), swaps, question, progress=progress)
        _keep(answer, keep=keep)
    say(
        "{count} moves: from {now:.1%} to {then:.1%} of the demand; upper bound {bound:.1%}; gap {gap:.2%}",
        count=len(answer.added),
        now=answer.current_ratio,
        then=answer.covered_ratio,
        bound=answer.bound_ratio,
        gap=answer.gap_ratio,
    )
    for gone, come in zip(answer.removed.itertuples(), answer.added.itertuples(), strict=True):
        console.print(
            f"{come.order:>3}  {gone.code} → {come.lon_deg:.6f} {come.lat_deg:.6f}  {come.heading_deg:5.1f}°"
            f"  {_lens(come.lens)}  +{come.gain_ratio:.2%}",
            highlight=False,
        )
    _write(answer, out)


def _common(
    site: list[str] | None,
    lens: list[str] | None,
    weight: list[str] | None,
    area: str | None,
    time_limit: float,
) -> dict[str, object]:
    """What place and relocate ask alike, as far as it was said."""
    from geodata.queries.sites import named_lenses

    said: dict[str, object] = {"area": area, "time_limit_s": time_limit}
    if site:
        said["sites"] = tuple(site)
    if lens:
        said["lenses"] = named_lenses(lens)
    if weight:
        said["weights"] = _pairs(weight, "--weight")
    return said


def _pairs(words: list[str] | None, hint: str) -> tuple[tuple[str, float], ...]:
    """NAME=NUMBER, or NAME for 1."""
    pairs = []
    for word in words or []:
        name, _, number = word.partition("=")
        try:
            pairs.append((name, float(number or 1.0)))
        except ValueError:
            raise typer.BadParameter(f"{word!r} is not NAME=NUMBER.", param_hint=hint) from None
    return tuple(pairs)


def _tell_plan(plan: Plan) -> None:
    facts = {"share": plan.covered_ratio, "bound": plan.bound_ratio, "gap": plan.gap_ratio}
    if plan.question.kind == "camera":
        say("Covers {share:.1%} of what no camera sees; upper bound {bound:.1%}; gap {gap:.2%}", **facts)
    else:
        say("Covers {share:.1%} of what nothing covers yet; upper bound {bound:.1%}; gap {gap:.2%}", **facts)
    say(
        "{candidates:,} of {possible:,} candidates weighed; {unreachable:.1%} is out of their reach; cost {cost:,.0f}",
        candidates=plan.candidates,
        possible=plan.possible,
        unreachable=plan.unreachable_ratio,
        cost=plan.cost,
    )
    for row in plan.cameras.itertuples():
        console.print(
            f"{row.order:>3}  {row.lon_deg:.6f} {row.lat_deg:.6f}  {row.heading_deg:5.1f}°  {_lens(row.lens)}"
            f"  +{row.gain_ratio:.2%}",
            highlight=False,
        )
    for district in plan.districts.itertuples():
        sign = "<" if district.unmet else "≥"
        console.print(
            f"{district.code:>14}  {district.covered_ratio:.1%} {sign} {district.minimum_ratio:.1%}"
        )
    for point in plan.curve.itertuples():
        console.print(f"{point.count:>5}  {point.covered_ratio:.2%}  ≤ {point.bound_ratio:.2%}")


def _keep(answer: Plan | Thinned | Relocated, *, keep: bool) -> None:
    if not keep:
        return
    from geodata.commands.plans import keep_plan

    with database.transaction() as session:
        number = keep_plan(session, answer)
    say("Kept as run {number}", number=number)


def _write(answer: Plan | Thinned | Relocated, out: Path | None) -> None:
    if out is not None:
        answer.write(out)
        say("Written: {path}", path=out)


def _lens(name: str) -> str:
    from geodata.queries.sites import LENS_TITLES

    return translate(LENS_TITLES.get(name, name), language())
