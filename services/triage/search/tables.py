"""What can be found of each case, and who searched."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal


class CaseDocument(Base):
    """The words and marks of a case (`domain.Document`)."""

    __tablename__ = "case_document"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    """Newer cases have higher numbers."""
    words: Mapped[str] = mapped_column(
        TSVECTOR, info={**personal("the words by which your case can be found", retention="case")}
    )

    __table_args__ = (Index("ix_case_document_words", "words", postgresql_using="gin"),)


class CaseSearch(Base):
    """That someone searched, without their words. It belongs to no case, so it is forgotten by itself after a year."""

    __tablename__ = "case_search"

    search_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    subject: Mapped[str] = mapped_column(info={**personal("that you searched for cases", retention="search")})
    found: Mapped[int]
    """How many cases, up to the number that is ranked."""

    __table_args__ = (Index("ix_case_search_subject", "subject", "at"), Index("ix_case_search_at", "at"))
