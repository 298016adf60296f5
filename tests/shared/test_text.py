"""The text rule: lines get one spelling, texts stay as they were written."""

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import text as rule

ZWNJ, ZWJ = "\u200c", "\u200d"
MARKS = ["\u200b", "\ufeff", "\u00ad", "\u2060", "\u202e", "\u2066", "\u034f", "\u3164", "\ufe0f", "\U000e0041"]
SPACES = ["\u00a0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u2800", "\t", "\n", "\x85"]
CONTROLS = {
    "\x00": "U+0000 NULL",
    "\x07": "U+0007 BELL",
    "\x1b": "U+001B ESCAPE",
    "\x1c": "U+001C FILE SEPARATOR",
    "\x1f": "U+001F UNIT SEPARATOR",
    "\x7f": "U+007F CONTROL CHARACTER",
    "\x9b": "U+009B CONTROL CHARACTER",
    "\ud800": "U+D800 SURROGATE",
}
PIECES = [*MARKS, *SPACES, ZWJ, ZWNJ, "a", "é", "e", "\u0301", "क", "\u094d"]
ANY_LINE = st.text() | st.lists(st.sampled_from(PIECES)).map("".join)


@pytest.mark.parametrize("space", SPACES)
def test_spaces_of_any_kind_are_one_space(space: str) -> None:
    assert rule.line(f"{space}Ann{space} {space}Lee{space}") == "Ann Lee"


@pytest.mark.parametrize("mark", [*MARKS, ZWJ, ZWNJ])
def test_an_invisible_mark_is_no_part_of_a_line(mark: str) -> None:
    assert rule.line(f"{mark}@some{mark}_account{mark}") == "@some_account"


def test_two_spellings_of_one_line_are_one() -> None:
    assert rule.line("Zoe\u0308") == rule.line("Zoë") == "Zoë"
    assert rule.line("Zoe\u200b\u0308") == "Zoë"


@pytest.mark.parametrize("joined", ["می\u200cخواهم", "क्\u200dष", "👩\u200d💻"])
def test_a_name_keeps_the_joiners_that_it_is_written_with(joined: str) -> None:
    assert rule.name(f" {joined} ") == joined
    assert not set(rule.JOINERS) & set(rule.line(joined))


@pytest.mark.parametrize("given", [f"{ZWJ}Ann", f"Ann{ZWNJ}", f"Ann {ZWJ} Lee", f"Ann {ZWJ}{ZWNJ}Lee"])
def test_a_joiner_that_joins_nothing_is_no_part_of_a_name(given: str) -> None:
    assert not set(rule.JOINERS) & set(rule.name(given))


@pytest.mark.parametrize("mark", MARKS)
def test_any_other_invisible_mark_is_no_part_of_a_name(mark: str) -> None:
    assert rule.name(f"An{mark}n") == "Ann"


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("put", [rule.line, rule.name, rule.text])
def test_a_control_character_is_refused_by_its_name_alone(put: Callable[[str], str], control: str) -> None:
    with pytest.raises(rule.ControlCharacter) as refused:
        put(f"secret{control}canary")
    assert str(refused.value) == CONTROLS[control]
    assert rule.without_control_characters(f"kept{control}words") == "keptwords"


@pytest.mark.parametrize(
    "written", [" two\r\n\r\nlines ", "a\ttable", f"क्{ZWJ}ष \ufeff", "e\u0301", "left\u200fright", "1\u00a0000"]
)
def test_a_text_stays_as_it_was_written(written: str) -> None:
    assert rule.text(written) == written


@pytest.mark.parametrize(
    ("character", "called"),
    [
        (" ", "U+0020 SPACE"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\U0001f600", "U+1F600 GRINNING FACE"),
        ("\ue000", "U+E000 PRIVATE USE CHARACTER"),
        ("\uffff", "U+FFFF UNASSIGNED"),
    ],
)
def test_a_message_calls_a_character_what_unicode_calls_it(character: str, called: str) -> None:
    assert rule.called(character) == called


@pytest.mark.parametrize(
    "written",
    ["\u0301\u0301", "\u3164\u3164", "\u0e31\u200b", "\uffff", "", " \r\n\t", *MARKS, *SPACES, ZWJ, f"{ZWNJ} \ufeff"],
)
def test_a_text_without_a_visible_character_is_an_error(written: str) -> None:
    assert rule.is_blank(written)
    with pytest.raises(rule.NothingVisible):
        rule.text(written)


@pytest.mark.parametrize("newer", ["\U0001fae9", "\U0001fadf", "\U0001fac8"])
def test_a_picture_newer_than_python_can_be_seen(newer: str) -> None:
    """Unicode 16 and 17 have them; Python 3.11 knows Unicode 14."""
    assert rule.text(newer) == rule.line(newer) == newer


@given(ANY_LINE)
def test_a_line_is_clean_once_and_for_all(given_line: str) -> None:
    for put in (rule.line, rule.name):
        try:
            clean = put(given_line)
        except rule.ControlCharacter:
            assert rule.without_control_characters(given_line) != given_line
            continue
        assert put(clean) == clean
        assert unicodedata.is_normalized("NFC", clean)
        assert clean == " ".join(clean.split())
        assert not any(unicodedata.category(one) in {"Cc", "Zl", "Zp"} for one in clean)
        assert not any(unicodedata.category(one) == "Cf" and one in MARKS for one in clean)


def shapes(given: str) -> str:
    """Return what can be seen of a line: all but spaces and invisible marks, in one spelling."""
    seen = "".join(given.replace("\u2800", " ").split())
    return unicodedata.normalize("NFD", re.sub(f"[{rule._INVISIBLE}]", "", seen))


@given(ANY_LINE)
def test_a_line_loses_nothing_that_can_be_seen(given_line: str) -> None:
    plain = rule.without_control_characters(given_line)
    if not rule.is_blank(plain):
        assert shapes(rule.line(plain)) == shapes(rule.name(plain)) == shapes(plain)


@given(
    st.text(), st.lists(st.tuples(st.integers(0, 20), st.sampled_from([*MARKS, ZWJ, ZWNJ]))), st.sampled_from(SPACES)
)
def test_two_spellings_of_one_thing_are_equal(given_line: str, marks: list[tuple[int, str]], space: str) -> None:
    plain = rule.without_control_characters(given_line)
    other = unicodedata.normalize("NFD", plain).replace(" ", space * 2)
    for place, mark in marks:
        other = other[:place] + mark + other[place:]
    assert rule.line(f"{space}{other}{space}") == rule.line(plain)


@given(ANY_LINE)
def test_a_name_shows_what_its_line_shows(given_line: str) -> None:
    without = rule.without_control_characters(given_line)
    assert rule.line(rule.name(without)) == rule.line(without)


@given(st.text())
def test_a_text_is_kept_or_refused_and_never_changed(written: str) -> None:
    try:
        assert rule.text(written) == written
    except (rule.ControlCharacter, rule.NothingVisible):
        assert rule.is_blank(written) or rule.without_control_characters(written) != written


def test_a_long_row_of_joiners_takes_no_longer_than_other_characters() -> None:
    """No backtracking: input on which a wrong expression takes minutes is done before the time limit."""
    assert rule.name(f"a{ZWJ * 1_000_000}b") == f"a{ZWJ}b"
    assert rule.name(f"a {ZWJ * 1_000_000}") == "a"
    assert rule.is_blank("\u0301" * 1_000_000)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (1, "1 byte"),
        (640, "640 bytes"),
        (123_456, "123 kB"),
        (4_500_000, "4.5 MB"),
        (100_000_000, "100 MB"),
        (2_000_000_000, "2 GB"),
    ],
)
def test_a_size_is_written_as_people_write_it(size: int, words: str) -> None:
    assert rule.size_in_words(size) == words
