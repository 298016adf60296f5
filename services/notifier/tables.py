"""The declarative base of notifier's tables."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from shared.db.metadata import NAMING


class Base(DeclarativeBase):
    """Base class of this service's mappings."""

    metadata = MetaData(naming_convention=NAMING)
