"""Every layer in the dark: seen, explained, and free of expressions."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from layers.catalogue import LAYERS
from layers.measures import MEASURES
from layers.wall import GROUND, dark_form, dark_ramp, legend, tiles


def light(colour: tuple[int, ...]) -> float:
    """Relative luminance as WCAG tells it, without regard to what lies below."""
    parts = [part / 255 for part in colour[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_has_a_form_and_a_legend_in_the_dark(name: str) -> None:
    form = dark_form(LAYERS[name])
    told = json.loads(json.dumps(tiles(LAYERS[name], revision=7)))
    assert form.fill or form.line or form.fill_rules or form.line_rules
    assert told["address"].endswith("r=7") and "{z}" in told["address"]
    assert len(legend(LAYERS[name])) == len(LAYERS[name].legend)
    if name not in ("buildings", "streets"):
        colours = [each for each in (form.fill, form.line) if each] + [rule[3] for rule in form.fill_rules]
        assert max(map(light, colours)) > 8 * light(GROUND)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda each: each.id)
def test_more_is_lighter(measure: object) -> None:
    steps = [light(colour) for colour in dark_ramp(measure)]  # type: ignore[arg-type]
    assert steps == sorted(steps) and min(b / a for a, b in pairwise(steps)) > 1.25


def test_classes_are_told_from_low_to_high() -> None:
    told = tiles(LAYERS["unit_cells"], measure=MEASURES[0], breaks=(0.1, 0.5), revision=1)
    ramp = dark_ramp(MEASURES[0])
    assert [rule[1:3] for rule in told["fillRules"]] == [("<", 0), ("<=", 0.1), ("<=", 0.5)]
    assert told["fill"] == ramp[2] and [rule[3] for rule in told["fillRules"]][1:] == list(ramp[:2])
