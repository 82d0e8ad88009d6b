"""A brief: headings, sentences, tables and maps, written once and printed as PDF and as HTML."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from pages.paper.fonts import BOLD, REGULAR, register_fonts
from pages.paper.layout import FAINT, LINE, MARGIN, WIDTH, NumberedCanvas, Styles, grid
from pages.paper.mapping import PaperMap

__all__ = ["Brief", "Grid", "Section", "brief_pdf"]


@dataclass(frozen=True)
class Grid:
    """
    A table.

    Parameters
    ----------
    heads
        Of the columns.
    rows
        Texts.
    widths
        Of the columns, summing to one.
    numbers
        Columns that stand to the right.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Section:
    """A heading and what stands under it: sentences, a table, a map."""

    title: str
    sentences: tuple[str, ...] = ()
    table: Grid | None = None
    map: PaperMap | None = None


@dataclass(frozen=True, eq=False)
class Brief:
    """
    A whole brief, in one language.

    Parameters
    ----------
    title, lead
        At its head.
    edge
        Town, on every page.
    stamp
        Date and revision of the data, on every page.
    mark
        Words of the mark that simulated data bear; empty where nothing is simulated.
    language
        zh-CN or en.
    sections
        From top to bottom.
    """

    title: str
    lead: tuple[str, ...]
    edge: str
    stamp: str
    mark: str
    language: str
    sections: tuple[Section, ...] = field(default=())


def brief_pdf(brief: Brief) -> bytes:
    """
    The brief as a PDF, A4, vector; the same brief makes the same bytes.

    Raises
    ------
    MissingAsset
        If the font is not there.
    """
    register_fonts()
    body = io.BytesIO()
    document = BaseDocTemplate(
        body,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=brief.title,
        author="Huiyan",
        subject=brief.stamp,
        creator="Huiyan 慧眼",
        lang=brief.language,
        invariant=1,
    )
    frame = Frame(MARGIN, 18 * mm, WIDTH, A4[1] - 40 * mm, 0, 0, 0, 0)

    def edges(canvas: Canvas, _document: Any) -> None:
        _edges(canvas, brief)

    document.addPageTemplates(PageTemplate(frames=[frame], onPage=edges))
    document.build(_story(brief), canvasmaker=NumberedCanvas)
    return body.getvalue()


def _edges(canvas: Canvas, brief: Brief) -> None:
    top = A4[1] - 12 * mm
    canvas.saveState()
    canvas.setFont(REGULAR, 7)
    canvas.setFillColor(FAINT)
    canvas.drawString(MARGIN, top, f"慧眼 Huiyan · {brief.edge}")
    canvas.drawRightString(A4[0] - MARGIN, top, brief.title)
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, top - 3 * mm, A4[0] - MARGIN, top - 3 * mm)
    canvas.line(MARGIN, 14.5 * mm, A4[0] - MARGIN, 14.5 * mm)
    canvas.drawString(MARGIN, 10 * mm, brief.stamp)
    if brief.mark:
        wide = canvas.stringWidth(brief.mark, BOLD, 7) + 12
        x, y = A4[0] / 2, top - 0.8 * mm
        canvas.setFillColor(HexColor("#fff3d6"))
        canvas.setStrokeColor(HexColor("#e8c778"))
        canvas.roundRect(x - wide / 2, y - 1.5, wide, 11, 5, stroke=1, fill=1)
        canvas.setFillColor(HexColor("#6b4a00"))
        canvas.setFont(BOLD, 7)
        canvas.drawCentredString(x, y + 1.6, brief.mark)
    canvas.restoreState()


def _story(brief: Brief) -> list[Flowable]:
    styles = Styles(brief.language)
    parts: list[Flowable] = [Paragraph(escape(brief.title), styles.h1)]
    parts += [Paragraph(escape(each), styles.lead) for each in brief.lead]
    for section in brief.sections:
        head = Paragraph(escape(section.title), styles.h2)
        parts.append(CondPageBreak(34 * mm))
        if section.map is not None:
            parts.append(KeepTogether([head, section.map]))
        else:
            parts.append(head)
        parts += [Paragraph(escape(each), styles.small) for each in section.sentences]
        if section.table is not None:
            parts += [Spacer(1, 3), _table(section.table, styles)]
    return parts


def _table(table: Grid, styles: Styles) -> Flowable:
    def cells(row: Sequence[str], plain: Any, right: Any) -> list[Flowable]:
        return [Paragraph(escape(text), right if n in table.numbers else plain) for n, text in enumerate(row)]

    rows = [cells(table.heads, styles.head, styles.head_right)] if any(table.heads) else []
    rows += [cells(row, styles.small, styles.number) for row in table.rows]
    drawn = Table(rows, colWidths=[share * WIDTH for share in table.widths], repeatRows=int(any(table.heads)))
    drawn.setStyle(grid(heads=any(table.heads)))
    return drawn
