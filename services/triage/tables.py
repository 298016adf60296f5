"""The declarative base of triage's tables."""

from typing import cast

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase

from shared.db.metadata import NAMING


class Base(DeclarativeBase):
    """Base class of this service's mappings."""

    metadata = MetaData(naming_convention=NAMING)

    @classmethod
    def table(cls) -> Table:
        """Return the plain table, to write many rows at once without the mapper, which would double their cost."""
        return cast(Table, cls.__table__)
