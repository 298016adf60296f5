"""Who is told about an abuse report, and why. Pure (S3, R-c, Sc-a; the choices are ours where the policy is silent)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from services.notifier.directory.domain import Directory, StaffMember
from shared.events.intake import AbuseReportSubmitted, Person
from shared.events.vocabulary import (
    UNRECOGNISED,
    Behaviour,
    Confidentiality,
    FoundBy,
    ManagerAlert,
    RecipientReason,
    Relation,
)
from shared.ids import StaffId

_LONDON = ZoneInfo("Europe/London")
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9-]+(?:\.[a-z0-9-]+)*)")
_WORDS = re.compile(r"[^\W_]+")
_URGENT = frozenset({Behaviour.THREAT, Behaviour.DOXING, Behaviour.INTIMATE_IMAGE, Behaviour.CYBERSTALKING})
_DECLINED: Mapping[str, RecipientReason] = {
    Confidentiality.CONFIDENTIAL: RecipientReason.NOBODY_CONFIDENTIAL,
    Confidentiality.ANONYMOUS: RecipientReason.NOBODY_ANONYMOUS,
}


class Urgency(StrEnum):
    """How soon a manager should act; our choice, before triage has set a priority."""

    URGENT = "urgent"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom an alert goes to. `staff_id` is None for somebody outside the directory and for the fallback."""

    email: str
    staff_id: StaffId | None = None

    @property
    def key(self) -> str:
        """What makes two recipients the same."""
        return self.staff_id or self.email


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Where alerts may go beside the directory (`SIGNPOST_ALERT_DOMAINS`), and where they go when nobody is found."""

    fallback: Recipient
    domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision: somebody, or nobody, and why. `then` is who is told if `recipient` does not answer."""

    reason: RecipientReason
    recipient: Recipient | None = None
    then: tuple[Recipient, ...] = ()
    about: StaffId | None = None
    """The reporter, where their own manager may see who it is."""


def choose_recipient(report: AbuseReportSubmitted, directory: Directory, book: AddressBook) -> Choice:
    """Choose who is told about `report`. Never somebody suspected, never the reporter; exactly one choice, always."""
    if nobody := _why_nobody(report):
        return Choice(nobody)
    if UNRECOGNISED in (report.manager_alert, report.reporter.confidentiality, report.found_by):
        # A newer form said something that this version cannot read: the desk decides, no manager learns of it.
        return _fallback(book, RecipientReason.FALLBACK_NO_MANAGER_KNOWN)
    people = _People.of(report, directory)
    if report.manager_alert is ManagerAlert.SOMEONE_ELSE:
        return _someone_else(report, people, book)
    if report.manager_email and not people.given_without_agreement(report):
        return _named(report.manager_email, people, book)
    return _up_the_line(people, book)


def urgency_of(behaviours: Sequence[Behaviour | Literal["unrecognised"]]) -> Urgency:
    """Doxing, threats, stalking and intimate images do not wait (D-doxing, D-cyberstalking)."""
    return Urgency.URGENT if _URGENT.intersection(behaviours) else Urgency.NORMAL


def day_of(moment: datetime) -> date:
    """Return the day it was in the United Kingdom: reporting lines change at midnight there."""
    return moment.astimezone(_LONDON).date()


def _why_nobody(report: AbuseReportSubmitted) -> RecipientReason | None:
    if report.found_by is FoundBy.MONITORING:
        return RecipientReason.NOBODY_FOUND_BY_MONITORING
    if report.manager_alert is ManagerAlert.ASK_ME_FIRST:
        return RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT
    if report.manager_alert is ManagerAlert.NO:
        return _DECLINED.get(report.reporter.confidentiality, RecipientReason.NOBODY_REPORTER_DECLINED)
    return None


@dataclass(frozen=True, slots=True)
class _People:
    """The people a report touches, found in the directory."""

    directory: Directory
    day: date
    reporter: StaffMember | None
    reporter_email: str
    suspected: tuple[Person, ...]
    line: tuple[StaffMember, ...]
    """Everybody above the reporter, nearest first, conflicted or not."""
    about: StaffId | None

    @classmethod
    def of(cls, report: AbuseReportSubmitted, directory: Directory) -> "_People":
        reporter = directory.member(report.reporter.staff_id) or directory.with_email(report.reporter.email)
        day = day_of(report.submitted_at)
        line = directory.chain_above(reporter.staff_id, day) if reporter else ()
        named = reporter is not None and report.reporter.confidentiality is Confidentiality.NAMED
        return cls(
            directory,
            day,
            reporter,
            (report.reporter.email or "").strip().lower(),
            report.suspected,
            line,
            reporter.staff_id if reporter and named else None,
        )

    def conflicted(self, member: StaffMember) -> bool:
        """Tell whether `member` reported it or is suspected, by staff id, address or name."""
        if self.reporter and member.staff_id == self.reporter.staff_id:
            return True
        return any(_may_be(person, member.staff_id, member.name, member.email) for person in self.suspected)

    def address_conflicted(self, email: str) -> bool:
        """Tell whether an address outside the directory is the reporter's or may be somebody suspected."""
        if email == self.reporter_email:
            return True
        return any(_may_be(person, None, _spelled_by(email), email) for person in self.suspected) or any(
            member.email == email for member in self._suspected_members()
        )

    def clear(self, members: Sequence[StaffMember]) -> tuple[Recipient, ...]:
        return tuple(Recipient(m.email, m.staff_id) for m in members if not self.conflicted(m))

    def above(self, member: StaffMember) -> tuple[StaffMember, ...]:
        return self.directory.chain_above(member.staff_id, self.day)

    def given_without_agreement(self, report: AbuseReportSubmitted) -> bool:
        """Tell whether the address given belongs to the manager of somebody affected who has not agreed (S3)."""
        given = self.directory.with_email(report.manager_email)
        if given is None or given in self.line:
            return False
        return any(
            given in self.directory.chain_above(affected.staff_id, self.day)
            for person in report.affected
            if person.relation is not Relation.SELF and (affected := self.directory.member(person.staff_id))
        )

    def _suspected_members(self) -> tuple[StaffMember, ...]:
        found = (self.directory.member(person.staff_id) for person in self.suspected)
        return tuple(member for member in found if member)


def _named(given: str, people: _People, book: AddressBook) -> Choice:
    """The reporter said who their manager is: believed where the address is one of ours."""
    email = given.strip().lower()
    member = people.directory.with_email(email)
    if member and not people.conflicted(member):
        return _first(RecipientReason.NAMED_ON_REPORT, (member, *people.above(member)), people, book)
    if member:
        above = people.above(member) or people.line
        return _skipping(above, people, book)
    if not _allowed(email, book):
        return _fallback(book, RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED)
    if people.address_conflicted(email):
        return _skipping(people.line, people, book)
    then = tuple(r for r in people.clear(people.line) if r.email != email)
    return Choice(RecipientReason.NAMED_ON_REPORT, Recipient(email), (*then, book.fallback), people.about)


def _someone_else(report: AbuseReportSubmitted, people: _People, book: AddressBook) -> Choice:
    """Not safe for the manager to know: whom the reporter chose, then the desk; never the reporter's own line."""
    if not report.manager_email:
        return _fallback(book, RecipientReason.FALLBACK_NO_MANAGER_KNOWN)
    email = report.manager_email.strip().lower()
    member = people.directory.with_email(email)
    if member is None and not _allowed(email, book):
        return _fallback(book, RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED)
    unsafe = people.conflicted(member) or member in people.line[:1] if member else people.address_conflicted(email)
    if unsafe:
        return _fallback(book, RecipientReason.FALLBACK_ALL_CONFLICTED)
    chosen = Recipient(email, member.staff_id if member else None)
    return Choice(RecipientReason.SOMEONE_ELSE_CHOSEN, chosen, (book.fallback,))


def _up_the_line(people: _People, book: AddressBook) -> Choice:
    if not people.line:
        return _fallback(book, RecipientReason.FALLBACK_NO_MANAGER_KNOWN)
    if people.conflicted(people.line[0]):
        return _skipping(people.line, people, book)
    return _first(RecipientReason.REPORTERS_MANAGER, people.line, people, book)


def _skipping(members: Sequence[StaffMember], people: _People, book: AddressBook) -> Choice:
    if not people.clear(members):
        return _fallback(book, RecipientReason.FALLBACK_ALL_CONFLICTED)
    return _first(RecipientReason.CONFLICTED_NEXT_UP, members, people, book)


def _first(reason: RecipientReason, members: Sequence[StaffMember], people: _People, book: AddressBook) -> Choice:
    recipient, *then = people.clear(members)
    return Choice(reason, recipient, (*then, book.fallback), people.about)


def _fallback(book: AddressBook, reason: RecipientReason) -> Choice:
    return Choice(reason, book.fallback)


def _allowed(email: str, book: AddressBook) -> bool:
    match = _ADDRESS.fullmatch(email)
    return match is not None and match[1] in book.domains


def _may_be(person: Person, staff_id: str | None, name: str, email: str) -> bool:
    """Err on the side of yes: a wrong yes tells the next manager up, a wrong no tells the one who did it."""
    if staff_id and person.staff_id and person.staff_id.strip().casefold() == staff_id.casefold():
        return True
    texts = [text.strip().casefold() for text in (person.name, person.handle, person.staff_id) if text]
    return email in texts or bool(person.name and _same_name(person.name, name))


def _same_name(one: str, other: str) -> bool:
    """Order and case do not matter, nor do more names on one side (`Okafor`, `Grace Okafor`, `OKAFOR, Grace Ada`)."""
    ours, theirs = _words(one), _words(other)
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours)


def _words(name: str) -> frozenset[str]:
    return frozenset(_WORDS.findall(name.casefold()))


def _spelled_by(email: str) -> str:
    return email.partition("@")[0].replace(".", " ")
