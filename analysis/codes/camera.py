"""Camera codes (GB/T 28181): 20 digits."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from analysis.codes.layout import CodeProfile, Layout, digit_error, not_zero, padded
from analysis.codes.places import explain_province

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.errors import CodeError

__all__ = [
    "CAMERA_INDUSTRIES",
    "CAMERA_NETWORKS",
    "CAMERA_TYPES",
    "CameraCode",
    "build_camera_code",
    "explain_camera_code",
    "parse_camera_code",
]

_LAYOUT = Layout.of("camera", "GB/T 28181", centre=8, industry=2, type=3, network=1, sequence=6)

CAMERA_INDUSTRIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "00": ("社会治安路面接入", "public security, streets"),
        "01": ("社会治安社区接入", "public security, communities"),
        "02": ("社会治安内部接入", "public security, inside"),
        "03": ("社会治安其他接入", "public security, other"),
        "04": ("交通路面接入", "traffic, roads"),
        "05": ("交通卡口接入", "traffic, checkpoints"),
        "06": ("交通内部接入", "traffic, inside"),
        "07": ("交通其他接入", "traffic, other"),
        "08": ("城市管理接入", "city management"),
        "09": ("卫生环保接入", "health and environment"),
        "10": ("商检海关接入", "inspection and customs"),
        "11": ("教育部门接入", "education"),
        **{f"{code}": ("其他行业接入", "other industry") for code in range(12, 40)},
    }
)
"""Digits 9-10 → names in Chinese and English."""

CAMERA_TYPES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "111": ("DVR", "digital video recorder"),
        "112": ("视频服务器", "video server"),
        "113": ("编码器", "encoder"),
        "114": ("解码器", "decoder"),
        "115": ("视频切换矩阵", "video switching matrix"),
        "116": ("音频切换矩阵", "audio switching matrix"),
        "117": ("报警控制器", "alarm controller"),
        "118": ("网络视频录像机 (NVR)", "network video recorder"),
        "121": ("卡口 / HVR", "checkpoint or hybrid recorder"),
        "131": ("摄像机", "camera"),
        "132": ("网络摄像机 (IPC)", "network camera"),
        "133": ("显示器", "display"),
        "134": ("报警输入设备", "alarm input"),
        "135": ("报警输出设备", "alarm output"),
        "136": ("语音输入设备", "audio input"),
        "137": ("语音输出设备", "audio output"),
        "138": ("移动传输设备", "mobile transmission"),
        "200": ("中心信令控制服务器", "signalling server"),
        "202": ("媒体分发服务器", "media server"),
        "207": ("GIS 服务器", "GIS server"),
        "215": ("业务分组", "service group"),
        "216": ("虚拟组织", "virtual organisation"),
        "300": ("中心用户", "centre user"),
        "400": ("终端用户", "terminal user"),
    }
)
"""Digits 11-13 → names in Chinese and English; further numbers from 111 to 499 are makers' extensions."""

CAMERA_NETWORKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "0": ("监控报警专网", "surveillance network"),
        "1": ("公安信息网", "police network"),
        "2": ("行业专网", "industry network"),
        "3": ("政法信息网", "political and legal network"),
        "4": ("公安移动信息网", "police mobile network"),
        "5": ("公安有线网", "police wired network"),
        "6": ("电子政务外网", "e-government extranet"),
        "7": ("互联网", "internet"),
        "8": ("组织内网", "organisation's own network"),
        "9": ("核心系统", "core system"),
    }
)
"""Digit 14 → names in Chinese and English; 3 to 9 rest on one secondary source."""

_CAMERAS = frozenset({"131", "132"})


@dataclass(frozen=True, slots=True, order=True)
class CameraCode:
    """
    Code of one device on a GB/T 28181 video network.

    Parameters
    ----------
    centre
        8 digits: province, city, county and base unit of GB/T 2260; lower levels may be 00.
    industry
        2 digits, a key of `CAMERA_INDUSTRIES`; 08 is city management.
    type
        3 digits, a key of `CAMERA_TYPES` or an extension from 111 to 499; 131 and 132 are cameras.
    network
        1 digit, a key of `CAMERA_NETWORKS`.
    sequence
        Number of the device, 1 to 999999.
    profile
        Edition of GB/T 30428 that the city follows; the 20 digits are the same in both.
    """

    centre: str
    industry: str
    type: str
    network: str
    sequence: int
    profile: CodeProfile = "2013"

    def __post_init__(self) -> None:
        problems = explain_camera_code(self.text)
        if problems:
            raise problems[0]

    @property
    def text(self) -> str:
        """The 20 digits."""
        return _LAYOUT.join(
            centre=self.centre,
            industry=self.industry,
            type=self.type,
            network=self.network,
            sequence=padded(_LAYOUT, "sequence", self.sequence),
        )

    @property
    def is_camera(self) -> bool:
        """The type is a camera (131) or network camera (132), not a recorder, server or user."""
        return self.type in _CAMERAS

    def __str__(self) -> str:
        return self.text


def build_camera_code(
    centre: str,
    sequence: int,
    *,
    industry: int | str = "08",
    type: int | str = "132",
    network: int | str = "0",
    profile: CodeProfile = "2013",
) -> CameraCode:
    """
    The code of a camera from its parts, by default a network camera of city management.

    Raises
    ------
    CodeError
        If a part does not fit; the message names its digits.
    """
    return CameraCode(
        centre,
        padded(_LAYOUT, "industry", industry),
        padded(_LAYOUT, "type", type),
        padded(_LAYOUT, "network", network),
        sequence,
        profile,
    )


def parse_camera_code(text: str, *, profile: CodeProfile = "2013") -> CameraCode:
    """
    The parts of a 20-digit camera code.

    Raises
    ------
    CodeError
        With the first problem that `explain_camera_code` finds.
    """
    problems = explain_camera_code(text)
    if problems:
        raise problems[0]
    centre, industry, kind, network, sequence = (field.of(text) for field in _LAYOUT.fields)
    return CameraCode(centre, industry, kind, network, int(sequence), profile)


def explain_camera_code(text: str) -> list[CodeError]:
    """All that is wrong with a camera code, from left to right; an empty list for a good one."""
    problems = _LAYOUT.explain_shape(text)
    if not isinstance(text, str):
        return problems
    centre, industry, kind, _, sequence = _LAYOUT.fields
    found: list[CodeError | None] = []
    if _LAYOUT.whole(text, centre):
        found.append(explain_province(text))
    if _LAYOUT.whole(text, industry) and industry.of(text) not in CAMERA_INDUSTRIES:
        found.append(
            digit_error(
                industry,
                industry.of(text),
                "no such industry",
                "Use 00 to 39; {known} is city management.",
                known="08",
            )
        )
    if _LAYOUT.whole(text, kind) and not 111 <= int(kind.of(text)) <= 499:
        found.append(
            digit_error(
                kind,
                kind.of(text),
                "no such type of device",
                "Use 111 to 499; {known} is a network camera.",
                known="132",
            )
        )
    if _LAYOUT.whole(text, sequence):
        found.append(not_zero(text, sequence))
    return problems + [problem for problem in found if problem is not None]
