"""Reading forms, and the errors that go back beside the fields."""

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import FormData

from shared.web.problems import standard_problem

MOST_FIELDS = 200
LONGEST_VALUE = 100_000
NULL_CHARACTER = "A hidden character (U+0000) was taken out. Check the text, then continue."
UNREADABLE = "Some characters could not be read. Check the text and send it again."
CSRF_FIELD = "csrftoken"
_UNREAD = "surrogateescape"


class FormErrors(Mapping[str, str]):
    """Field → what to do, in the order of the page; one message a field, the first one stays."""

    def __init__(self, first: Mapping[str, str] | None = None) -> None:
        self._messages = dict(first or {})

    def add(self, field: str, message: str) -> None:
        """Record what is wrong with `field`."""
        self._messages.setdefault(field, message)

    def __getitem__(self, field: str) -> str:
        return self._messages[field]

    def __iter__(self) -> Iterator[str]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def message(self, field: str) -> dict[str, str] | None:
        """Return the `errorMessage` parameter of a GOV.UK component, None where the field is right."""
        return {"text": self._messages[field]} if field in self._messages else None

    def summary(self) -> list[dict[str, str]]:
        """Return the `errorList` of the error summary: links to the fields."""
        return [{"text": message, "href": f"#{field}"} for field, message in self._messages.items()]


async def read_form(request: Request, errors: FormErrors | None = None) -> dict[str, list[str]]:
    """Read the fields of a posted form; a field's name may come more than once.

    The CSRF token is left out. U+0000 stays in: `refuse_null_characters` names the field, and the page shows the rest.
    With `errors`, a text in broken UTF-8 is given with U+FFFD for what cannot be read and is an error of its field,
    so that the page can show the rest.

    Raises:
        Problem: 400 for a broken form, and without `errors` for broken UTF-8; 413 for too many fields; 415 for another
            content type.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "application/x-www-form-urlencoded":
        pairs = _urlencoded(await request.body())
    elif content_type == "multipart/form-data":
        pairs = _text_fields(await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=LONGEST_VALUE * 4))
    else:
        raise standard_problem(415)
    answers: dict[str, list[str]] = {}
    for name, value in pairs:
        if name != CSRF_FIELD:
            answers.setdefault(name, []).append(_readable(name, value, errors).replace("\r\n", "\n"))
    return answers


def refuse_null_characters(answers: Mapping[str, list[str]], errors: FormErrors) -> dict[str, list[str]]:
    """Record an error for each field with a U+0000 and return the answers without the character."""
    for name, values in answers.items():
        if any("\x00" in value for value in values):
            errors.add(name, NULL_CHARACTER)
    return {name: [value.replace("\x00", "") for value in values] for name, values in answers.items()}


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    """Return names and values; bytes that are no UTF-8 are in them as lone surrogates (PEP 383)."""
    try:
        return parse_qsl(
            body.decode("utf-8", _UNREAD),
            keep_blank_values=True,
            encoding="utf-8",
            errors=_UNREAD,
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:
        raise standard_problem(413, detail="The form has too many fields.") from error


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
