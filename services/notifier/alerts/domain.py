"""Who is alerted about a report, and why; the states of an alert. Pure.

The choices follow S3, R-c and Sc-a; where the policy says nothing, they are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from services.notifier.delivery.domain import Urgency
from services.notifier.directory.domain import Directory, StaffMember
from shared.addresses import email_problem
from shared.events.intake import Person, Reporter
from shared.events.people import may_be, same_address
from shared.events.vocabulary import (
    UNRECOGNISED,
    Behaviour,
    Confidentiality,
    FoundBy,
    ManagerAlert,
    Open,
    RecipientReason,
    Relation,
)
from shared.ids import StaffId

_LONDON = ZoneInfo("Europe/London")
_URGENT = frozenset({Behaviour.THREAT, Behaviour.DOXING, Behaviour.INTIMATE_IMAGE, Behaviour.CYBERSTALKING})
_DECLINED: Mapping[str, RecipientReason] = {
    Confidentiality.CONFIDENTIAL: RecipientReason.NOBODY_CONFIDENTIAL,
    Confidentiality.ANONYMOUS: RecipientReason.NOBODY_ANONYMOUS,
}


class Concern(Protocol):
    """What the choice of a recipient needs to know about a report, by any form."""

    @property
    def submitted_at(self) -> datetime: ...
    @property
    def reporter(self) -> Reporter: ...
    @property
    def affected(self) -> tuple[Person, ...]: ...
    @property
    def suspected(self) -> tuple[Person, ...]: ...
    @property
    def found_by(self) -> Open[FoundBy]: ...
    @property
    def manager_alert(self) -> Open[ManagerAlert]: ...
    @property
    def manager_email(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who an alert goes to. `staff_id` is None for a person outside the directory and for the fallback."""

    email: str
    staff_id: StaffId | None = None

    @property
    def key(self) -> str:
        """The key by which two recipients are the same."""
        return self.staff_id or self.email


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Where alerts may go besides the directory (`SIGNPOST_ALERT_DOMAINS`), and the fallback recipient."""

    fallback: Recipient
    domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision: who is alerted, or no one, and why. `then` is who is alerted if `recipient` does not answer."""

    reason: RecipientReason
    recipient: Recipient | None = None
    then: tuple[Recipient, ...] = ()
    about: StaffId | None = None
    """The staff id of a reporter who signed in, where the recipient may see who reported."""


def choose_recipient(report: Concern, directory: Directory, book: AddressBook) -> Choice:
    """Choose who is alerted about `report`: never a suspect, never the reporter; always exactly one choice."""
    if nobody := why_nobody(report):
        return Choice(nobody)
    if UNRECOGNISED in (report.manager_alert, report.reporter.confidentiality, report.found_by):
        # A newer form has an answer that this version cannot read: the desk decides, and no manager is alerted.
        return _fallback(book, RecipientReason.FALLBACK_NO_MANAGER_KNOWN)
    people = _People.of(report, directory)
    given = None if people.given_without_agreement(report) else report.manager_email
    if report.manager_alert is ManagerAlert.SOMEONE_ELSE:
        return _someone_else(given, people, book)
    if given:
        return _named(given, people, book)
    return _up_the_line(people, book)


def urgency_of(behaviours: Sequence[Open[Behaviour]]) -> Urgency:
    """Return how soon to act: doxing, threats, stalking and intimate images cannot wait (D-doxing, D-cyberstalking)."""
    return Urgency.URGENT if _URGENT.intersection(behaviours) else Urgency.NORMAL


def day_of(moment: datetime) -> date:
    """Return the UK day of a moment, because reporting lines change at midnight there."""
    return moment.astimezone(_LONDON).date()


def why_nobody(report: Concern) -> RecipientReason | None:
    """Return why no manager of the reporter is alerted; None if one is."""
    if report.found_by is FoundBy.MONITORING:
        return RecipientReason.NOBODY_FOUND_BY_MONITORING
    if report.manager_alert is ManagerAlert.ASK_ME_FIRST:
        return RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT
    if report.manager_alert is ManagerAlert.NO:
        return _DECLINED.get(report.reporter.confidentiality, RecipientReason.NOBODY_REPORTER_DECLINED)
    return None


@dataclass(frozen=True, slots=True)
class _People:
    """The people involved in a report, from the directory."""

    directory: Directory
    day: date
    proved: StaffMember | None
    """The reporter, if they signed in; only then is their manager looked up."""
    own: tuple[StaffMember, ...]
    """The person who reported, or who may have by an address that anyone could have typed: they get no alert."""
    own_email: str
    suspected: tuple[Person, ...]
    line: tuple[StaffMember, ...]
    """Everyone above the signed-in reporter, nearest first, conflicted or not."""
    about: StaffId | None

    @classmethod
    def of(cls, report: Concern, directory: Directory) -> "_People":
        proved = directory.member(report.reporter.staff_id)
        typed = directory.with_email(report.reporter.email)
        day = day_of(report.submitted_at)
        named = report.reporter.confidentiality is Confidentiality.NAMED
        return cls(
            directory,
            day,
            proved,
            tuple(member for member in (proved, typed) if member),
            (report.reporter.email or "").strip().lower(),
            report.suspected,
            directory.chain_above(proved.staff_id, day) if proved else (),
            proved.staff_id if proved and named else None,
        )

    def conflicted(self, member: StaffMember) -> bool:
        """Return whether `member` is the reporter or a suspect, by staff id, address or name."""
        return member in self.own or any(_is(member, person) for person in self.suspected)

    def address_conflicted(self, email: str) -> bool:
        """Return whether an address outside the directory is the reporter's or may be a suspect's."""
        own = {self.own_email, *(member.email for member in self.own)} - {""}
        known = (member for person in self.suspected if (member := self.directory.member(person.staff_id)))
        suspected = (*self.suspected, *(_as_named(member) for member in known))
        return any(same_address(email, address) for address in own) or any(
            may_be(staff_id=None, name=None, email=email, person=person) for person in suspected
        )

    def unsafe(self, email: str, member: StaffMember | None) -> bool:
        """Return whether the person chosen instead of the manager is that manager, or conflicted."""
        managers = (self.directory.manager_of(own.staff_id, self.day) for own in self.own)
        if any(manager and same_address(email, manager.email) for manager in managers):
            return True
        return self.conflicted(member) if member else self.address_conflicted(email)

    def clear(self, members: Sequence[StaffMember]) -> tuple[Recipient, ...]:
        return tuple(Recipient(m.email, m.staff_id) for m in members if not self.conflicted(m))

    def above(self, member: StaffMember) -> tuple[StaffMember, ...]:
        return self.directory.chain_above(member.staff_id, self.day)

    def given_without_agreement(self, report: Concern) -> bool:
        """Return whether the given address belongs to the manager of an affected person who has not agreed (S3)."""
        given = self.directory.with_email(report.manager_email)
        if given is None or given in self.line:
            return False
        return any(
            given in self.directory.chain_above(affected.staff_id, self.day)
            for person in report.affected
            if person.relation is not Relation.SELF
            for affected in self._meant_by(person)
            if affected != self.proved
        )

    def _meant_by(self, person: Person) -> tuple[StaffMember, ...]:
        known = self.directory.member(person.staff_id)
        return (known,) if known else tuple(m for m in self.directory.staff.values() if _is(m, person))


def _is(member: StaffMember, person: Person) -> bool:
    return may_be(staff_id=member.staff_id, name=member.name, email=member.email, person=person)


def _as_named(member: StaffMember) -> Person:
    return Person(relation=Relation.COLLEAGUE, name=member.name, staff_id=member.staff_id, handle=member.email)


def _named(given: str, people: _People, book: AddressBook) -> Choice:
    """Return the choice for a manager named by the reporter, who is trusted if the address is one of ours."""
    email = given.strip().lower()
    member = people.directory.with_email(email)
    if member and not people.conflicted(member):
        return _first(RecipientReason.NAMED_ON_REPORT, (member, *people.above(member)), people, book)
    if member:
        above = () if member in people.own else people.above(member)
        return _skipping(above or people.line, people, book)
    if not _allowed(email, book):
        return _fallback(book, RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED)
    if people.address_conflicted(email):
        return _skipping(people.line, people, book)
    then = tuple(r for r in people.clear(people.line) if r.email != email)
    return Choice(RecipientReason.NAMED_ON_REPORT, Recipient(email), (*then, book.fallback), people.about)


def _someone_else(given: str | None, people: _People, book: AddressBook) -> Choice:
    """It is not safe for the manager to know: the reporter's choice, then the desk. Their own manager is never told."""
    if not given:
        return _fallback(book, RecipientReason.FALLBACK_NO_MANAGER_KNOWN)
    email = given.strip().lower()
    member = people.directory.with_email(email)
    if member is None and not _allowed(email, book):
        return _fallback(book, RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED)
    if people.unsafe(email, member):
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
    return email_problem(email) is None and email.rpartition("@")[2] in book.domains


class AlertState(StrEnum):
    """The state of an alert; a later state in this list replaces an earlier one."""

    CREATED = "created"
    SENDING = "sending"
    """Attempted, but not yet accepted."""
    FAILED = "failed"
    """No attempt was accepted, and no more will be made. A later receipt that it was accepted replaces this state."""
    SENT = "sent"
    """The provider accepted it. With SMTP, no more is known."""
    UNDELIVERED = "undelivered"
    """The provider accepted it, then reported that it did not arrive, and no more attempts will be made."""
    DELIVERED = "delivered"
    """The provider says that it arrived."""
    ACKNOWLEDGED = "acknowledged"
    """The recipient answered: the last state."""

    @property
    def reached(self) -> bool:
        """Return whether the provider accepted it, and has not said that it failed."""
        return self in (AlertState.SENT, AlertState.DELIVERED, AlertState.ACKNOWLEDGED)

    def after(self, receipt: "AlertState") -> "AlertState":
        """Return the state after `receipt`: the later of the two states, in whatever order they came."""
        return max(self, receipt, key=_ORDER.index)


_ORDER = list(AlertState)
