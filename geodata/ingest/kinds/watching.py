"""Cameras."""

from __future__ import annotations

from types import MappingProxyType

from analysis.codes import explain_camera_code, explain_component_code
from analysis.errors import Term
from geodata.ingest.camera_columns import DEFAULTS, NAMES
from geodata.ingest.kinds.field import CodeForm, Field, Kind

__all__ = ["CAMERAS"]

_STATES = MappingProxyType(
    {
        **dict.fromkeys(
            ("online", "on", "在线", "正常", "正常运行", "运行", "完好", "1", "normal"), "online"
        ),
        **dict.fromkeys(("offline", "off", "离线", "断线", "故障", "不在线", "停用", "0"), "offline"),
        **dict.fromkeys(
            ("maintenance", "维护", "维修", "检修", "维护中", "维修中", "under repair"), "maintenance"
        ),
    }
)
_KINDS = MappingProxyType(
    {
        **dict.fromkeys(("fixed", "bullet", "box", "枪机", "固定枪机", "固定", "3"), "fixed"),
        **dict.fromkeys(("dome", "半球", "半球机", "2"), "dome"),
        **dict.fromkeys(("ptz", "球机", "快球", "云台", "遥控枪机", "1", "4"), "ptz"),
        **dict.fromkeys(("panorama", "全景", "全景机", "鱼眼", "panoramic"), "panorama"),
    }
)
_TIERS = MappingProxyType(
    {
        **dict.fromkeys(("street", "低点", "路面", "街面"), "street"),
        **dict.fromkeys(("high", "高点", "高空", "制高点"), "high"),
        **dict.fromkeys(("vehicle", "车载", "移动"), "vehicle"),
    }
)
_LEVELS = MappingProxyType(
    {
        **dict.fromkeys(("1", "1.0", "own", "本单位", "不共享"), "1"),
        **dict.fromkeys(("2", "2.0", "departments", "部门共享"), "2"),
        **dict.fromkeys(("3", "3.0", "all", "全部共享", "共享"), "3"),
    }
)

CAMERAS = Kind(
    name="cameras",
    title=Term("Cameras"),
    table="camera",
    shapes=("Point",),
    key="code",
    derive="cameras",
    then=("huiyan coverage", "huiyan demand"),
    fields=(
        Field(
            "code",
            Term("Code (GB/T 28181)"),
            "code",
            NAMES["code"],
            required=True,
            code=CodeForm(explain_camera_code, digits=20, head=14),
        ),
        Field("name", Term("Name"), "text", NAMES["name"]),
        Field(
            "heading_deg",
            Term("Heading"),
            "number",
            NAMES["heading_deg"],
            required=True,
            unit="°",
            low=0,
            high=360,
        ),
        Field(
            "hfov_deg",
            Term("Horizontal field"),
            "number",
            NAMES["hfov_deg"],
            unit="°",
            low=0,
            high=360,
            above=True,
            default=DEFAULTS["hfov_deg"],
        ),
        Field(
            "range_m",
            Term("Range"),
            "number",
            NAMES["range_m"],
            unit="m",
            low=0,
            high=5_000,
            above=True,
            default=DEFAULTS["range_m"],
        ),
        Field(
            "height_m",
            Term("Height"),
            "number",
            NAMES["height_m"],
            unit="m",
            low=0,
            high=600,
            above=True,
            default=DEFAULTS["height_m"],
        ),
        Field(
            "tilt_deg",
            Term("Tilt below the horizon"),
            "number",
            NAMES["tilt_deg"],
            unit="°",
            low=-90,
            high=90,
            default=DEFAULTS["tilt_deg"],
        ),
        Field(
            "vfov_deg",
            Term("Vertical field"),
            "number",
            NAMES["vfov_deg"],
            unit="°",
            low=0,
            high=180,
            above=True,
            default=DEFAULTS["vfov_deg"],
        ),
        Field(
            "resolution_px",
            Term("Picture width"),
            "whole",
            NAMES["resolution_px"],
            unit="px",
            low=1,
            high=100_000,
            default=DEFAULTS["resolution_px"],
        ),
        Field(
            "hours_per_day",
            Term("Hours sampled a day"),
            "number",
            ("hours", "每日时长", "巡查时长", "工作时长"),
            unit="h",
            low=0,
            high=24,
            default=24.0,
        ),
        Field("owner", Term("Owner"), "text", NAMES["owner"], default="unknown"),
        Field(
            "share_level",
            Term("Share level"),
            "choice",
            ("share", "sharing", "共享级别", "共享等级"),
            choices=_LEVELS,
            default="1",
        ),
        Field("area_class", Term("Area class"), "text", NAMES["area_class"], default="street"),
        Field(
            "state",
            Term("State"),
            "choice",
            ("status", "状态", "设备状态", "运行状态", "在线状态"),
            choices=_STATES,
            default="online",
        ),
        Field(
            "kind",
            Term("Type of camera"),
            "choice",
            ("type", "类型", "摄像机类型", "设备类型"),
            choices=_KINDS,
            default="fixed",
        ),
        Field(
            "tier",
            Term("Tier"),
            "choice",
            ("height class", "高低点", "层级"),
            choices=_TIERS,
            default="street",
        ),
        Field(
            "component_code",
            Term("Component code"),
            "code",
            ("componentcode", "部件编码", "部件代码", "部件标识码"),
            code=CodeForm(explain_component_code, digits=16, head=10),
        ),
    ),
)
