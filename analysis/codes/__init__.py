"""
Codes of the standards: build them, read them, and hear which digit is wrong.

| code | digits | standard |
|---|---|---|
| unit cell | 6 county + 3 street + 3 community + 3 sequence = 15 | GB/T 30428.1-2013 |
| component | 6 county + 2 major + 2 minor + 6 sequence = 16 | GB/T 30428.2-2013 |
| event class | 2 major + 2 minor, written `05-05` | GB/T 30428.2-2013 |
| camera | 8 centre + 2 industry + 3 type + 1 network + 6 sequence = 20 | GB/T 28181 |

`parse_*` raises the first problem, `explain_*` returns them all (an empty list for a good code); each is a
`CodeError` whose facts `first` and `last` are the digits meant, counted from 1.
Every code carries a `profile`: "2013", or "revision" for the series that is to replace GB/T 30428.
"""

from analysis.codes.camera import (
    CAMERA_INDUSTRIES,
    CAMERA_NETWORKS,
    CAMERA_TYPES,
    CameraCode,
    build_camera_code,
    explain_camera_code,
    parse_camera_code,
)
from analysis.codes.cell import CellCode, build_cell_code, explain_cell_code, parse_cell_code
from analysis.codes.component import (
    ComponentCode,
    build_component_code,
    explain_component_code,
    parse_component_code,
)
from analysis.codes.event import EventCode, build_event_code, explain_event_code, parse_event_code
from analysis.codes.layout import CodeProfile
from analysis.codes.places import PROVINCES

__all__ = [
    "CAMERA_INDUSTRIES",
    "CAMERA_NETWORKS",
    "CAMERA_TYPES",
    "PROVINCES",
    "CameraCode",
    "CellCode",
    "CodeProfile",
    "ComponentCode",
    "EventCode",
    "build_camera_code",
    "build_cell_code",
    "build_component_code",
    "build_event_code",
    "explain_camera_code",
    "explain_cell_code",
    "explain_component_code",
    "explain_event_code",
    "parse_camera_code",
    "parse_cell_code",
    "parse_component_code",
    "parse_event_code",
]
