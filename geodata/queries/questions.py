"""What a planner asks about new cameras, signs and QR points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from analysis.checks import require_positive
from analysis.errors import InputError, Term
from analysis.placement import Lens
from geodata.queries.sites import LENSES, QR_POINT, SIGN

__all__ = ["METHODS", "MOST", "Kind", "Model", "Question", "require_question"]

Model = Literal["mclp", "lscp", "backup", "budgeted", "fair"]
Kind = Literal["camera", "sign", "qr"]

METHODS: dict[str, str] = {
    "mclp": Term("maximal covering (Church & ReVelle 1974)"),
    "lscp": Term("location set covering (Toregas et al. 1971)"),
    "backup": Term("backup covering (Hogan & ReVelle 1986)"),
    "budgeted": Term("budgeted maximum covering (Khuller, Moss & Naor 1999)"),
    "fair": Term("maximal covering with a minimum for each district"),
}
"""Where each model comes from."""
MOST = 500
"""More than so many at once are a programme, not a proposal."""
MOST_CANDIDATES = 50_000
"""Sites × headings × lenses that are weighed, at most."""


@dataclass(frozen=True)
class Question:
    """
    What is asked.

    Attributes
    ----------
    model
        mclp: most demand with `count`. lscp: fewest (cheapest, if `by_cost`) for `share_ratio` of all demand that can
        be covered. backup: being covered twice counts `backup_ratio` of once. budgeted: most demand for `budget`.
        fair: most demand with `count`, at least `minimum_ratio` of that of every district covered.
    count
        How many more, 1 to 500; lscp and budgeted do not read it.
    kind
        camera (sees), sign (is seen), qr (is walked to).
    sites
        Of lamps, streets, walls.
    spacing_m
        Distance between new poles and between brackets on a wall, above 0.
    headings
        How many, evenly from north.
    lenses
        What can be hung there; `sites.LENSES` has some. What is usual for the kind if none is given.
    weights
        Kinds of demand (violations, complaints, schools, uniform) and their factors.
    budget
        For budgeted, in the currency of the lenses' costs.
    share_ratio, by_cost, backup_ratio
        See `model`.
    districts, minimum_ratio, minima
        Level (county, street, community), minimum of all, and minima of some by code.
    area, cells
        Code of an area, or ids of cells, to which demand and sites are limited.
    most_candidates
        At most so many are weighed: those with most uncovered demand near, spread over the ground.
    curve
        Also tell cover against number.
    time_limit_s
        For the search and the proof, about.
    """

    model: Model = "mclp"
    count: int = 10
    kind: Kind = "camera"
    sites: tuple[str, ...] = ("lamps",)
    spacing_m: float = 25.0
    headings: int = 8
    lenses: tuple[Lens, ...] = ()
    weights: tuple[tuple[str, float], ...] = (("violations", 1.0),)
    budget: float | None = None
    share_ratio: float = 1.0
    by_cost: bool = False
    backup_ratio: float = 0.5
    districts: str = "street"
    minimum_ratio: float = 0.0
    minima: tuple[tuple[str, float], ...] = ()
    area: str | None = None
    cells: tuple[int, ...] | None = None
    most_candidates: int = MOST_CANDIDATES
    curve: bool = False
    time_limit_s: float = 10.0

    @property
    def hung(self) -> tuple[Lens, ...]:
        """The lenses, or what is usual for the kind."""
        usual = {"camera": LENSES["wide"], "sign": SIGN, "qr": QR_POINT}
        return self.lenses or (usual[self.kind],)

    @property
    def turns(self) -> int:
        """Headings that are tried: whoever walks to a QR point does not mind."""
        return 1 if self.kind == "qr" else self.headings

    @property
    def each_site(self) -> int:
        """Candidates of one site that is not on a wall."""
        return sum(1 if lens.hfov_deg >= 360 else self.turns for lens in self.hung)

    @property
    def looks(self) -> int:
        """How often demand can be covered with a gain."""
        return 2 if self.model == "backup" else 1


def require_question(question: Question) -> None:
    """
    The question has sense, as far as it shows without the data.

    Raises
    ------
    InputError
        If it has none; the message names what and how to mend it.
    """
    for name, value, known in (
        (Term("model"), question.model, get_args(Model)),
        (Term("kind"), question.kind, get_args(Kind)),
    ):
        if value not in known:
            raise InputError(
                "There is no {name} {value!r}.",
                "Choose from {known}.",
                name=name,
                value=value,
                known=", ".join(known),
            )
    if question.model in ("mclp", "backup", "fair") and not 1 <= question.count <= MOST:
        raise InputError(
            "{count} more cameras cannot be placed.", "Ask for 1 to {most}.", count=question.count, most=MOST
        )
    if question.model == "budgeted" and question.budget is None:
        raise InputError("The model budgeted needs a budget.", "Say how much may be spent.")
    if question.area is not None and question.cells is not None:
        raise InputError("Both an area and cells are named.", "Limit the question by one of them.")
    require_positive("headings", question.headings)
    require_positive("most_candidates", question.most_candidates)
    require_positive("time_limit_s", question.time_limit_s, zero=True)
