"""How words travel: an enum is read openly, so that a newer writer stops no reader.

On the wire an enum is read openly: a value that this version does not know becomes `unrecognised`, and a person
decides. Forms and APIs never accept `unrecognised`.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field

T = TypeVar("T")
UNRECOGNISED: Literal["unrecognised"] = "unrecognised"


def _text_becomes_unrecognised(value: object) -> object:
    return UNRECOGNISED if isinstance(value, str) else value


Open = Annotated[
    T | Annotated[Literal["unrecognised"], BeforeValidator(_text_becomes_unrecognised)],
    Field(union_mode="left_to_right"),
]
"""`Open[Behaviour]`: a behaviour, or `unrecognised` for one that a newer writer knows."""
