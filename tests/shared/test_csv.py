"""The CSV reader: rows become models, and every problem names its row and column but repeats no cell."""

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

import shared.csv
from shared.csv import BadCell, CsvFile, Day, FileTooLarge, Line, Row, RowError, days_between, one_of

HEADER = "id,name,colour\n"
COLOURS = {"red": 1, "blue": 2}


class _Thing(Row):
    id: Line
    name: str
    class_: Annotated[int, one_of(COLOURS, "Use red or blue")] = Field(0, alias="colour")
    found_on: Annotated[Day, days_between(date(1990, 1, 1), date(2100, 12, 31))] | None = None


class _Whole(Row):
    every_column: ClassVar[bool] = True

    id: str
    name: str | None = None


@dataclass(frozen=True)
class _Made:
    name: str


def make(row: _Thing) -> _Thing:
    if row.id == "own":
        raise BadCell("id", "Take another")
    return row


def read(text: str, *, most_rows: int = 10) -> CsvFile[_Thing]:
    return shared.csv.read(text, _Thing, make, most_rows=most_rows)


def test_rows_are_read_into_models_by_their_number() -> None:
    file = read(f"{HEADER}\n1,Ann,RED\n,,\n 2 , Bob ,\n")
    assert [(number, row.id, row.name, row.class_) for number, row in file.rows] == [
        (3, "1", "Ann", 1),
        (5, "2", "Bob", 0),
    ]
    assert (file.errors, file.readable) == ((), True)


def test_what_is_made_of_a_row_is_what_is_given() -> None:
    file = shared.csv.read(f"{HEADER}1,Ann,red\n", _Thing, lambda row: _Made(row.name))
    assert file.rows == ((2, _Made("Ann")),)


def test_columns_come_in_any_order_and_case_and_some_may_be_left_out() -> None:
    ((_, row),) = read("\ufeffName, ID ,FOUND_ON\nAnn,1,2026-03-27\n").rows
    assert (row.name, row.id, row.found_on) == ("Ann", "1", date(2026, 3, 27))
    assert shared.csv.columns(_Thing) == ("id", "name", "colour", "found_on")
    assert shared.csv.needed_columns(_Thing) == ("id", "name")
    assert shared.csv.needed_columns(_Whole) == ("id", "name")


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (",secretcanary,red", "id", "This cell is needed"),
        ("1,secretcanary,green", "colour", "Use red or blue"),
        ("own,secretcanary,red", "id", "Take another"),
        ("1,secretcanary", "", "has 2 cells where the header has 3"),
        ("1,secretcanary,red,", "", "has 4 cells where the header has 3"),
        ("1,secret\0canary,red", "name", "Remove the character U+0000 NULL"),
        ("se\x07cret,canary,red", "id", "Remove the character U+0007 BELL"),
        (f"1,{'secretcanary' * 20},red", "name", "Use at most 200 characters"),
    ],
)
def test_a_bad_row_is_named_and_its_cells_are_kept_to_oneself(row: str, column: str, reason: str) -> None:
    file = read(f"{HEADER}1,fine,red\n{row}\n")
    assert file.errors == (RowError(3, column, reason),)
    assert [number for number, _ in file.rows] == [2]
    assert "canary" not in repr(file)
    assert file.refused[0]["id"] == row.partition(",")[0]


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("soon", "Write the day as 2026-01-31"),
        ("2026-02-30", "Write the day as 2026-01-31"),
        ("0001-01-01", "Enter a day from 1990-01-01 to 2100-12-31"),
    ],
)
def test_a_day_is_in_iso_8601_and_one_that_can_be_meant(day: str, reason: str) -> None:
    assert read(f"id,name,found_on\n1,Ann,{day}\n").errors == (RowError(2, "found_on", reason),)


def test_a_cell_is_a_line_in_one_spelling() -> None:
    ((_, row),) = read(f'{HEADER}S\u200d1,"Zoe\u0308\u200b\u00a0\nक्\u200dष",\n').rows
    assert (row.id, row.name) == ("S1", "Zoë क्\u200dष")


@pytest.mark.parametrize(
    ("text", "row", "reason"),
    [
        ("", 1, "lacks the columns id, name"),
        ("id\n1\n", 1, "lacks the column name"),
        ("id,name,name\n1,a,a\n", 1, "names a column twice"),
        ("id,name,secretcanary\n", 1, "has 1 unknown column; known are id, name, colour, found_on"),
        (f"{HEADER}1,Ann,red\n" + "1,Ann,red\n" * 10, 12, "is too much: a file may have 10 rows"),
        (f'{HEADER}1,"secretcanary\n', 2, "is not valid CSV; check its quotation marks"),
        (
            f'{HEADER}1,Ann,red\n\n2,"secretcanary,red\n3,Cat,red\n4,Di,red\n',
            4,
            "is not valid CSV; check its quotation marks",
        ),
        (f'{HEADER}1,"secretcanary,red\n2,"Bob",red\n', 2, "is not valid CSV; check its quotation marks"),
        ('id,"name', 1, "is not valid CSV; check its quotation marks"),
        ("id;name;colour\n1;Ann;red\n", 1, "is separated by semicolons; save the file with commas"),
        ("id\tname\n1\tAnn\n", 1, "is separated by tabs; save the file with commas"),
        ("id,,name\n1,,a\n", 1, "has 1 unknown column; known are id, name, colour, found_on"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error(text: str, row: int, reason: str) -> None:
    assert read(text) == CsvFile(errors=(RowError(row, "", reason),), readable=False)


def test_blank_lines_come_before_the_header_and_rows_keep_their_numbers() -> None:
    file = read(f"\n , ,\n{HEADER}1,Ann,red\n2,Bob,green\n")
    assert ([number for number, _ in file.rows], [error.row for error in file.errors]) == ([4], [5])


def test_a_file_may_have_as_many_rows_as_that() -> None:
    assert len(read(HEADER + "1,Ann,red\n" * 10).rows) == 10


def test_of_rows_that_contradict_each_other_none_is_taken_and_equal_ones_are_one() -> None:
    rows = [(2, "a"), (3, "b"), (5, "A"), (6, "c"), (7, "c")]
    once = shared.csv.first_of_each(rows, str.lower, "id", "The same is in row")
    assert once == CsvFile(
        ((3, "b"), (6, "c")), (RowError(2, "id", "The same is in row 5"), RowError(5, "id", "The same is in row 2"))
    )


@pytest.mark.parametrize("text", ["id,name,\n1,Ann,\n", "id,name,,\n1,Ann\n", "id,name, ,\u200b\n1,Ann,,\n"])
def test_commas_at_the_end_of_lines_are_no_columns(text: str) -> None:
    assert [(row.id, row.name) for _, row in read(text).rows] == [("1", "Ann")]
    assert read(text.replace("\n1,Ann", "\n1,Ann,x")).errors[0].row == 2


def test_a_file_is_in_utf_8_with_or_without_a_mark() -> None:
    assert shared.csv.decode("\ufeffname\r\nZoë".encode()) == "name\r\nZoë"
    assert shared.csv.decode(b"name") == "name"
    with pytest.raises(UnicodeDecodeError):
        shared.csv.decode("Zoë".encode("latin-1"))
    with pytest.raises(FileTooLarge):
        shared.csv.decode(bytes(shared.csv.MOST_BYTES + 1))


@given(st.text(max_size=300) | st.text(max_size=200).map(lambda rest: HEADER + rest))
def test_any_text_is_read_without_failing(text: str) -> None:
    assert all(error.reason for error in read(text).errors)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "'"])
def test_a_spreadsheet_runs_nothing_that_was_exported(start: str) -> None:
    written = shared.csv.line([f"{start}cmd|' /C calc'!A0", "plain"])
    assert next(csv.reader(io.StringIO(written, newline=""))) == [f"'{start}cmd|' /C calc'!A0", "plain"]


@given(st.sampled_from(["+447700900123", "'=x", "=x", "-", "@a"]))
def test_the_mark_against_formulas_is_taken_off_again(name: str) -> None:
    ((_, row),) = read(HEADER + shared.csv.line(["1", name, "red"])).rows
    assert row.name == name
