"""The look holds for everybody: classes stay apart for colour-blind eyes, and words can be read on every ground."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise

import numpy as np
import pytest

from geodata.settings import ROOT
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import choropleth_colour, deck, tile_layer, view_state
from layers.layer import Colour
from layers.measures import MEASURES

RAMPS = {name: getattr(ramps, name) for name in ("TEALS", "ORANGES", "PURPLES", "BLUES", "GREENS")}
EYES = {
    "all colours": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
"""Linear RGB as full colour blindness shows it: Machado, Oliveira & Fernandes (2009), severity 1."""
LEAST_STEP_L = 5.0
"""CIE L* between neighbouring classes; about 1 can just be told where they touch."""
LEAST_DIFFERENCE = 10.0
"""CIE76 ΔE between any two classes."""
LEAST_FROM_NOTHING = 8.0
"""CIE76 ΔE between a class and no evidence, both on the ground: more than three times what can just be told (2.3)."""
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
CSS = (ROOT / "layers" / "looks.css").read_text(encoding="utf-8")
LIGHTS = ("light", "dark")


def seen(colour: Colour, eyes: str) -> np.ndarray:
    """CIE L*, a*, b* (D65) of an sRGB colour as these eyes see it."""
    part = np.array(colour[:3]) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    linear = np.clip(EYES[eyes] @ linear, 0, 1)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = to_xyz @ linear / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("name", RAMPS)
def test_the_classes_of_a_ramp_keep_their_order_and_their_distance_for_all_eyes(name: str, eyes: str) -> None:
    found = [seen(colour, eyes) for colour in RAMPS[name]]
    assert all(one[0] - next_[0] >= LEAST_STEP_L for one, next_ in pairwise(found))
    apart = [np.linalg.norm(a - b) for i, a in enumerate(found) for b in found[i + 1 :]]
    assert min(apart) >= LEAST_DIFFERENCE


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("dark", [False, True], ids=LIGHTS)
def test_what_is_not_known_looks_like_no_class(dark: bool, eyes: str) -> None:
    ground = ramps.at_night(ramps.GROUND, dark)
    none = seen(_over(ramps.at_night(ramps.NO_EVIDENCE, dark), ground), eyes)
    for ramp in RAMPS.values():
        for colour in ramp:
            assert np.linalg.norm(seen(_over(colour, ground), eyes) - none) >= LEAST_FROM_NOTHING, (
                ramp,
                colour,
            )


@pytest.mark.parametrize("eyes", EYES)
def test_states_of_cameras_are_told_apart(eyes: str) -> None:
    states = [seen(colour, eyes) for colour in (ramps.CAMERA, ramps.CAMERA_OFF, ramps.ACCENT)]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(states) for b in states[i + 1 :]) >= 20


def test_by_night_ramps_run_the_other_way_and_nothing_is_mistaken() -> None:
    for ramp in RAMPS.values():
        assert tuple(map(ramps.at_night, ramp)) == ramp[::-1]
        assert tuple(ramps.at_night(colour, dark=False) for colour in ramp) == ramp
    apart = {colour[:3] for ramp in RAMPS.values() for colour in ramp}
    assert len(apart) == sum(map(len, RAMPS.values())), (
        "a colour in two ramps would turn wrongly in one of them"
    )


def test_a_dark_map_has_the_colours_that_its_legend_shows() -> None:
    [measure] = [each for each in MEASURES if each.breaks][:1]
    layers = [
        tile_layer(LAYERS["unit_cells"], measure=measure, breaks=measure.breaks or ()),
        tile_layer(LAYERS["streets"]),
        tile_layer(LAYERS["buildings"]),
    ]
    said = deck(layers, view_state((0.0, 0.0), 12), dark=True).to_json()
    for colour in measure.ramp:
        assert str(list(ramps.at_night(colour))) in said
    assert str(list(ramps.NIGHT_STREET)) in said
    assert not re.search(r"\[255, ?255, ?255, ?255\]", said), "no street is white on a dark ground"
    by_day = deck(
        [tile_layer(LAYERS["unit_cells"], measure=measure, breaks=measure.breaks or ())],
        view_state((0, 0), 1),
    )
    assert choropleth_colour(measure, measure.breaks or ()) in by_day.to_json()


def test_words_on_every_class_of_a_legend_can_be_read() -> None:
    for colour in {each for ramp in RAMPS.values() for each in ramp}:
        assert ramps.contrast(ramps.ink_on(colour), colour) >= ramps.READABLE


def test_contrast_is_that_of_the_standard() -> None:
    assert ramps.contrast((0, 0, 0, 255), (255, 255, 255, 255)) == pytest.approx(21)
    assert ramps.contrast((119, 119, 119, 255), (255, 255, 255, 255)) == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("light", LIGHTS)
def test_the_theme_can_be_read_on_every_ground(light: str) -> None:
    told = THEME[light]
    grounds = [
        _hex(part[name])
        for part in (told, told["sidebar"])
        for name in ("backgroundColor", "secondaryBackgroundColor")
    ]
    for ground in grounds:
        assert ramps.contrast(_hex(told["textColor"]), ground) >= 7
        for name in (
            "primaryColor",
            "linkColor",
            *(key for key in told if re.fullmatch(r"[a-z]+Color", key)),
        ):
            if name not in ("textColor", "backgroundColor", "borderColor"):
                assert ramps.contrast(_hex(told[name]), ground) >= ramps.READABLE, (name, ground)


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("name", ["ink", "soft", "quiet", "link", "return", "condition", "bad"])
def test_our_own_words_can_be_read_on_every_ground(name: str, light: str) -> None:
    told = THEME[light]
    grounds = [_hex(told["backgroundColor"]), _hex(told["secondaryBackgroundColor"])]
    grounds += [_variable(each, light) for each in ("plate", "card")]
    for ground in grounds:
        assert ramps.contrast(_variable(name, light), ground) >= ramps.READABLE, ground


@pytest.mark.parametrize("light", LIGHTS)
def test_the_mark_of_simulated_data_and_the_focus_can_be_seen(light: str) -> None:
    assert ramps.contrast(_variable("mark-ink", light), _variable("mark", light)) >= ramps.READABLE
    for name in ("backgroundColor", "secondaryBackgroundColor"):
        assert ramps.contrast(_variable("focus", light), _hex(THEME[light][name])) >= 3


def test_both_lights_tell_the_same_things() -> None:
    assert set(THEME["light"]) == set(THEME["dark"])


def _hex(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16), 255


def _variable(name: str, light: str) -> Colour:
    """A variable of looks.css in one of its two lights."""
    found = re.search(rf"--hy-{name}: light-dark\((#\w{{6}}), (#\w{{6}})\);", CSS)
    assert found, name
    return _hex(found[1 if light == "light" else 2])


def _over(colour: Colour, ground: Colour) -> Colour:
    """A colour that lets the ground through, on the ground."""
    share = colour[3] / 255
    red, green, blue = (
        round(share * a + (1 - share) * b) for a, b in zip(colour[:3], ground[:3], strict=True)
    )
    return red, green, blue, 255
