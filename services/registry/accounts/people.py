"""Finds people by staff id however it was typed: what is recorded of `s7004` is recorded of `S7004`."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from sqlalchemy import ColumnElement, Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

T = TypeVar("T")


def names_one_of(column: InstrumentedAttribute[str], staff_ids: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a column names one of these people."""
    typed = func.unnest(cast(sorted({staff_id.strip() for staff_id in staff_ids}), ARRAY(Text)))
    return func.lower(column).in_(select(func.lower(typed)))


def for_each(staff_ids: Iterable[str], found: Mapping[str, T]) -> dict[str, T]:
    """Return what was found of each person, under the staff id that was asked for; of some it may be nothing.

    Args:
        staff_ids: as asked for.
        found: by staff id as stored, at most one spelling of each.
    """
    by_person = {folded(staff_id): value for staff_id, value in found.items()}
    return {staff_id: by_person[folded(staff_id)] for staff_id in staff_ids if folded(staff_id) in by_person}


def folded(staff_id: str) -> str:
    """Return what two spellings of one staff id have in common."""
    return staff_id.strip().casefold()
