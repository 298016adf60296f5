"""What JSON bodies are made of: no unknown fields, no U+0000, nothing turned from one type into another."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, StrictBool, StrictInt
from pydantic import field_validator as check_fields
from pydantic_core import PydanticCustomError

from shared.text import NULL

OURS = "signpost_"
"""Prefix of the error types whose message we wrote ourselves, so that it may be shown."""


class InvalidValue(ValueError):
    """Raised by a validator of ours. The message is shown to the client: it says what to do, never the value."""


def clean(text: str) -> str:
    """Refuse what PostgreSQL cannot store.

    Raises:
        PydanticCustomError: there is a U+0000 in it.
    """
    if NULL in text:
        raise PydanticCustomError("signpost_null_character", "Remove the character U+0000")
    return text


def _moment_as_text(value: object) -> object:
    if isinstance(value, str | datetime):
        return value
    raise PydanticCustomError("signpost_moment", "Give the time as text with an offset, as in ISO 8601")


Text = Annotated[str, AfterValidator(clean)]
"""A string in a query, a path or a header; in a `Body`, a plain `str` is checked too."""
Int = StrictInt
Bool = StrictBool
Moment = Annotated[AwareDatetime, BeforeValidator(_moment_as_text)]
"""A time with its offset; a bare number is refused."""


class Body(BaseModel):
    """Base of every JSON body. Numbers are `Int`, yes or no is `Bool`, times are `Moment`: nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @check_fields("*", mode="before")
    @classmethod
    def _without_null_characters(cls, value: object) -> object:
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, list):
            return [clean(part) if isinstance(part, str) else part for part in value]
        return value
