"""
The patrol's thinking: which camera is looked at when, how long was looked, and which cameras give pictures.

`allot` hands out samples within a budget; `sampled_hours` counts what was taken; `after` follows a stream's health;
`backoff_s` says how long to leave a failing camera alone.
"""

from analysis.patrolling.allotment import Allotment, allot
from analysis.patrolling.health import (
    EVENTS,
    STATES,
    Event,
    Health,
    Patience,
    State,
    accepted,
    after,
    seen_at,
)
from analysis.patrolling.phases import backoff_s, phase
from analysis.patrolling.sampled import sampled_hours
from analysis.patrolling.schedule import Due, next_due, rates
from analysis.patrolling.watched import WEEK_H, Policy, Watched

__all__ = [
    "EVENTS",
    "STATES",
    "WEEK_H",
    "Allotment",
    "Due",
    "Event",
    "Health",
    "Patience",
    "Policy",
    "State",
    "Watched",
    "accepted",
    "after",
    "allot",
    "backoff_s",
    "next_due",
    "phase",
    "rates",
    "sampled_hours",
    "seen_at",
]
