"""The form reader: answers are read field by field, errors are beside the fields, and nothing typed is lost."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.responses import Response
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.guard import Anyone
from shared.web.forms import Field, FormErrors, FormPage, FormReader, Kind, Option, options
from shared.web.pages import show_form
from tests.support.web import WebForTests, browsing, csrf_token

NOT_REAL = "The last day must be a real date, for example 27 3 2026"
ID = UUID(int=7)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


COLOURS = options({Colour.RED: "Red", Colour.BLUE: "Blue"}, {Colour.RED: "Like a rose"})
SEVERAL = Field("some", "Which?", Kind.CHECKBOXES, options=(*COLOURS, Option("none", "None of these")), alone="none")
FIELDS = (
    Field("title", "Title", hint="As it is <called>"),
    Field("staff_id", "Staff ID", Kind.ID),
    Field("email", "Email", Kind.EMAIL),
    Field("reason", "Why?", Kind.TEXT),
    Field("colour", "Colour", Kind.RADIOS, options=COLOURS),
    SEVERAL,
    Field("list", "From a list", Kind.SELECT, options=(Option("", "None"), *COLOURS)),
    Field("last_day", "Last day", Kind.DAY),
    Field("seen_at", "When was it seen?", Kind.MOMENT),
)
PAGE = FormPage(title="A form", button="Save", back=("Back", "/back"), fields=FIELDS, about="Of <this>", version=3)
router = APIRouter()


@router.get("/report/form")
def ask(request: Request, principal: Anyone) -> Response:
    return show_form(
        request, PAGE, FormReader.of(title="Known", colour=Colour.RED, last_day=date(2026, 3, 7), list=None)
    )


@router.post("/report/form")
async def post(request: Request, principal: Anyone) -> Response:
    form = await FormReader.posted(request)
    form.line("title", "Enter a title")
    form.line("staff_id")
    form.text("reason", "Enter why")
    form.choice("colour", Colour, "Choose a colour")
    form.some_of(SEVERAL)
    form.choice("list", Colour)
    form.day("last_day", "The last day", "Enter the last day")
    form.moment("seen_at", "When it was seen")
    return show_form(request, PAGE, form, 422)


@pytest.fixture
async def client(web: WebForTests) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(web.app(router)) as opened:
        yield opened


def day(text: str, name: str = "last_day") -> dict[str, list[str]]:
    """Return the posted fields for `day month year`; a dash leaves a field empty."""
    parts = zip(("day", "month", "year"), text.split(), strict=True)
    return {f"{name}-{part}": ["" if typed == "-" else typed] for part, typed in parts}


def test_a_line_is_clean_and_a_name_keeps_its_joiners() -> None:
    form = FormReader({"id": [" S\u200b1  2 "], "name": ["क्\u200dष "], "empty": [" \u2800"]})
    assert (form.line("id"), form.name("name"), form.line("empty"), form.line("absent")) == (
        "S1 2",
        "क्\u200dष",
        None,
        None,
    )
    assert not form.errors


def test_a_text_is_kept_as_written_and_one_that_nobody_can_see_is_none() -> None:
    form = FormReader({"reason": [" two\n\n\u200flines e\u0301 "], "blank": ["\u200b \n"]})
    assert form.text("reason") == "two\n\n\u200flines e\u0301"
    assert form.text("blank", "Enter why") is None
    assert dict(form.errors) == {"blank": "Enter why"}


def test_what_is_too_long_is_refused_and_kept() -> None:
    form = FormReader({"title": ["x" * 201], "reason": ["x" * 2001]})
    assert (form.line("title"), form.text("reason")) == (None, None)
    assert list(form.errors.values()) == ["Use at most 200 characters", "Use at most 2,000 characters"]
    assert form.first("title") == "x" * 201


@pytest.mark.parametrize(
    ("character", "called"), [("\x00", "U+0000 NULL"), ("\x1b", "U+001B ESCAPE"), ("\x9f", "U+009F CONTROL CHARACTER")]
)
def test_a_control_character_is_named_and_the_rest_is_shown_again(character: str, called: str) -> None:
    form = FormReader({"text": [f"kept{character}words"]}, prefix="note-")
    assert dict(form.errors) == {
        "note-text": f"A hidden character ({called}) was taken out. Check the text, then continue."
    }
    assert form.first("text") == "keptwords"


def test_one_of_some_words_is_chosen() -> None:
    form = FormReader({"a": [" red "], "b": ["green"], "c": ["green"], "d": [""], "e": ["red", "blue"]})
    assert form.choice("a", Colour) is Colour.RED
    assert [form.choice(name, Colour) for name in "bde"] == [None, None, None]
    assert form.choice("c", Colour, "Choose a colour") is None
    assert form.one_of("missing", {"x"}, "Choose x") is None
    assert dict(form.errors) == {
        "b": "Choose one of the answers",
        "e": "Choose one of the answers",
        "c": "Choose a colour",
        "missing": "Choose x",
    }


@pytest.mark.parametrize(
    ("typed", "chosen", "message"),
    [
        (["red", "blue", "red"], ("red", "blue"), None),
        (["none"], ("none",), None),
        ([], (), "Choose"),
        (["red", "green"], ("red",), "Choose"),
        (["red", "none"], ("red", "none"), "Select what applies, or ‘None of these’, not both"),
    ],
)
def test_several_words_are_chosen(typed: list[str], chosen: tuple[str, ...], message: str | None) -> None:
    form = FormReader({"some": typed})
    assert form.some_of(SEVERAL, "Choose") == chosen
    assert form.errors.get("some") == message
    assert FormReader({"some": []}).some_of(SEVERAL) == ()


def test_known_words_are_read_without_errors_from_what_was_kept() -> None:
    form = FormReader({"some": ("red", "green", "red")})
    assert (form.choices("some", Colour), dict(form.errors)) == ((Colour.RED,), {})


def test_lines_of_a_text_come_once_each() -> None:
    assert FormReader({"urls": ["a.example \n\n\u200b\nb.example\na.example"]}).lines("urls") == (
        "a.example",
        "b.example",
    )


@pytest.mark.parametrize(("typed", "ticked"), [(["yes"], True), (["no"], False), ([], False)])
def test_a_box_is_ticked(typed: list[str], *, ticked: bool) -> None:
    assert FormReader({"sure": typed}).ticked("sure") is ticked


@pytest.mark.parametrize("typed", ["27 3 2026", "27 03 2026", "27 march 2026", "27 Mar 2026"])
def test_a_day_is_typed_into_three_fields(typed: str) -> None:
    form = FormReader(day(typed))
    assert form.day("last_day", "The last day") == date(2026, 3, 27)
    assert not form.errors


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ("- - -", "last_day", "Enter the last day"),
        ("27 3 -", "last_day-year", "The last day must include a year"),
        ("27 - -", "last_day-month", "The last day must include a month and year"),
        ("- 3 2026", "last_day-day", "The last day must include a day"),
        ("31 2 2026", "last_day", NOT_REAL),
        ("27 13 2026", "last_day", NOT_REAL),
        ("27 ma 2026", "last_day", NOT_REAL),
        ("٢ 3 2026", "last_day", NOT_REAL),
        ("-1 3 2026", "last_day", NOT_REAL),
        (f"27 3 {'9' * 5000}", "last_day", NOT_REAL),
        ("27 3 26", "last_day-year", "The last day must have a year with all four digits, like 2026"),
    ],
)
def test_an_error_of_a_day_stands_beside_the_part_that_is_wrong(typed: str, field: str, message: str) -> None:
    form = FormReader(day(typed))
    assert form.day("last_day", "The last day", "Enter the last day") is None
    assert dict(form.errors) == {field: message}
    linked = field if field != "last_day" else "last_day-day"
    assert form.errors.summary() == [{"text": message, "href": f"#{linked}"}]


def test_a_day_that_need_not_be_given_may_be_empty() -> None:
    form = FormReader(day("- - -"))
    assert form.day("last_day", "The last day") is None
    assert not form.errors


@pytest.mark.parametrize(("typed", "fits"), [("1 1 1990", True), ("31 12 1989", False), ("1 1 2101", False)])
def test_a_day_lies_between_two(typed: str, *, fits: bool) -> None:
    form = FormReader(day(typed))
    days = (date(1990, 1, 1), date(2100, 12, 31))
    assert (form.day_between("last_day", "The last day", days) is not None) is fits
    assert ("between 1 January 1990 and 31 December 2100" in form.errors.get("last_day", "")) is not fits


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("", datetime(2026, 7, 26, 23, tzinfo=UTC)),
        ("2:30pm", datetime(2026, 7, 27, 13, 30, tzinfo=UTC)),
        ("14.30", datetime(2026, 7, 27, 13, 30, tzinfo=UTC)),
        ("12am", datetime(2026, 7, 26, 23, tzinfo=UTC)),
        ("12 PM", datetime(2026, 7, 27, 11, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_day_and_perhaps_a_time_in_the_united_kingdom(typed: str, moment: datetime) -> None:
    form = FormReader(day("27 7 2026", "seen_at") | {"seen_time": [typed]})
    assert form.moment("seen_at", "When it was seen") == moment
    assert not form.errors


@pytest.mark.parametrize("typed", ["25:00", "13pm", "0am", "9", "9:60", "noon", "٩:00"])
def test_a_time_that_is_none_is_an_error_of_its_field(typed: str) -> None:
    form = FormReader(day("27 7 2026", "seen_at") | {"seen_time": [typed]})
    assert form.moment("seen_at", "When it was seen") is None
    assert list(form.errors) == ["seen_time"]


@pytest.mark.parametrize(
    ("typed", "field"), [("- - -", "seen_at"), ("27 - 2026", "seen_at-month"), ("31 9 2026", "seen_at")]
)
def test_a_moment_needs_the_whole_day(typed: str, field: str) -> None:
    form = FormReader(day(typed, "seen_at") | {"seen_time": ["9am"]})
    assert form.moment("seen_at", "When it was seen") is None
    assert list(form.errors) == [field]


def test_a_moment_that_need_not_be_given_may_be_empty() -> None:
    form = FormReader({})
    assert form.moment("seen_at", "When it was seen") is None
    assert not form.errors


def test_a_moment_before_the_first_year_is_an_error_and_no_failure() -> None:
    form = FormReader(day("1 1 0001", "seen_at"))
    assert form.moment("seen_at", "When it was seen") is None
    assert list(form.errors) == ["seen_at-year"]


@pytest.mark.parametrize(("typed", "version"), [("7", 7), ("-7", None), ("٧", None), ("", None), ("9" * 10, None)])
def test_a_version_is_a_number(typed: str, version: int | None) -> None:
    form = FormReader({"version": [typed]})
    assert form.version() == version
    assert not form.errors
    form.version(beside="status")
    assert dict(form.errors) == ({} if version else {"status": "Reload the page and choose again"})


def test_ids_are_read_and_what_is_none_is_left_out() -> None:
    assert FormReader({"account": [str(ID), "none"]}).uuids("account") == (ID,)


@given(st.dictionaries(st.sampled_from(["a", "a-day", "a-month", "a-year", "a_time", "version"]), st.lists(st.text())))
def test_whatever_is_typed_is_read_or_refused(typed: dict[str, list[str]]) -> None:
    form = FormReader(typed)
    form.line("a"), form.text("a"), form.choice("a", Colour), form.some_of(SEVERAL), form.lines("a"), form.uuids("a")
    form.day("a", "The day"), form.moment("a", "The moment"), form.version(), form.ticked("a")
    assert not any("\0" in text for texts in form.typed.values() for text in texts)
    assert len(form.errors.summary()) == len(form.errors)


async def test_a_form_shows_what_is_known(client: httpx.AsyncClient) -> None:
    page = (await client.get("/report/form")).text
    assert "Of &lt;this&gt;" in page
    assert "As it is &lt;called&gt;" in page
    assert re.search(r'id="title"[^>]* value="Known"', page)
    assert re.search(r'id="colour"[^>]* value="red" checked', page)
    for part, number in (("day", "7"), ("month", "3"), ("year", "2026")):
        assert re.search(rf'id="last_day-{part}" name="last_day-{part}"[^>]* value="{number}"', page)
    assert 'name="version" value="3"' in page
    assert "There is a problem" not in page


async def test_a_refused_form_shows_what_was_typed_with_each_error_beside_its_field(client: httpx.AsyncClient) -> None:
    token = csrf_token((await client.get("/report/form")).text)
    kept = {"title": "kept <title>", "staff_id": "S1\0", "colour": "blue", "some": ["red", "none"], "list": "blue"}
    days = {"last_day-day": "31", "last_day-month": "2", "last_day-year": "2026", "seen_at-day": "3", "seen_time": "9"}
    answer = await client.post("/report/form", data={"csrftoken": token, **kept, **days})
    assert answer.status_code == 422
    for field, message in {
        "staff_id": "A hidden character (U+0000 NULL) was taken out",
        "reason": "Enter why",
        "some": "Select what applies",
        "last_day-day": NOT_REAL,
        "seen_at-month": "When it was seen must include a month and year",
        "seen_time": "Enter a time like 2:30pm",
    }.items():
        assert re.search(rf'<a href="#{field}">{re.escape(message)}', answer.text), field
        assert f'id="{field}"' in answer.text
    assert answer.text.count(NOT_REAL) == 2
    assert 'value="kept &lt;title&gt;"' in answer.text
    assert re.search(r'value="blue" checked', answer.text)
    assert re.search(r'value="blue" selected', answer.text)
    assert re.search(r'id="last_day-day"[^>]* value="31"', answer.text)
    short_inputs = re.findall(r"govuk-input--width-\d+ govuk-input--error", answer.text)
    staff_id, day, month, time = 1, 3, 1, 1
    assert len(short_inputs) == staff_id + day + month + time


async def test_a_text_that_cannot_be_read_is_an_error_of_its_field(client: httpx.AsyncClient) -> None:
    token = csrf_token((await client.get("/report/form")).text)
    answer = await client.post(
        "/report/form",
        content=f"csrftoken={token}&title=caf%e9&reason=kept".encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 422
    assert '<a href="#title">Some characters could not be read' in answer.text
    assert "kept</textarea>" in answer.text


def test_errors_of_a_prefixed_form_lead_to_its_own_fields() -> None:
    errors = FormErrors()
    form = FormReader(day("31 2 2026"), errors, prefix="grant-")
    form.day("last_day", "The last day")
    assert errors.summary() == [{"text": NOT_REAL, "href": "#grant-last_day-day"}]
