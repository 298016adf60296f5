"""The tables of messaging in every service's database; the service's own migrations create them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from shared.db.metadata import NAMING, personal

messaging_metadata = MetaData(naming_convention=NAMING)

_CONTENT = personal("what an event says, until it is published or settled", retention="event")

outbox = Table(
    "outbox",
    messaging_metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary, info={**_CONTENT}),
    Column("headers", Text, nullable=False),
    Column("type", Text),
    Column("subject", Uuid),
    Column("sequence", Integer),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    UniqueConstraint("subject", "topic", "sequence"),
)
Index("ix_outbox_unpublished", outbox.c.id, postgresql_where=outbox.c.published_at.is_(None))
Index("ix_outbox_published_at", outbox.c.published_at, postgresql_using="brin")

inbox = Table(
    "inbox",
    messaging_metadata,
    Column("group_name", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", Integer),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("handled_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("group_name", "source", "event_id"),
)
Index(
    "ix_inbox_aggregate",
    inbox.c.subject,
    inbox.c.sequence,
    inbox.c.group_name,
    inbox.c.source,
    inbox.c.topic,
    postgresql_where=inbox.c.sequence.is_not(None),
)
Index("ix_inbox_handled_at", inbox.c.handled_at, postgresql_using="brin")

dead_letter = Table(
    "dead_letter",
    messaging_metadata,
    Column("id", Uuid, primary_key=True),
    Column("group_name", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("source", Text),
    Column("event_id", Text),
    Column("type", Text),
    Column("report_id", Uuid),
    Column("key", LargeBinary),
    Column("value", LargeBinary, info={**_CONTENT}),
    Column("headers", Text, nullable=False),
    Column("appended_at", DateTime(timezone=True), nullable=False),
    Column("error_class", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("action", Text),
    Column("action_by", Text),
    Column("action_reason", Text),
    Column("requested_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    CheckConstraint("action in ('replayed', 'discarded')", name="action"),
    UniqueConstraint("group_name", "topic", "partition", "offset"),
    UniqueConstraint("group_name", "source", "event_id"),
)
Index(
    "ix_dead_letter_open",
    dead_letter.c.group_name,
    dead_letter.c.recorded_at,
    postgresql_where=dead_letter.c.settled_at.is_(None),
)

dead_letter_step = Table(
    "dead_letter_step",
    messaging_metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("dead_letter_id", Uuid, ForeignKey("dead_letter.id"), nullable=False, index=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False, comment="a staff id, or signpost"),
    Column("reason", Text, info={**personal("why an operator replayed or discarded an event", retention="event")}),
    Column("error_class", Text),
)

ended_session = Table(
    "ended_session",
    messaging_metadata,
    Column("id", Uuid, primary_key=True, comment="of the session, or made of the subject"),
    Column("subject", Text, info={**personal("whose sessions were ended", retention="session")}),
    Column("not_before", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("(subject is null) = (not_before is null)", name="whose"),
)
Index("ix_ended_session_recorded_at", ended_session.c.recorded_at)

parked_event = Table(
    "parked_event",
    messaging_metadata,
    Column("group_name", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary, info={**_CONTENT}),
    Column("headers", Text, nullable=False),
    Column("appended_at", DateTime(timezone=True), nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("group_name", "source", "event_id"),
)
Index(
    "ix_parked_event_aggregate",
    parked_event.c.group_name,
    parked_event.c.source,
    parked_event.c.topic,
    parked_event.c.subject,
    parked_event.c.sequence,
)
