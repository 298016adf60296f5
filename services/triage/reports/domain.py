"""A report by any form in one shape, and what triage derives from it: its nature, the people and the accounts."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from uuid import UUID

from services.triage.accounts.domain import Handle
from shared.addresses import canonical_link
from shared.events import platforms
from shared.events.intake import Person, Subject
from shared.events.people import folded, identity_keys, keys_of_named, name_words
from shared.events.vocabulary import UNRECOGNISED, AddedBy, Behaviour, ContentState, Relation, ReportType, YesNoUnsure

ANSWERS_IN_WORDS: Mapping[str, str] = {
    "account": "the account",
    "affected": "who is affected",
    "asset_note": "what the information or device is",
    "asset_owner": "whose asset it is",
    "circumstances": "how it happened",
    "content_kind": "what kind of content it is",
    "content_state": "where the content is now",
    "dwp_information": "whether information of the department was shown",
    "effects": "what was done to the asset",
    "handles": "the accounts",
    "misuse": "what happened",
    "behaviours": "what happened",
    "occurred_at": "when it happened",
    "people_affected": "how many people",
    "platform": "where it happened",
    "platform_name": "the name of the platform",
    "subject": "who it is about",
    "suspected": "who may have done it",
    "union_activity": "whether it is about trade union activity",
    "urls": "the links",
}
"""What an answer of a report is called on a page; others by their name."""
HISTORY_DAYS = 30
"""How far back to count earlier reports about the same account. Our choice."""
REPEAT_DAYS = 365
"""How far back to count earlier reports of misuse by the same person. Our choice."""
HISTORY_LIMIT = 10
"""Where counting stops."""

_NOT_ABUSE_BY_ITSELF = frozenset({Behaviour.IMPERSONATION, Behaviour.OTHER, UNRECOGNISED})
"""Impersonation is what a taken-over account does; the other two do not say what happened."""


@dataclass(frozen=True, kw_only=True)
class CodedAnswers:
    """A report's answers as codes: what rules ask and pages show, never what a person wrote.

    An answer that was not given, or that the form does not ask for, is empty. A code that this version does not know is
    `unrecognised`.
    """

    form: str
    """Which form it came by: a `ReportType`."""
    found_by: str = ""
    reporter_kind: str = ""
    platform: str = ""
    content_kind: str = ""
    content_state: str = ""
    behaviours: tuple[str, ...] = ()
    """Kinds of abuse."""
    also_affects: tuple[str, ...] = ()
    manager_alert: str = ""
    misuse: tuple[str, ...] = ()
    """`MisuseBehaviour`s."""
    union_activity: str = ""
    account_kind: str = ""
    """What the report says the account is: an `AccountKind`; the register may class it differently."""
    device: str = ""
    own_time: str = ""
    dwp_information: str = ""
    effects: tuple[str, ...] = ()
    circumstances: tuple[str, ...] = ()
    asset_owner: str = ""
    still_happening: str = ""
    personal_data: str = ""
    people_affected: int | None = None
    own_mistake: bool = False
    channel: str = ""
    taken_over: str = ""
    """Whether an outsider controls an account of the department: `yes`, `no`, `unsure`, or empty if not asked."""
    about: str = ""
    """What advice is wanted on: an `EnquiryTopic`."""
    exception_kind: str = ""

    def coded(self) -> dict[str, object]:
        """Return the answers by name, without the fields of a subclass."""
        values = vars(self)
        return {name: values[name] for name in _CODED}


_CODED = tuple(field.name for field in fields(CodedAnswers))


@dataclass(frozen=True, kw_only=True)
class TriageReport(CodedAnswers):
    """A report as triage knows it, whichever form it came by."""

    report_id: UUID
    reference: str
    submitted_at: datetime
    confidentiality: str
    reporter_staff_id: str | None = None
    reporter_name: str | None = None
    reporter_email: str | None = None
    safe_contact: str | None = None
    platform_name: str | None = None
    affected: tuple[Person, ...] = ()
    suspected: tuple[Person, ...] = ()
    subject: Subject | None = None
    occurred_at: datetime | None = None
    discovered_at: datetime | None = None
    related_reference: str | None = None
    wanted_until: date | None = None
    manager_agreed_at: datetime | None = None
    """When the reporter agreed later that a manager may be told."""
    withdrawn_at: datetime | None = None
    not_readable: tuple[str, ...] = ()
    """Names of the answers that another system sent in a way that intake could not read: they are missing here."""

    # What people wrote, and what may name a person: not read from the database until someone asks to see it.
    narrative: str = ""
    evidence_note: str | None = None
    asset_note: str | None = None
    business_case: str | None = None
    urls: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    account_handle: str | None = None
    """The account involved in an incident."""
    account_platform: str = ""

    @property
    def nature(self) -> ReportType:
        """What the report is by its answers: differs from `form` if the reporter used the wrong form (S3).

        An account in the wrong hands, and no abuse from it, is an incident (decision 0008); abuse by any other form is
        abuse.
        """
        if self.taken_over == YesNoUnsure.YES and not set(self.behaviours) - _NOT_ABUSE_BY_ITSELF:
            return ReportType.SECURITY_INCIDENT
        return ReportType.ABUSE if self.behaviours else ReportType(self.form)

    def says(self, nature: ReportType) -> tuple[str, ...]:
        """Return what happened in the words for a case of that nature, or of another if it has none of its own."""
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
        """Everyone who may have done it: the suspects of abuse, or the subject of misuse."""
        return self.suspected + ((_as_person(self.subject),) if self.subject else ())

    @property
    def is_online(self) -> bool:
        """Whether the content was still there for others to see when it was reported."""
        return self.content_state == ContentState.ONLINE

    def lacks_capture(self, shown: Iterable["Evidence"]) -> bool:
        """Return whether a person who is shown this evidence should capture the content: it is online, with none."""
        return self.is_online and all(item.removed_at for item in shown)

    @property
    def texts(self) -> tuple[str, ...]:
        """What people wrote in it."""
        return (*self.written.values(), *([self.platform_name] if self.platform_name else []))

    @property
    def written(self) -> Mapping[str, str]:
        """What people wrote in it, by the name of the answer; without its content, nothing."""
        written = {
            "narrative": self.narrative,
            "evidence_note": self.evidence_note,
            "asset_note": self.asset_note,
            "business_case": self.business_case,
        }
        return {name: text for name, text in written.items() if text}

    @property
    def happened_at(self) -> datetime:
        """When it happened, as far as the report says; else when it was sent."""
        return self.occurred_at or self.submitted_at

    @property
    def links(self) -> tuple[str, ...]:
        """The links that the report gives; without its content, none."""
        return self.urls

    @property
    def story(self) -> str:
        """What happened, as the reporter told it; empty if it was erased, or not read from the database."""
        return self.narrative

    @property
    def people(self) -> tuple[str, ...]:
        """Names, staff ids and email addresses of the people that it names."""
        named = [name for person in (*self.affected, *self.accused) for name in (person.name, person.staff_id)]
        reporter = (self.reporter_name, self.reporter_staff_id, self.reporter_email)
        return tuple(name for name in (*reporter, *named) if name)

    @property
    def accounts_of_people(self) -> tuple[str, ...]:
        """The accounts of the people that it names, as written."""
        return tuple(person.handle for person in (*self.affected, *self.accused) if person.handle)

    @property
    def account_names(self) -> tuple[str, ...]:
        """The accounts that the report names, as written."""
        return self.handles + ((self.account_handle,) if self.account_handle else ())


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of evidence: what it is, and who added it."""

    evidence_id: UUID
    report_id: UUID
    case_id: UUID
    """The case whose activity record proves it: where a responder added it; else the report's first case."""
    added_at: datetime
    added_by: str
    """An `AddedBy`."""
    sha256: str
    """Of what is kept, in hexadecimal."""
    sha256_sent: str
    size: int
    """In bytes."""
    media_type: str
    scan: str
    """A `Scan`."""
    cleaned: bool = False
    """Whether a copy without metadata is kept."""
    message_id: UUID | None = None
    link: int | None = None
    """Which link of the report it shows, counted from 0."""
    removed_at: datetime | None = None
    responder: str | None = None
    """Staff id of the person of the team who added it."""
    note: str | None = None
    """What the person who added it says about it."""

    @property
    def from_reporter(self) -> bool:
        """Whether the reporter sent it: then every case of the report shows it (decision 0058)."""
        return self.added_by != AddedBy.TEAM

    def is_shown(self, cases: Collection[UUID]) -> bool:
        """Return whether a person who may see these cases of the report is shown it."""
        return self.from_reporter or self.case_id in cases


def accounts_named(report: TriageReport) -> tuple[Handle, ...]:
    """Return the accounts that links, handles and people name; leave out what cannot be parsed.

    A link without the known shape of a profile names no account, so it is no repeat of anything.
    """
    texts = (*report.handles, *(person.handle for person in report.accused if person.handle))
    found = [_from_text(report.platform, text) for text in texts]
    if report.account_handle:
        found.append(_from_text(report.account_platform, report.account_handle))
    found += [Handle(*pair) if (pair := platforms.from_url(url, report.platform)) else None for url in report.urls]
    return tuple(dict.fromkeys(handle for handle in found if handle))


def accounts_if_registered(report: TriageReport) -> tuple[Handle, ...]:
    """Return the accounts that links name only if the register has them: anyone can run a server of Mastodon."""
    unknown = (url for url in report.urls if platforms.from_url(url, report.platform) is None)
    return tuple(Handle(*pair) for url in unknown if (pair := platforms.from_url(url, platforms.ON_ANY_SERVER)))


def subject_keys(report: TriageReport) -> tuple[str, ...]:
    """Return keys that find earlier misuse by the same person: their staff id and their account.

    A name alone identifies no one for certain, so it is not used.
    """
    if report.subject is None or report.nature is not ReportType.MISUSE:
        return ()
    keys = [f"id:{folded(report.subject.staff_id)}"] if report.subject.staff_id else []
    handle = _from_text(report.platform, report.subject.handle) if report.subject.handle else None
    return (*keys, f"account:{handle}") if handle else tuple(keys)


def link_keys(report: TriageReport) -> frozenset[str]:
    """Return the links of a report, each in the one spelling that links to the same page share.

    An address that is just a profile is none of them: its account stands for it, and ends earlier if it is personal.
    """
    keys = {key for link in report.links if (key := canonical_link(link))}
    return frozenset(key for key in keys if not platforms.is_profile(key, report.platform))


def harmed_keys(report: TriageReport) -> frozenset[str]:
    """Return keys of the persons harmed: staff numbers, and names of two words or more, which may be a namesake's."""
    keys: set[str] = set()
    for person in report.affected:
        own = person.relation == Relation.SELF
        staff_id = person.staff_id or (report.reporter_staff_id if own else None)
        words = name_words(person.name or (report.reporter_name if own else None) or "")
        keys |= {f"id:{folded(staff_id)}"} if staff_id else set()
        keys |= {f"name:{' '.join(sorted(words))}"} if len(words) > 1 else set()
    return frozenset(keys)


def kept_from(report: TriageReport, *, restricted: bool) -> list[str]:
    """Return keys of people who may never open a case: the accused and, if it is restricted, the reporter."""
    keys = {key for person in report.accused for key in keys_of_named(person)}
    if restricted:
        keys |= identity_keys(staff_id=report.reporter_staff_id, email=report.reporter_email)
    return sorted(keys)


def _as_person(subject: Subject) -> Person:
    return Person(relation=Relation.COLLEAGUE, **dict(subject))


def _from_text(platform: str, text: str) -> Handle | None:
    try:
        return Handle(platform, platforms.canonical_handle(platform, text))
    except platforms.InvalidHandle:
        return None
