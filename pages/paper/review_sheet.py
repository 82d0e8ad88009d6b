"""The review sheet as a PDF that an office prints, signs and files: A4, vector, in either language."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import geopandas as gpd
import pandas as pd
from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
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
    TableStyle,
)

from analysis.review.sheet import UNITS
from geodata.queries.reviews import METHOD, Review, Surroundings
from geodata.towns.town import Town
from layers.i18n import N_
from pages.paper.fonts import BOLD, REGULAR, register_fonts
from pages.paper.layout import FAINT, INK, LINE, MARGIN, WIDTH, NumberedCanvas, Styles, TickBox, grid
from pages.paper.mapping import NORTH, Ink, MapLayer, PaperMap
from pages.paper.review_tables import SheetTables
from pages.paper.telling import (
    ADVICES,
    DATASETS,
    SEVERITIES,
    STATES,
    TASKS,
    Say,
    figure,
    reasons,
    speaker,
    title,
)

__all__ = ["review_pdf"]

BAND = HexColor("#f6f8f9")
COLOURS = {"return": HexColor("#b83a08"), "condition": HexColor("#945600"), "note": HexColor("#5b6b75")}
ADVICE_COLOURS = {"approve": HexColor("#00745a"), "return": HexColor("#b83a08")}
MAP_SIZE = (WIDTH, 100 * mm)

HEADLINES = ("new_m2", "duplicate_ratio", "needless", "saved", "forbidden_m2", "private_m")
INKS = {
    "street": Ink(line="#ffffff", width_pt=2.2),
    "building": Ink(fill="#d3d8d5", line="#a9b1ad", width_pt=0.3),
    "existing": Ink(fill="#1b8ea8", alpha=0.22),
    "dwelling": Ink(fill="#b9a5cf", line="#7a5aa0", width_pt=0.5),
    "forbidden": Ink(fill="#602878", line="#602878", alpha=0.55, width_pt=0.6),
    "new": Ink(fill="#be1e78", alpha=0.25, line="#be1e78", width_pt=0.5),
    "duplicate": Ink(fill="#e08a00", alpha=0.45, line="#945600", width_pt=0.3),
    "window": Ink(line="#d1001f", width_pt=2.4),
    "camera": Ink(fill="#0b5f83", line="#ffffff", width_pt=0.5),
}


def review_pdf(
    review: Review, maps: Sequence[Surroundings], town: Town, language: str, *, made_at: dt.datetime
) -> bytes:
    """
    The sheet of an application as a PDF.

    Parameters
    ----------
    review
        The application; figures and shapes are those that were stored with it.
    maps
        What its maps show beneath, from `geodata.queries.reviews.surroundings`.
    town
        Its town: name, metric system, local time.
    language
        zh-CN or en.
    made_at
        When it was printed, aware.

    Raises
    ------
    MissingAsset
        If the font is not there.
    """
    register_fonts()
    body = io.BytesIO()
    sheet = _Sheet(review, town, language, made_at)
    document = BaseDocTemplate(
        body,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=f"{sheet.say('Building review of cameras')} {review.number}",
        author=review.applicant,
        subject=review.title,
        creator="Huiyan 慧眼",
        lang=language,
    )
    frame = Frame(MARGIN, 18 * mm, WIDTH, A4[1] - 40 * mm, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=sheet.edges))
    document.build(sheet.story(maps), canvasmaker=NumberedCanvas)
    return body.getvalue()


class _Sheet:
    """The parts of the document, from top to bottom."""

    def __init__(self, review: Review, town: Town, language: str, made_at: dt.datetime) -> None:
        self.review, self.town, self.language = review, town, language
        self.say: Say = speaker(language)
        self.made_at = made_at
        self.chinese = language == "zh-CN"
        self.styles = Styles(language)
        self.tables = SheetTables(review, self.styles, self.say)

    # ------------------------------------------------------------------------------------------ every page

    def edges(self, canvas: Canvas, _document: Any) -> None:
        """Head and foot of a page."""
        say, top = self.say, A4[1] - 12 * mm
        canvas.saveState()
        canvas.setFont(REGULAR, 7)
        canvas.setFillColor(FAINT)
        town = self.town.name_zh if self.chinese else self.town.name_en
        canvas.drawString(MARGIN, top, f"慧眼 Huiyan · {town}")
        canvas.drawRightString(A4[0] - MARGIN, top, self.review.number)
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, top - 3 * mm, A4[0] - MARGIN, top - 3 * mm)
        canvas.line(MARGIN, 14.5 * mm, A4[0] - MARGIN, 14.5 * mm)
        printed = say(
            "Printed {at} · data revision {revision}",
            at=self._at(self.made_at),
            revision=self.review.revision,
        )
        canvas.drawString(MARGIN, 10 * mm, printed)
        if self.review.sheet.get("simulated", True):
            self._mark(canvas, A4[0] / 2, top - 0.8 * mm)
        canvas.restoreState()

    def _mark(self, canvas: Canvas, x: float, y: float) -> None:
        words = self.say("contains simulated data")
        wide = canvas.stringWidth(words, BOLD, 7) + 12
        canvas.setFillColor(HexColor("#fff3d6"))
        canvas.setStrokeColor(HexColor("#e8c778"))
        canvas.roundRect(x - wide / 2, y - 1.5, wide, 11, 5, stroke=1, fill=1)
        canvas.setFillColor(HexColor("#6b4a00"))
        canvas.setFont(BOLD, 7)
        canvas.drawCentredString(x, y + 1.6, words)

    def _at(self, moment: dt.datetime | None) -> str:
        return "–" if moment is None else f"{moment.astimezone(self.town.time_zone):%Y-%m-%d %H:%M}"

    # ---------------------------------------------------------------------------------------------- story

    def story(self, maps: Sequence[Surroundings]) -> list[Flowable]:
        """All parts in order."""
        say = self.say
        parts: list[Flowable] = [
            Paragraph(escape(say("Building review of cameras")), self.styles.h1),
            self._lead(),
            Spacer(1, 5),
            self._application(),
            Spacer(1, 6),
            self._advice(),
        ]
        parts += self._section(N_("Reasons"), self._reasons())
        parts += self._maps(maps)
        parts += self._section(N_("Figures"), self.tables.figures())
        parts += self._section(N_("Proposed cameras"), self.tables.cameras())
        parts += self._section(N_("Existing cameras that see the same ground"), self.tables.duplicates())
        parts += self._section(N_("Places where no camera may look"), self.tables.forbidden())
        parts += self._section(N_("Private windows in view"), self.tables.windows())
        parts += self._section(N_("Pixel density at the places that matter"), self.tables.places())
        parts += self._section(N_("Method, rules and sources"), self._method())
        parts.append(KeepTogether([Paragraph(escape(say("Decision")), self.styles.h2), self._decision()]))
        return parts

    def _section(self, heading: str, content: Sequence[Flowable]) -> list[Flowable]:
        if not content:
            return []
        head = Paragraph(escape(self.say(heading)), self.styles.h2)
        return [CondPageBreak(34 * mm), head, *content]

    def _lead(self) -> Flowable:
        words = self.say(
            "Check before building under the Regulation on Public Security Video Image Information Systems"
            " (State Council Order 799): no duplicate construction, no look into private rooms."
        )
        return Paragraph(escape(words), self.styles.lead)

    def _application(self) -> Flowable:
        say, review, styles = self.say, self.review, self.styles
        cost = next((each["value"] for each in review.sheet["totals"] if each["name"] == "cost"), None)
        rows = [
            (say("Application number"), review.number, say("State"), say(STATES[review.state])),
            (say("Project"), review.title, say("Applicant"), review.applicant),
            (
                say("Cameras proposed"),
                str(len(review.sheet["cameras"])),
                say("Cost"),
                figure("cost", cost),
            ),
            (say("Submitted"), self._at(review.submitted_at), say("Decided"), self._at(review.decided_at)),
        ]
        cells = [
            [Paragraph(escape(text), (styles.head, styles.text)[n % 2]) for n, text in enumerate(row)]
            for row in rows
        ]
        box = Table(cells, colWidths=[0.16 * WIDTH, 0.40 * WIDTH, 0.14 * WIDTH, 0.30 * WIDTH])
        box.setStyle(grid(heads=False))
        return box

    def _advice(self) -> Flowable:
        """The advice and the figures that carry it."""
        say, sheet = self.say, self.review.sheet
        values = {each["name"]: each["value"] for each in sheet["totals"]}
        colour = ADVICE_COLOURS[sheet["advice"]]
        word = ParagraphStyle(
            "word", parent=self.styles.h1, textColor=white, fontSize=15, leading=18, alignment=1
        )
        under = ParagraphStyle("under", parent=self.styles.small, textColor=white, alignment=1)
        big = ParagraphStyle(
            "big", parent=self.styles.text, fontName=BOLD, fontSize=12, leading=15, wordWrap=None
        )
        advice = [
            Paragraph(escape(say("Advice of the check")), under),
            Paragraph(escape(say(ADVICES[sheet["advice"]])), word),
        ]
        cells: list[list[Any]] = [[advice], [""]]
        for row in (0, 1):
            for name in HEADLINES[row * 3 : row * 3 + 3]:
                sign = f" {UNITS[name]}" if UNITS[name] in ("m²", "m") else ""
                cells[row].append(
                    [
                        Paragraph(escape(title(name, say)), self.styles.small),
                        Paragraph(escape(figure(name, values.get(name)) + sign), big),
                    ]
                )
        box = Table(cells, colWidths=[0.22 * WIDTH] + [0.26 * WIDTH] * 3)
        box.setStyle(
            TableStyle(
                [
                    ("SPAN", (0, 0), (0, 1)),
                    ("BACKGROUND", (0, 0), (0, 1), colour),
                    ("BACKGROUND", (1, 0), (-1, -1), BAND),
                    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                    ("BOX", (0, 0), (-1, -1), 0.5, LINE),
                    ("INNERGRID", (1, 0), (-1, -1), 0.5, LINE),
                ]
            )
        )
        return box

    def _reasons(self) -> list[Flowable]:
        told = reasons(self.review.sheet["reasons"], self.language)
        if not told:
            return [
                Paragraph(escape(self.say("Nothing was found that speaks against it.")), self.styles.text)
            ]
        rows = [
            [
                Paragraph(
                    escape(self.say(SEVERITIES[each.severity])),
                    ParagraphStyle(each.severity, parent=self.styles.head, textColor=COLOURS[each.severity]),
                ),
                Paragraph(escape(each.where(self.say)), self.styles.small),
                Paragraph(escape(each.sentence), self.styles.small),
                Paragraph(escape(each.mend), self.styles.small),
            ]
            for each in told
        ]
        return self.tables.table(
            [N_("Weight"), N_("Cameras"), N_("What was found"), N_("What to do")],
            rows,
            (0.13, 0.13, 0.44, 0.30),
        )

    def _maps(self, maps: Sequence[Surroundings]) -> list[Flowable]:
        parts: list[Flowable] = []
        for number, around in enumerate(maps, start=1):
            drawn = self._map(around)
            several = len(maps) > 1
            words = (
                self.say("Map {number} of {count}", number=number, count=len(maps))
                if several
                else self.say("Map")
            )
            heading = Paragraph(escape(f"{words} · {drawn.scale}"), self.styles.h2)
            parts.append(KeepTogether([heading, drawn]))
        return parts

    def _map(self, around: Surroundings) -> PaperMap:
        say, epsg = self.say, self.town.metric_epsg

        def found(*kinds: str) -> gpd.GeoSeries:
            shapes = [self.review.shapes(kind).geometry for kind in kinds]
            whole = [each for each in shapes if len(each)]
            return (
                gpd.GeoSeries(pd.concat(whole, ignore_index=True)).to_crs(epsg)
                if whole
                else gpd.GeoSeries([], crs=epsg)
            )

        homes = (
            around.restricted["kind"].eq("dwelling") if len(around.restricted) else pd.Series([], dtype=bool)
        )
        cameras = self.review.shapes("camera").to_crs(epsg)
        marks = [
            (row.geometry.x, row.geometry.y, float(row.heading_deg), float(row.hfov_deg), str(row.camera))
            for row in cameras.itertuples()
        ]
        layers = [
            MapLayer(around.streets.geometry, INKS["street"]),
            MapLayer(around.buildings.geometry, INKS["building"], say("building")),
            MapLayer(around.views.geometry, INKS["existing"], say("ground that existing cameras see")),
            MapLayer(around.restricted.geometry[homes.to_numpy()], INKS["dwelling"], say("dwelling")),
            MapLayer(
                around.restricted.geometry[~homes.to_numpy(dtype=bool)],
                INKS["forbidden"],
                say("no camera may look here"),
            ),
            MapLayer(found("new"), INKS["new"], say("new ground")),
            MapLayer(found("duplicate"), INKS["duplicate"], say("ground that is seen already")),
            MapLayer(found("window", "barred"), INKS["window"], say("private windows in view")),
            MapLayer(around.cameras.geometry, INKS["camera"], say("existing camera")),
        ]
        return PaperMap(
            around.box,
            layers,
            marks,
            MAP_SIZE,
            attribution=self._attribution(),
            epsg=epsg,
            north=say(NORTH),
            mark_label=say("proposed camera with its field"),
        )

    def _attribution(self) -> str:
        sources = {str(each["source"]) for each in self.review.sheet.get("sources", [])}
        return " · ".join(sorted(sources - {"Huiyan"}))

    def _method(self) -> list[Flowable]:
        say, sheet = self.say, self.review.sheet
        rules = sheet["rules"]
        sentences = [
            say("Method: {method}.", method=say(N_(METHOD))),
            say(
                "Measured in {crs}; coordinates stored in EPSG:4490 (CGCS2000). Camera codes: {profile}.",
                crs=sheet["crs_of_measures"],
                profile=sheet["code_profile"],
            ),
            say(
                "Rules: a camera is worth building from {gain:.0%} new or sharper ground on; sharper and windows:"
                " {sharp} / {window}; reason to return: {close}; forbidden rooms: {forbidden}; facade overlooked:"
                " {most:g} m; a place is reached from {reached:.0%} of its ground on.",
                gain=rules["least_gain_ratio"],
                sharp=say(TASKS[rules["sharp_task"]]),
                window=say(TASKS[rules["window_task"]]),
                close=say(TASKS[rules["close_task"]]),
                forbidden=say(TASKS[rules["forbidden_task"]]),
                most=rules["most_window_m"],
                reached=rules["reached_ratio"],
            ),
            say(
                "Pixel densities after EN 62676-4: detect 25, observe 62.5, recognise 125, identify 250 px/m."
                " Names of roads and places are those of the data; nothing here replaces a look on site."
            ),
        ]
        parts: list[Flowable] = [Paragraph(escape(each), self.styles.small) for each in sentences]
        rows = [
            [
                self.tables.cell(say(DATASETS.get(each["name"], each["name"]))),
                self.tables.cell(say(str(each["source"]))),
                self.tables.cell(each["licence"]),
                self.tables.right(str(each["revision"])),
                self.tables.cell(say("simulated") if each["simulated"] else "–"),
            ]
            for each in sheet["sources"]
        ]
        parts.append(Spacer(1, 4))
        return parts + self.tables.table(
            [N_("Dataset"), N_("Source"), N_("Licence"), N_("Revision"), N_("Simulated")],
            rows,
            (0.20, 0.42, 0.14, 0.12, 0.12),
        )

    def _decision(self) -> Flowable:
        """The box that is signed; filled in if it has been decided."""
        say, review = self.say, self.review
        wide = ParagraphStyle("wide", parent=self.styles.text, leading=14)
        rows = [
            [TickBox(say(ADVICES["approve"]), ticked=review.state == "approved")],
            [TickBox(say(ADVICES["return"]), ticked=review.state == "returned")],
        ]
        choice = Table(rows, colWidths=[0.2 * WIDTH], style=[("LEFTPADDING", (0, 0), (-1, -1), 0)])
        given = escape(review.reasons or "").replace("\n", "<br/>")
        reasons_cell = [Paragraph(escape(say("Reasons")), self.styles.head), Paragraph(given, wide)]
        by = escape(review.decided_by or "")
        box = Table(
            [
                [choice, reasons_cell],
                [
                    [Paragraph(escape(say("Office (seal)")), self.styles.head), Paragraph(by, wide)],
                    [
                        Paragraph(escape(say("Name, signature, date")), self.styles.head),
                        Paragraph(escape(self._at(review.decided_at)) if review.decided_at else "", wide),
                    ],
                ],
            ],
            colWidths=[0.42 * WIDTH, 0.58 * WIDTH],
            rowHeights=[30 * mm, 26 * mm],
        )
        box.setStyle(
            TableStyle(
                [
                    ("BOX", (0, 0), (-1, -1), 0.8, INK),
                    ("INNERGRID", (0, 0), (-1, -1), 0.4, LINE),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ]
            )
        )
        return box
