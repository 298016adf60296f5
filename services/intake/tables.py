"""The metadata that all tables of intake share."""

from typing import ClassVar, cast

from sqlalchemy import MetaData, Table, Uuid
from sqlalchemy.orm import DeclarativeBase

from shared.db.metadata import NAMING
from shared.ids import ReportId


class Base(DeclarativeBase):
    """Base class of this service's mappings."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[object, object]] = {ReportId: Uuid}

    @classmethod
    def table(cls) -> Table:
        """Return the plain table: what every request writes goes past the mapper, in statements that are made once."""
        return cast(Table, cls.__table__)
