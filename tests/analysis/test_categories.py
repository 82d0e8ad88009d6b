"""Class tables: complete, in both languages, without doubles."""

import pytest

from analysis.categories import (
    COMPONENT_CLASSES,
    COMPONENT_MAJORS,
    EVENT_CLASSES,
    EVENT_MAJORS,
    ILLEGAL_PARKING,
    SURVEILLANCE_CAMERA,
    component_class,
    event_class,
)
from analysis.errors import CodeError


@pytest.mark.parametrize("table", [COMPONENT_MAJORS, COMPONENT_CLASSES, EVENT_MAJORS, EVENT_CLASSES])
def test_every_row_has_its_own_code_and_a_name_in_both_languages(table):
    assert len({row.code for row in table}) == len(table)
    for row in table:
        assert row.en.isascii() and row.en[0].isupper() and row.en == row.en.strip()
        assert any("\u4e00" <= character <= "\u9fff" for character in row.zh)


@pytest.mark.parametrize(
    ("majors", "classes", "counts"),
    [
        (COMPONENT_MAJORS, COMPONENT_CLASSES, {"01": 38, "02": 17, "03": 10, "04": 10, "05": 3, "06": 5}),
        (EVENT_MAJORS, EVENT_CLASSES, {"01": 19, "02": 5, "03": 6, "04": 10, "05": 14}),
    ],
)
def test_the_tables_hold_every_class_of_the_standard(majors, classes, counts):
    assert {major.code: sum(row.major == major.code for row in classes) for major in majors} == counts


def test_english_names_tell_classes_apart():
    for classes in (COMPONENT_CLASSES, EVENT_CLASSES):
        assert len({row.en for row in classes}) == len(classes)


def test_worked_examples():
    assert component_class(SURVEILLANCE_CAMERA).zh == "监控电子眼"
    assert event_class(ILLEGAL_PARKING).zh == "机动车乱停放"
    assert component_class("06-06").en == "Flood wall"
    assert event_class("04-06").zh == "道路积水"


@pytest.mark.parametrize("code", ["06-05", "21-01", "0505", ""])
def test_an_unknown_class_is_an_error_with_an_example(code):
    with pytest.raises(CodeError, match="for instance 01-36"):
        component_class(code)
