"""The one metadata of notifier's tables."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from shared.db.metadata import NAMING


class Base(DeclarativeBase):
    """What every table of notifier derives from."""

    metadata = MetaData(naming_convention=NAMING)
