"""
Classes of components and events: what a city's cases are about, in Chinese and English.

The tables are data of GB/T 30428.2-2013 (数字化城市管理信息系统 第2部分：管理部件和事件).
A component is a thing that stays where it is (a manhole cover, a camera);
an event is something that happens (rubbish, a badly parked car).
Majors from 21 upwards are free for local extensions and are therefore not listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from analysis.errors import CodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "COMPONENT_CLASSES",
    "COMPONENT_MAJORS",
    "EVENT_CLASSES",
    "EVENT_MAJORS",
    "FIRST_LOCAL_MAJOR",
    "ILLEGAL_PARKING",
    "SURVEILLANCE_CAMERA",
    "CategoryClass",
    "CategoryMajor",
    "Kind",
    "component_class",
    "event_class",
]

Kind = Literal["component", "event"]

FIRST_LOCAL_MAJOR = 21
"""Majors from here on are local extensions (扩展), without a name in the standard."""

ILLEGAL_PARKING = "05-05"
"""Event class of a motor vehicle parked where it must not be (机动车乱停放)."""

SURVEILLANCE_CAMERA = "01-36"
"""Component class of a camera (监控电子眼), which bears a 16-digit code beside its 20-digit one."""


@dataclass(frozen=True, slots=True)
class CategoryMajor:
    """One major class: two digits and its name in both languages."""

    kind: Kind
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class CategoryClass:
    """One minor class inside a major one: 2 + 2 digits and its name in both languages."""

    kind: Kind
    major: str
    minor: str
    zh: str
    en: str

    @property
    def code(self) -> str:
        """Both pairs of digits, written as the field writes them: `05-05`."""
        return f"{self.major}-{self.minor}"


_COMPONENTS = """
01 公用设施 | Public utilities
  01 上水井盖 | Water supply manhole cover
  02 污水井盖 | Sewage manhole cover
  03 雨水井盖 | Storm drain manhole cover
  04 雨水箅子 | Storm drain grate
  05 电力井盖 | Power manhole cover
  06 路灯井盖 | Street lighting manhole cover
  07 通讯井盖 | Telecommunication manhole cover
  08 电视井盖 | Cable television manhole cover
  09 网络井盖 | Data network manhole cover
  10 热力井盖 | District heating manhole cover
  11 燃气井盖 | Gas manhole cover
  12 公安井盖 | Police manhole cover
  13 消防设施 | Fire-fighting facility
  14 无主井盖 | Manhole cover without a known owner
  15 通讯交接箱 | Telecommunication cross-connect cabinet
  16 电力设施 | Power facility
  17 立杆 | Pole
  18 路灯 | Street lamp
  19 地灯 | Ground lamp
  20 景观灯 | Landscape lamp
  21 报刊亭 | Newsstand
  22 电话亭 | Telephone booth
  23 邮筒 | Post box
  24 信息亭 | Information kiosk
  25 自动售货机 | Vending machine
  26 健身设施 | Fitness facility
  27 中水井盖 | Reclaimed water manhole cover
  28 公交井盖 | Public transport manhole cover
  29 输油(气)井盖 | Oil or gas transmission manhole cover
  30 特殊井盖 | Special manhole cover
  31 民用水井 | Household well
  32 供水器 | Water dispenser
  33 高压线铁塔 | High-voltage pylon
  34 变压器(箱) | Transformer
  35 燃气调压站(箱) | Gas pressure regulator
  36 监控电子眼 | Surveillance camera
  37 售货亭 | Sales kiosk
  38 治安岗亭 | Police post
02 道路交通 | Roads and traffic
  01 停车场 | Car park
  02 停车咪表 | Parking meter
  03 公交站亭 | Bus shelter
  04 出租车站牌 | Taxi stand sign
  05 过街天桥 | Footbridge
  06 地下通道 | Pedestrian underpass
  07 高架立交桥 | Elevated road or interchange
  08 跨河桥 | River bridge
  09 交通标志牌 | Traffic sign
  10 交通信号灯 | Traffic light
  11 交通护栏 | Traffic barrier
  12 存车支架 | Bicycle rack
  13 路名牌 | Street name sign
  14 交通信号设施 | Traffic signal facility
  15 道路信息显示屏 | Road information display
  16 道路隔音屏 | Road noise barrier
  17 交通岗亭 | Traffic police booth
03 市容环境 | City appearance and environment
  01 公共厕所 | Public toilet
  02 化粪池 | Septic tank
  03 公厕指示牌 | Public toilet sign
  04 垃圾间(楼) | Refuse room
  05 垃圾箱 | Litter bin
  06 灯箱霓虹灯 | Light box or neon sign
  07 广告牌匾 | Billboard or shop sign
  08 环保监测站 | Environmental monitoring station
  09 气象监测站 | Weather station
  10 污水口监测站 | Sewage outfall monitoring station
04 园林绿化 | Parks and greenery
  01 古树名木 | Ancient or notable tree
  02 行道树 | Street tree
  03 护树设施 | Tree guard
  04 花架花钵 | Flower stand or planter
  05 绿地 | Green space
  06 雕塑 | Sculpture
  07 街头坐椅 | Street bench
  08 绿地护栏 | Green space railing
  09 绿地维护设施 | Green space maintenance facility
  10 喷泉 | Fountain
05 房屋土地 | Buildings and land
  01 宣传栏 | Notice board
  02 人防工事 | Civil defence shelter
  03 公房地下室 | Basement of public housing
06 其他设施 | Other facilities
  01 重大危险源 | Major hazard source
  02 工地 | Construction site
  03 水域附属设施 | Waterside facility
  04 水域护栏 | Waterside railing
  06 防洪墙 | Flood wall
"""

_EVENTS = """
01 市容环境 | City appearance and environment
  01 私搭乱建 | Unauthorised building
  02 暴露垃圾 | Exposed rubbish
  03 积存垃圾渣土 | Accumulated rubbish or rubble
  04 道路不洁 | Dirty road
  05 水域不洁 | Dirty water body
  06 绿地脏乱 | Untidy green space
  07 废弃车辆 | Abandoned vehicle
  08 废弃家具设备 | Abandoned furniture or equipment
  09 非装饰性树挂 | Litter hanging in trees
  10 道路破损 | Damaged road
  11 河堤破损 | Damaged river bank
  12 道路遗撒 | Spillage on the road
  13 建筑物外立面不洁 | Dirty building facade
  14 水域秩序问题 | Disorder on the water
  15 焚烧垃圾树叶 | Burning of rubbish or leaves
  16 油烟污染 | Cooking fume pollution
  17 动物尸体清理 | Animal carcass to clear
  18 擅自饲养家禽家畜 | Unauthorised keeping of poultry or livestock
  99 其他 | Other appearance event
02 宣传广告 | Publicity and advertising
  01 非法小广告 | Illegal flyposting
  02 违章张贴悬挂广告牌匾 | Unauthorised poster, banner or sign
  03 占道广告牌 | Advertising board blocking the way
  04 街头散发广告 | Handing out of leaflets
  05 广告招牌破损 | Damaged advertising sign
03 施工管理 | Construction management
  01 施工扰民 | Construction noise nuisance
  02 工地扬尘 | Dust from a construction site
  03 施工废弃料 | Construction waste
  04 施工占道 | Construction blocking the road
  05 无证掘路 | Road dug up without a permit
  99 其他 | Other construction event
04 突发事件 | Sudden incidents
  01 路面塌陷 | Road collapse
  02 自来水管破裂 | Burst water main
  03 燃气管道破裂 | Broken gas pipe
  04 下水道堵塞或破损 | Blocked or damaged sewer
  05 热力管道破裂 | Broken district heating pipe
  06 道路积水 | Water on the road
  07 道路积雪结冰 | Snow or ice on the road
  08 架空线缆损坏 | Damaged overhead cable
  09 群发性事件 | Mass incident
  99 其他 | Other sudden incident
05 街面秩序 | Street order
  01 无照经营游商 | Unlicensed street vending
  02 流浪乞讨 | Homelessness or begging
  03 占道废品收购 | Scrap buying on the pavement
  04 店外经营 | Trading outside the shop
  05 机动车乱停放 | Illegally parked motor vehicle
  06 非机动车乱停放 | Badly parked bicycle or scooter
  07 乱堆物堆料 | Goods or materials piled in the street
  08 商业噪音 | Commercial noise
  09 黑车拉客 | Unlicensed taxi touting
  10 露天烧烤 | Open-air barbecue
  11 沿街晾挂 | Laundry hung along the street
  12 非法出版物销售 | Sale of illegal publications
  13 空调室外机低挂 | Air conditioner hung too low
  99 其他 | Other street order event
"""


def _read_table(kind: Kind, text: str) -> tuple[tuple[CategoryMajor, ...], tuple[CategoryClass, ...]]:
    majors: list[CategoryMajor] = []
    classes: list[CategoryClass] = []
    for line in text.strip().splitlines():
        names, en = line.split(" | ")
        code, zh = names.split()
        if line.startswith(" "):
            classes.append(CategoryClass(kind, majors[-1].code, code, zh, en))
        else:
            majors.append(CategoryMajor(kind, code, zh, en))
    return tuple(majors), tuple(classes)


COMPONENT_MAJORS, COMPONENT_CLASSES = _read_table("component", _COMPONENTS)
EVENT_MAJORS, EVENT_CLASSES = _read_table("event", _EVENTS)

_BY_CODE: Mapping[Kind, Mapping[str, CategoryClass]] = MappingProxyType(
    {
        "component": MappingProxyType({row.code: row for row in COMPONENT_CLASSES}),
        "event": MappingProxyType({row.code: row for row in EVENT_CLASSES}),
    }
)


def component_class(code: str) -> CategoryClass:
    """
    The component class of `code`, for instance `01-36`.

    Raises
    ------
    CodeError
        If the standard's table has no such class (local extensions have no name here).
    """
    return _lookup("component", code)


def event_class(code: str) -> CategoryClass:
    """
    The event class of `code`, for instance `05-05`.

    Raises
    ------
    CodeError
        If the standard's table has no such class (local extensions have no name here).
    """
    return _lookup("event", code)


def _lookup(kind: Kind, code: str) -> CategoryClass:
    try:
        return _BY_CODE[kind][code]
    except KeyError:
        raise CodeError(
            "GB/T 30428.2-2013 has no {kind} class {code!r}.",
            "Write a class of the table as 2+2 digits with a hyphen, for instance {example}.",
            kind=kind,
            code=code,
            example=SURVEILLANCE_CAMERA if kind == "component" else ILLEGAL_PARKING,
        ) from None
