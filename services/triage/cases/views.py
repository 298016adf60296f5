"""How pages show cases: the words for their codes, and a report's answers as rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from services.triage.deadlines.domain import OfficeHours
from services.triage.reports.domain import ANSWERS_IN_WORDS, TriageReport
from shared.addresses import safe_way
from shared.events.intake import Person, Subject
from shared.events.people import may_be
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import (
    CaseState,
    DeadlineKind,
    FoundBy,
    Outcome,
    Relation,
    ReportType,
    Team,
    WorkerKind,
    YesNoUnsure,
)
from shared.people import Names, named
from shared.web.times import UK, clock_time, near, uk_date, uk_time

FULL_TEAM_NAMES = {
    Team.SMART: "Social Media Abuse Response Team (SMART)",
    Team.SIRT: "Security Incident Response Team (SIRT)",
    Team.LINE_MANAGER: "Line manager",
    Team.ADVICE_CENTRE: "Security Advice Centre",
    Team.POLICY_STANDARDS: "Security Policy and Standards",
    Team.TRIAGE_DESK: "Triage desk",
}
SHORT_TEAM_NAMES = FULL_TEAM_NAMES | {Team.SMART: "SMART", Team.SIRT: "SIRT"}

STATES = {
    CaseState.NEW: "New",
    CaseState.CLAIMED: "Claimed",
    CaseState.IN_PROGRESS: "In progress",
    CaseState.AWAITING_INFORMATION: "Awaiting information",
    CaseState.MERGED: "Merged",
    CaseState.RESOLVED: "Resolved",
    CaseState.CLOSED: "Closed",
}

OUTCOMES = {
    Outcome.REPORTED_TO_PLATFORM: "Reported to the platform",
    Outcome.REMOVED_BY_PLATFORM: "Removed by the platform",
    Outcome.SUPPORT_GIVEN: "Support given",
    Outcome.POLICE_REFERRAL: "Referred to the police",
    Outcome.NO_VIOLATION: "No violation found",
    Outcome.INVALID_REPORT: "Invalid report",
    Outcome.NO_BREACH: "No breach of the policy",
    Outcome.ADVICE_GIVEN: "Advice given",
    Outcome.INFORMAL_ACTION: "Informal action",
    Outcome.DISCIPLINARY_ROUTE: "Disciplinary route",
    Outcome.REFERRED: "Referred to another team",
    Outcome.INSUFFICIENT_INFORMATION: "Not enough information",
    Outcome.EXEMPT: "Outside the policy: trade union activity",
    Outcome.CONTAINED: "Contained",
    Outcome.ERADICATED: "Eradicated",
    Outcome.ACCEPTED: "Risk accepted",
    Outcome.FALSE_POSITIVE: "False positive",
    Outcome.NOT_AN_INCIDENT: "Not a security incident",
    Outcome.ANSWERED: "Answered",
    Outcome.EXCEPTION_GRANTED: "Exception granted",
    Outcome.EXCEPTION_REFUSED: "Exception refused",
    Outcome.DUPLICATE: "Duplicate of another report",
    Outcome.OUT_OF_SCOPE: "Out of scope",
    Outcome.WITHDRAWN: "Withdrawn by the reporter",
}

TYPES = {
    ReportType.ABUSE: "Abuse",
    ReportType.MISUSE: "Misuse",
    ReportType.SECURITY_INCIDENT: "Security incident",
    ReportType.ENQUIRY: "Enquiry",
    ReportType.POLICY_EXCEPTION: "Exception to the policy",
}

OWNERS = {"dwp": "DWP", "supplier": "A supplier", "unsure": "Not sure"}
CHANNELS = {"staff": "The security form", "supplier": "The suppliers’ channel"}
DEVICES = {"dwp": "A DWP device", "personal": "A personal device", "unsure": "Not known"}
ENQUIRY_TOPICS = {
    "policy": "The policy",
    "account": "An account",
    "training": "Training",
    "requirement": "A business requirement that does not fit",
    "other": "Something else",
}
EXCEPTIONS = {
    "request": "A request for an exception",
    "notice": "Notice of an activity that may need an exception",
}

RELATIONS = {
    "self": "The reporter",
    "colleague": "A colleague",
    "customer": "A customer",
    "public": "A member of the public",
    "group": "A group",
    "unknown": "Not known",
}

WORKERS: Mapping[str, str] = {
    WorkerKind.EMPLOYEE: "employee",
    WorkerKind.CONTRACTOR: "contractor",
    WorkerKind.CONSULTANT: "consultant",
    WorkerKind.OTHER_WORKER: "other worker",
    WorkerKind.ALB_STAFF: "staff of an arm’s length body",
    WorkerKind.PUBLIC: "member of the public",
}

READERS = {
    Team.SMART: "the leads of SMART, and people named here",
    Team.SIRT: "the leads of SIRT, and people named here",
    Team.LINE_MANAGER: "the line manager who works on it, everyone at the triage desk, and people named here",
    Team.ADVICE_CENTRE: "everyone at the Security Advice Centre, and people named here",
    Team.POLICY_STANDARDS: "everyone in Security Policy and Standards, and people named here",
    Team.TRIAGE_DESK: "everyone at the triage desk, and people named here",
}
"""Who may see a restricted case of a team (decision 0018). No one who may be accused in it, nor its reporter, does."""

SAID: Mapping[str, str] = {
    # what was done to an asset, and how
    "access": "someone got in without permission",
    "use": "it was used without permission",
    "disclosure": "information got out",
    "modification": "something was changed",
    "loss": "something was lost or stolen",
    "destruction": "something was destroyed or deleted",
    "actual": "it happened",
    "suspected": "it may have happened",
    "accidental": "by accident",
    "deliberate": "on purpose",
    "attempted": "someone tried",
    # abuse and misuse
    "doxing": "doxing (private details made public)",
    "unauthorised_recording": "a recording without permission",
    "intimate_image": "an intimate image",
    "speaks_for_department": "speaks for DWP without permission",
    "mixed_account": "one account for work and private use",
    "association": "links DWP to something that it should not",
    "unsanctioned_account": "an account that was not approved",
    "untrained_operator": "used an official account without training",
    "unapproved_device": "used a device that is not approved",
    "failure_to_report": "did not report an incident",
    # what is at risk as well
    "dwp_information": "DWP information",
    "system": "a DWP system",
    "sanctioned_account": "an official account",
    "account_taken_over": "an account that someone else controls",
    # whether a manager may be told
    "someone_else": "no, someone else was named",
    "ask_me_first": "ask the reporter first",
    "professional_individual": "a named person’s account for DWP",
    "linkedin": "a LinkedIn account",
    "never_online": "was never online",
    "other": "something else",
    "unsure": "not sure",
}
"""What reporters chose, where the code does not say it to a reader. The forms' own words are longer."""

CLOCKS = {
    DeadlineKind.RESPOND: "Respond",
    DeadlineKind.TAKE_OVER: "Respond after the transfer",
    DeadlineKind.UPDATE: "Next update",
    DeadlineKind.REVIEW: "Look at the outcome again",
    DeadlineKind.PERSONAL_DATA_BREACH: "Breach of personal data, 72 hours",
}


def words(code: str) -> str:
    """Return a word of the vocabulary for people to read: `still_happening` → `Still happening`."""
    return _sentence(what(code))


def _sentence(text: str) -> str:
    """Return a text with a capital letter first; names in it stay as they are."""
    return text[:1].upper() + text[1:]


def what(code: str) -> str:
    """Return what was chosen, in the queue: `other` → `something else`."""
    return SAID.get(code) or code.replace("_", " ")


def listed(codes: Iterable[str]) -> str:
    """Return what was chosen, in one line."""
    return ", ".join(map(what, codes))


def what_and_where(codes: Iterable[str], slug: str) -> str:
    """Return what happened, and on which platform, as far as the report says: `Harassment, threat, on Facebook`."""
    return _sentence(", ".join(filter(None, [listed(codes), slug and f"on {platform(slug)}"])))


def platform(slug: str) -> str:
    """Return a platform's name."""
    return PLATFORMS.get(slug) or words(slug)


def clock_words(due_at: datetime | None, now: datetime, hours: OfficeHours | None = None) -> str:
    """Return `12 min left`, `missed by 3 min` or `due tomorrow 9:20am (opens 9:00am)`; empty if no deadline runs.

    Args:
        due_at: when the deadline is due.
        now: the current time.
        hours: in which its time counts; None if it counts day and night.
    """
    if due_at is None:
        return ""
    if due_at <= now:
        return f"missed by {duration(now - due_at)}"
    if hours is None or hours.between(now, due_at) == due_at - now:
        return f"{duration(due_at - now)} left"
    opens = hours.opens_after(now)
    if opens is None:
        return f"due {near(due_at, now)}"
    same_day = opens.astimezone(UK).date() == due_at.astimezone(UK).date()
    return f"due {near(due_at, now)} (opens {clock_time(opens) if same_day else near(opens, now)})"


def duration(length: timedelta) -> str:
    """Return a duration in its two largest units: `45 min`, `2 h 5 min`, `3 days 4 h`."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return "less than 1 min"
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} {'day' if days == 1 else 'days'}" + (f" {hours} h" if hours else "")
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)


NOT_SAID = "Not said"


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One row: the question, and each answer on its own line."""

    key: str
    lines: tuple[str, ...]
    typed: bool = False
    """Whether people may have typed words of it, such as a name; else it is of our own words, codes and times."""
    outside: tuple[str, ...] | None = None
    """What people outside the team may be told of it; None: all of it."""

    @property
    def for_others(self) -> tuple[str, ...]:
        """What people outside the team may be told of it."""
        return self.lines if self.outside is None else self.outside


def nameless(report: TriageReport) -> list[str]:
    """Return the staff numbers that stand without a name in a report; never that of an anonymous reporter."""
    people = [(one.name, one.staff_id) for one in (*report.affected, *report.accused)]
    if report.confidentiality != "anonymous":
        people.append((report.reporter_name, report.reporter_staff_id))
    return [staff_id for name, staff_id in people if staff_id and not name]


def rows(report: TriageReport, names: Names, *, grace: timedelta | None, content: bool) -> list[AnswerRow]:
    """Return the answers of a report.

    Args:
        report: as it was submitted.
        names: of those who are `nameless` in it.
        content: whether the viewer asked to see what was written, and so how to reach the reporter; it was recorded.
        grace: how long after discovery an incident may be reported; None if the viewer may not see that it was late.
    """
    by_form = {
        ReportType.ABUSE: _abuse,
        ReportType.MISUSE: _misuse,
        ReportType.SECURITY_INCIDENT: _incident,
        ReportType.ENQUIRY: _enquiry,
        ReportType.POLICY_EXCEPTION: _exception,
    }
    report = with_names(report, names)
    found = [*by_form[ReportType(report.form)](report), *_reporter(report, content=content)]
    if report.not_readable:
        found.append(_not_readable(report.not_readable))
    if late := _late(report, grace):
        found.append(late)
    return [row for row in found if row.lines]


def allegation(report: TriageReport) -> list[AnswerRow]:
    """Return what the subject's line manager sees: not the reporter, and no other report."""
    others = [one for one in report.affected if not _may_be_reporter(one, report)]
    return [row for row in _alleged(report, others) if row.lines]


def with_names(report: TriageReport, names: Names) -> TriageReport:
    """Return the report with a name for each person of whom it gives only the staff number."""
    return replace(
        report,
        reporter_name=report.reporter_name or names.of(report.reporter_staff_id),
        affected=tuple(_with_name(one, names) for one in report.affected),
        suspected=tuple(_with_name(one, names) for one in report.suspected),
        subject=_with_name(report.subject, names) if report.subject else None,
    )


_Someone = TypeVar("_Someone", Person, Subject)


def _with_name(one: _Someone, names: Names) -> _Someone:
    return one if one.name else one.model_copy(update={"name": names.of(one.staff_id)})


def _abuse(report: TriageReport) -> Iterable[AnswerRow]:
    yield _row("What happened", _coded(report.behaviours))
    yield from _content(report)
    yield _row("When", uk_time(report.occurred_at) if report.occurred_at else NOT_SAID)
    yield _people("Who is affected", report.affected, NOT_SAID)
    yield _people("Who may have done it", report.suspected, "Not known")
    yield _row("Also at risk", _coded(report.also_affects, "Nothing named"))


def _misuse(report: TriageReport) -> Iterable[AnswerRow]:
    yield from _alleged(report, report.affected)
    yield _row("The incident that was not reported", report.related_reference or "", typed=True)
    if report.taken_over:
        yield _row("Someone else controls the account", words(report.taken_over))


def _alleged(report: TriageReport, affected: Sequence[Person]) -> Iterable[AnswerRow]:
    """Return what a person is said to have done; where the report is of abuse, the people suspected of it."""
    yield _people("Who it is about", report.accused, "Not named, or erased")
    if report.misuse or not report.behaviours:
        yield _row("What happened", _coded(report.misuse))
    if report.behaviours:
        yield _row("Abuse", _coded(report.behaviours))
        yield _people("Who is affected", affected, NOT_SAID)
    yield from _content(report)
    yield _row("What the account is", words(report.account_kind))
    yield _row("Device", DEVICES.get(report.device, ""))
    yield _row("In their own time", words(report.own_time))
    yield _row("Information of the department shown", words(report.dwp_information))
    yield _row("When", uk_time(report.occurred_at) if report.occurred_at else NOT_SAID)
    if report.union_activity != YesNoUnsure.NO:
        yield _row("About trade union activity", words(report.union_activity), outside="")


def _incident(report: TriageReport) -> Iterable[AnswerRow]:
    yield _row("What was done to the asset", _coded(report.effects))
    yield _row("How it happened", _coded(report.circumstances))
    yield _row("Whose asset", OWNERS.get(report.asset_owner, words(report.asset_owner)))
    yield _row("Occurred", uk_time(report.occurred_at) if report.occurred_at else "Not known")
    yield _row("Discovered", _discovered(report))
    yield _row("Still happening", words(report.still_happening))
    yield _row("Personal data", words(report.personal_data))
    if report.people_affected is not None and report.personal_data != YesNoUnsure.NO:
        yield _row("How many people", f"{report.people_affected:,}")
    if report.platform:
        yield _row("A social media account", report.platform_name or platform(report.platform), typed=True)
    if report.taken_over:
        yield _row("Someone else controls it", words(report.taken_over))
    if report.behaviours:
        yield _row("Abuse", _coded(report.behaviours))
        yield _people("Who is affected", report.affected, NOT_SAID)
        yield _people("Who may have done it", report.suspected, "Not known")
    if report.own_mistake:
        yield _row("Their own mistake", "Yes. Thank them: people who say so keep others safe.", outside="Yes")
    yield _row("Received through", CHANNELS.get(report.channel, ""))


def _discovered(report: TriageReport) -> str:
    """Return when an incident was discovered. Who gave no time is recorded with the time of the report."""
    if report.discovered_at == report.submitted_at:
        return "When it was reported"
    return uk_time(report.discovered_at) if report.discovered_at else NOT_SAID


def _enquiry(report: TriageReport) -> Iterable[AnswerRow]:
    yield _row("Advice on", ENQUIRY_TOPICS.get(report.about, words(report.about)))


def _exception(report: TriageReport) -> Iterable[AnswerRow]:
    yield _row("What it is", EXCEPTIONS.get(report.exception_kind, "Not said"))
    if report.platform:
        yield _row("Platform", platform(report.platform))
    yield _row("Wanted until", uk_date(report.wanted_until) if report.wanted_until else "")


def _content(report: TriageReport) -> Iterable[AnswerRow]:
    kind = f", {what(report.content_kind)}" if report.content_kind else ""
    yield _row("Where", (report.platform_name or platform(report.platform)) + kind, typed=True)
    yield _row("The content now", words(report.content_state) if report.content_state else NOT_SAID)


def _reporter(report: TriageReport, *, content: bool) -> Iterable[AnswerRow]:
    who = named(report.reporter_name, report.reporter_staff_id) or NOT_SAID
    if kind := WORKERS.get(report.reporter_kind):
        who += f", {kind}"
    if report.confidentiality == "anonymous":
        who = "An anonymous reporter"
    secret = " (confidential: do not tell anyone outside the team)" if report.confidentiality == "confidential" else ""
    yield _row("Reported by", who + secret, typed=True, outside=who)
    if report.found_by == FoundBy.MONITORING:
        yield _row("Noticed by", "Routine monitoring", outside="")
    was_asked = report.form != ReportType.SECURITY_INCIDENT or report.behaviours  # an incident alone asks no one
    if report.manager_alert and was_asked:
        agreed = f", agreed {uk_time(report.manager_agreed_at)}" if report.manager_agreed_at else ""
        yield _row("May the reporter’s manager be told", words(report.manager_alert) + agreed, outside="")
    yield _row(
        "How to reach them", _reach(report) if content else "Shown with what was written", typed=True, outside=""
    )
    yield _row("When you write to them", written_to(report), outside="")


def written_to(report: TriageReport) -> str:
    """Return what becomes of what a team writes to the reporter (decision 0055)."""
    way = safe_way(
        report.confidentiality,
        safe_contact=report.safe_contact,
        email=report.reporter_email,
        staff_id=report.reporter_staff_id,
    )
    if way.by_email:
        return "Signpost emails them at once that there is a message, never what it says."
    if report.confidentiality == "anonymous":
        return "Nothing is emailed, because they are anonymous. They read it with their code, on their report’s page."
    if report.safe_contact:
        return "Nothing is emailed, because they gave another way to reach them. Use that way yourself."
    return "Nothing is emailed, because they gave no safe way to reach them. They read it on their report’s page."


def _reach(report: TriageReport) -> str:
    """Return the way that the reporter said is safe; else their email address, unless they are anonymous."""
    if report.safe_contact:
        return f"{report.safe_contact} (they say that this is safe)"
    if report.reporter_email and report.confidentiality != "anonymous":
        return report.reporter_email
    return "Only by their status page"


def _late(report: TriageReport, grace: timedelta | None) -> AnswerRow | None:
    """Return the row that says an incident was reported late: a fact for SIRT's leads, not an accusation (C-c, C-i)."""
    if grace is None or report.discovered_at is None:
        return None
    took = report.submitted_at - report.discovered_at
    return _row("Time from discovery to report", f"{duration(took)} (late)", outside="") if took > grace else None


def _not_readable(names: Sequence[str]) -> AnswerRow:
    """Return the row that names what is missing because we could not read what the system sent."""
    missing = ", ".join(dict.fromkeys(ANSWERS_IN_WORDS.get(name, name.replace("_", " ")) for name in names))
    text = f"{missing[:1].upper()}{missing[1:]}. Look in the system that sent this report."
    return _row("Not readable", text, outside="")


def _row(key: str, text: str, *, typed: bool = False, outside: str | None = None) -> AnswerRow:
    """Return a row; `outside` is what people outside the team are told instead, nothing if it is empty."""
    return AnswerRow(key, _lines(text), typed, None if outside is None else _lines(outside))


def _lines(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _coded(codes: Sequence[str], otherwise: str = NOT_SAID) -> str:
    return _sentence(listed(codes)) or otherwise


def _people(key: str, people: Sequence[Person], otherwise: str) -> AnswerRow:
    return AnswerRow(key, tuple(map(_person, people)) or (otherwise,), typed=True)


def _may_be_reporter(one: Person, report: TriageReport) -> bool:
    if one.relation == Relation.SELF:
        return True
    named = one.model_copy(update={"relation": Relation.COLLEAGUE})
    return may_be(staff_id=report.reporter_staff_id, name=report.reporter_name, email=None, person=named)


def _person(one: Person) -> str:
    text = RELATIONS.get(one.relation, words(one.relation))
    text += f": {one.name}" if one.name else ""
    text += f" ({one.staff_id})" if one.staff_id else ""
    return text + (f", account {one.handle}" if one.handle else "")
