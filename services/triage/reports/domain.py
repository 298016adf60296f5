"""A report by any form in one shape, and what triage reads from it: what it is, and which accounts it names."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.triage.accounts.domain import Handle
from shared.events import platforms
from shared.events.parts import AccountInvolved, Person, Reporter, Subject
from shared.events.people import folded
from shared.events.people_keys import identity_keys, keys_of_named
from shared.events.vocabulary import UNRECOGNISED, Behaviour, Relation, ReportType, YesNoUnsure

HISTORY_DAYS = 30
"""How far back earlier reports about the same account are counted. Our choice."""
REPEAT_DAYS = 365
"""How far back earlier reports of misuse by the same person are counted. Our choice."""
HISTORY_LIMIT = 10
"""Where counting stops."""

_NOT_ABUSE_BY_ITSELF = frozenset({Behaviour.IMPERSONATION, Behaviour.OTHER, UNRECOGNISED})
"""Impersonation is what a taken-over account does; the other two say nothing."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A report as a form took it; what the form does not ask is empty."""

    report_id: UUID
    reference: str
    submitted_at: datetime
    form: ReportType
    reporter: Reporter
    narrative: str
    platform: str = ""
    platform_name: str | None = None
    content_kind: str | None = None
    content_state: str | None = None
    urls: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    behaviours: tuple[str, ...] = ()
    """Kinds of abuse."""
    misuse: tuple[str, ...] = ()
    affected: tuple[Person, ...] = ()
    suspected: tuple[Person, ...] = ()
    also_affects: tuple[str, ...] = ()
    found_by: str = ""
    manager_alert: str | None = None
    occurred_at: datetime | None = None
    evidence_note: str | None = None
    subject: Subject | None = None
    union_activity: str | None = None
    account_kind: str | None = None
    device: str | None = None
    own_time: str | None = None
    dwp_information: str | None = None
    related_reference: str | None = None
    channel: str | None = None
    effects: tuple[str, ...] = ()
    circumstances: tuple[str, ...] = ()
    asset_owner: str | None = None
    asset_note: str | None = None
    discovered_at: datetime | None = None
    still_happening: str | None = None
    personal_data: str | None = None
    people_affected: int | None = None
    own_mistake: bool = False
    account: AccountInvolved | None = None
    taken_over: str | None = None
    about: str | None = None
    exception_kind: str | None = None
    business_case: str | None = None
    wanted_until: date | None = None

    @property
    def nature(self) -> ReportType:
        """What it is by its answers: differs from `form` where the form was the wrong one (S3).

        Somebody's account in the wrong hands, and nobody abused from it, is an incident (decision 0008); abuse by any
        other form is abuse.
        """
        if self.taken_over == YesNoUnsure.YES and not set(self.behaviours) - _NOT_ABUSE_BY_ITSELF:
            return ReportType.SECURITY_INCIDENT
        return ReportType.ABUSE if self.behaviours else self.form

    def says(self, nature: ReportType) -> tuple[str, ...]:
        """Return what happened in the words of a case of that nature; of another where it has none of its own."""
        words = {
            ReportType.ABUSE: self.behaviours,
            ReportType.MISUSE: self.misuse,
            ReportType.SECURITY_INCIDENT: self.effects or self.also_affects,
            ReportType.ENQUIRY: (self.about,) if self.about else (),
            ReportType.POLICY_EXCEPTION: (self.exception_kind,) if self.exception_kind else (),
        }
        return words[nature] or self.behaviours or self.misuse

    @property
    def accused(self) -> tuple[Person, ...]:
        """Everybody who may have done it: suspected of abuse, or the subject of misuse."""
        return self.suspected + ((_as_person(self.subject),) if self.subject else ())


def accounts_named(report: Filed) -> tuple[Handle, ...]:
    """Return the accounts that links, handles and persons name; what cannot be read names none."""
    texts = (*report.handles, *(person.handle for person in report.accused if person.handle))
    found = [_from_text(report.platform, text) for text in texts]
    if report.account and report.account.handle:
        found.append(_from_text(report.account.platform, report.account.handle))
    found += [Handle(*pair) if (pair := platforms.from_url(url)) else None for url in report.urls]
    return tuple(dict.fromkeys(handle for handle in found if handle))


def subject_keys(report: Filed) -> tuple[str, ...]:
    """Return keys under which misuse by the same person is found again: their staff id, and their account.

    A name alone is nobody for certain, so it counts for nobody.
    """
    if report.nature is not ReportType.MISUSE or report.subject is None:
        return ()
    keys = [f"id:{folded(report.subject.staff_id)}"] if report.subject.staff_id else []
    handle = _from_text(report.platform, report.subject.handle) if report.subject.handle else None
    return (*keys, f"account:{handle}") if handle else tuple(keys)


def kept_from(report: Filed, *, restricted: bool) -> list[str]:
    """Return keys of those who may never open a case: who is accused, and who reported where it is restricted."""
    keys = {key for person in report.accused for key in keys_of_named(person)}
    if restricted:
        keys |= identity_keys(staff_id=report.reporter.staff_id, email=report.reporter.email)
    return sorted(keys)


def _as_person(subject: Subject) -> Person:
    return Person(relation=Relation.COLLEAGUE, name=subject.name, staff_id=subject.staff_id, handle=subject.handle)


def _from_text(platform: str, text: str) -> Handle | None:
    try:
        return Handle(platform, platforms.canonical_handle(platform, text))
    except platforms.InvalidHandle:
        return None
