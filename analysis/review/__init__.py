"""Building review: what proposed cameras add, repeat, and must not see, before anyone builds them."""

from analysis.review.checking import MOST_CAMERAS, review_cameras
from analysis.review.facades import facades_in_sight
from analysis.review.privacy import DWELLING
from analysis.review.sheet import (
    ADVICE,
    MENDS,
    METHODS,
    REASONS,
    SEVERITIES,
    TITLES,
    UNITS,
    Reason,
    ReviewRules,
    ReviewSheet,
)

__all__ = [
    "ADVICE",
    "DWELLING",
    "MENDS",
    "METHODS",
    "MOST_CAMERAS",
    "REASONS",
    "SEVERITIES",
    "TITLES",
    "UNITS",
    "Reason",
    "ReviewRules",
    "ReviewSheet",
    "facades_in_sight",
    "review_cameras",
]
