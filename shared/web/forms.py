"""Forms: their fields, what was typed into them, and the errors shown beside the fields.

A page shows a `FormPage`; the template `fields.html` renders its fields. A `FormReader` reads the posted form, field by
field in the order of the page.
"""

import re
from binascii import a2b_qp
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple, Self, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

from fastapi import Request
from starlette.datastructures import FormData

from shared import text as rule
from shared.web.problems import standard_problem
from shared.web.times import UK, uk_date

MOST_FIELDS = 200
LONGEST_VALUE = 150_000
LONGEST_LINE = 200
LONGEST_TEXT = 2000
HIDDEN_CHARACTER = "A hidden character ({}) was taken out. Check the text, then continue."
NOT_A_DAY = "{} must be a real date, for example 27 3 2026"
UNREADABLE = "Some characters could not be read. Check the text and send it again."
CSRF_FIELD = "csrftoken"
_UNREAD = "surrogateescape"
_SHORT_VALUE = 10_000
_PERCENT = bytes.maketrans(b"%", b"=")
_MOST_BYTES = 4
"""Of a character in UTF-8."""
_LONGEST_VERSION = 9
_FIRST_FOUR_DIGIT_YEAR = 1000
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SHORTEST_MONTH = 3
_TIME = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))? ?(?P<half>am|pm)?", re.ASCII)
_NOON = 12
_NOT_A_TIME = "Enter a time like 2:30pm or 14:30, or leave it empty"

E = TypeVar("E", bound=StrEnum)
W = TypeVar("W", bound=str)
Typed = Mapping[str, Sequence[str]]
"""What was typed: the values of each field, by name."""


class Kind(StrEnum):
    """The kind of input that a field has."""

    LINE = "line"
    ID = "id"
    """A short line, such as a staff id."""
    EMAIL = "email"
    TEXT = "text"
    """Several lines."""
    RADIOS = "radios"
    CHECKBOXES = "checkboxes"
    SELECT = "select"
    """One of many, from a list."""
    DAY = "day"
    MOMENT = "moment"
    """A day, with an optional time."""


class Option(NamedTuple):
    """One choice of a field."""

    value: str
    label: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form."""

    name: str
    label: str
    kind: Kind = Kind.LINE
    hint: str | None = None
    options: Sequence[Option] = ()
    alone: str | None = None
    """The option that excludes all others, such as ‘none of these’."""
    only_if: tuple[str, *tuple[str, ...]] | None = None
    """The field and the options of it that reveal this field; without scripts it is always shown."""
    group: str | None = None
    """The heading above it, where a group of questions begins."""
    longest: int | None = None
    """The most characters of a text, counted while a person types."""

    def is_asked(self, typed: Typed) -> bool:
        """Return whether the answers so far reveal it."""
        return self.only_if is None or not set(self.only_if[1:]).isdisjoint(typed.get(self.only_if[0], ()))

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which its answer is posted."""
        if self.kind is Kind.MOMENT:
            return (*day_fields(self.name), time_field(self.name))
        return day_fields(self.name) if self.kind is Kind.DAY else (self.name,)


@dataclass(frozen=True, slots=True)
class FormPage:
    """A page that asks for one thing: its fields, and the text around them."""

    title: str
    button: str
    back: tuple[str, str]
    """Text and URL of the back link."""
    fields: Sequence[Field]
    action: str = ""
    """Where the answers are sent; if empty, to the URL of the page."""
    intro: Sequence[str] = ()
    about: str | None = None
    """The subject: a caption above the title."""
    version: int | None = None
    """The version of the record that the person read."""


class CheckStep(StrEnum):
    """What a person does with the answers of a form that shows them once more (`pages.CheckPage`)."""

    GIVEN = "given"
    """They come from the form: show them once more."""
    CHECKED = "checked"
    CHANGE = "change"


def options(labels: Mapping[W, str], hints: Mapping[W, str] | None = None) -> tuple[Option, ...]:
    """Return the options for a mapping of values to labels."""
    return tuple(Option(str(value), label, (hints or {}).get(value)) for value, label in labels.items())


def day_fields(name: str) -> tuple[str, str, str]:
    """Return the names of the three fields of the day `name`."""
    return f"{name}-day", f"{name}-month", f"{name}-year"


def time_field(name: str) -> str:
    """Return the name of the time field of the moment `name`."""
    return f"{name.removesuffix('_at')}_time"


class FormErrors(Mapping[str, str]):
    """Field → what to do, in the order of the page. Each field keeps its first message."""

    def __init__(self, first: Mapping[str, str] | None = None) -> None:
        self._messages = dict(first or {})
        self._days: set[str] = set()

    def add(self, field: str, message: str) -> None:
        """Record what is wrong with `field`."""
        self._messages.setdefault(field, message)

    def mark_as_day(self, field: str) -> None:
        """Let the summary link an error of the day `field` to the first of its three fields."""
        self._days.add(field)

    def __getitem__(self, field: str) -> str:
        return self._messages[field]

    def __iter__(self) -> Iterator[str]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def message(self, *fields: str) -> dict[str, str] | None:
        """Return the `errorMessage` parameter of a GOV.UK component for the first of `fields` with an error."""
        return next(({"text": self._messages[field]} for field in fields if field in self._messages), None)

    def summary(self) -> list[dict[str, str]]:
        """Return the `errorList` of the error summary: links to the fields."""
        return [{"text": message, "href": f"#{self._first_of(field)}"} for field, message in self._messages.items()]

    def _first_of(self, field: str) -> str:
        return day_fields(field)[0] if field in self._days else field


class FormReader:
    """Reads what was typed into a form, field by field, and records each error beside its field.

    If a method returns None, nothing was typed or an error was recorded. `needed` is the message if nothing was typed;
    without it, that is not an error.
    """

    def __init__(self, typed: Typed, errors: FormErrors | None = None, *, prefix: str = "") -> None:
        """Take what was typed.

        Args:
            typed: the values; control characters in them are removed and recorded as errors of their fields.
            errors: errors of this form are added to these.
            prefix: comes before field names in `errors`, if several forms of a page have a field of the same name.
        """
        self.errors = FormErrors() if errors is None else errors
        self._prefix = prefix
        self.typed: Typed = {name: [self._visible(name, value) for value in values] for name, values in typed.items()}

    @classmethod
    async def posted(cls, request: Request, *, prefix: str = "", longest: int = LONGEST_VALUE) -> Self:
        """Return a posted form; values in invalid UTF-8 are errors of their fields.

        Raises:
            Problem: as `read_form` does.
        """
        unreadable = FormErrors()
        typed = await read_form(request, unreadable, longest=longest)
        errors = FormErrors({prefix + name: message for name, message in unreadable.items()})
        return cls(typed, errors, prefix=prefix)

    @classmethod
    def of(cls, **known: object) -> Self:
        """Return a form as it is first shown, with the known values."""
        typed: dict[str, list[str]] = {}
        for name, value in known.items():
            if isinstance(value, date):
                parts = zip(day_fields(name), (value.day, value.month, value.year), strict=True)
                typed |= {field: [str(part)] for field, part in parts}
            elif value is not None:
                typed[name] = [str(value)]
        return cls(typed)

    def line(self, name: str, needed: str | None = None, longest: int = LONGEST_LINE) -> str | None:
        """Return a line (`shared.text`), such as an id or an email address."""
        return self._checked(name, rule.line(self.first(name)), needed, longest)

    def name(self, name: str, needed: str | None = None, longest: int = LONGEST_LINE) -> str | None:
        """Return a line that names a person or a thing, with its joiners."""
        return self._checked(name, rule.name(self.first(name)), needed, longest)

    def text(self, name: str, needed: str | None = None, longest: int = LONGEST_TEXT) -> str | None:
        """Return a text (`shared.text`), without surrounding space."""
        written = self.first(name)
        return self._checked(name, "" if rule.is_blank(written) else written.strip(), needed, longest)

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the lines of a text, without repeated and empty ones."""
        return tuple(dict.fromkeys(filter(None, map(rule.line, self.first(name).splitlines()))))

    def one_of(self, name: str, values: Collection[str], needed: str | None = None) -> str | None:
        """Return the chosen one of `values`; None if more than one was chosen."""
        chosen = set(filter(None, map(str.strip, self.typed.get(name, ()))))
        if len(chosen) == 1 and chosen <= set(values):
            return chosen.pop()
        if chosen or needed:
            self._wrong(name, needed or "Choose one of the answers")
        return None

    def some_of(self, field: Field, needed: str | None = None) -> tuple[str, ...]:
        """Return the chosen options of `field`, each once."""
        chosen = tuple(dict.fromkeys(filter(None, map(str.strip, self.typed.get(field.name, ())))))
        known = {option.value: option.label for option in field.options}
        if not known.keys() >= set(chosen):
            self._wrong(field.name, needed or "Choose some of the answers")
        elif needed and not chosen:
            self._wrong(field.name, needed)
        elif field.alone in chosen and len(chosen) > 1:
            self._wrong(field.name, f"Select what applies, or ‘{known[field.alone]}’, not both")
        return tuple(value for value in chosen if value in known)

    def choice(self, name: str, kind: type[E], needed: str | None = None) -> E | None:
        """Return the chosen member of `kind`."""
        chosen = self.one_of(name, set(kind), needed)
        return kind(chosen) if chosen else None

    def choices(self, name: str, kind: type[E]) -> tuple[E, ...]:
        """Return the chosen members of `kind`, each once, without unknown ones."""
        return tuple(kind(text) for text in dict.fromkeys(self.typed.get(name, ())) if text in set(kind))

    def ticked(self, name: str) -> bool:
        """Return whether the box with the value `yes` was ticked."""
        return self.first(name).strip() == "yes"

    @property
    def check_step(self) -> CheckStep:
        """Whether these answers are given, checked or to be changed."""
        chosen = self.first("answers")
        return CheckStep(chosen) if chosen in set(CheckStep) else CheckStep.GIVEN

    def day(self, name: str, called: str, needed: str | None = None) -> date | None:
        """Return the day of the three fields of `name`; `called` is its name in messages, such as `The last day`."""
        self.errors.mark_as_day(self._prefix + name)
        parts = {field: rule.line(self.first(field)) for field in day_fields(name)}
        if not any(parts.values()):
            if needed:
                self._wrong(name, needed)
            return None
        missing = [field for field, text in parts.items() if not text]
        if missing:
            words = " and ".join(field.rpartition("-")[2] for field in missing)
            self._wrong(missing[0], f"{called} must include a {words}")
            return None
        return self._real_day(name, called, tuple(parts.values()))

    def day_between(self, name: str, called: str, days: tuple[date, date], needed: str | None = None) -> date | None:
        """Return a day between the two `days`, inclusive."""
        day = self.day(name, called, needed)
        if day is None or days[0] <= day <= days[1]:
            return day
        self._wrong(name, f"{called} must be between {uk_date(days[0])} and {uk_date(days[1])}")
        return None

    def moment(self, name: str, called: str, needed: str | None = None) -> datetime | None:
        """Return a moment in UTC, from a day and a time in UK local time; without a time, the start of the day."""
        time = rule.line(self.first(time_field(name)))
        day = self.day(name, called, needed or (f"{called} must include a day" if time else None))
        clock_time = _clock_time(time) if time else (0, 0)
        if clock_time is None:
            self._wrong(time_field(name), _NOT_A_TIME)
        if day is None or clock_time is None:
            return None
        return datetime(day.year, day.month, day.day, *clock_time, tzinfo=UK).astimezone(UTC)

    def version(self, beside: str | None = None) -> int | None:
        """Return the version that the page showed; if it is missing, that is an error of the field `beside`."""
        text = self.first("version").strip()
        if text.isascii() and text.isdigit() and len(text) <= _LONGEST_VERSION:
            return int(text)
        if beside:
            self._wrong(beside, "Reload the page and choose again")
        return None

    def uuids(self, name: str) -> tuple[UUID, ...]:
        """Return the chosen ids, without values that are not ids."""
        return tuple(id_ for text in self.typed.get(name, ()) if (id_ := _uuid(text)))

    def first(self, name: str) -> str:
        """Return what was typed into the field `name`, to show it again."""
        return next(iter(self.typed.get(name, ())), "")

    def _visible(self, name: str, value: str) -> str:
        try:
            return rule.refuse_control_characters(value)
        except rule.ControlCharacter as refused:
            self._wrong(name, HIDDEN_CHARACTER.format(refused))
            return rule.without_control_characters(value)

    def _checked(self, name: str, text: str, needed: str | None, longest: int) -> str | None:
        if not text and needed:
            self._wrong(name, needed)
        if len(text) > longest:
            self._wrong(name, f"Use at most {longest:,} characters")
            return None
        return text or None

    def _real_day(self, name: str, called: str, parts: tuple[str, ...]) -> date | None:
        day, month, year = _number(parts[0]), _month(parts[1]), _number(parts[2])
        try:
            found = date(year, month, day)
        except (ValueError, OverflowError):
            self._wrong(name, NOT_A_DAY.format(called))
            return None
        if year < _FIRST_FOUR_DIGIT_YEAR:
            self._wrong(day_fields(name)[2], f"{called} must have a year with all four digits, like 2026")
            return None
        return found

    def _wrong(self, name: str, message: str) -> None:
        self.errors.add(self._prefix + name, message)


async def read_form(
    request: Request, errors: FormErrors | None = None, *, longest: int = LONGEST_VALUE
) -> dict[str, list[str]]:
    """Read the fields of a posted form; a field's name may occur more than once.

    The CSRF token is left out. Control characters stay in: `FormReader` reports their field, and the page shows the
    rest. With `errors`, a value in invalid UTF-8 has U+FFFD for what cannot be read and is an error of its field, so
    that the page can show the rest.

    Raises:
        Problem: 400 for a malformed form, and without `errors` for invalid UTF-8; 413 for too many fields; 415 for
            another content type.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "application/x-www-form-urlencoded":
        pairs = _urlencoded(await request.body(), longest)
    elif content_type == "multipart/form-data":
        pairs = _text_fields(await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=longest * 4))
    else:
        raise standard_problem(415)
    answers: dict[str, list[str]] = {}
    for name, value in pairs:
        if name != CSRF_FIELD:
            answers.setdefault(name, []).append(_readable(name, value, errors).replace("\r\n", "\n"))
    return answers


def refuse_many_fields(body: bytes) -> None:
    """Refuse an urlencoded form of too many fields, without splitting it.

    Raises:
        Problem: 413.
    """
    if body.count(b"&") >= MOST_FIELDS:
        raise standard_problem(413, detail="The form has too many fields.")


def _urlencoded(body: bytes, longest: int) -> list[tuple[str, str]]:
    """Return names and values; bytes that are not UTF-8 become lone surrogates (PEP 383).

    Fields are counted before anything is decoded, and whole values are decoded in C: a form of any size that is let in
    costs little.

    Raises:
        Problem: 413 for too many or too long fields; 400 for a long value that is not percent-encoded properly.
    """
    refuse_many_fields(body)
    pairs = (part.partition(b"=") for part in body.split(b"&") if part)
    return [(_decoded(name, longest), _decoded(value, longest)) for name, _, value in pairs]


def _decoded(encoded: bytes, longest: int) -> str:
    plain = _without_percent(encoded.replace(b"+", b" "))
    text = plain.decode("utf-8", _UNREAD) if len(plain) <= longest * _MOST_BYTES else None
    if text is None or len(text) > longest:
        raise standard_problem(413, detail=f"A field has more than {longest:,} characters.")
    return text


def _without_percent(encoded: bytes) -> bytes:
    """Decode `%41` to `A`. Malformed ones stay as they are, as the URL standard says."""
    if b"%" not in encoded:
        return encoded
    if len(encoded) <= _SHORT_VALUE:
        return unquote_to_bytes(encoded)
    quoted = encoded.replace(b"=", b"=3D").translate(_PERCENT)
    plain = a2b_qp(quoted)  # quoted-printable is the same with another sign, and has a decoder in C
    if len(quoted) - len(plain) != 2 * quoted.count(b"="):
        raise standard_problem(400, detail="The form is not percent-encoded as it should be.")
    return plain


def _readable(name: str, value: str, errors: FormErrors | None) -> str:
    if _is_readable(name) and _is_readable(value):
        return value
    if errors is None or not _is_readable(name):
        raise standard_problem(400, detail="The form is not in UTF-8.")
    errors.add(name, UNREADABLE)
    return value.encode("utf-8", _UNREAD).decode("utf-8", "replace")


def _is_readable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text_fields(form: FormData) -> list[tuple[str, str]]:
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


def _number(text: str) -> int:
    """Return a whole number; 0, which is no valid day, month or year, if `text` is not a number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_VERSION else 0


def _month(text: str) -> int:
    named = [month for month in _MONTHS if len(text) >= _SHORTEST_MONTH and month.startswith(text.lower())]
    return _MONTHS.index(named[0]) + 1 if named else _number(text)


def _clock_time(text: str) -> tuple[int, int] | None:
    """Return hour and minute; None if `text` is not a time of day."""
    match = _TIME.fullmatch(text.lower())
    if match is None:
        return None
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    valid = 1 <= hour <= _NOON if match["half"] else match["minute"] is not None
    if match["half"]:
        hour = hour % _NOON + (_NOON if match["half"] == "pm" else 0)
    return (hour, minute) if valid and hour < 24 and minute < 60 else None  # noqa: PLR2004 - a clock


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
