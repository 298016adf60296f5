"""The tables of messaging in every service's database; the service's own migrations create them."""

import sqlalchemy as sa

from shared.db.metadata import NAMING, personal

messaging_metadata = sa.MetaData(naming_convention=NAMING)

_CONTENT = personal("what an event says, until it is published or settled", retention="event")
_WHY = personal("why an operator replayed or discarded an event", retention="event")

outbox = sa.Table(
    "outbox",
    messaging_metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary, info={**_CONTENT}),
    sa.Column("headers", sa.Text, nullable=False),
    sa.Column("type", sa.Text),
    sa.Column("subject", sa.Uuid),
    sa.Column("sequence", sa.Integer),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.UniqueConstraint("subject", "topic", "sequence"),
)
sa.Index("ix_outbox_unpublished", outbox.c.id, postgresql_where=outbox.c.published_at.is_(None))
sa.Index("ix_outbox_published_at", outbox.c.published_at, postgresql_using="brin")

inbox = sa.Table(
    "inbox",
    messaging_metadata,
    sa.Column("group_name", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("sequence", sa.Integer),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("handled_at", sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint("group_name", "source", "event_id"),
)
sa.Index(
    "ix_inbox_aggregate",
    inbox.c.subject,
    inbox.c.sequence,
    inbox.c.group_name,
    inbox.c.source,
    inbox.c.topic,
    postgresql_where=inbox.c.sequence.is_not(None),
)
sa.Index("ix_inbox_handled_at", inbox.c.handled_at, postgresql_using="brin")

dead_letter = sa.Table(
    "dead_letter",
    messaging_metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("group_name", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text),
    sa.Column("event_id", sa.Text),
    sa.Column("type", sa.Text),
    sa.Column("report_id", sa.Uuid),
    sa.Column("key", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary, info={**_CONTENT}),
    sa.Column("headers", sa.Text, nullable=False),
    sa.Column("appended_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("error_class", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("action", sa.Text),
    sa.Column("action_by", sa.Text),
    sa.Column("action_reason", sa.Text),
    sa.Column("requested_at", sa.DateTime(timezone=True)),
    sa.Column("settled_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("action in ('replayed', 'discarded')", name="action"),
    sa.UniqueConstraint("group_name", "topic", "partition", "offset"),
    sa.UniqueConstraint("group_name", "source", "event_id"),
)
sa.Index(
    "ix_dead_letter_open",
    dead_letter.c.group_name,
    dead_letter.c.recorded_at,
    postgresql_where=dead_letter.c.settled_at.is_(None),
)

dead_letter_step = sa.Table(
    "dead_letter_step",
    messaging_metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("dead_letter_id", sa.Uuid, sa.ForeignKey("dead_letter.id"), nullable=False, index=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False, comment="a staff id, or signpost"),
    sa.Column("reason", sa.Text, info={**_WHY}),
    sa.Column("error_class", sa.Text),
)

ended_session = sa.Table(
    "ended_session",
    messaging_metadata,
    sa.Column("id", sa.Uuid, primary_key=True, comment="of the session, or made of the subject"),
    sa.Column("subject", sa.Text, info={**personal("whose sessions were ended", retention="session")}),
    sa.Column("not_before", sa.DateTime(timezone=True)),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.CheckConstraint("(subject is null) = (not_before is null)", name="whose"),
)
sa.Index("ix_ended_session_recorded_at", ended_session.c.recorded_at)

parked_event = sa.Table(
    "parked_event",
    messaging_metadata,
    sa.Column("group_name", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("key", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary, info={**_CONTENT}),
    sa.Column("headers", sa.Text, nullable=False),
    sa.Column("appended_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint("group_name", "source", "event_id"),
)
sa.Index(
    "ix_parked_event_aggregate",
    parked_event.c.group_name,
    parked_event.c.source,
    parked_event.c.topic,
    parked_event.c.subject,
    parked_event.c.sequence,
)
