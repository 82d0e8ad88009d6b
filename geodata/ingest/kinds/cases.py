"""Cases."""

from __future__ import annotations

from types import MappingProxyType

from analysis.codes import explain_camera_code, explain_event_code
from analysis.errors import Term
from geodata.ingest.kinds.field import CodeForm, Field, Kind

__all__ = ["CASES"]

_STAGES = MappingProxyType(
    {
        **dict.fromkeys(("reported", "open", "上报", "受理", "待立案"), "reported"),
        **dict.fromkeys(("registered", "立案", "待派遣"), "registered"),
        **dict.fromkeys(("dispatched", "assigned", "派遣", "待处置", "处置中", "in progress"), "dispatched"),
        **dict.fromkeys(("disposed", "处置", "已处置", "待核查", "resolved"), "disposed"),
        **dict.fromkeys(("verified", "核查", "已核查", "待结案"), "verified"),
        **dict.fromkeys(("closed", "结案", "已结案", "办结", "complete", "completed"), "closed"),
        **dict.fromkeys(("void", "作废", "不立案", "cancelled", "canceled", "rejected"), "void"),
    }
)
_SOURCES = MappingProxyType(
    {
        **dict.fromkeys(("camera", "视频", "视频上报", "监控", "摄像头", "智能识别"), "camera"),
        **dict.fromkeys(("qr", "扫码", "二维码"), "qr"),
        **dict.fromkeys(
            ("hotline", "12345", "12319", "热线", "公众举报", "市民热线", "phone", "311", "citizen"),
            "hotline",
        ),
        **dict.fromkeys(("patrol", "巡查", "监督员", "采集员", "采集员上报", "巡查上报"), "patrol"),
        **dict.fromkeys(("import", "其他", "other", "外部"), "import"),
    }
)

CASES = Kind(
    name="cases",
    title=Term("Cases"),
    table="case_file",
    shapes=("Point",),
    key="number",
    derive="cases",
    then=("huiyan demand",),
    fields=(
        Field(
            "number",
            Term("Case number"),
            "text",
            ("number", "casenumber", "id", "casenum", "案件编号", "任务号", "案件号", "编号", "案卷号"),
            required=True,
        ),
        Field(
            "class_code",
            Term("Event class"),
            "code",
            (
                "classcode",
                "class",
                "eventclass",
                "typecode",
                "案件类别",
                "类别代码",
                "小类代码",
                "事件代码",
                "类别",
            ),
            required=True,
            code=CodeForm(explain_event_code),
        ),
        Field(
            "reported_at",
            Term("Reported"),
            "moment",
            (
                "reportedat",
                "reported",
                "time",
                "createtime",
                "opened",
                "上报时间",
                "发现时间",
                "受理时间",
                "时间",
            ),
            required=True,
        ),
        Field(
            "source",
            Term("Who reported"),
            "choice",
            ("source", "channel", "来源", "问题来源", "案件来源", "上报渠道"),
            choices=_SOURCES,
            default="import",
        ),
        Field(
            "stage",
            Term("Stage"),
            "choice",
            ("stage", "status", "state", "案件阶段", "阶段", "状态", "案件状态"),
            choices=_STAGES,
            default="reported",
        ),
        Field(
            "closed_at", Term("Closed"), "moment", ("closedat", "closed", "结案时间", "办结时间", "关闭时间")
        ),
        Field(
            "camera_code",
            Term("Code of the camera"),
            "code",
            ("cameracode", "camera", "摄像机编码", "设备编码", "监控编码"),
            code=CodeForm(explain_camera_code, digits=20, head=14),
            stored=False,
        ),
    ),
)
