"""Topics: partitions, retention, cleanup, writers and readers. `signpost topics apply` creates or changes them.

With `--acls` it also gives the users of Apache Kafka the rights that follow from writers, readers and groups.

Partitions, retention and readers follow `docs/contracts`; nothing else in the project names a topic's settings.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Cleanup(StrEnum):
    """What the log does with old records."""

    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class Topic:
    """One declared topic."""

    name: str
    writers: tuple[str, ...]
    """Services whose events are trusted here; `external` for a topic that other systems write."""
    readers: tuple[str, ...]
    retention: timedelta | None
    """None: nothing expires; of a compacted topic the newest record of each key stays."""
    cleanup: Cleanup = Cleanup.DELETE
    restricted: bool = False
    """Carries personal data: 7 days at most, readable only by the declared readers."""
    partitions: int = 6


_WEEK = timedelta(days=7)
_MONTH = timedelta(days=30)

ABUSE_REPORTS = Topic("intake.abuse-reports.v1", ("intake",), ("triage", "notifier"), _WEEK, restricted=True)
MISUSE_REPORTS = Topic("intake.misuse-reports.v1", ("intake",), ("triage", "notifier"), _WEEK, restricted=True)
SECURITY_INCIDENTS = Topic("intake.security-incidents.v1", ("intake",), ("triage", "notifier"), _WEEK, restricted=True)
ENQUIRIES = Topic("intake.enquiries.v1", ("intake",), ("triage", "notifier"), _WEEK, restricted=True)
INBOUND = Topic("intake.inbound.v1", ("external",), ("intake",), _WEEK, restricted=True)
LEDGER = Topic("intake.ledger.v1", ("intake",), ("triage",), None, Cleanup.COMPACT, partitions=1)
SESSIONS = Topic(
    "intake.sessions.v1",
    ("intake",),
    ("intake", "triage", "registry", "notifier"),
    timedelta(hours=9),
    Cleanup.COMPACT,
    restricted=True,
    partitions=1,
)
"""intake reads its own events too: all services learn of an ended session in the same way."""
CASES = Topic("triage.cases.v1", ("triage",), ("intake", "notifier", "registry", "triage"), _MONTH)
"""triage reads its own events: the operations figures are a projection like any other."""
REPORTER_UPDATES = Topic("triage.reporter-updates.v1", ("triage",), ("intake", "notifier"), _WEEK, restricted=True)
ACCOUNTS = Topic("registry.accounts.v1", ("registry",), ("triage",), None, Cleanup.COMPACT)
ACCESS = Topic("registry.access.v1", ("registry",), ("notifier",), _MONTH)
DIRECTORY = Topic("notifier.directory.v1", ("notifier",), ("triage", "registry"), _WEEK, restricted=True, partitions=1)
"""Names by staff id. Who reads it keeps them; another import of the directory publishes all of them again."""
ALERTS = Topic("notifier.alerts.v1", ("notifier",), ("intake", "triage"), _MONTH)
DEAD_LETTERS = Topic(
    "operations.dead-letters.v1",
    ("intake", "triage", "registry", "notifier"),
    ("intake", "triage"),
    _MONTH,
    partitions=1,
)
OVERDUE_STEPS = Topic(
    "operations.overdue-steps.v1",
    ("intake", "triage", "registry", "notifier"),
    ("triage",),
    None,
    Cleanup.COMPACT,
    partitions=1,
)

SERVICES = ("intake", "triage", "registry", "notifier")


def sessions_group(service: str) -> str:
    """Return the group in which `service` learns of ended sessions. Its other events cannot hold that up."""
    return f"signpost-{service}-sessions"


GROUPS = {
    "signpost-intake": "intake",
    "signpost-triage": "triage",
    "signpost-intake-inbound": "intake",
    "signpost-triage-accounts": "triage",
    "signpost-triage-operations": "triage",
    "signpost-registry": "registry",
    "signpost-notifier": "notifier",
    **{sessions_group(service): service for service in SERVICES},
}
"""Consumer group → its service."""

WATCHER = "triage"
"""The service whose operations page shows how far every group is behind. It sees their offsets, not their records."""


def writer_of(service: str) -> str:
    """Return the id under which `service` appends; the log fences an earlier appender of the same id."""
    return f"signpost-{service}-relay"


def dead_letter_topic(group: str) -> Topic:
    """Return the topic with copies of the records that `group` could not handle."""
    return Topic(f"{group}.dead-letter", (GROUPS.get(group, group),), (), _WEEK, restricted=True, partitions=1)


TOPICS: tuple[Topic, ...] = (
    ABUSE_REPORTS,
    MISUSE_REPORTS,
    SECURITY_INCIDENTS,
    ENQUIRIES,
    INBOUND,
    LEDGER,
    SESSIONS,
    CASES,
    REPORTER_UPDATES,
    ACCOUNTS,
    ACCESS,
    DIRECTORY,
    ALERTS,
    DEAD_LETTERS,
    OVERDUE_STEPS,
    *(dead_letter_topic(group) for group in GROUPS),
)
"""Every topic."""

BY_NAME = {topic.name: topic for topic in TOPICS}
