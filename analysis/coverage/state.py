"""Coverage that follows a change of cameras without being computed anew."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.checks import require_metric
from analysis.coverage.measure import (
    EVERYONE,
    Eyes,
    Groups,
    Pairs,
    Places,
    Tally,
    measure,
    read_eyes,
    read_places,
    tiles,
)
from analysis.coverage.outlines import Frame, boxes
from analysis.coverage.shares import share_table
from analysis.errors import InputError

__all__ = ["CoverageState"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK = 1024
"""Places whose shares are copied together when one of them changes."""
MANY = 2000
"""So many cameras may be new before all are indexed again."""


@dataclass(frozen=True, eq=False)
class Crowd:
    """
    Cameras with an index, some of which have gone, and new ones beside them.

    Attributes
    ----------
    base
        Cameras that were indexed together.
    kept
        Which of them are still there.
    fresh
        Cameras that came later.
    """

    base: Eyes
    kept: npt.NDArray[np.bool_]
    fresh: Eyes

    @classmethod
    def of(cls, eyes: Eyes) -> Crowd:
        """All of them, indexed."""
        return cls(eyes, np.ones(eyes.outlines.size, bool), eyes.taken(np.zeros(0, np.int64)))

    @property
    def labels(self) -> pd.Index[Any]:
        """Cameras that are there."""
        return self.base.labels[self.kept].append(self.fresh.labels)

    def all(self) -> Eyes:
        """Cameras that are there."""
        return self.base.taken(np.flatnonzero(self.kept)).joined(self.fresh)

    def find(self, labels: pd.Index[Any]) -> tuple[Ints, Ints]:
        """Rows in `base` and in `fresh`, -1 where a camera is not there."""
        base = self.base.labels.get_indexer(labels)
        there = np.flatnonzero(base >= 0)
        base[there[~self.kept[base[there]]]] = -1
        return base, self.fresh.labels.get_indexer(labels)

    def changed(self, gone_base: Ints, gone_fresh: Ints, new: Eyes) -> Crowd:
        """Without some rows, and with others."""
        kept = self.kept
        if gone_base.size:
            kept = kept.copy()
            kept[gone_base] = False
        fresh = self.fresh
        if gone_fresh.size:
            fresh = fresh.taken(np.delete(np.arange(fresh.outlines.size), gone_fresh))
        if new.outlines.size:
            fresh = fresh.joined(new)
        crowd = Crowd(self.base, kept, fresh)
        return Crowd.of(crowd.all()) if fresh.outlines.size > MANY else crowd

    def near(self, places: Places) -> tuple[Eyes, Pairs]:
        """The cameras that may see something of the places, and the pairs of both."""
        place, view = self.base.near(places)
        there = self.kept[view]
        place, view = place[there], view[there]
        more_place, more_view = self.fresh.near(places)
        used, view = np.unique(view, return_inverse=True)
        used_fresh, more_view = np.unique(more_view, return_inverse=True)
        eyes = self.base.taken(used).joined(self.fresh.taken(used_fresh))
        place, view = np.concatenate([place, more_place]), np.concatenate([view, more_view + len(used)])
        order = np.argsort(place, kind="stable")
        return eyes, (place[order], view[order])

    def tally(self, places: Places, groups: int) -> Tally:
        """What they see of the places."""
        eyes, pairs = self.near(places)
        return measure(places, eyes, groups, pairs)


@dataclass(frozen=True, eq=False)
class CoverageState:
    """
    What a set of cameras sees of a set of places; a change of cameras gives a new state and leaves this one as it is.

    Make it with `CoverageState.of`. A change costs as much as the places that it touches: moving one camera of
    53,000 over 1,849 cells takes milliseconds. Any chain of changes gives, to the last bit, what a new state of the
    same cameras would.

    Attributes
    ----------
    touched
        Labels of the places that the last change computed anew; all of them in a state that was just made.
    """

    touched: pd.Index[Any]
    _ground: gpd.GeoSeries
    _places: Places
    _tree: shapely.STRtree
    _names: list[str]
    _crowd: Crowd
    _blocks: tuple[Floats, ...]
    _seen: dict[tuple[int, int], float] | None = None

    @classmethod
    def of(cls, places: Frame, views: Frame, groups: Groups | None = None) -> CoverageState:
        """
        Measures everything once.

        Parameters
        ----------
        places, views, groups
            As in `seen_shares`; the labels of the places differ from one another.

        Raises
        ------
        CrsError, InputError
            As in `seen_shares`; also if two places have the same label.
        """
        require_metric(places=places, views=views)
        if not places.index.is_unique:
            raise InputError(
                "places holds the label {label} more than once.",
                "Give each place a label of its own: places.reset_index(drop=True).",
                label=places.index[places.index.duplicated()][0],
            )
        wanted = read_places("places", places)
        eyes, names = read_eyes(views, groups)
        crowd = Crowd.of(eyes)
        shares = _shares(crowd.tally(wanted, len(names)))
        blocks = tuple(shares[at : at + BLOCK] for at in range(0, len(shares), BLOCK))
        return cls(places.index, places.geometry.iloc[:0], wanted, wanted.tree, names, crowd, blocks)

    @property
    def shares(self) -> pd.DataFrame:
        """The table that `seen_shares` gives."""
        groups = len(self._names)
        shares = np.concatenate([*self._blocks, np.empty((0, groups, 2))])
        return share_table(self._places.labels, self._names, shares[:, :, 0], shares[:, :, 1])

    @property
    def cameras(self) -> pd.Index[Any]:
        """Labels of the cameras that are there."""
        return self._crowd.labels

    @property
    def seen_area_m2(self) -> float:
        """
        Ground that at least one camera sees, in the places or outside, square metres.

        Computed when it is first asked for; states that are made from this one then keep it up to date.
        """
        if self._seen is None:
            squares = tiles(self._crowd.all().outlines.bounds)
            object.__setattr__(self, "_seen", self._squares_seen(self._crowd, squares))
        return math.fsum((self._seen or {}).values())

    def changed(
        self, *, remove: Iterable[Any] = (), add: Frame | None = None, groups: Groups | None = None
    ) -> CoverageState:
        """
        The same with other cameras.

        Parameters
        ----------
        remove
            Labels of cameras that go.
        add
            Views of cameras that come, as in `seen_shares`. A camera that moves or turns is in both.
        groups
            Which groups each of `add` is in, as in `CoverageState.of`, with the same names. Left out, a camera that
            is in both stays in its groups; one that is new needs them, unless "all" is the only group.

        Raises
        ------
        CrsError, InputError
            If a camera to remove is not there, or one to add is there already or has no groups; otherwise as in
            `seen_shares`.
        """
        gone = _distinct(remove)
        in_base, in_fresh = self._crowd.find(gone)
        absent = (in_base < 0) & (in_fresh < 0)
        if absent.any():
            raise InputError(
                "Camera {camera} is to be removed but is not there.",
                "Name cameras that are in state.cameras, each once.",
                camera=gone[int(np.argmax(absent))],
            )
        in_base, in_fresh = in_base[in_base >= 0], in_fresh[in_fresh >= 0]
        old = self._crowd.base.taken(in_base).joined(self._crowd.fresh.taken(in_fresh))
        new = self._read(add, groups, old) if add is not None else old.taken(np.zeros(0, np.int64))
        crowd = self._crowd.changed(in_base, in_fresh, new)
        bounds = np.concatenate([old.outlines.bounds, new.outlines.bounds])
        rows = np.unique(self._tree.query(boxes(bounds))[1])
        return replace(
            self,
            touched=self._places.labels[rows],
            _crowd=crowd,
            _blocks=self._renewed(crowd, rows),
            _seen=None if self._seen is None else {**self._seen, **self._squares_seen(crowd, tiles(bounds))},
        )

    def _read(self, add: Frame, groups: Groups | None, old: Eyes) -> Eyes:
        """Cameras to add, in their groups."""
        if add.crs != self._ground.crs:  # else it was checked when the state was made
            require_metric(places=self._ground, add=add)
        if groups is not None and set(groups) != set(self._names):
            raise InputError(
                "groups names {found}, but the state has {expected}.",
                "Say for each of these groups which cameras are in it.",
                found=", ".join(groups) or "none",
                expected=", ".join(self._names),
            )
        ordered = None if groups is None else {name: groups[name] for name in self._names}
        new, _ = read_eyes(add, ordered, "add")
        in_base, in_fresh = self._crowd.find(new.labels)
        before = old.labels.get_indexer(new.labels)
        there = ((in_base >= 0) | (in_fresh >= 0)) & (before < 0)
        if there.any():
            raise InputError(
                "Camera {camera} is to be added but is already there.",
                "Remove it in the same call, or give the new one another label.",
                camera=new.labels[int(np.argmax(there))],
            )
        if groups is not None or self._names == [EVERYONE]:
            return new
        if (before < 0).any():
            raise InputError(
                "Camera {camera} is new and has no groups.",
                "Say for each of {expected} whether it is in it.",
                camera=new.labels[int(np.argmax(before < 0))],
                expected=", ".join(self._names),
            )
        return Eyes(new.labels, new.outlines, old.masks[before])

    def _renewed(self, crowd: Crowd, rows: Ints) -> tuple[Floats, ...]:
        """Shares of which some rows are measured anew; blocks without any of them are shared with this state."""
        shares = _shares(crowd.tally(self._places.taken(rows), len(self._names)))
        blocks = list(self._blocks)
        for block in np.unique(rows // BLOCK):
            mine = rows // BLOCK == block
            blocks[block] = blocks[block].copy()
            blocks[block][rows[mine] % BLOCK] = shares[mine]
        return tuple(blocks)

    def _squares_seen(self, crowd: Crowd, squares: Places) -> dict[tuple[int, int], float]:
        """Area seen in each square of the grid, by its column and row."""
        eyes, pairs = crowd.near(squares)
        everyone = Eyes(eyes.labels, eyes.outlines, np.ones((eyes.outlines.size, 1), np.int64))
        seen = measure(squares, everyone, 1, pairs).once[:, 0]
        return dict(zip(squares.labels, seen.tolist(), strict=True))


def _shares(tally: Tally) -> Floats:
    """Place × group × at least one, at least two."""
    return np.stack([tally.once, tally.twice], axis=2) / tally.ground[:, None, None]


def _distinct(labels: Iterable[Any]) -> pd.Index[Any]:
    if isinstance(labels, str):
        labels = [labels]
    return pd.Index(list(labels)).unique()
