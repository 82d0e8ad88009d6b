"""A map on paper: vector shapes to scale, with legend, scale bar, north arrow and coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from reportlab.lib.colors import Color, HexColor, white
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from layers.i18n import N_
from pages.paper.fonts import BOLD, REGULAR

__all__ = ["NORTH", "Ink", "MapLayer", "PaperMap", "scale_bar_m", "shown_scale"]

NORTH = N_("N")
"""Letter of the north arrow, a message."""

INK = HexColor("#1d2b33")
FAINT = HexColor("#8a979e")
GROUND = HexColor("#f1f3f1")
FOOT_PT = 12.0
"""Strip under the map for the attribution."""
LEGEND_ROW_PT = 11.0
LEAST_TICK_PT = 70.0
SIMPLE_PT = 0.15
"""Finer than this a printer does not draw."""
WEDGE_PT = 15.0
BAR_PT = 26.0
"""Height of the corner with the scale bar."""
NICE = (1, 2, 2.5, 5)


@dataclass(frozen=True)
class Ink:
    """
    How shapes are drawn.

    Attributes
    ----------
    fill, line
        Colours as #rrggbb, None for none.
    alpha
        Of the fill, [0, 1].
    width_pt
        Of the line.
    dash
        Lengths of dashes and gaps, points.
    radius_pt
        Of points.
    """

    fill: str | None = None
    line: str | None = None
    alpha: float = 1.0
    width_pt: float = 0.5
    dash: tuple[float, ...] = ()
    radius_pt: float = 2.2


@dataclass(frozen=True)
class MapLayer:
    """Shapes in the map's metres, their ink, and their words in the legend (empty: not in it)."""

    shapes: gpd.GeoSeries
    ink: Ink
    label: str = ""


def scale_bar_m(length_m: float) -> float:
    """The longest nice length that is at most `length_m`: 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(length_m))
    return max(
        value * part
        for value in NICE
        for part in (power, power / 10)
        if value * part <= length_m * (1 + 1e-9)
    )


def shown_scale(metres_a_point: float) -> str:
    """The scale of the print, rounded to two figures, such as 1 : 1,200."""
    ratio = metres_a_point * 72 / 0.0254
    digits = 1 - math.floor(math.log10(ratio))
    return f"1 : {round(ratio, digits):,.0f}"


class PaperMap(Flowable):
    """
    One map, as wide as its frame.

    Parameters
    ----------
    box
        West, south, east, north in metres; what is missing to the frame's shape is added around it.
    layers
        From the ground up.
    marks
        Proposed cameras: easting, northing, heading (degrees), field (degrees), words.
    size
        Width and height of the map without its legend, points.
    attribution, epsg
        Words under the map; the system of its coordinates.
    north
        Letter of the north arrow.
    mark_label, mark_colour
        Words and colour of the marks in the legend.
    """

    def __init__(
        self,
        box: tuple[float, float, float, float],
        layers: Sequence[MapLayer],
        marks: Sequence[tuple[float, float, float, float, str]],
        size: tuple[float, float],
        *,
        attribution: str,
        epsg: int,
        north: str = NORTH,
        mark_label: str = "",
        mark_colour: str = "#be1e78",
    ) -> None:
        super().__init__()
        self.marks, self.size = marks, size
        self.attribution, self.epsg, self.north = attribution, epsg, north
        self.mark_label, self.mark_colour = mark_label, HexColor(mark_colour)
        wide, high = size
        west, south, east, north_m = box
        self.metres_a_point = max((east - west) / wide, (north_m - south) / high, 0.05)
        self.west = (west + east) / 2 - wide / 2 * self.metres_a_point
        self.south = (south + north_m) / 2 - high / 2 * self.metres_a_point
        self.frame = shapely.box(
            self.west,
            self.south,
            self.west + wide * self.metres_a_point,
            self.south + high * self.metres_a_point,
        )
        self.layers = [
            replace(each, shapes=each.shapes[each.shapes.intersects(self.frame)]) for each in layers
        ]
        self.entries = [each for each in self.layers if each.label and len(each.shapes)]

    @property
    def scale(self) -> str:
        """Its scale, such as 1 : 1,200."""
        return shown_scale(self.metres_a_point)

    def wrap(self, _wide: float, _high: float) -> tuple[float, float]:
        """Its size with attribution and legend."""
        rows = math.ceil((len(self.entries) + bool(self.mark_label)) / 3)
        return self.size[0], self.size[1] + FOOT_PT + rows * LEGEND_ROW_PT + 4

    def draw(self) -> None:
        """Draws it; called by the document."""
        canvas: Canvas = self.canv
        _, whole = self.wrap(0, 0)
        canvas.saveState()
        canvas.translate(0, whole - self.size[1])
        self._ground(canvas)
        canvas.restoreState()
        self._foot(canvas, whole - self.size[1] - FOOT_PT + 3)
        self._legend(canvas, whole - self.size[1] - FOOT_PT - 4)

    # ------------------------------------------------------------------------------------------- its parts

    def _ground(self, canvas: Canvas) -> None:
        wide, high = self.size
        canvas.saveState()
        frame = canvas.beginPath()
        frame.rect(0, 0, wide, high)
        canvas.clipPath(frame, stroke=0, fill=0)
        canvas.setFillColor(GROUND)
        canvas.rect(0, 0, wide, high, stroke=0, fill=1)
        for layer in self.layers:
            self._shapes(canvas, layer)
        for mark in self.marks:
            self._mark(canvas, *mark)
        self._arrow(canvas, wide - 16, high - 34)
        self._bar(canvas, 8, 9)
        canvas.restoreState()
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.7)
        canvas.rect(0, 0, wide, high, stroke=1, fill=0)
        self._ticks(canvas)

    def _place(self, points: np.ndarray) -> np.ndarray:
        """Metres → points on the map."""
        return (points - (self.west, self.south)) / self.metres_a_point

    def _shapes(self, canvas: Canvas, layer: MapLayer) -> None:
        if layer.shapes.empty:
            return
        parts = shapely.get_parts(shapely.simplify(layer.shapes.to_numpy(), SIMPLE_PT * self.metres_a_point))
        ink = layer.ink
        canvas.saveState()
        _dip(canvas, ink)
        for part in parts:
            if part.geom_type == "Point":
                x, y = self._place(np.array(part.coords[0][:2]))
                canvas.circle(
                    x, y, ink.radius_pt, stroke=int(ink.line is not None), fill=int(ink.fill is not None)
                )
                continue
            path = canvas.beginPath()
            rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
            for ring in rings:
                self._trace(path, shapely.get_coordinates(ring), closed=part.geom_type == "Polygon")
            areal = part.geom_type == "Polygon" and ink.fill is not None
            canvas.drawPath(path, stroke=int(ink.line is not None), fill=int(areal), fillMode=0)
        canvas.restoreState()

    def _trace(self, path: object, points: np.ndarray, *, closed: bool) -> None:
        if not len(points):
            return
        (x, y), *others = self._place(points)
        path.moveTo(x, y)  # type: ignore[attr-defined]
        for x, y in others:
            path.lineTo(x, y)  # type: ignore[attr-defined]
        if closed:
            path.close()  # type: ignore[attr-defined]

    def _mark(
        self, canvas: Canvas, east: float, north: float, heading: float, field: float, words: str
    ) -> None:
        """A camera: a wedge for its field, a dot, its number."""
        x, y = self._place(np.array([east, north]))
        canvas.saveState()
        canvas.setFillColor(self.mark_colour)
        canvas.setStrokeColor(white)
        canvas.setLineWidth(0.8)
        if field < 359:
            canvas.setFillAlpha(0.85)
            canvas.wedge(
                x - WEDGE_PT,
                y - WEDGE_PT,
                x + WEDGE_PT,
                y + WEDGE_PT,
                90 - heading - field / 2,
                field,
                stroke=0,
                fill=1,
            )
        canvas.setFillAlpha(1)
        canvas.circle(x, y, 5.6, stroke=1, fill=1)
        canvas.setFillColor(white)
        canvas.setFont(BOLD, 6.5 if len(words) < 3 else 5)
        canvas.drawCentredString(x, y - 2.3, words)
        canvas.restoreState()

    def _arrow(self, canvas: Canvas, x: float, y: float) -> None:
        canvas.saveState()
        canvas.setFillColor(Color(1, 1, 1, alpha=0.8))
        canvas.roundRect(x - 10, y - 6, 20, 36, 3, stroke=0, fill=1)
        for sign, colour in ((-1, INK), (1, white)):
            half = canvas.beginPath()
            half.moveTo(x, y + 18)
            half.lineTo(x + sign * 5.5, y)
            half.lineTo(x, y + 4)
            half.close()
            canvas.setFillColor(colour)
            canvas.setStrokeColor(INK)
            canvas.setLineWidth(0.5)
            canvas.drawPath(half, stroke=1, fill=1)
        canvas.setFillColor(INK)
        canvas.setFont(BOLD, 8)
        canvas.drawCentredString(x, y + 20, self.north)
        canvas.restoreState()

    def _bar(self, canvas: Canvas, x: float, y: float) -> None:
        length = scale_bar_m(110 * self.metres_a_point)
        wide = length / self.metres_a_point
        canvas.saveState()
        canvas.setFillColor(Color(1, 1, 1, alpha=0.8))
        canvas.roundRect(x - 4, y - 5, wide + 84, 19, 3, stroke=0, fill=1)
        for part in range(4):
            canvas.setFillColor(INK if part % 2 == 0 else white)
            canvas.setStrokeColor(INK)
            canvas.setLineWidth(0.5)
            canvas.rect(x + wide * part / 4, y, wide / 4, 3.5, stroke=1, fill=1)
        canvas.setFillColor(INK)
        canvas.setFont(REGULAR, 6.5)
        canvas.drawString(x, y + 5.5, "0")
        canvas.drawCentredString(x + wide, y + 5.5, f"{length:,g} m")
        canvas.drawString(x + wide + 22, y, self.scale)
        canvas.restoreState()

    def _ticks(self, canvas: Canvas) -> None:
        """Coordinates along the frame."""
        step = scale_bar_m(LEAST_TICK_PT * self.metres_a_point * 2)
        canvas.saveState()
        canvas.setFont(REGULAR, 5)
        canvas.setFillColor(FAINT)
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.4)
        for axis, start in enumerate((self.west, self.south)):
            length = self.size[axis]
            value = math.ceil(start / step) * step
            while (at := (value - start) / self.metres_a_point) < length:
                if axis == 0:
                    canvas.line(at, self.size[1], at, self.size[1] - 3)
                    if at < length - 34:
                        canvas.drawString(at + 1.5, self.size[1] - 6, f"{value:,.0f}")
                else:
                    canvas.line(0, at, 3, at)
                    if at > BAR_PT:
                        canvas.drawString(4, at + 1, f"{value:,.0f}")
                value += step
        canvas.restoreState()

    def _foot(self, canvas: Canvas, y: float) -> None:
        canvas.saveState()
        canvas.setFont(REGULAR, 6.5)
        canvas.setFillColor(FAINT)
        canvas.drawString(0, y, f"EPSG:{self.epsg}")
        canvas.drawRightString(self.size[0], y, self.attribution)
        canvas.restoreState()

    def _legend(self, canvas: Canvas, top: float) -> None:
        wide = self.size[0] / 3
        entries: list[tuple[Ink | None, str, bool]] = [
            (each.ink, each.label, each.shapes.iloc[0].geom_type == "Point") for each in self.entries
        ]
        if self.mark_label:
            entries.insert(0, (None, self.mark_label, True))
        for number, (ink, label, dotted) in enumerate(entries):
            x, y = number % 3 * wide, top - number // 3 * LEGEND_ROW_PT - 6
            canvas.saveState()
            if ink is None:
                canvas.setFillColor(self.mark_colour)
                canvas.circle(x + 7, y + 2.5, 3.6, stroke=0, fill=1)
            else:
                _dip(canvas, ink)
                if dotted:
                    canvas.circle(x + 7, y + 2.5, 2.6, stroke=int(ink.line is not None), fill=1)
                elif ink.fill is None:
                    canvas.line(x, y + 2.5, x + 14, y + 2.5)
                else:
                    canvas.rect(x, y - 0.5, 14, 6.5, stroke=int(ink.line is not None), fill=1)
            canvas.restoreState()
            canvas.setFillColor(INK)
            canvas.setFont(REGULAR, 7)
            canvas.drawString(x + 18, y, label)


def _dip(canvas: Canvas, ink: Ink) -> None:
    """Sets the canvas's colours."""
    if ink.fill is not None:
        canvas.setFillColor(HexColor(ink.fill))
        canvas.setFillAlpha(ink.alpha)
    if ink.line is not None:
        canvas.setStrokeColor(HexColor(ink.line))
        canvas.setLineWidth(ink.width_pt)
        canvas.setDash(list(ink.dash))
