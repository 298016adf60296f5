"""What a report of social media abuse is, and what makes one acceptable. Form and API ask the same questions."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import (
    AlsoAffects,
    Behaviour,
    Confidentiality,
    ContentKind,
    ContentState,
    FoundBy,
    ManagerAlert,
    Relation,
    WorkerKind,
)
from shared.ids import ReceiptCode, Reference, ReportId, StaffId

NARRATIVE_LIMIT = 50_000
"""Characters. A long account of a long campaign fits; a pasted file does not."""
TEXT_LIMIT = 4_000
SHORT_LIMIT = 200
URL_LIMIT = 2_048
LABEL_LIMIT = 63
"""Characters between the dots of a host name (RFC 1035)."""
LIST_LIMIT = 20
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(minutes=5)
"""A clock of another machine may be a little fast; more than this is a mistake."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person affected or suspected, as far as the reporter knows."""

    relation: Relation
    name: str | None = None
    staff_id: str | None = None
    handle: str | None = None


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports. An anonymous reporter has nothing but that word."""

    confidentiality: Confidentiality
    subject: str | None = None
    """How sign-in knows them."""
    staff_id: StaffId | None = None
    name: str | None = None
    email: str | None = None
    worker_kind: WorkerKind | None = None
    safe_contact: str | None = None

    @property
    def anonymous(self) -> bool:
        return self.confidentiality is Confidentiality.ANONYMOUS


ANONYMOUS = Reporter(Confidentiality.ANONYMOUS)


@dataclass(frozen=True, slots=True)
class AbuseReport:
    """The command to take a report of abuse (S1, S2, S3)."""

    reporter: Reporter
    platform: str
    behaviours: tuple[Behaviour, ...]
    affected: tuple[Person, ...]
    narrative: str
    manager_alert: ManagerAlert
    platform_name: str | None = None
    content_kind: ContentKind | None = None
    content_state: ContentState | None = None
    urls: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    suspected: tuple[Person, ...] = ()
    occurred_at: datetime | None = None
    evidence_note: str | None = None
    also_affects: tuple[AlsoAffects, ...] = ()
    found_by: FoundBy = FoundBy.PERSON
    manager_email: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the reporter is given."""

    report_id: ReportId
    reference: Reference
    receipt_code: ReceiptCode | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is wrong, beside the field it is about. Never carries the value."""

    field: str
    message: str


class ReportRefused(Exception):
    """The report cannot be taken as it is."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__(", ".join(refusal.field for refusal in refusals))
        self.refusals = refusals


class MonitoringRoleRequired(Exception):
    """Only the role `monitoring` may say that monitoring found it (C-h)."""


def default_manager_alert(reporter: Reporter, found_by: FoundBy) -> ManagerAlert:
    """Say whether the manager is told where the reporter did not (our choice under S3).

    A named reporter's manager is. Who asked for confidence or stayed anonymous has to say so, and an affected person
    found by monitoring has to agree first (C-h).
    """
    named = reporter.confidentiality is Confidentiality.NAMED
    return ManagerAlert.YES if named and found_by is FoundBy.PERSON else ManagerAlert.NO


def refusals(report: AbuseReport, now: datetime) -> tuple[Refusal, ...]:
    """Return everything that is wrong with `report`, in the order of its fields."""
    return tuple(
        Refusal(name, message)
        for check in (_where, _what, _when, _who, _manager, _anonymous, _texts)
        for name, message in check(report, now)
    )


def check_found_by(report: AbuseReport, *, may_monitor: bool) -> None:
    """Let only routine monitoring say that it found something.

    Raises:
        MonitoringRoleRequired: somebody else said so.
    """
    if report.found_by is FoundBy.MONITORING and not may_monitor:
        raise MonitoringRoleRequired


Findings = Iterator[tuple[str, str]]


def _where(report: AbuseReport, _now: datetime) -> Findings:
    if report.platform not in PLATFORMS:
        yield "platform", "Select where it happened"
    if report.platform == "other" and is_blank(report.platform_name):
        yield "platform_name", "Enter the name of the website or app"
    if any(not is_web_address(url) for url in report.urls):
        yield "urls", "Enter links like https://www.example.com/post/123, one on each line"
    for name in ("urls", "handles"):
        if len(getattr(report, name)) > LIST_LIMIT:
            yield name, f"Enter {LIST_LIMIT} or fewer"


def _what(report: AbuseReport, _now: datetime) -> Findings:
    if not report.behaviours:
        yield "behaviours", "Select what kind of abuse it is"
    if is_blank(report.narrative):
        yield "narrative", "Tell us what happened"
    elif len(report.narrative) > NARRATIVE_LIMIT:
        yield "narrative", f"What happened must be {NARRATIVE_LIMIT:,} characters or fewer"


def _when(report: AbuseReport, now: datetime) -> Findings:
    if report.occurred_at is None:
        return
    if report.occurred_at > now + CLOCK_TOLERANCE:
        yield "occurred_at", "When it happened must be in the past"
    elif report.occurred_at < EARLIEST:
        yield "occurred_at", f"When it happened must be after {EARLIEST.year}"


def _who(report: AbuseReport, _now: datetime) -> Findings:
    if not report.affected:
        yield "affected", "Select who is affected"
    for name in ("affected", "suspected"):
        if len(getattr(report, name)) > LIST_LIMIT:
            yield name, f"Enter {LIST_LIMIT} people or fewer"


def _manager(report: AbuseReport, _now: datetime) -> Findings:
    if report.manager_email is not None and not is_email(report.manager_email):
        yield "manager_email", "Enter an email address, like name@example.org"


def _anonymous(report: AbuseReport, _now: datetime) -> Findings:
    if not report.reporter.anonymous:
        return
    for attribute in fields(Reporter):
        if attribute.name != "confidentiality" and getattr(report.reporter, attribute.name) is not None:
            yield attribute.name, "An anonymous report keeps nothing about you: leave this out, or sign in"
    if any(person.relation is Relation.SELF and (person.name or person.staff_id) for person in report.affected):
        yield "affected", "An anonymous report keeps nothing about you: leave out your own name and staff number"


def _texts(report: AbuseReport, _now: datetime) -> Findings:
    for name, text, limit in _limited(report):
        if "\0" in text:
            yield name, "Remove the character that cannot be kept (U+0000)"
        elif len(text) > limit:
            yield name, f"This must be {limit:,} characters or fewer"


def _limited(report: AbuseReport) -> Iterator[tuple[str, str, int]]:
    yield "narrative", report.narrative, max(NARRATIVE_LIMIT, len(report.narrative))
    for name, limit in (("platform_name", SHORT_LIMIT), ("evidence_note", TEXT_LIMIT), ("manager_email", SHORT_LIMIT)):
        yield name, getattr(report, name) or "", limit
    for name, limit in (("urls", URL_LIMIT), ("handles", SHORT_LIMIT)):
        yield from ((name, text, limit) for text in getattr(report, name))
    for name in ("affected", "suspected"):
        for person in getattr(report, name):
            yield from ((name, text or "", SHORT_LIMIT) for text in (person.name, person.staff_id, person.handle))
    for name in ("name", "email", "safe_contact"):
        yield name, getattr(report.reporter, name) or "", TEXT_LIMIT if name == "safe_contact" else SHORT_LIMIT


def is_blank(text: str | None) -> bool:
    """Say whether there is nothing to read: empty, white space, or characters without a shape."""
    return not any(character.isprintable() and not character.isspace() for character in text or "")


def is_web_address(text: str) -> bool:
    """Say whether `text` is an http or https address of a named host."""
    if any(character.isspace() or not character.isprintable() for character in text):
        return False
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and (_is_host_name(host) or _is_address(host))


def is_email(text: str) -> bool:
    """Say whether `text` could be an address; whether mail may go there is decided by who sends it."""
    local, at, domain = text.rpartition("@")
    return bool(at and local) and "@" not in local and not any(c.isspace() for c in text) and _is_host_name(domain)


def _is_host_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return len(labels) > 1 and all(
        0 < len(label) <= LABEL_LIMIT and label.replace("-", "").isalnum() and not label.startswith("-")
        for label in labels
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
