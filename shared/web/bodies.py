"""The parts of API bodies, and the messages about invalid ones.

Pydantic's messages may repeat what was submitted, so validation errors get our own messages.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any

from annotated_types import MaxLen
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictBool,
    StrictInt,
    ValidationInfo,
    model_validator,
)
from pydantic import field_validator as check_fields
from pydantic_core import PydanticCustomError, PydanticKnownError

from shared import text as rule
from shared.addresses import mended_email, mended_link
from shared.clock import InvalidMoment, parse_moment
from shared.web.forms import UNREADABLE
from shared.web.problems import FieldProblem

OURS = "signpost_"
"""Prefix of our own error types, whose messages may be shown."""


class InvalidValue(ValueError):
    """Raised by our own validators. The message is shown to the client: it says what to do, without the value."""


def _clean(put: Callable[[str], str]) -> AfterValidator:
    """Return the check that puts a string into the form that `put` gives (`shared.text`)."""

    def check(given: str) -> str:
        try:
            return put(given)
        except rule.ControlCharacter as refused:
            message = "Remove the character {character}"
            raise PydanticCustomError(f"{OURS}control_character", message, {"character": str(refused)}) from None

    return AfterValidator(check)


def _text(given: str) -> str:
    return "" if rule.is_blank(rule.refuse_control_characters(given)) else given


def _moment(value: object) -> object:
    if isinstance(value, datetime):
        return value
    try:
        return parse_moment(value if isinstance(value, str) else "")
    except InvalidMoment:
        raise PydanticCustomError("signpost_moment", NOT_A_MOMENT) from None


NOT_A_MOMENT = "Give the time as in RFC 3339, with its offset, like 2026-01-05T09:30:00Z"


Line = Annotated[str, _clean(rule.line)]
"""A line without joiners, such as an id or a handle; in queries as well."""
Name = Annotated[str, _clean(rule.name)]
"""A line that names a person or a thing, with its joiners."""
Text = Annotated[str, _clean(_text)]
"""A text as it was written; empty without a visible character."""
Key = Annotated[str, _clean(rule.refuse_control_characters)]
"""A key or a code, which is never cleaned."""
Link = Annotated[str, _clean(mended_link)]
Email = Annotated[str, _clean(mended_email)]
Int = StrictInt
Bool = StrictBool
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A time as in RFC 3339, with its offset; a number is refused, and so is a text that is one."""


class Body(BaseModel):
    """Base of every JSON body. Numbers are `Int`, yes or no is `Bool`, times are `Moment`: nothing is converted.

    A string is one of `Line`, `Name`, `Text`, `Key`, `Link` and `Email`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, value: object) -> object:
        """Refuse an object of very many fields at once, instead of one unknown field after another."""
        if isinstance(value, dict) and len(value) > len(cls.model_fields) + _MOST_UNKNOWN:
            raise PydanticCustomError("signpost_too_many_fields", "This has too many fields")
        return value

    @check_fields("*", mode="before")
    @classmethod
    def _few_values(cls, value: object, info: ValidationInfo) -> object:
        """Refuse a list that is too long before its items are read."""
        if isinstance(value, list):
            most = _longest(cls, info.field_name or "")
            if len(value) > most:
                raise PydanticKnownError("too_long", {"field_type": "List", "max_length": most, "actual_length": None})
        return value


_MOST_UNKNOWN = 5
_LONGEST_LIST = 100


@cache
def _longest(model: type[BaseModel], name: str) -> int:
    """Return the bound that the list `name` declares; a test sees to it that each has one."""
    bounds = (bound.max_length for bound in model.model_fields[name].metadata if isinstance(bound, MaxLen))
    return min(bounds, default=_LONGEST_LIST)


_LONGEST_NAME = 100
_MOST = 50
_WORDS: Mapping[str, str] = {
    "missing": "This field is needed",
    "extra_forbidden": "This field is not known here",
    "json_invalid": "This is not valid JSON",
    "string_type": "This must be text",
    "string_unicode": "This must be valid Unicode text",
    "string_too_short": "Enter {min_length} or more characters",
    "string_too_long": "Enter at most {max_length} characters",
    "string_pattern_mismatch": "This does not have the right form",
    "too_short": "Too short or too few: at least {min_length}",
    "too_long": "Too long or too many: at most {max_length}",
    "enum": "Choose one of {expected}",
    "literal_error": "Choose one of {expected}",
    "bool_type": "This must be true or false",
    "bool_parsing": "This must be true or false",
    "int_type": "This must be a whole number",
    "int_parsing": "This must be a whole number",
    "greater_than": "This must be more than {gt}",
    "greater_than_equal": "This must be {ge} or more",
    "less_than": "This must be less than {lt}",
    "less_than_equal": "This must be {le} or less",
    "list_type": "This must be a list",
    "dict_type": "This must be an object",
    "model_type": "This must be an object",
    "model_attributes_type": "This must be an object",
    "timezone_aware": "Give the time with its offset",
    "date_type": "Give the date as YYYY-MM-DD",
    "date_parsing": "Give the date as YYYY-MM-DD",
    "date_from_datetime_parsing": "Give the date as YYYY-MM-DD",
    "uuid_type": "This must be a UUID",
    "uuid_parsing": "This must be a UUID",
    "url_type": "This must be a URL",
    "url_parsing": "This must be a URL",
    "url_scheme": "This must be a URL that begins with {expected_schemes}",
    "url_too_long": "This URL is too long",
}
_ANYTHING_ELSE = "This is not acceptable"
_SOURCES = frozenset({"body", "query", "path", "header", "cookie"})


def field_problems(errors: Iterable[Mapping[str, Any]]) -> Sequence[FieldProblem]:
    """Return which fields are wrong and what to do; `affected.0.relation` is a field inside a list."""
    return [FieldProblem(name=_name(error), message=_message(error)) for error in list(errors)[:_MOST]]


def unreadable_body(error: Exception) -> Sequence[FieldProblem]:
    """Return what is wrong with a body that is not in UTF-8; empty for any other error."""
    return [FieldProblem(name="body", message=UNREADABLE)] if isinstance(error.__cause__, UnicodeDecodeError) else []


def _name(error: Mapping[str, Any]) -> str:
    location = tuple(error["loc"])
    if error["type"] == "json_invalid":
        return "body"
    inside = location[1:] if len(location) > 1 and location[0] in _SOURCES else location
    return ".".join(str(part) for part in inside)[:_LONGEST_NAME] or "body"


def _message(error: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind.startswith(OURS):
        return str(error["msg"])
    if kind == "value_error" and type(context.get("error")) is InvalidValue:
        return str(context["error"])
    if context.get("field_type") == "Value":  # the length of a string that was cleaned first
        kind = f"string_{kind}"
    try:
        return _WORDS.get(kind, _ANYTHING_ELSE).format_map(context)
    except KeyError:
        return _ANYTHING_ELSE
