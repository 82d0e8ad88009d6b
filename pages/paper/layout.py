"""What printed documents share: page numbers, paragraph styles, tables, boxes to tick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Table, TableStyle

from pages.paper.fonts import BOLD, REGULAR
from pages.paper.telling import Say

__all__ = ["FAINT", "INK", "LINE", "MARGIN", "WIDTH", "NumberedCanvas", "Styles", "TickBox", "grid", "table"]

INK, FAINT, LINE = HexColor("#1d2b33"), HexColor("#5b6b75"), HexColor("#c6d0d6")
HEAD = HexColor("#e8eef1")
MARGIN = 16 * mm
WIDTH = A4[0] - 2 * MARGIN
MOST_ROWS = 60
"""Rows of one table; a longer one says how many it leaves out."""


class Styles:
    """Paragraph styles; Chinese wraps between any two characters."""

    def __init__(self, language: str) -> None:
        wrap = "CJK" if language == "zh-CN" else None
        base: dict[str, Any] = {"fontName": REGULAR, "textColor": INK, "wordWrap": wrap}
        bold = base | {"fontName": BOLD}
        self.text = ParagraphStyle("text", fontSize=8, leading=11.2, **base)
        self.lead = ParagraphStyle("lead", parent=self.text, textColor=FAINT)
        self.small = ParagraphStyle("small", fontSize=7, leading=9.4, **base)
        self.number = ParagraphStyle("number", parent=self.small, alignment=TA_RIGHT, wordWrap=None)
        self.head = ParagraphStyle("head", parent=self.small, fontName=BOLD, textColor=FAINT)
        self.head_right = ParagraphStyle("head_right", parent=self.head, alignment=TA_RIGHT)
        self.h1 = ParagraphStyle("h1", fontSize=17, leading=21, **bold)
        self.h2 = ParagraphStyle("h2", fontSize=10.5, leading=14, spaceBefore=9, spaceAfter=3, **bold)


class NumberedCanvas(Canvas):
    """A canvas that knows at its end how many pages there are."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        """Keeps the page until their number is known."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Writes the pages with their numbers."""
        for number, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self.setFont(REGULAR, 7)
            self.setFillColor(FAINT)
            self.drawRightString(A4[0] - MARGIN, 10 * mm, f"{number} / {len(self._pages)}")
            super().showPage()
        super().save()


def table(
    styles: Styles,
    say: Say,
    heads: Sequence[str],
    rows: Sequence[Sequence[Flowable]],
    widths: Sequence[float],
) -> list[Flowable]:
    """A table whose heads repeat on every page; nothing where there are no rows."""
    if not rows:
        return []
    aligned = [styles.head_right if cell.style is styles.number else styles.head for cell in rows[0]]
    top = [Paragraph(escape(say(head)), style) for head, style in zip(heads, aligned, strict=True)]
    found = Table([top, *rows[:MOST_ROWS]], colWidths=[share * WIDTH for share in widths], repeatRows=1)
    found.setStyle(grid(heads=True))
    if len(rows) <= MOST_ROWS:
        return [found]
    more = say("… and {count} more; the GeoJSON file has all of them.", count=len(rows) - MOST_ROWS)
    return [found, Paragraph(escape(more), styles.small)]


class TickBox(Flowable):
    """An empty or ticked box with words."""

    def __init__(self, words: str, *, ticked: bool) -> None:
        super().__init__()
        self.words, self.ticked = words, ticked

    def wrap(self, wide: float, _high: float) -> tuple[float, float]:
        """Its size."""
        return wide, 16

    def draw(self) -> None:
        """Draws it."""
        canvas = self.canv
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.9)
        canvas.rect(0, 2, 10, 10, stroke=1, fill=0)
        if self.ticked:
            canvas.setLineWidth(1.6)
            canvas.lines([(2, 7, 4.5, 4), (4.5, 4, 9, 11)])
        canvas.setFillColor(INK)
        canvas.setFont(BOLD, 10)
        canvas.drawString(16, 3.4, self.words)


def grid(*, heads: bool) -> TableStyle:
    """Lines of a table; with a band under its heads."""
    commands: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
        ("BOX", (0, 0), (-1, -1), 0.5, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
    ]
    if heads:
        commands.append(("BACKGROUND", (0, 0), (-1, 0), HEAD))
    return TableStyle(commands)
