"""Who works on a misuse case, and who else is alerted. Pure (R-c, R-d; how to handle conflicts is our choice)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from services.notifier.alerts.domain import AddressBook, Choice, Recipient, choose_recipient
from services.notifier.directory.domain import Directory, StaffMember
from services.notifier.reports.domain import MisuseFacts
from shared.events.intake import Person, Reporter, Subject
from shared.events.people import may_be, name_words, same_address
from shared.events.vocabulary import Confidentiality, RecipientReason, Relation, YesNoUnsure
from shared.ids import CaseId, ReportId

MOST_TRIED = 3
"""How many managers a case goes to, one after another if they cannot or do not act; then the desk decides."""
_NEVER: dict[str, RecipientReason] = {
    Confidentiality.CONFIDENTIAL: RecipientReason.NOBODY_CONFIDENTIAL,
    Confidentiality.ANONYMOUS: RecipientReason.NOBODY_ANONYMOUS,
}


@dataclass(frozen=True, slots=True)
class RoutedCase:
    """A case that triage routed, or that a person gave to managers."""

    case_id: CaseId
    report_id: ReportId
    reference: str
    event_id: str
    at: datetime
    union_activity: bool
    """Whether triage found that it may be about union activity, whatever the report says (C-j)."""
    for_a_manager: bool
    """Whether it is with the line managers' team, so that a manager has to work on it."""
    by_a_person: bool
    """Whether the triage desk gave it to a manager, knowing what it is about."""


@dataclass(frozen=True, slots=True)
class ChoiceContext:
    """What a choice about misuse depends on."""

    directory: Directory
    day: date
    book: AddressBook
    desk: Recipient
    """The triage desk's mailbox, alerted without anything personal if no manager may work on it."""


def may_be_union_activity(facts: MisuseFacts) -> bool:
    """Return whether the report is, or may be, about union activity, in which case no manager is alerted (C-j)."""
    return facts.union_activity is not YesNoUnsure.NO


def choose_manager(facts: MisuseFacts | None, context: ChoiceContext, *, passed_over: Collection[str] = ()) -> Choice:
    """Choose who works on the case: the subject's manager, or the next one up who is not involved; else the desk.

    Args:
        facts: what is known about the report; None if nothing is.
        context: the directory, the day and the desk.
        passed_over: keys of recipients who must not work on it: they know who reported, or said that they cannot act.
    """
    subject = subject_of(facts.subject, context.directory) if facts else None
    line = context.directory.chain_above(subject.staff_id, context.day) if subject else ()
    if facts is None or not line:
        return Choice(RecipientReason.FALLBACK_NO_MANAGER_KNOWN, context.desk)
    free = [
        Recipient(member.email, member.staff_id)
        for member in line
        if not _is_part_of_it(member, facts, context.directory) and not {member.staff_id, member.email} & {*passed_over}
    ][:MOST_TRIED]
    if not free:
        return Choice(RecipientReason.FALLBACK_ALL_CONFLICTED, context.desk)
    first = free[0].staff_id == line[0].staff_id
    reason = RecipientReason.SUBJECTS_MANAGER if first else RecipientReason.CONFLICTED_NEXT_UP
    return Choice(reason, free[0], (*free[1:], context.desk))


def choose_reporters_manager(facts: MisuseFacts, context: ChoiceContext, working: Recipient | None) -> Choice:
    """Choose which manager is alerted that one of their people reported misuse (R-c); no manager above them is.

    Never the manager who works on the case. No one, if the reporter is confidential, anonymous or has declined, or if
    it may be about union activity.
    """
    if may_be_union_activity(facts):
        return Choice(RecipientReason.NOBODY_UNION_ACTIVITY)
    if reason := _NEVER.get(facts.reporter.confidentiality):
        return Choice(reason)
    choice = choose_recipient(facts, context.directory, context.book)
    if choice.recipient and working and same_address(choice.recipient.email, working.email):
        return Choice(RecipientReason.NOBODY_MANAGER_WORKS_IT)
    then = (context.book.fallback,) if choice.recipient not in (None, context.book.fallback) else ()
    return Choice(choice.reason, choice.recipient, then, choice.about)


def without(choice: Choice, told: Recipient | None) -> Choice:
    """Return `choice` without `told` in the rest of the chain, because they know who reported it."""
    then = tuple(r for r in choice.then if told is None or not same_address(r.email, told.email))
    return Choice(choice.reason, choice.recipient, then, choice.about)


def subject_of(subject: Subject, directory: Directory) -> StaffMember | None:
    """Return the one person the report is about; None if it could be someone else.

    A staff id decides, unless the name given with it is another person's; else an address; else a name that exactly one
    person has.
    """
    if known := directory.member(subject.staff_id):
        named = Person(relation=Relation.COLLEAGUE, name=subject.name)
        agrees = may_be(staff_id=None, name=known.name, email=known.email, person=named)
        return known if agrees or not subject.name else None
    for text in (subject.staff_id, subject.name, subject.handle):
        if text and (found := directory.with_email(text.removeprefix("mailto:"))):
            return found
    words = name_words(subject.name or "")
    same = [member for member in directory.staff.values() if words and name_words(member.name) == words]
    return same[0] if len(same) == 1 else None


def _is_part_of_it(member: StaffMember, facts: MisuseFacts, directory: Directory) -> bool:
    subject = subject_of(facts.subject, directory)
    if member == subject or _is_reporter(member, facts.reporter):
        return True
    return any(_is(member, person, directory) for person in facts.affected)


def _is_reporter(member: StaffMember, reporter: Reporter) -> bool:
    if reporter.staff_id:
        return member.staff_id == reporter.staff_id
    if reporter.email and same_address(member.email, reporter.email):
        return True
    said = Person(relation=Relation.SELF, name=reporter.name)
    return bool(reporter.name) and may_be(staff_id=None, name=member.name, email=member.email, person=said)


def _is(member: StaffMember, person: Person, directory: Directory) -> bool:
    if known := directory.member(person.staff_id):
        return known == member
    return may_be(staff_id=member.staff_id, name=member.name, email=member.email, person=person)
