"""Tables of a review sheet on paper: figures, cameras, what repeats, what must not be seen, what matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.platypus import Flowable, Paragraph

from geodata.queries.reviews import Review
from layers.i18n import N_
from pages.paper.layout import Styles, table
from pages.paper.telling import (
    DONE,
    KINDS,
    PLACE_KINDS,
    SHARES,
    TASKS,
    Say,
    figure,
    method,
    owner,
    title,
    unit,
)

__all__ = ["SheetTables"]

LEAST_SHARE = 0.01
"""Cameras that share less ground than this are not listed."""


class SheetTables:
    """The tables of one application in one language; each is empty where there is nothing to list."""

    def __init__(self, review: Review, styles: Styles, say: Say) -> None:
        self.review, self.styles, self.say = review, styles, say

    def figures(self) -> list[Flowable]:
        """Every figure of the whole application with unit and method."""
        rows = [
            [
                Paragraph(escape(title(each["name"], self.say)), self.styles.small),
                Paragraph(escape(figure(each["name"], each["value"])), self.styles.number),
                Paragraph(escape(unit(each["name"], self.say)), self.styles.small),
                Paragraph(escape(method(each["name"], self.say)), self.styles.small),
            ]
            for each in self.review.sheet["totals"]
        ]
        return self.table(
            [N_("Figure"), N_("Value"), N_("Unit"), N_("How it is found")], rows, (0.34, 0.12, 0.09, 0.45)
        )

    def cameras(self) -> list[Flowable]:
        """The proposed cameras with their own figures."""
        say = self.say
        poses = self.review.shapes("camera").set_index("camera")
        rows = []
        for each in self.review.sheet["cameras"]:
            pose = poses.loc[each["camera"]]
            name = each.get("name") or each.get("code") or "–"
            rows.append(
                [
                    self.cell(each["camera"]),
                    self.cell(name),
                    self.right(f"{pose.heading_deg:.0f}° / {pose.hfov_deg:.0f}°"),
                    self.right(f"{pose.height_m:.1f}" if "height_m" in pose else "–"),
                    self.right(figure("view_m2", each["view_m2"])),
                    self.right(figure("new_ratio", each["new_ratio"])),
                    self.right(figure("duplicate_ratio", each["duplicate_ratio"])),
                    self.right(figure("mutual_ratio", each["mutual_ratio"])),
                    self.right(figure("private_m", each["private_m"])),
                    self.right(figure("cost", each["cost"])),
                    self.cell(say("do not build") if each["needless"] else say("build")),
                ]
            )
        heads = [
            "#",
            N_("Name"),
            N_("Heading / field"),
            N_("Height, m"),
            N_("Ground, m²"),
            N_("Share new"),
            N_("Repeats existing"),
            N_("Repeats proposed"),
            N_("Windows, m"),
            N_("Cost, yuan"),
            N_("Proposal"),
        ]
        widths = (0.05, 0.17, 0.10, 0.07, 0.085, 0.065, 0.09, 0.09, 0.095, 0.08, 0.105)
        return self.table(heads, rows, widths)

    def duplicates(self) -> list[Flowable]:
        """Existing cameras that see the same ground, and whose they are."""
        rows = [
            [
                self.cell(each["camera"]),
                self.cell(each["code"]),
                self.cell(each["name"]),
                self.cell(owner(each["owner"], self.say)),
                self.cell(self._shared(each["share_level"])),
                self.right(figure("view_m2", each["shared_m2"])),
                self.right(figure("new_ratio", each["shared_ratio"])),
            ]
            for each in self.review.sheet["duplicates"]
            if (each["shared_ratio"] or 0) >= LEAST_SHARE
        ]
        heads = [
            "#",
            N_("Code"),
            N_("Existing camera"),
            N_("Owner"),
            N_("Shared with"),
            N_("Ground, m²"),
            N_("Share"),
        ]
        return self.table(heads, rows, (0.06, 0.20, 0.25, 0.16, 0.14, 0.10, 0.09))

    def forbidden(self) -> list[Flowable]:
        """Forbidden places in view."""
        rows = [
            [
                self.cell(each["camera"]),
                self.cell(self.say(KINDS.get(each["kind"], each["kind"]))),
                self.cell(each["name"] or "–"),
                self.cell(each["source"] or "–"),
                self.right(figure("forbidden_m2", each["ground_m2"])),
                self.right(figure("forbidden_facade_m", each["facade_m"])),
                self.right(figure("forbidden_nearest_m", each["nearest_m"])),
                self.right(figure("private_px_per_m", each["px_per_m"])),
            ]
            for each in self.review.sheet["forbidden"]
        ]
        heads = [
            "#",
            N_("Kind"),
            N_("Name"),
            N_("Known from"),
            N_("Ground, m²"),
            N_("Facade, m"),
            N_("Nearest, m"),
            "px/m",
        ]
        return self.table(heads, rows, (0.06, 0.13, 0.20, 0.20, 0.11, 0.10, 0.11, 0.09))

    def windows(self) -> list[Flowable]:
        """Dwellings whose windows are in view."""
        rows = [
            [
                self.cell(each["camera"]),
                self.cell(each["name"] or f"{self.say(KINDS['dwelling'])} {each['area']}"),
                self.right(figure("private_m", each["facade_m"])),
                self.right(figure("private_close_m", each["close_m"])),
                self.right(figure("private_nearest_m", each["nearest_m"])),
                self.right(figure("private_px_per_m", each["px_per_m"])),
            ]
            for each in self.review.sheet["windows"]
        ]
        heads = [
            "#",
            N_("Dwelling"),
            N_("Facade: people recognised, m"),
            N_("Facade: people identified, m"),
            N_("Nearest, m"),
            "px/m",
        ]
        return self.table(heads, rows, (0.06, 0.36, 0.19, 0.19, 0.11, 0.09))

    def places(self) -> list[Flowable]:
        """Pixel density at the places that matter."""
        say = self.say
        rows = [
            [
                self.cell(each["name"] or str(each["place"])),
                self.cell(say(PLACE_KINDS.get(each["kind"], each["kind"] or "–"))),
                self.cell(f"{say(TASKS[each['task']])} ({each['wanted_px_per_m']:g} px/m)"),
                self.right(figure("private_px_per_m", each["before_px_per_m"])),
                self.right(figure("private_px_per_m", each["after_px_per_m"])),
                self.right(figure("new_ratio", each["after_ratio"])),
                self.cell("–" if each["camera"] is None else each["camera"]),
                self.cell(say(DONE[bool(each["reached_after"])])),
            ]
            for each in self.review.sheet["places"]
        ]
        heads = [
            N_("Place"),
            N_("Kind"),
            N_("Task"),
            N_("px/m before"),
            N_("px/m after"),
            N_("Seen so sharply"),
            N_("By camera"),
            N_("Task after"),
        ]
        return self.table(heads, rows, (0.24, 0.14, 0.17, 0.09, 0.09, 0.10, 0.07, 0.10))

    def _shared(self, level: Any) -> str:
        return self.say(SHARES[int(level)]) if level in SHARES else "–"

    def cell(self, value: Any) -> Paragraph:
        """Words in a cell."""
        return Paragraph(escape(str(value)), self.styles.small)

    def right(self, value: str) -> Paragraph:
        """A number in a cell."""
        return Paragraph(escape(value), self.styles.number)

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[Paragraph]], widths: Sequence[float]
    ) -> list[Flowable]:
        """A table with heads and shares of the page's width."""
        return table(self.styles, self.say, heads, rows, widths)
