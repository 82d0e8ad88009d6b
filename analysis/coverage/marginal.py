"""What each camera adds to the others: what would be lost if it went."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import require_metric, require_positive
from analysis.coverage.measure import Eyes, Groups, Places, measure, read_eyes, read_places, tiles
from analysis.coverage.outlines import AREA, Frame
from analysis.errors import InputError

__all__ = [
    "camera_overlap",
    "federated_gain",
    "lost_shares",
    "lost_weight",
    "marginal_area_m2",
]

Floats = npt.NDArray[np.float64]


def marginal_area_m2(views: Frame) -> pd.Series[float]:
    """
    Ground that no camera would see any more if this one went.

    Of two equal views each has a marginal area of 0, yet only one of them can go without loss: after taking
    one out, ask again.

    Parameters
    ----------
    views
        Ground that each camera sees, as `coverage_by_cell` takes it.

    Returns
    -------
    marginal_m2
        Square metres, 0 or more and at most the area of the view, indexed by camera: like `views`, if no label
        is there twice.

    Raises
    ------
    CrsError
        If `views` is not in metres.
    InputError
        If a shape is invalid; the message names the row.
    """
    require_metric(views=views)
    eyes, names = read_eyes(views)
    return pd.Series(_alone_m2(eyes, len(names))[:, 0], index=eyes.labels, name="marginal_m2")


def camera_overlap(views: Frame) -> pd.Series[float]:
    """
    Share of each camera's view that another camera sees too.

    Takes what `marginal_area_m2` takes and raises what it raises.

    Returns
    -------
    overlap
        One float in [0, 1] a camera, indexed as by `marginal_area_m2`; not a number where a camera sees nothing.
    """
    require_metric(views=views)
    eyes, names = read_eyes(views)
    alone, seen = _alone_m2(eyes, len(names))[:, 0], _view_m2(eyes)
    with np.errstate(invalid="ignore"):
        share = (seen - alone) / seen
    return pd.Series(np.clip(share, 0.0, 1.0), index=eyes.labels, name="overlap")


def lost_shares(places: Frame, views: Frame, groups: Groups | None = None) -> pd.DataFrame:
    """
    Share of each place that a camera sees and no other camera of a group does: what is lost there if it goes.

    Parameters
    ----------
    places, views, groups
        As in `seen_shares`. A camera outside a group is compared with all cameras in it: against the group of
        public cameras, that is what a private one adds to them.

    Returns
    -------
    lost
        One row for each camera and place of which it sees something alone, indexed by both (names "camera" and
        "place"), cameras in the order of the views; one column a group; floats in [0, 1].

    Raises
    ------
    CrsError, InputError
        As in `seen_shares`.
    """
    require_metric(places=places, views=views)
    wanted = read_places("places", places)
    eyes, names = read_eyes(views, groups)
    place, view = pairs = eyes.near(wanted)
    tally = measure(wanted, eyes, len(names), pairs, np.ones(len(names), bool))
    lost = tally.alone / tally.ground[place][:, None]
    some = np.flatnonzero((lost > 0).any(axis=1))
    some = some[np.lexsort([place[some], view[some]])]
    index = pd.MultiIndex.from_arrays(
        [eyes.labels[view[some]].to_flat_index(), places.index[place[some]].to_flat_index()],
        names=["camera", "place"],
    )
    return pd.DataFrame(lost[some], index=index, columns=pd.Index(names, name="group"))


def lost_weight(
    places: Frame, views: Frame, weights: pd.Series[float], groups: Groups | None = None
) -> pd.DataFrame:
    """
    Weight of the demand that would go unseen if a camera went: violations, complaints, pupils.

    Parameters
    ----------
    places, views, groups
        As in `lost_shares`; a place loses its weight in proportion to the share that is lost.
    weights
        One a place, 0 or more, indexed like `places`.

    Returns
    -------
    lost
        One row a camera, one column a group, in the unit of the weights.

    Raises
    ------
    CrsError, InputError
        As in `seen_shares`; also if a weight is missing, negative or not a number.
    """
    if not weights.index.equals(places.index):
        raise InputError(
            "weights has {found} rows that are not in the order of the {expected} places.",
            "Align them first: weights.reindex(places.index).",
            found=len(weights),
            expected=len(places),
        )
    require_positive("weights", weights, zero=True)
    require_metric(places=places, views=views)
    wanted = read_places("places", places)
    eyes, names = read_eyes(views, groups)
    place, view = pairs = eyes.near(wanted)
    tally = measure(wanted, eyes, len(names), pairs, np.ones(len(names), bool))
    each = tally.alone * (weights.to_numpy(dtype=float) / tally.ground)[place][:, None]
    return pd.DataFrame(
        _by_view(each, view, eyes.outlines.size), index=eyes.labels, columns=pd.Index(names, name="group")
    )


def federated_gain(
    views: Frame,
    private: pd.Series[bool] | npt.ArrayLike,
    *,
    places: Frame | None = None,
    weights: pd.Series[float] | None = None,
) -> pd.DataFrame:
    """
    What each private camera adds to a city's own, if its owner lets the city look through it.

    Parameters
    ----------
    views
        Ground that each camera sees, public and private, as in `seen_shares`.
    private
        Which are private: one truth value a row of the views, or a Series by camera.
    places, weights
        Demand, as in `lost_weight`; both or neither.

    Returns
    -------
    gain
        One row a private camera: `view_m2`, all that it sees; `beside_public_m2`, what no public camera sees;
        `beside_all_m2`, what neither a public nor another private camera sees. With demand also
        `beside_public_weight` and `beside_all_weight`.

    Raises
    ------
    CrsError, InputError
        As in `lost_weight`.
    """
    require_metric(views=views)
    eyes, _ = read_eyes(views, {"private": private})
    inside = (eyes.masks[:, 0] & 1).astype(bool)
    public = pd.Series(~inside, index=eyes.labels).loc[views.index].to_numpy(dtype=bool)
    groups = {"public": public, "all": np.ones(len(views), bool)}
    eyes, names = read_eyes(views, groups)
    gain = pd.DataFrame(
        np.column_stack([_view_m2(eyes), _alone_m2(eyes, len(names))]),
        index=eyes.labels,
        columns=["view_m2", "beside_public_m2", "beside_all_m2"],
    )
    if places is not None and weights is not None:
        lost = lost_weight(places, views, weights, groups)
        gain["beside_public_weight"], gain["beside_all_weight"] = lost["public"], lost["all"]
    elif places is not None or weights is not None:
        raise InputError("Only one of places and weights is given.", "Give both, or neither.")
    return gain[inside]


def _alone_m2(eyes: Eyes, groups: int) -> Floats:
    """Camera × group: ground that no other camera of the group sees, square metres."""
    squares = tiles(eyes.outlines.bounds)
    pairs = eyes.near(squares)
    alone = measure(squares, eyes, groups, pairs, np.ones(groups, bool)).alone
    return _by_view(alone, pairs[1], eyes.outlines.size)


def _view_m2(eyes: Eyes) -> Floats:
    """All that each camera sees, square metres; what two of its rows show counts once."""
    everywhere = Places(eyes.labels, np.full(eyes.outlines.size, AREA), eyes.outlines)
    return measure(everywhere, eyes, 1, (np.zeros(0, np.int64), np.zeros(0, np.int64))).ground


def _by_view(alone: Floats, view: npt.NDArray[np.int64], count: int) -> Floats:
    sums = [np.bincount(view, column, minlength=count) for column in alone.T]
    return np.column_stack(sums)
