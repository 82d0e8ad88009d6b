"""
How often violations happen, estimated from what was captured and how long was looked.

`violation_rate` needs counts and exposure alone. `estimate_demand` gives rates by place and hour of the week, with a
model of places that cameras hardly see. `capture_recapture` and `recall_from_reports` say what cameras miss.
"""

from analysis.demand.captures import capture_faults
from analysis.demand.estimate import EVIDENCE, Demand, estimate_demand
from analysis.demand.profile import WEEK_H, HourProfile, hour_profile
from analysis.demand.rates import GammaPrior, fit_prior, violation_rate
from analysis.demand.recall import Recall, recall_from_reports
from analysis.demand.recapture import CaptureRecapture, capture_recapture
from analysis.demand.regression import RateModel, fit_rate_model

__all__ = [
    "EVIDENCE",
    "WEEK_H",
    "CaptureRecapture",
    "Demand",
    "GammaPrior",
    "HourProfile",
    "RateModel",
    "Recall",
    "capture_faults",
    "capture_recapture",
    "estimate_demand",
    "fit_prior",
    "fit_rate_model",
    "hour_profile",
    "recall_from_reports",
    "violation_rate",
]
