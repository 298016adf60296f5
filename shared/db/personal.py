"""Marks columns that hold personal data; retention, disposal and the data-protection page are made from the marks."""

from typing import TypedDict


class PersonalMark(TypedDict):
    """What `Column.info` says of a personal column."""

    personal: str
    retention: str


def personal(what: str, *, retention: str) -> PersonalMark:
    """Return the `info` of a column that holds personal data.

    Args:
        what: what a privacy notice calls it ("what you told us happened").
        retention: the record class whose schedule applies (`report`, `case`, `alert`, `directory`).
    """
    return {"personal": what, "retention": retention}
