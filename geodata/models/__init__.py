"""Every table, typed. `Base.metadata` is what migrations compare the database with."""

from geodata.models.base import Base
from geodata.models.camera import (
    Calibration,
    Camera,
    CameraPreset,
    CameraView,
    DetectorRecall,
    Exposure,
    Zone,
)
from geodata.models.case import CaseFile, EventClass, Stage
from geodata.models.parking import CarPark, DemandEstimate, DemandProfile, Kerb
from geodata.models.pipes import Pipe, PipeNode, Sensor
from geodata.models.place import (
    AddressPoint,
    Area,
    Building,
    CellMeasure,
    Component,
    Poi,
    StreetEdge,
    UnitCell,
)
from geodata.models.planning import (
    BuildingReview,
    CoveragePart,
    CoverageShare,
    NoParkingArea,
    PatrolTrack,
    RestrictedArea,
    Run,
    Scenario,
    ScenarioBay,
    ScenarioItem,
    ScenarioTariff,
)
from geodata.models.seeing import Detection, Finding, Sample
from geodata.models.system import Audit, Dataset, Job, JobState
from geodata.models.truth import TruthEvent, TruthRate, TruthSighting

__all__ = [
    "AddressPoint",
    "Area",
    "Audit",
    "Base",
    "Building",
    "BuildingReview",
    "Calibration",
    "Camera",
    "CameraPreset",
    "CameraView",
    "CarPark",
    "CaseFile",
    "CellMeasure",
    "Component",
    "CoveragePart",
    "CoverageShare",
    "Dataset",
    "DemandEstimate",
    "DemandProfile",
    "Detection",
    "DetectorRecall",
    "EventClass",
    "Exposure",
    "Finding",
    "Job",
    "JobState",
    "Kerb",
    "NoParkingArea",
    "PatrolTrack",
    "Pipe",
    "PipeNode",
    "Poi",
    "RestrictedArea",
    "Run",
    "Sample",
    "Scenario",
    "ScenarioBay",
    "ScenarioItem",
    "ScenarioTariff",
    "Sensor",
    "Stage",
    "StreetEdge",
    "TruthEvent",
    "TruthRate",
    "TruthSighting",
    "UnitCell",
    "Zone",
]
