"""Codes: parse and build are inverse, and whatever is wrong is said with its digits."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.categories import COMPONENT_CLASSES, EVENT_CLASSES
from analysis.codes import (
    PROVINCES,
    CameraCode,
    CellCode,
    ComponentCode,
    EventCode,
    build_camera_code,
    build_cell_code,
    build_component_code,
    build_event_code,
    explain_camera_code,
    explain_cell_code,
    explain_component_code,
    explain_event_code,
    parse_camera_code,
    parse_cell_code,
    parse_component_code,
    parse_event_code,
)
from analysis.errors import CodeError


def numbers(width, first=1):
    return st.integers(first, 10**width - 1).map(lambda value: f"{value:0{width}d}")


provinces = st.sampled_from(sorted(PROVINCES))
counties = st.one_of(
    st.tuples(provinces, numbers(2), numbers(2)).map("".join), st.sampled_from(["441900", "620200", "910091"])
)
cells = st.builds(CellCode, counties, numbers(3), numbers(3), st.integers(1, 999))
local_majors = st.integers(21, 99).map(str)
components = st.one_of(
    st.builds(
        lambda county, row, sequence: ComponentCode(county, row.major, row.minor, sequence),
        counties,
        st.sampled_from(COMPONENT_CLASSES),
        st.integers(1, 999_999),
    ),
    st.builds(ComponentCode, counties, local_majors, numbers(2), st.integers(1, 999_999)),
    st.builds(
        ComponentCode, counties, numbers(2), numbers(3), st.integers(1, 99_999), profile=st.just("revision")
    ),
    st.builds(
        ComponentCode,
        counties,
        numbers(2),
        numbers(3),
        st.integers(1, 9_999_999),
        profile=st.just("revision"),
        monitoring=st.just(True),
    ),
)
events = st.one_of(
    st.builds(lambda row: EventCode(row.major, row.minor), st.sampled_from(EVENT_CLASSES)),
    st.builds(EventCode, local_majors, numbers(2)),
)
cameras = st.builds(
    CameraCode,
    st.tuples(provinces, numbers(6, first=0)).map("".join),
    st.integers(0, 39).map("{:02d}".format),
    st.integers(111, 499).map(str),
    st.sampled_from(string.digits),
    st.integers(1, 999_999),
)


@given(cells)
def test_parsing_a_cell_code_undoes_building_it(code):
    assert parse_cell_code(code.text) == code
    assert build_cell_code(code.county, int(code.street), int(code.community), code.sequence) == code
    assert len(code.text) == 15 and code.text.startswith(code.community_code)
    assert code.community_code.startswith(code.street_code)


@given(components)
def test_parsing_a_component_code_undoes_building_it(code):
    assert parse_component_code(code.text, profile=code.profile) == code
    built = build_component_code(
        code.county,
        int(code.major),
        int(code.minor),
        code.sequence,
        profile=code.profile,
        monitoring=code.monitoring,
    )
    assert built == code
    assert len(code.text) == (18 if code.monitoring else 16)


@given(events)
def test_parsing_an_event_code_undoes_building_it(code):
    assert parse_event_code(code.text) == parse_event_code(code.major + code.minor) == code
    assert build_event_code(int(code.major), int(code.minor)) == code


@given(cameras)
def test_parsing_a_camera_code_undoes_building_it(code):
    assert parse_camera_code(code.text) == code
    built = build_camera_code(
        code.centre,
        code.sequence,
        industry=int(code.industry),
        type=int(code.type),
        network=int(code.network),
    )
    assert built == code
    assert len(code.text) == 20


def spoilt(text, digit, character):
    return text[: digit - 1] + character + text[digit:]


def check_corruption(text, digit, character, explain, parse):
    """One character changed: a valid code of something else, or a problem that points at that digit."""
    changed = spoilt(text, digit, character)
    problems = explain(changed)
    if not problems:
        assert parse(changed).text.replace("-", "") == changed
        return
    assert any(problem.facts["first"] <= digit <= problem.facts["last"] for problem in problems)
    for problem in problems:
        assert str(problem).strip().endswith(".")
        assert f"{problem.facts['first']}" in str(problem)
    with pytest.raises(CodeError) as raised:
        parse(changed)
    assert str(raised.value) == str(problems[0])


characters = st.sampled_from(string.digits + "x -O１")


@given(cells, st.integers(1, 15), characters)
def test_a_spoilt_cell_code_is_explained_with_its_digit(code, digit, character):
    check_corruption(code.text, digit, character, explain_cell_code, parse_cell_code)


@given(components, st.data(), characters)
def test_a_spoilt_component_code_is_explained_with_its_digit(code, data, character):
    check_corruption(
        code.text,
        data.draw(st.integers(1, len(code.text))),
        character,
        lambda text: explain_component_code(text, profile=code.profile),
        lambda text: parse_component_code(text, profile=code.profile),
    )


@given(events, st.integers(1, 4), st.sampled_from(string.digits + "xO"))
def test_a_spoilt_event_code_is_explained_with_its_digit(code, digit, character):
    check_corruption(code.major + code.minor, digit, character, explain_event_code, parse_event_code)


@given(cameras, st.integers(1, 20), characters)
def test_a_spoilt_camera_code_is_explained_with_its_digit(code, digit, character):
    check_corruption(code.text, digit, character, explain_camera_code, parse_camera_code)


@given(st.text(max_size=25))
def test_any_text_is_either_a_code_or_explained(text):
    for explain, parse in (
        (explain_cell_code, parse_cell_code),
        (explain_component_code, parse_component_code),
        (explain_event_code, parse_event_code),
        (explain_camera_code, parse_camera_code),
    ):
        if explain(text):
            with pytest.raises(CodeError):
                parse(text)
        else:
            assert parse(text).text.replace("-", "") == text.replace("-", "")


@given(cells, st.integers(0, 14))
def test_missing_digits_are_named(code, length):
    (problem,) = [p for p in explain_cell_code(code.text[:length]) if "missing" in str(p)]
    assert (problem.facts["first"], problem.facts["last"]) == (length + 1, 15)


def test_the_camera_of_the_standard():
    code = parse_camera_code("34020000001320000101")
    assert (code.centre, code.industry, code.type, code.network, code.sequence) == (
        "34020000",
        "00",
        "132",
        "0",
        101,
    )
    assert code.is_camera
    assert str(build_camera_code("33048100", 1)) == "33048100081320000001"


def test_the_manhole_of_suzhou():
    code = parse_component_code("3205080101000001")
    assert (code.county, code.major, code.minor, code.sequence) == ("320508", "01", "01", 1)
    assert code.category is not None and code.category.zh == "上水井盖" and not code.local


def test_the_monitoring_component_of_the_revision():
    code = parse_component_code("110101010200100001", profile="revision")
    assert code.monitoring and (code.minor, code.sequence) == ("020", 100_001)
    assert code.category is None
    assert parse_component_code("1101010199900001", profile="revision").local
    assert not parse_component_code("1101010107900001", profile="revision").local


def test_local_extensions_have_no_name():
    assert parse_event_code("21-07").local and parse_event_code("21-07").category is None
    assert parse_component_code("3205082101000001").category is None


@pytest.mark.parametrize(
    ("explain", "text", "words"),
    [
        (explain_camera_code, "34020000991320000101", "digits 9-10 '99': no such industry"),
        (explain_camera_code, "34020000080990000101", "digits 11-13 '099': no such type"),
        (explain_camera_code, "34020000081320000000", "digits 15-20 '000000': the sequence counts from 1"),
        (explain_camera_code, "1320000101", "digits 11-20 (type, network, sequence) are missing"),
        (explain_cell_code, "990481001002003", "digits 1-2 '99': no such province"),
        (explain_cell_code, "330400001002003", "digits 1-6 '330400': this names a city"),
        (explain_cell_code, "330000001002003", "digits 1-6 '330000': this names a province"),
        (explain_cell_code, "330481000002003", "digits 7-9 '000': the street counts from 1"),
        (explain_cell_code, "33048100100200a", "digit 15 'a': not a digit"),
        (explain_cell_code, "33048100100200301234", "CJ/T 349-2010"),
        (explain_component_code, "3205080605000001", "digits 7-10 '0605': major class 06 (Other facilities)"),
        (explain_component_code, "3205080705000001", "digits 7-8 '07': no such major class"),
        (explain_event_code, "05-14", "digits 1-4 '0514': major class 05 (Street order)"),
        (explain_event_code, "21-00", "digits 3-4 '00': the minor counts from 1"),
        (explain_event_code, "05_05", "digit 3 '_'"),
    ],
)
def test_worked_explanations(explain, text, words):
    assert any(words in str(problem) for problem in explain(text))


def test_a_code_read_as_a_number_is_told_apart():
    for explain in (explain_cell_code, explain_component_code, explain_event_code, explain_camera_code):
        (problem,) = explain(330481001002003)
        assert "as text" in str(problem)


def test_parts_that_do_not_fit_are_named():
    with pytest.raises(CodeError, match="digits 13-15 '1000': the sequence takes 3 digit"):
        build_cell_code("330481", 1, 2, 1000)
    with pytest.raises(CodeError, match="digits 7-9 '1': the street takes 3 digit"):
        build_cell_code("330481", "1", 2, 1)
    with pytest.raises(CodeError, match="digits 15-20 '-00001'"):
        build_camera_code("33048100", -1)
    with pytest.raises(CodeError, match="digits 7-10 '0618'"):
        build_component_code("330481", 6, 18, 1)
    with pytest.raises(CodeError, match="came with the revision"):
        build_component_code("330481", 1, 1, 1, monitoring=True)
    with pytest.raises(CodeError, match="no code profile 'x'"):
        parse_component_code("3205080101000001", profile="x")


def test_codes_sort_and_print_as_their_text():
    first, second = parse_cell_code("330481001002003"), parse_cell_code("330481001002010")
    assert sorted([second, first]) == [first, second]
    assert f"{first}" == "330481001002003"
