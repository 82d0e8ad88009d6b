"""What stands in the city: buildings, points of interest, car parks, components, QR points, unit cells."""

from __future__ import annotations

from types import MappingProxyType

from analysis.codes import explain_cell_code, explain_component_code
from analysis.errors import Term
from geodata.ingest.kinds.field import CodeForm, Field, Kind

__all__ = ["ADDRESS_POINTS", "BUILDINGS", "CAR_PARKS", "CELLS", "COMPONENTS", "POIS", "SOURCE_KEY"]

NAME = ("name", "title", "名称", "名字")
SOURCE_KEY = Field(
    "source_key",
    Term("Key in the source"),
    "text",
    (
        *("id", "fid", "gid", "objectid", "uid", "osmid", "key", "bin", "编号", "编码", "代码", "标识码"),
        *("唯一标识", "建筑编号", "管线编号", "管点编号", "管段编号", "handle", "entityhandle"),
    ),
)
"""What the source calls a row of a table that has no code of its own."""

BUILDINGS = Kind(
    name="buildings",
    title=Term("Buildings"),
    table="building",
    shapes=("MultiPolygon", "Polygon"),
    derive="buildings",
    then=("huiyan coverage", "huiyan demand"),
    fields=(
        SOURCE_KEY,
        Field("name", Term("Name"), "text", (*NAME, "建筑名称", "楼名")),
        Field(
            "use",
            Term("Use"),
            "text",
            ("use", "building", "function", "usage", "用途", "建筑用途", "性质", "类型"),
        ),
        Field(
            "levels",
            Term("Storeys"),
            "number",
            ("levels", "storeys", "floors", "buildinglevels", "层数", "楼层", "地上层数", "总层数"),
            low=0,
            high=250,
            above=True,
        ),
        Field(
            "height_m",
            Term("Height"),
            "number",
            ("height", "buildingheight", "heightroof", "高度", "建筑高度", "楼高", "房高"),
            unit="m",
            low=0,
            high=1_000,
            above=True,
        ),
    ),
)

CAR_PARKS = Kind(
    name="car_parks",
    title=Term("Car parks"),
    table="car_park",
    shapes=("GEOMETRY", "Point", "Polygon", "MultiPolygon"),
    fields=(
        SOURCE_KEY,
        Field("name", Term("Name"), "text", (*NAME, "停车场名称", "车场名称")),
        Field(
            "kind",
            Term("Kind"),
            "choice",
            ("kind", "type", "parking", "类型", "停车场类型"),
            choices=MappingProxyType(
                {
                    **dict.fromkeys(("surface", "地面", "平面", "露天"), "surface"),
                    **dict.fromkeys(("underground", "地下"), "underground"),
                    **dict.fromkeys(
                        ("multi-storey", "multi storey", "立体", "停车楼", "机械式"), "multi-storey"
                    ),
                    **dict.fromkeys(("rooftop", "屋顶"), "rooftop"),
                }
            ),
        ),
        Field(
            "capacity",
            Term("Places"),
            "whole",
            ("capacity", "spaces", "bays", "泊位数", "车位数", "总泊位", "总车位", "车位"),
            low=0,
            high=100_000,
        ),
        Field("fee", Term("Charged"), "flag", ("fee", "charge", "收费", "是否收费")),
        Field("access", Term("Access"), "text", ("access", "开放", "开放对象")),
    ),
)

POIS = Kind(
    name="pois",
    title=Term("Points of interest"),
    table="poi",
    shapes=("Point",),
    fields=(
        SOURCE_KEY,
        Field("name", Term("Name"), "text", (*NAME, "店名", "单位名称")),
        Field("kind", Term("Kind"), "text", ("kind", "class", "大类", "类别"), required=True),
        Field(
            "category", Term("Category"), "text", ("category", "type", "小类", "类型", "子类"), required=True
        ),
    ),
)

COMPONENTS = Kind(
    name="components",
    title=Term("Components"),
    table="component",
    shapes=("Point",),
    key="code",
    derive="components",
    fields=(
        Field(
            "code",
            Term("Code of the component"),
            "code",
            ("code", "componentcode", "objcode", "部件编码", "部件代码", "标识码", "部件标识码", "编码"),
            required=True,
            code=CodeForm(explain_component_code, digits=16, head=10),
        ),
        Field(
            "state",
            Term("State"),
            "choice",
            ("state", "status", "objstate", "状态", "部件状态"),
            choices=MappingProxyType(
                {
                    **dict.fromkeys(("intact", "ok", "good", "完好", "正常"), "intact"),
                    **dict.fromkeys(("damaged", "broken", "破损", "损坏"), "damaged"),
                    **dict.fromkeys(("lost", "missing", "丢失", "缺失"), "lost"),
                    **dict.fromkeys(("abandoned", "disused", "废弃"), "abandoned"),
                }
            ),
            default="intact",
        ),
        Field(
            "owner",
            Term("Owner"),
            "text",
            ("owner", "deptname", "权属单位", "权属", "主管部门名称", "权属单位名称"),
        ),
    ),
)

ADDRESS_POINTS = Kind(
    name="address_points",
    title=Term("QR points"),
    table="address_point",
    shapes=("Point",),
    key="code",
    fields=(
        Field(
            "code", Term("Code"), "text", ("code", "id", "qr", "编码", "编号", "二维码编号"), required=True
        ),
        Field("name", Term("Name"), "text", (*NAME, "地址", "门牌", "address")),
    ),
)

CELLS = Kind(
    name="cells",
    title=Term("Unit cells"),
    table="unit_cell",
    shapes=("MultiPolygon", "Polygon"),
    key="code",
    derive="cells",
    then=("huiyan coverage", "huiyan demand"),
    fields=(
        Field(
            "code",
            Term("Code of the cell"),
            "code",
            ("code", "bgcode", "gridcode", "网格编码", "单元网格编码", "网格代码", "单元网格标识码", "编码"),
            required=True,
            code=CodeForm(explain_cell_code, digits=15, head=12),
        ),
        Field(
            "set_up_on", Term("Set up on"), "day", ("setupon", "ordate", "划定日期", "初始时间", "初始日期")
        ),
        Field("changed_on", Term("Changed on"), "day", ("changedon", "chdate", "变更日期", "变更时间")),
        Field("note", Term("Note"), "text", ("note", "remark", "备注")),
    ),
)
