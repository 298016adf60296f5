"""The metadata that all tables of intake share."""

from typing import ClassVar

from sqlalchemy import MetaData, Uuid
from sqlalchemy.orm import DeclarativeBase

from shared.db.naming import NAMING
from shared.ids import ReportId


class Base(DeclarativeBase):
    """Base of intake's mappings."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[object, object]] = {ReportId: Uuid}
