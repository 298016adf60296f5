"""What all reports have in common, and what a reporter may do with one after sending it."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from shared.encryption import Keys
from shared.events.vocabulary import (
    Confidentiality,
    ContentState,
    FoundBy,
    ManagerAlert,
    Relation,
    ReportType,
    WorkerKind,
)
from shared.ids import ReceiptCode, Reference, ReportId, StaffId

ASK_AGAIN_AFTER = timedelta(days=1)
"""Since sending, and since asking the last time (our choice: a team has a working day)."""
MOST_ADDITIONS = 100
"""To one report: more than a person writes, fewer than a machine."""
MAY_BE_ANONYMOUS = frozenset({ReportType.ABUSE, ReportType.MISUSE, ReportType.SECURITY_INCIDENT})
"""What a setting may let people report without saying who they are; abuse they always may (decision 0057)."""
ASKED_AGAIN = "The reporter asks how far this is."
Findings = Iterator[tuple[str, str]]
"""Fields, and what to do about each."""


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
    """Their subject in sign-in."""
    staff_id: StaffId | None = None
    name: str | None = None
    email: str | None = None
    worker_kind: WorkerKind | None = None
    safe_contact: str | None = None

    @property
    def kind(self) -> WorkerKind | None:
        """What events call the worker's kind."""
        return self.worker_kind

    @property
    def anonymous(self) -> bool:
        return self.confidentiality is Confidentiality.ANONYMOUS


ANONYMOUS = Reporter(Confidentiality.ANONYMOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The command to take a report. Its fields have the names that its event and its row have."""

    reporter: Reporter
    narrative: str

    @abstractmethod
    def findings(self, now: datetime) -> Findings:
        """Yield what is wrong with this kind of report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence(Report):
    """A report of something that happened: abuse, misuse or a security incident."""

    manager_alert: ManagerAlert
    platform: str | None = None
    platform_name: str | None = None
    content_state: ContentState | None = None
    urls: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    affected: tuple[Person, ...] = ()
    occurred_at: datetime | None = None
    evidence_note: str | None = None
    found_by: FoundBy = FoundBy.PERSON
    manager_email: str | None = None
    not_readable: tuple[str, ...] = ()
    """Names of fields that another system sent in a way that cannot be read; a person has no such fields."""

    def __post_init__(self) -> None:
        """Drop the address of a manager who is not told: no one needs it, and it narrows down an anonymous sender."""
        if self.manager_alert is ManagerAlert.NO:
            object.__setattr__(self, "manager_email", None)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the reporter gets back."""

    report_id: ReportId
    reference: Reference
    receipt_code: ReceiptCode | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is wrong, beside the field it is about. Never carries the value."""

    field: str
    message: str


class AdditionKind(StrEnum):
    """What was added."""

    MORE = "more"
    ANSWER = "answer"
    """To the team's question."""
    AGREED = "agreed"
    """That the manager is told."""
    ASKED_AGAIN = "asked_again"
    REVIEW = "review"
    """That the outcome is looked at again, and why."""


@dataclass(frozen=True, slots=True)
class Addition:
    """What a reporter added."""

    kind: AdditionKind
    at: datetime
    text: str | None = field(default=None, repr=False)
    message_id: UUID | None = None
    """What events and evidence call it; None for an agreement, and for what earlier versions stored."""


class ReportRefused(Exception):
    """The report cannot be accepted as it is."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__(", ".join(refusal.field for refusal in refusals))
        self.refusals = refusals


class MonitoringRoleRequired(Exception):
    """Only the role `monitoring` may say that monitoring found it (C-h)."""


def default_manager_alert(reporter: Reporter, found_by: FoundBy) -> ManagerAlert:
    """Return whether the manager is told if the reporter did not say (our choice under S3).

    The manager of a named reporter is. One who asked for confidence or stayed anonymous has to ask for it, and an
    affected person found by monitoring has to agree first (C-h).
    """
    named = reporter.confidentiality is Confidentiality.NAMED
    return ManagerAlert.YES if named and found_by is FoundBy.PERSON else ManagerAlert.NO


def refusals(report: Report, now: datetime) -> tuple[Refusal, ...]:
    """Return everything that is wrong with `report`, in the order of its fields."""
    return tuple(Refusal(name, message) for name, message in report.findings(now))


def check_found_by(report: Report, *, may_monitor: bool) -> None:
    """Let only routine monitoring say that it found something.

    Raises:
        MonitoringRoleRequired: another sender said so.
    """
    if isinstance(report, Occurrence) and report.found_by is FoundBy.MONITORING and not may_monitor:
        raise MonitoringRoleRequired


def may_ask_again(submitted_at: datetime, additions: tuple[Addition, ...], now: datetime) -> bool:
    """Return whether it is time to ask how far a report is."""
    asked = [addition.at for addition in additions if addition.kind is AdditionKind.ASKED_AGAIN]
    return now - max((submitted_at, *asked)) >= ASK_AGAIN_AFTER


class TooManyAdditions(Exception):
    """The report has `MOST_ADDITIONS` already."""


class NothingToAgreeTo(Exception):
    """The reporter did not ask to be asked before the manager is told, or has agreed already."""


class AskedAlready(Exception):
    """It was sent, or asked, less than a day ago."""


class NothingToReview(Exception):
    """The report is not finished, or nothing of it can be looked at again."""


class ReviewAskedAlready(Exception):
    """Its reporter has asked for this outcome to be looked at again before."""


class ReceiptCodes:
    """Hashes and checks receipt codes with the service's own keys, so that a stolen table opens nothing."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def hash(self, code: ReceiptCode) -> bytes:
        """Return what is stored of `code`."""
        return self._keys.sign(code.encode())

    def match(self, code: ReceiptCode, stored: bytes | None) -> bool:
        """Compare in the same time whether or not there is anything to compare with."""
        return self._keys.is_signed(code.encode(), stored or bytes(sha256().digest_size))
