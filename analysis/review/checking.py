"""The whole check of an application: figures, reasons, advice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.checks import require_columns, require_metric
from analysis.codes import explain_camera_code
from analysis.errors import InputError
from analysis.review.facades import numbers
from analysis.review.ground import Ground, measure_ground, needless_cameras
from analysis.review.places import measure_places
from analysis.review.privacy import Privacy, measure_privacy
from analysis.review.sheet import Reason, ReviewRules, ReviewSheet, Severity

__all__ = ["MOST_CAMERAS", "review_cameras"]

MOST_CAMERAS = 1000
"""An application is for a project; more is another register."""
WEIGHT: dict[Severity, int] = {"return": 0, "condition": 1, "note": 2}


def review_cameras(
    proposed: gpd.GeoDataFrame,
    views: gpd.GeoSeries,
    existing: gpd.GeoDataFrame,
    existing_views: gpd.GeoSeries,
    *,
    buildings: gpd.GeoDataFrame,
    restricted: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    taken_codes: Collection[str] = (),
    rules: ReviewRules | None = None,
) -> ReviewSheet:
    """
    What proposed cameras add, repeat and must not see, with a reason for every doubt.

    Parameters
    ----------
    proposed
        Points in metres with heading_deg, hfov_deg, range_m and resolution_px; height_m, tilt_deg, vfov_deg, code,
        name, cost and area_class where known.
    views
        Ground that each sees, from `analysis.visibility.visible_polygons`, indexed like `proposed`.
    existing
        Cameras that look already: resolution_px, hfov_deg; height_m, code, name, owner and share_level where known.
    existing_views
        Ground that each of those sees, indexed like `existing`.
    buildings
        Footprints around the proposed cameras; `height_m`, and `use_known` (false where nobody knows the use).
    restricted
        Polygons with `kind`: dwelling, or what Order 799 forbids to look at; name, source, simulated where known.
    places
        Points or areas that matter, with the DORI `task` they ask for; name and kind where known.
    taken_codes
        Codes of existing cameras.
    rules
        What the office asks of a camera; None: the usual.

    Returns
    -------
    sheet
        Figures, reasons and advice. A person decides.

    Raises
    ------
    CrsError
        If a frame is not in metres, or two differ.
    InputError
        If there are no proposed cameras, too many, two of one label, or a column is missing.
    """
    rules = rules or ReviewRules()
    frames = {"views": views, "existing": existing, "existing_views": existing_views}
    require_metric(proposed=proposed, **frames, buildings=buildings, restricted=restricted, places=places)
    _require_sound(proposed, views, existing, existing_views)
    require_columns("restricted", restricted, "kind")
    require_columns("places", places, "task")
    ground = measure_ground(proposed, views, existing, existing_views, rules)
    privacy = measure_privacy(proposed, ground.views, buildings, restricted, rules)
    table, place_lost, seen_by = measure_places(
        places, proposed, ground.views, existing, existing_views.to_numpy(), rules
    )
    needless, gain, kept = needless_cameras(ground, rules, place_lost)
    cost = pd.Series(numbers(proposed, "cost", np.nan), index=proposed.index)
    cameras = proposed[[name for name in ("name", "code", "site") if name in proposed]].copy()
    cameras = cameras.join(ground.figures).join(privacy.figures)
    cameras["gain_ratio"] = gain
    cameras["cost"] = cost
    cameras["needless"] = np.isin(np.arange(len(proposed)), needless)
    cameras = cameras.set_geometry(proposed.geometry.to_numpy(), crs=proposed.crs)
    told = _Told(proposed, rules)
    told.ground(ground, needless, gain)
    told.privacy(privacy)
    told.places(table, kept, seen_by)
    told.codes(taken_codes)
    told.costs(cost, needless)
    reasons = tuple(sorted(told.reasons, key=lambda each: WEIGHT[each.severity]))
    totals = {
        "cameras": float(len(proposed)),
        **ground.totals,
        **privacy.totals,
        "places": float(len(table)),
        "places_before": float(table["reached_before"].sum()),
        "places_after": float(table["reached_after"].sum()),
        "cost": float(cost.sum()),
        "needless": float(len(needless)),
        "saved": float(cost.iloc[needless].sum()),
    }
    return ReviewSheet(
        advice="return" if any(each.severity == "return" for each in reasons) else "approve",
        reasons=reasons,
        totals=totals,
        cameras=cameras,
        duplicates=ground.duplicates,
        forbidden=privacy.forbidden,
        windows=privacy.windows,
        places=table,
        shapes=_shapes(proposed, ground, privacy),
        rules=rules,
    )


def _require_sound(
    proposed: gpd.GeoDataFrame,
    views: gpd.GeoSeries,
    existing: gpd.GeoDataFrame,
    existing_views: gpd.GeoSeries,
) -> None:
    require_columns("proposed", proposed, "heading_deg", "hfov_deg", "range_m", "resolution_px")
    require_columns("existing", existing, "hfov_deg", "resolution_px")
    if not 1 <= len(proposed) <= MOST_CAMERAS:
        raise InputError(
            "{count} cameras cannot be reviewed at once.",
            "Propose 1 to {most}.",
            count=len(proposed),
            most=MOST_CAMERAS,
        )
    for name, frame, seen in (("proposed", proposed, views), ("existing", existing, existing_views)):
        if not frame.index.is_unique or not frame.index.equals(seen.index):
            raise InputError(
                "The cameras of {name} and their views do not have one index with each label once.",
                "Take the views from visible_polygons of the same frame.",
                name=name,
            )


def _shapes(proposed: gpd.GeoDataFrame, ground: Ground, privacy: Privacy) -> gpd.GeoDataFrame:
    """All that a map of the sheet shows."""
    parts = [
        gpd.GeoDataFrame({"camera": proposed.index, "kind": kind}, geometry=shapes, crs=proposed.crs)
        for kind, shapes in (("view", ground.views), ("new", ground.new), ("duplicate", ground.duplicate))
    ]
    found = pd.concat([*parts, privacy.shapes.set_crs(proposed.crs)], ignore_index=True)
    return found[~found.geometry.is_empty].reset_index(drop=True)


class _Told:
    """Collects the reasons."""

    def __init__(self, proposed: gpd.GeoDataFrame, rules: ReviewRules) -> None:
        self.proposed = proposed
        self.rules = rules
        self.reasons: list[Reason] = []

    def note(self, reason: str, row: int | None, problem: Any = None, /, **facts: Any) -> None:
        camera = None if row is None else self.proposed.index[row]
        self.reasons.append(Reason(reason, camera, facts, problem))

    def ground(
        self, ground: Ground, needless: list[int], gain: np.ndarray[Any, np.dtype[np.float64]]
    ) -> None:
        """Cameras that see nothing or only what others see."""
        listed = ground.duplicates.groupby("camera")
        for row, (camera, figures) in enumerate(ground.figures.iterrows()):
            if not figures["view_m2"] > 0:
                self.note("sees_nothing", row)
                continue
            if row in needless:
                alone = 1.0 - figures["duplicate_ratio"]
                if alone < self.rules.least_gain_ratio and camera in listed.groups:
                    codes = ", ".join(str(code) for code in listed.get_group(camera)["code"].head(3))
                    share = float(figures["duplicate_ratio"])
                    self.note("duplicates_existing", row, share=share, gain=float(gain[row]), codes=codes)
                else:
                    self.note("duplicates_proposed", row, gain=float(gain[row]))
            share = float(figures["unshared_m2"] / figures["view_m2"])
            if share >= self.rules.unshared_ratio and ground.unshared_owners[row]:
                self.note("ask_to_share", row, share=share, owners=", ".join(ground.unshared_owners[row]))

    def privacy(self, found: Privacy) -> None:
        """Forbidden ground and windows."""
        row_of = {camera: row for row, camera in enumerate(self.proposed.index)}
        most = self.rules.most_window_m
        for each in _records(found.inside):
            self.note("inside_forbidden", row_of[each["camera"]], kind=each["kind"], source=each["source"])
        for each in _records(found.forbidden):
            row = row_of[each["camera"]]
            where = {"distance": each["nearest_m"], "kind": each["kind"]}
            if each["ground_m2"] > 0:
                self.note("forbidden_in_view", row, area=each["ground_m2"], **where)
            if each["facade_m"] > most:
                self.note("forbidden_facade", row, length=each["facade_m"], **where)
        for row, each in enumerate(_records(found.figures)):
            near = each["private_nearest_m"]
            if each["private_close_m"] > most:
                self.note("windows_identified", row, length=each["private_close_m"], distance=near)
            elif each["private_m"] > most:
                self.note("windows_recognised", row, length=each["private_m"], distance=near)
        unknown = found.totals["unknown_m"]
        if unknown > most:
            self.note("use_unknown", None, length=unknown)

    def places(
        self,
        table: pd.DataFrame,
        kept: list[int],
        seen_by: list[set[int]],
    ) -> None:
        """Places seen too coarsely, and cameras that stay because of a place."""
        row_of = {camera: row for row, camera in enumerate(self.proposed.index)}
        rows = _records(table)
        for each in rows:
            seen = each["camera"] is not None and not each["reached_after"]
            if seen and each["after_px_per_m"] < each["wanted_px_per_m"]:
                self.note(
                    "place_missed",
                    row_of[each["camera"]],
                    place=_called(each),
                    density=each["after_px_per_m"],
                    task=each["task"],
                    wanted=each["wanted_px_per_m"],
                )
        for row in kept:
            names = [
                _called(each)
                for each, seers in zip(rows, seen_by, strict=True)
                if row in seers and not each["reached_before"]
            ]
            self.note("needed_for_place", row, place=", ".join(names[:3]))

    def codes(self, taken: Collection[str]) -> None:
        """Codes of GB/T 28181 and area classes."""
        known = set(taken)
        given = self.proposed["code"].tolist() if "code" in self.proposed else [None] * len(self.proposed)
        texts = ["" if code is None or pd.isna(code) else str(code).strip() for code in given]
        times = Counter(text for text in texts if text)
        for row, text in enumerate(texts):
            if not text:
                self.note("code_missing", row)
                continue
            problems = explain_camera_code(text)
            if problems:
                self.note("code_invalid", row, problems[0].told(), code=text)
            elif text in known:
                self.note("code_taken", row, code=text)
            elif times[text] > 1:
                self.note("code_repeated", row, code=text)
            elif self.rules.county_code and not text.startswith(self.rules.county_code):
                self.note("code_elsewhere", row, found=text[:6], wanted=self.rules.county_code)
        if self.rules.classes and "area_class" in self.proposed:
            for row, found in enumerate(self.proposed["area_class"]):
                if not (found is None or pd.isna(found) or found in self.rules.classes):
                    self.note("class_unknown", row, found=str(found), known=", ".join(self.rules.classes))

    def costs(self, cost: pd.Series[float], needless: list[int]) -> None:
        """Needless cameras whose cost nobody gave."""
        for row in needless:
            if np.isnan(cost.iloc[row]):
                self.note("cost_missing", row)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values; None for what is missing in a column of words."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict(orient="records")]


def _called(place: dict[str, Any]) -> str:
    """What a place is called: its name, its kind or its number."""
    return next(
        str(place[part])
        for part in ("name", "kind", "place")
        if place[part] is not None and not pd.isna(place[part])
    )
