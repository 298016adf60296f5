"""Cases, their notes and who may see a restricted one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal

_Moment = DateTime(timezone=True)
OPEN = "state not in ('resolved', 'closed', 'merged')"
"""The cases a queue shows; its partial indexes need the same words, or PostgreSQL would not use them."""
_YEAR, _MONTH, _DAY = (
    f"cast(extract({part} from opened_at at time zone 'Europe/London') as text)" for part in ("year", "month", "day")
)
_SEEN_AS = "case when outcome = 'exempt' then null when restricted then team || '/restricted' else team end"
FACETS = f"""behaviours || array_remove(array[
  'kind:' || report_type,
  'platform:' || platform,
  'priority:' || priority,
  'state:' || state,
  'takedown:' || takedown,
  'who:' || lower(coalesce(assignee, '')),
  {_SEEN_AS},
  ({_SEEN_AS}) || '/kind:' || report_type,
  case when state in ('resolved', 'closed') then 'finished' when state = 'merged' then 'merged' else 'open' end,
  case when due_at is null then 'no clock' else 'clock' end,
  case when restricted then 'restricted' end,
  case when replied_at is not null then 'replied' end,
  case when review_asked_at is not null then 'review' end,
  case when task_overdue then 'tasks:overdue' end,
  'on:' || {_YEAR},
  'on:' || {_YEAR} || '-' || {_MONTH},
  'on:' || {_YEAR} || '-' || {_MONTH} || '-' || {_DAY}
], null)"""
"""The words by which lists find a case (`facets/domain.py`): what it is, where it stands, and when it was opened."""


def not_finished() -> ColumnElement[bool]:
    """Return the condition of the queue's partial indexes."""
    return literal_column(OPEN, Boolean)


LOOKED_AT = ("team", "restricted", "outcome", "facets", "opened_at", "due_at", "at_risk_at", "priority")
"""What says whether a case fits a list, and where it stands there. None is long: an index has them."""


def _in_order(name: str, key: str, where: str) -> Index:
    """Return an index by which a list looks at one case after the other without reading the cases themselves."""
    others = [column for column in LOOKED_AT if column != key]
    return Index(f"ix_case_{name}", key, "case_id", postgresql_where=text(where), postgresql_include=others)


class CaseRow(Base):
    """One case. `unique (report_id, link_number)`: no case can exist twice, even if an event is delivered twice."""

    __tablename__ = "case"

    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.report_id"))
    link_number: Mapped[int]
    reference: Mapped[str] = mapped_column(unique=True)
    report_type: Mapped[str]
    category: Mapped[str] = mapped_column(server_default="")
    team: Mapped[str]
    state: Mapped[str]
    priority: Mapped[str]
    restricted: Mapped[bool]
    platform: Mapped[str]
    behaviours: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """What happened, in the words of the case's type: behaviours, effects or topics."""
    version: Mapped[int]
    transfers: Mapped[int]
    held_by: Mapped[list[str]] = mapped_column(ARRAY(Text))
    outcome: Mapped[str | None]
    submitted_at: Mapped[datetime] = mapped_column(_Moment)
    opened_at: Mapped[datetime] = mapped_column(_Moment)
    lease_until: Mapped[datetime | None] = mapped_column(_Moment)
    due_at: Mapped[datetime | None] = mapped_column(_Moment)
    at_risk_at: Mapped[datetime | None] = mapped_column(_Moment)
    look_at: Mapped[datetime | None] = mapped_column(_Moment)
    withdrawn_at: Mapped[datetime | None] = mapped_column(_Moment)
    """When the reporter asked to withdraw the report; the team decides."""
    replied_at: Mapped[datetime | None] = mapped_column(_Moment)
    """Since when something that the reporter wrote or sent is unread; None if the team has read everything."""
    breach_aware_at: Mapped[datetime | None] = mapped_column(_Moment)
    """When SIRT recorded that it knows of a breach of personal data (Sc-b)."""
    review_asked_at: Mapped[datetime | None] = mapped_column(_Moment)
    """When the reporter asked for the outcome to be looked at again, while that waits."""
    takedown: Mapped[str] = mapped_column(server_default="")
    """What its take-downs are together: `due`, `asked`, `refused`, `removed`; empty if it has none."""
    task_overdue: Mapped[bool] = mapped_column(server_default=false())
    """Whether the time of one of its tasks has passed; the record says it of the task."""
    only_claimed: Mapped[bool] = mapped_column(server_default=false())
    """Whether no one has worked on it since it was claimed as new: if the claim ends, it is new again."""
    threat_open: Mapped[bool] = mapped_column(server_default=false())
    """Whether someone has to say first whether there is a threat to life."""
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("case.case_id"))
    """The case that it follows (decision 0065)."""
    merged_from: Mapped[str | None]
    """The state that it had when it was merged, while it is."""
    links: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    """Which links of the report it is about, counted from 0; None: all of them."""
    manager: Mapped[str | None] = mapped_column(info={**personal("which manager works it", retention="case")})
    """Staff id of the line manager who works on a case of misuse (R-d)."""
    assignee: Mapped[str | None] = mapped_column(info={**personal("who works on your case", retention="case")})
    assignee_name: Mapped[str | None] = mapped_column(info={**personal("who works on your case", retention="case")})
    last_had_by: Mapped[str | None] = mapped_column(info={**personal("who works on your case", retention="case")})
    """Whose claim ran out: they hear of what the reporter writes, until someone has the case or it was given back."""
    kept_from: Mapped[list[str]] = mapped_column(
        ARRAY(Text), info={**personal("keys of staff who may never open the case", retention="case")}
    )
    kept_from_alone: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), info={**personal("keys of staff who may never open the case", retention="case")}
    )
    """Its own among them, while it has others from the cases merged into it; None: all are its own."""

    facets: Mapped[list[str]] = mapped_column(
        ARRAY(Text), Computed(FACETS, persisted=True), deferred=True,
        info={**personal("who works on your case", retention="case")},
    )  # fmt: skip

    __table_args__ = (
        UniqueConstraint("report_id", "link_number"),
        CheckConstraint("link_number >= 1", name="link_number_from_one"),
        CheckConstraint("(state = 'claimed') <= (assignee is not null)", name="claimed_by_somebody"),
        CheckConstraint(
            "not only_claimed or (coalesce(merged_from, state) = 'in_progress' and assignee is not null)",
            name="only_claimed_in_progress",
        ),
        CheckConstraint("(outcome is null) or state in ('resolved', 'closed')", name="outcome_when_finished"),
        CheckConstraint("(review_asked_at is null) or outcome is not null", name="review_of_an_outcome"),
        _in_order("due", "due_at", "due_at is not null"),
        _in_order("priority", "priority", OPEN),
        Index("ix_case_priority_due", "priority", "due_at", "case_id", postgresql_where=text(OPEN)),
        _in_order("open", "opened_at", OPEN),
        Index("ix_case_opened", "opened_at", "case_id"),
        Index("ix_case_facets", "facets", postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 256}),
        Index(
            "ix_case_active_facets",
            "facets",
            postgresql_using="gin",
            postgresql_where=text(
                f"{OPEN} or due_at is not null or replied_at is not null or review_asked_at is not null"
                " or takedown = 'due'"
            ),
        ),
        CheckConstraint("(state = 'merged') = (merged_from is not null)", name="merged_from_a_state"),
        CheckConstraint("state <> 'merged' or merged_into is not null", name="merged_into_a_case"),
        CheckConstraint("merged_into <> case_id", name="merged_into_another"),
        Index("ix_case_merged_into", "merged_into", postgresql_where=text("merged_into is not null")),
        Index("ix_case_lease", "lease_until", postgresql_where=text("lease_until is not null")),
        Index("ix_case_look", "look_at", postgresql_where=text("look_at is not null")),
        Index("ix_case_at_risk", "at_risk_at", postgresql_where=text("at_risk_at is not null")),
        Index("ix_case_exempt", "case_id", postgresql_where=text("outcome = 'exempt'")),
        Index("ix_case_kept_from", "kept_from", postgresql_using="gin", postgresql_where=text("kept_from <> '{}'")),
    )

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The keys of whom it is kept from for its own sake, not for a case that is merged into it."""
        return tuple(self.kept_from if self.kept_from_alone is None else self.kept_from_alone)

    @property
    def said(self) -> tuple[str, ...]:
        """The codes of what it is about: its platform, and what happened."""
        return (self.platform, *self.behaviours)


class Note(Base):
    """What a responder wrote, for the team or for the reporter, or what the reporter wrote to the team."""

    __tablename__ = "note"

    note_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), index=True)
    at: Mapped[datetime] = mapped_column(_Moment)
    author: Mapped[str] = mapped_column(info={**personal("who works on your case", retention="case")})
    author_name: Mapped[str | None] = mapped_column(info={**personal("who works on your case", retention="case")})
    shared: Mapped[bool]
    kind: Mapped[str] = mapped_column(server_default="")
    """What it is, if `shared` and the author do not say it: a question, or why the reporter writes."""
    message_id: Mapped[UUID | None]
    """The reporter's message, which evidence may have come with."""
    text: Mapped[str] = mapped_column(info={**personal("notes about your case", retention="case")})


class CaseAccess(Base):
    """A person named to see a restricted case."""

    __tablename__ = "case_access"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), primary_key=True)
    subject: Mapped[str] = mapped_column(
        primary_key=True, index=True, info={**personal("who may see your case", retention="case")}
    )


class CaseChanged(Base):
    """A change of a case that a reader (`cases.changes`) has not taken yet. Rows are only added, and taken."""

    __tablename__ = "case_changed"

    reader: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    """Negative for cases that were there before the reader, from the newest on: they come after all changes."""
    case_id: Mapped[UUID]
    at: Mapped[datetime | None] = mapped_column(_Moment)
    """When it changed; None for a case that was there before."""

    __table_args__ = (CheckConstraint("reader in ('search', 'campaigns', 'tasks')", name="known_reader"),)


class Responder(Base):
    """Someone who took a case of a team, and when they last did: colleagues may give them one."""

    __tablename__ = "responder"

    team: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[str] = mapped_column(primary_key=True, info={**personal("staff number", retention="directory")})
    name: Mapped[str | None] = mapped_column(info={**personal("name", retention="directory")})
    last_at: Mapped[datetime] = mapped_column(_Moment)
