"""A brief as one HTML file: its maps are SVG inside it, it runs no script and asks nobody for anything."""

from __future__ import annotations

import html

import numpy as np
import shapely

from pages.paper.brief import Brief, Grid, Section
from pages.paper.mapping import SIMPLE_PT, WEDGE_PT, Ink, MapLayer, PaperMap, scale_bar_m

__all__ = ["brief_html", "map_svg"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
body { font: 15px/1.5 "Noto Sans SC", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif;
  color: #1d2b33; background: #fff; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 1.6rem 0 .4rem; }
p { margin: .25rem 0; }
.lead, .stamp { color: #4d5c65; margin: .1rem 0; }
.mark { display: inline-block; background: #fff3d6; border: 1px solid #e8c778; color: #6b4a00; border-radius: 1rem;
  padding: 0 .6rem; font-weight: 700; font-size: .85rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; margin: .4rem 0; }
th { text-align: left; color: #4d5c65; background: #e8eef1; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid #c6d0d6; vertical-align: top; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; border: 1px solid #1d2b33; background: #f1f3f1; }
.key { display: inline-flex; align-items: center; gap: .35rem; margin: .1rem 1rem .1rem 0; font-size: .88rem; }
.key svg { width: 1.1rem; height: .8rem; border: 0; background: none; }
.foot { display: flex; justify-content: space-between; color: #4d5c65; font-size: .8rem; }
"""


def brief_html(brief: Brief) -> str:
    """The brief as a whole document; every text in it is escaped."""
    mark = f'<p><span class="mark">{html.escape(brief.mark)}</span></p>' if brief.mark else ""
    lead = "".join(f'<p class="lead">{html.escape(each)}</p>' for each in brief.lead)
    body = "".join(_section(each) for each in brief.sections)
    return (
        f'<!DOCTYPE html>\n<html lang="{brief.language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(brief.title)}</title><style>{STYLE}</style></head><body><main>"
        f'<p class="stamp">慧眼 Huiyan · {html.escape(brief.edge)}</p><h1>{html.escape(brief.title)}</h1>{mark}{lead}'
        f'{body}<p class="stamp">{html.escape(brief.stamp)}</p></main></body></html>\n'
    )


def _section(section: Section) -> str:
    parts = [f"<h2>{html.escape(section.title)}</h2>"]
    if section.map is not None:
        parts.append(_map(section.map, section.title))
    parts += [f"<p>{html.escape(each)}</p>" for each in section.sentences]
    if section.table is not None:
        parts.append(_table(section.table))
    return "".join(parts)


def _table(table: Grid) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        inside = "".join(
            f"<{tag}{' class=n' if n in table.numbers else ''}>{html.escape(text)}</{tag}>"
            for n, text in enumerate(cells)
        )
        return f"<tr>{inside}</tr>"

    head = f"<thead>{row(table.heads, 'th')}</thead>" if any(table.heads) else ""
    return f"<table>{head}<tbody>{''.join(row(each, 'td') for each in table.rows)}</tbody></table>"


def _map(paper: PaperMap, title: str) -> str:
    keys = "".join(
        f'<span class="key"><svg viewBox="0 0 14 8" aria-hidden="true">{_sample(each)}</svg>'
        f"{html.escape(each.label)}</span>"
        for each in paper.entries
    )
    if paper.mark_label:
        dot = f'<circle cx="7" cy="4" r="3.6" fill="#{paper.mark_colour.hexval()[2:]}"/>'
        keys = (
            f'<span class="key"><svg viewBox="0 0 14 8" aria-hidden="true">{dot}</svg>'
            f"{html.escape(paper.mark_label)}</span>{keys}"
        )
    foot = f"<span>EPSG:{paper.epsg} · {paper.scale}</span><span>{html.escape(paper.attribution)}</span>"
    return f'{map_svg(paper, title)}<div class="foot">{foot}</div><div>{keys}</div>'


def map_svg(paper: PaperMap, title: str) -> str:
    """A map as SVG, in points: the same shapes, inks, north arrow and scale bar as on paper."""
    wide, high = paper.size
    drawn = "".join(_shapes(paper, each) for each in paper.layers)
    drawn += "".join(_mark(paper, *each) for each in paper.marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.1f} {high:.1f}" role="img"'
        f' aria-label="{html.escape(title)}">{drawn}{_arrow(wide - 16, 34, paper.north)}'
        f"{_bar(paper, 8, high - 9)}</svg>"
    )


def _look(ink: Ink) -> str:
    fill = f'fill="{ink.fill}" fill-opacity="{ink.alpha:g}"' if ink.fill else 'fill="none"'
    line = f' stroke="{ink.line}" stroke-width="{ink.width_pt:g}"' if ink.line else ""
    dash = f' stroke-dasharray="{" ".join(f"{each:g}" for each in ink.dash)}"' if ink.dash else ""
    return f"{fill}{line}{dash}"


def _shapes(paper: PaperMap, layer: MapLayer) -> str:
    if layer.shapes.empty:
        return ""
    high = paper.size[1]
    parts = shapely.get_parts(shapely.simplify(layer.shapes.to_numpy(), SIMPLE_PT * paper.metres_a_point))
    paths: list[str] = []
    dots: list[str] = []
    for part in parts:
        if part.geom_type == "Point":
            x, y = _place(paper, np.array(part.coords[:1]))[0]
            dots.append(f'<circle cx="{x:.1f}" cy="{high - y:.1f}" r="{layer.ink.radius_pt:g}"/>')
            continue
        areal = part.geom_type == "Polygon"
        for ring in [part.exterior, *part.interiors] if areal else [part]:
            points = _place(paper, shapely.get_coordinates(ring))
            if len(points):
                steps = " ".join(f"{x:.1f},{high - y:.1f}" for x, y in points)
                paths.append(f"M{steps}{'Z' if areal else ''}")
    drawn = f'<path fill-rule="evenodd" d="{"".join(paths)}"/>' if paths else ""
    areal = any(part.geom_type == "Polygon" for part in parts[:1])
    look = _look(layer.ink) if areal or dots else _look(Ink(line=layer.ink.line, width_pt=layer.ink.width_pt))
    return f"<g {look}>{drawn}{''.join(dots)}</g>"


def _mark(paper: PaperMap, east: float, north: float, heading: float, field: float, words: str) -> str:
    """A camera: a wedge for its field, a dot, its number."""
    x, y = _place(paper, np.array([[east, north]]))[0]
    y = paper.size[1] - y
    colour = f"#{paper.mark_colour.hexval()[2:]}"
    ends = np.radians([heading - field / 2, heading + field / 2])
    (a, b), (c, d) = ((x + WEDGE_PT * np.sin(end), y - WEDGE_PT * np.cos(end)) for end in (ends[0], ends[1]))
    wedge = (
        f'<path d="M{x:.1f},{y:.1f} {a:.1f},{b:.1f}A{WEDGE_PT:g},{WEDGE_PT:g} 0 {int(field > 180)} 1'
        f' {c:.1f},{d:.1f}Z" fill="{colour}" fill-opacity=".85"/>'
        if field < 359
        else ""
    )
    return (
        f'{wedge}<circle cx="{x:.1f}" cy="{y:.1f}" r="5.6" fill="{colour}" stroke="#fff" stroke-width=".8"/>'
        f'<text x="{x:.1f}" y="{y + 2.3:.1f}" text-anchor="middle" font-size="6.5" font-weight="700" fill="#fff">'
        f"{html.escape(words)}</text>"
    )


def _place(paper: PaperMap, points: np.ndarray) -> np.ndarray:
    return (points[:, :2] - (paper.west, paper.south)) / paper.metres_a_point


def _sample(layer: MapLayer) -> str:
    look = _look(layer.ink)
    kind = layer.shapes.iloc[0].geom_type
    if kind == "Point":
        return f'<circle cx="7" cy="4" r="3" {look}/>'
    if layer.ink.fill is None:
        return f'<path d="M0,4 14,4" {look}/>'
    return f'<rect x="0.5" y="0.5" width="13" height="7" {look}/>'


def _arrow(x: float, y: float, north: str) -> str:
    return (
        f'<g transform="translate({x:.1f},{y:.1f})"><rect x="-10" y="-30" width="20" height="36" rx="3" fill="#fff"'
        ' fill-opacity=".8"/><path d="M0,-18-5.5,0 0,-4Z" fill="#1d2b33" stroke="#1d2b33" stroke-width=".5"/>'
        '<path d="M0,-18 5.5,0 0,-4Z" fill="#fff" stroke="#1d2b33" stroke-width=".5"/>'
        f'<text x="0" y="-20" text-anchor="middle" font-size="8" font-weight="700">{html.escape(north)}</text></g>'
    )


def _bar(paper: PaperMap, x: float, y: float) -> str:
    length = scale_bar_m(110 * paper.metres_a_point)
    wide = length / paper.metres_a_point
    boxes = "".join(
        f'<rect x="{x + wide * part / 4:.2f}" y="{y - 3.5:.2f}" width="{wide / 4:.2f}" height="3.5"'
        f' fill="{"#1d2b33" if part % 2 == 0 else "#fff"}" stroke="#1d2b33" stroke-width=".5"/>'
        for part in range(4)
    )
    return (
        f'<rect x="{x - 4:.1f}" y="{y - 14:.1f}" width="{wide + 84:.1f}" height="19" rx="3" fill="#fff"'
        ' fill-opacity=".8"/>'
        f'{boxes}<g font-size="6.5"><text x="{x:.1f}" y="{y - 5.5:.1f}">0</text>'
        f'<text x="{x + wide:.1f}" y="{y - 5.5:.1f}" text-anchor="middle">{length:,g} m</text>'
        f'<text x="{x + wide + 22:.1f}" y="{y:.1f}">{html.escape(paper.scale)}</text></g>'
    )
