"""Pipes and their nodes."""

from __future__ import annotations

from types import MappingProxyType

from analysis.errors import Term
from geodata.ingest.kinds.city import SOURCE_KEY
from geodata.ingest.kinds.field import Field, Kind

__all__ = ["PIPES", "PIPE_NODES"]

NETWORKS = MappingProxyType(
    {
        **dict.fromkeys(
            ("water", "js", "给水", "供水", "自来水", "上水", "drinking water", "water supply"), "water"
        ),
        **dict.fromkeys(
            (
                *(
                    "drain",
                    "sewer",
                    "sewage",
                    "storm",
                    "ps",
                    "ys",
                    "ws",
                    "hs",
                    "排水",
                    "雨水",
                    "污水",
                    "雨污合流",
                ),
                *("下水", "wastewater"),
            ),
            "drain",
        ),
        **dict.fromkeys(("gas", "rq", "tr", "mq", "燃气", "天然气", "煤气", "natural gas"), "gas"),
        **dict.fromkeys(("heat", "heating", "rl", "热力", "供热", "暖气", "district heating"), "heat"),
        **dict.fromkeys(("power", "electricity", "dl", "gd", "ld", "电力", "供电", "路灯", "cable"), "power"),
        **dict.fromkeys(("telecom", "tx", "dx", "通信", "电信", "通讯", "弱电", "communication"), "telecom"),
        **dict.fromkeys(("unknown", "未知", "不明", "其他", "other"), "unknown"),
    }
)
NETWORK = (
    *(
        "kind",
        "network",
        "type",
        "system",
        "layer",
        "substance",
        "管线类型",
        "管线种类",
        "类型",
        "介质",
        "种类",
    ),
    "管线类别",
)
DIAMETER = (
    "diameter",
    "diametermm",
    "dn",
    "size",
    "d",
    "管径",
    "直径",
    "口径",
    "公称直径",
    "断面尺寸",
    "管径mm",
)

PIPES = Kind(
    name="pipes",
    title=Term("Pipes"),
    table="pipe",
    shapes=("LineString",),
    derive="lines",
    fields=(
        SOURCE_KEY,
        Field("kind", Term("Network"), "choice", NETWORK, choices=NETWORKS, default="unknown"),
        Field("diameter_mm", Term("Diameter"), "number", DIAMETER, unit="mm", low=0, high=20_000, above=True),
        Field("location", Term("Location"), "text", ("location", "埋设方式", "敷设方式", "位置")),
        Field("owner", Term("Owner"), "text", ("owner", "operator", "权属单位", "权属", "产权单位")),
    ),
)

PIPE_NODES = Kind(
    name="pipe_nodes",
    title=Term("Pipe nodes"),
    table="pipe_node",
    shapes=("Point",),
    fields=(
        SOURCE_KEY,
        Field(
            "kind", Term("Kind"), "text", ("kind", "type", "特征", "附属物", "类型", "点类型"), required=True
        ),
        Field(
            "network",
            Term("Network"),
            "choice",
            ("network", "system", "管线类型", "管线种类", "介质"),
            choices=NETWORKS,
            default="unknown",
        ),
        Field("label", Term("Label"), "text", ("label", "name", "名称", "标注")),
        Field("diameter_mm", Term("Diameter"), "number", DIAMETER, unit="mm", low=0, high=20_000, above=True),
    ),
)
