"""Pictures with boxes and zones over them: labels stay in view, large zones hide nothing."""

from __future__ import annotations

import pytest

from pages.widgets import picture
from pages.widgets.picture import annotated_picture, zone_opacity

WHOLE = ((0, 0), (800, 0), (800, 600), (0, 600))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(picture.st, "html", found.append)
    return found


def test_a_label_begins_or_ends_where_it_stays_in_view(drawn: list[str]) -> None:
    annotated_picture(
        "/a.jpg",
        (800, 600),
        boxes=[(20, 300, 60, 400, "car 0.90", True), (700, 300, 790, 400, "truck 0.80", True)],
        zones=[(((700, 500), (800, 500), (800, 600)), "Beside the double yellow line")],
        alternative="a street",
    )
    text = drawn[0]
    for label, side in (
        ("car 0.90", "left:2.50%"),
        ("truck 0.80", "right:1.25%"),
        ("Beside the double yellow line", "right:0.00%"),
    ):
        assert side in text[: text.index(label)].rpartition("<div")[2]
    assert "calc(100% - 16px)" in text, "a zone at the lower edge has its label within the picture"


def test_a_box_without_words_has_no_label(drawn: list[str]) -> None:
    annotated_picture(
        "/a.jpg", (800, 600), boxes=[(20, 30, 60, 90, "", False)], zones=[], alternative="a street"
    )
    assert drawn[0].count("<div") == 2


def test_the_larger_a_zone_the_fainter_its_colour() -> None:
    small = ((10, 10), (60, 10), (60, 60), (10, 60))
    half = WHOLE[:3]
    assert zone_opacity(WHOLE, (800, 600)) == pytest.approx(0.12)
    assert zone_opacity(half, (800, 600)) == pytest.approx(0.27)
    assert 0.4 < zone_opacity(small, (800, 600)) < 0.42
    assert zone_opacity(WHOLE, (80, 60)) == pytest.approx(0.12), "zones drawn in a larger picture"
    assert zone_opacity(half[::-1], (800, 600)) == zone_opacity(half, (800, 600))
