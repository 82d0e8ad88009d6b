"""Administrative divisions at the head of a code (GB/T 2260)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from analysis.codes.layout import Field, digit_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.errors import CodeError

__all__ = ["ABROAD", "PROVINCES", "explain_county", "explain_province"]

ABROAD = "91"
"""First two digits of places outside China (国外), as lists of resident identity numbers use them."""

PROVINCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "11": ("北京市", "Beijing"),
        "12": ("天津市", "Tianjin"),
        "13": ("河北省", "Hebei"),
        "14": ("山西省", "Shanxi"),
        "15": ("内蒙古自治区", "Inner Mongolia"),
        "21": ("辽宁省", "Liaoning"),
        "22": ("吉林省", "Jilin"),
        "23": ("黑龙江省", "Heilongjiang"),
        "31": ("上海市", "Shanghai"),
        "32": ("江苏省", "Jiangsu"),
        "33": ("浙江省", "Zhejiang"),
        "34": ("安徽省", "Anhui"),
        "35": ("福建省", "Fujian"),
        "36": ("江西省", "Jiangxi"),
        "37": ("山东省", "Shandong"),
        "41": ("河南省", "Henan"),
        "42": ("湖北省", "Hubei"),
        "43": ("湖南省", "Hunan"),
        "44": ("广东省", "Guangdong"),
        "45": ("广西壮族自治区", "Guangxi"),
        "46": ("海南省", "Hainan"),
        "50": ("重庆市", "Chongqing"),
        "51": ("四川省", "Sichuan"),
        "52": ("贵州省", "Guizhou"),
        "53": ("云南省", "Yunnan"),
        "54": ("西藏自治区", "Tibet"),
        "61": ("陕西省", "Shaanxi"),
        "62": ("甘肃省", "Gansu"),
        "63": ("青海省", "Qinghai"),
        "64": ("宁夏回族自治区", "Ningxia"),
        "65": ("新疆维吾尔自治区", "Xinjiang"),
        "71": ("台湾省", "Taiwan"),
        "81": ("香港特别行政区", "Hong Kong"),
        "82": ("澳门特别行政区", "Macao"),
        ABROAD: ("国外", "Abroad"),
    }
)
"""First two digits of GB/T 2260 → names in Chinese and English."""

_PROVINCE = Field("province", 1, 2)
_COUNTY = Field("county-level division", 1, 6)
_WITHOUT_COUNTIES = frozenset({"441900", "442000", "460400", "620200"})
"""Dongguan, Zhongshan, Danzhou and Jiayuguan: cities that have streets but no counties."""


def explain_province(text: str) -> CodeError | None:
    """A problem if digits 1-2 name no province of GB/T 2260 (91 stands for abroad)."""
    found = _PROVINCE.of(text)
    if found in PROVINCES:
        return None
    return digit_error(
        _PROVINCE,
        found,
        "no such province in GB/T 2260",
        "Use a province's two digits, for instance 33 for Zhejiang, or {abroad} for a place abroad.",
        abroad=ABROAD,
    )


def explain_county(text: str) -> CodeError | None:
    """A problem if digits 1-6 cannot be a county-level division; all six must be digits."""
    province = explain_province(text)
    if province is not None:
        return province
    county = _COUNTY.of(text)
    if county.startswith(ABROAD):
        named = county[2:] != "0000"
    else:
        named = (county[2:4] != "00" and county[4:] != "00") or county in _WITHOUT_COUNTIES
    if named:
        return None
    return digit_error(
        _COUNTY,
        county,
        "this names a {level}, not a county-level division",
        "Use the six digits of the county, district or county-level city.",
        level="province" if county[2:] == "0000" else "city",
    )
