"""
The video desk's arithmetic: what verdicts say of cameras, which leads are one, what is solved, what comes next.

`precision_table` and `suggest_threshold` learn from verdicts; `merge` makes one of leads about one thing; `recheck`
says whether a disposed case is solved; `next_step` climbs from reminder to warning to case; `chance_of_silence` tells
where cameras find less than people do.
"""

from analysis.desk.ladder import LADDER, History, Ladder, Rung, Standing, next_step
from analysis.desk.merging import Leads, Merged, Sameness, merge, same_place
from analysis.desk.rechecking import OUTCOMES, Looks, Outcome, Recheck, recheck
from analysis.desk.scoring import (
    BETA_JEFFREYS,
    VERDICTS,
    BetaPrior,
    fit_beta_prior,
    precision_table,
    share_interval,
)
from analysis.desk.silence import chance_of_silence
from analysis.desk.thresholds import Change, Suggestion, suggest_threshold

__all__ = [
    "BETA_JEFFREYS",
    "LADDER",
    "OUTCOMES",
    "VERDICTS",
    "BetaPrior",
    "Change",
    "History",
    "Ladder",
    "Leads",
    "Looks",
    "Merged",
    "Outcome",
    "Recheck",
    "Rung",
    "Sameness",
    "Standing",
    "Suggestion",
    "chance_of_silence",
    "fit_beta_prior",
    "merge",
    "next_step",
    "precision_table",
    "recheck",
    "same_place",
    "share_interval",
    "suggest_threshold",
]
