"""Columns of camera tables as offices write them, in both languages, and numbers as people write them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from analysis.errors import InputError

__all__ = [
    "DEFAULTS",
    "NAMES",
    "NEEDED",
    "NUMBERS",
    "matched_columns",
    "number_in",
    "parse_number",
    "plain_name",
    "told_text",
]

NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lon_deg": ("lon", "lng", "long", "longitude", "经度", "wgs84lon", "gcj02lon", "bd09lon"),
        "lat_deg": ("lat", "latitude", "纬度", "wgs84lat", "gcj02lat", "bd09lat"),
        "x_m": ("x", "east", "easting", "xm", "x坐标", "横坐标", "东坐标"),
        "y_m": ("y", "north", "northing", "ym", "y坐标", "纵坐标", "北坐标"),
        "heading_deg": (
            *(
                "heading",
                "azimuth",
                "direction",
                "bearing",
                "yaw",
                "方位角",
                "朝向",
                "方位",
                "方向",
                "方向角",
                "水平角",
            ),
            *("方向角", "水平角", "镜头朝向", "监视方位", "水平方位角"),
        ),
        "height_m": (
            *(
                "height",
                "mountheight",
                "poleheight",
                "高度",
                "安装高度",
                "架设高度",
                "挂高",
                "杆高",
                "离地高度",
            ),
        ),
        "tilt_deg": ("tilt", "pitch", "倾角", "俯角", "俯仰角", "下倾角", "垂直角"),
        "hfov_deg": (
            *(
                "hfov",
                "fov",
                "field",
                "fieldofview",
                "horizontalfov",
                "horizontalfield",
                "视场角",
                "水平视场角",
            ),
            *("视角", "水平视角", "视场"),
        ),
        "vfov_deg": ("vfov", "verticalfov", "verticalfield", "垂直视场角", "垂直视角"),
        "resolution_px": (
            *(
                "resolution",
                "width",
                "pixels",
                "widthpx",
                "分辨率",
                "水平像素",
                "像素",
                "图像宽度",
                "水平分辨率",
            ),
        ),
        "range_m": (
            *(
                "range",
                "distance",
                "radius",
                "reach",
                "距离",
                "可视距离",
                "有效距离",
                "监控距离",
                "可视范围",
                "监控半径",
            ),
        ),
        "cost": ("cost", "price", "budget", "造价", "费用", "价格", "预算", "投资", "金额", "单价"),
        "code": (
            "code",
            "gbcode",
            "gbid",
            "deviceid",
            "国标编码",
            "编码",
            "设备编码",
            "摄像机编码",
            "国标id",
            "编号",
        ),
        "name": (
            "name",
            "title",
            "site",
            "名称",
            "点位名称",
            "设备名称",
            "点位",
            "摄像机名称",
            "安装地点",
            "位置",
        ),
        "area_class": ("areaclass", "class", "类别", "点位类别", "区域类别", "监控类别", "点位类型", "分类"),
        "owner": ("owner", "operator", "产权单位", "建设单位", "权属", "权属单位", "单位"),
    }
)
"""Our column → what others call it, without case, blanks, underscores and units."""

NUMBERS: tuple[str, ...] = (
    *("heading_deg", "hfov_deg", "range_m", "height_m", "tilt_deg", "vfov_deg", "resolution_px", "cost"),
)
NEEDED = ("heading_deg",)
"""Besides its place, what only the applicant can know."""
DEFAULTS: Mapping[str, float] = MappingProxyType(
    {
        "hfov_deg": 90.0,
        "range_m": 60.0,
        "height_m": 5.0,
        "tilt_deg": 20.0,
        "vfov_deg": 56.0,
        "resolution_px": 1920.0,
    }
)
"""What a column that is not in the file is taken to be; the reader says so."""

DIRECTIONS: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys(("北", "正北", "north", "n"), 0.0),
        **dict.fromkeys(("东北", "northeast", "ne"), 45.0),
        **dict.fromkeys(("东", "正东", "east", "e"), 90.0),
        **dict.fromkeys(("东南", "southeast", "se"), 135.0),
        **dict.fromkeys(("南", "正南", "south", "s"), 180.0),
        **dict.fromkeys(("西南", "southwest", "sw"), 225.0),
        **dict.fromkeys(("西", "正西", "west", "w"), 270.0),
        **dict.fromkeys(("西北", "northwest", "nw"), 315.0),
    }
)
PICTURES: Mapping[str, float] = MappingProxyType(
    {"720p": 1280.0, "1080p": 1920.0, "2k": 2560.0, "1440p": 2560.0, "4k": 3840.0, "2160p": 3840.0}
)
_UNIT = re.compile(r"[(\[（【].*?[)\]）】]")
_NUMBER = re.compile(
    r"[¥￥$€]?\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)\s*(?:°|度|m|米|px|像素|元|deg)?", re.IGNORECASE
)
_SIZE = re.compile(r"(\d+)\s*[x×*]\s*\d+", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def matched_columns(found: Sequence[str]) -> dict[str, str]:
    """Our columns → those of the file; of several that would do, the first."""
    ours = {alias: name for name, aliases in NAMES.items() for alias in (*aliases, plain_name(name))}
    matched: dict[str, str] = {}
    for theirs in found:
        name = ours.get(plain_name(theirs))
        if name is not None:
            matched.setdefault(name, theirs)
    return matched


def parse_number(name: str, value: Any, *, row: int, called: str) -> float:
    """
    A number as people write it: 45, 45°, ４５, 4.5 m, 1,200, 1920×1080, 1080P, 东南.

    An empty value is not a number, NaN.

    Parameters
    ----------
    name
        Our column.
    value
        As it stands in the file.
    row, called
        Row, and the column as the file calls it, for the message.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    found = number_in(name, value)
    if found is None:
        raise InputError(
            "{name} of camera {row} is '{value}', which is not a number.",
            "Write digits, with a point before decimals.",
            name=called,
            row=row,
            value=told_text(value),
        )
    return found


def number_in(name: str, value: Any) -> float | None:
    """The number that a value of our column `name` is as people write it; NaN where it is empty, None if it is none."""
    if value is None or isinstance(value, bool):
        value = "" if value is None else str(value)
    if isinstance(value, int | float):
        return float(value)
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if not text:
        return math.nan
    word = text.lower().replace(" ", "").replace("-", "")
    if name == "heading_deg" and word in DIRECTIONS:
        return DIRECTIONS[word]
    if name == "resolution_px":
        if word in PICTURES:
            return PICTURES[word]
        if size := _SIZE.fullmatch(text):
            return float(size[1])
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    match = _NUMBER.fullmatch(text)
    return None if match is None else float(match[1])


def told_text(value: Any, most: int = 40) -> str:
    """A value as it can be shown in one line of at most so many characters."""
    text = "" if value is None else str(value)
    text = "".join(c if c.isprintable() else " " for c in text).strip()
    return text if len(text) <= most else text[: most - 1] + "…"


def plain_name(name: str) -> str:
    """A column's name without case, blanks, underscores, units in brackets and units after it."""
    text = unicodedata.normalize("NFKC", str(name)).lower()
    text = re.sub(r"[\s_\-./]", "", _UNIT.sub("", text))
    return re.sub(r"(?<=[a-z])(deg|degrees|metres|meters|px)$", "", text) or text
