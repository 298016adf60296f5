"""Tables of the activity record. A service that has one adds `audit_metadata` to its migrations."""

from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.metadata import NAMING, personal

audit_metadata = MetaData(naming_convention=NAMING)

activity = Table(
    "activity",
    audit_metadata,
    Column("chain_id", Uuid, primary_key=True, comment="the case or account"),
    Column("position", Integer, primary_key=True, comment="from 1, without holes"),
    Column("id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False, comment="a staff id, or system:<service>"),
    Column("action", Text, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    Column("digests", JSONB, nullable=False, comment="name of a personal field -> its salted digest"),
    Column(
        "content",
        JSONB(none_as_null=True),
        info=personal("what was written when the case or account was changed", retention="case"),
        comment="name of a personal field -> salt and text; null once erased, and the chain still verifies",
    ),
    Column("hash", LargeBinary, nullable=False),
)

chain_head = Table(
    "chain_head",
    audit_metadata,
    Column("chain_id", Uuid, primary_key=True),
    Column("length", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("anchored_length", Integer, nullable=False, server_default="0"),
)
Index(
    "ix_chain_head_unanchored",
    chain_head.c.chain_id,
    postgresql_where=chain_head.c.length > chain_head.c.anchored_length,
)

anchor = Table(
    "anchor",
    audit_metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("chains", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
)

anchored_chain = Table(
    "anchored_chain",
    audit_metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("chain_id", Uuid, primary_key=True),
    Column("length", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
