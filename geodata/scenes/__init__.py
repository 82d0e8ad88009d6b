"""
Scenes of city management: each is data, one TOML that names codes, layers, rule, limits, indicators and words.

A file that is wrong stops no other: `read_scenes` returns the scenes that can be used and, for the rest, errors that
name file, line and key.
"""

from geodata.scenes.reading import Scenes, read_scene, read_scenes, scenes_stamp
from geodata.scenes.scene import DOMAINS, INDICATORS, PEOPLE, SENSOR, STAGES, Limit, Rule, Scene, Words

__all__ = [
    "DOMAINS",
    "INDICATORS",
    "PEOPLE",
    "SENSOR",
    "STAGES",
    "Limit",
    "Rule",
    "Scene",
    "Scenes",
    "Words",
    "read_scene",
    "read_scenes",
    "scenes_stamp",
]
