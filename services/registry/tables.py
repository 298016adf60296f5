"""The declarative base of the registry's tables."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from shared.db.naming import NAMING


class Base(DeclarativeBase):
    """Every mapping of this service."""

    metadata = MetaData(naming_convention=NAMING)
