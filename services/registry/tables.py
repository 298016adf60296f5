"""The declarative base of the registry's tables, and conditions that find people by staff id.

`s7004` and `S7004` are one person: staff ids are compared without regard to case.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from sqlalchemy import ColumnElement, MetaData, Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

from shared.db.metadata import NAMING
from shared.ids import folded_id


class Base(DeclarativeBase):
    """Base class of this service's mappings."""

    metadata = MetaData(naming_convention=NAMING)


T = TypeVar("T")


def names_one_of(column: InstrumentedAttribute[str], staff_ids: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a column names one of these people."""
    typed = func.unnest(cast(sorted({staff_id.strip() for staff_id in staff_ids}), ARRAY(Text)))
    return func.lower(column).in_(select(func.lower(typed)))


def by_asked_staff_id(staff_ids: Iterable[str], found: Mapping[str, T]) -> dict[str, T]:
    """Return what was found about each person, by staff id as asked for; people without any are left out.

    Args:
        staff_ids: as asked for.
        found: by staff id as stored, at most one spelling of each.
    """
    by_person = {folded_id(staff_id): value for staff_id, value in found.items()}
    return {staff_id: by_person[folded_id(staff_id)] for staff_id in staff_ids if folded_id(staff_id) in by_person}
