"""
Exposure: how long a place was really looked at.

A count of captured violations is a product of what happens and of where cameras look; dividing it by
exposure leaves what happens. The unit is the *seen-hour*: one hour during which all of a cell's ground (or
kerb) is looked at by a detector that misses nothing; along kerbs, the *metre-hour*.
"""

from analysis.exposure.watch import Watch, line_points

__all__ = ["Watch", "line_points"]
