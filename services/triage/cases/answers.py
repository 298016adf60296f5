"""A report's answers as rows of the case page, by the form that it came by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.triage.cases import wording
from services.triage.reports.queries import Answers, PersonNamed
from shared.events.parts import Person
from shared.events.people import may_be
from shared.events.vocabulary import FoundBy, Relation, ReportType, YesNoUnsure
from shared.web.times import uk_date, uk_time

NOT_SAID = "Not said"


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One row: what was asked, and each answer in a line of its own."""

    key: str
    lines: tuple[str, ...]


def rows(report: Answers, *, grace: timedelta | None) -> list[AnswerRow]:
    """Return the answers of a report.

    Args:
        report: as it was submitted.
        grace: how long after its discovery an incident may be reported; None where the viewer may not see lateness.
    """
    by_form = {
        ReportType.ABUSE: _abuse,
        ReportType.MISUSE: _misuse,
        ReportType.SECURITY_INCIDENT: _incident,
        ReportType.ENQUIRY: _enquiry,
        ReportType.POLICY_EXCEPTION: _exception,
    }
    found = [*by_form[ReportType(report.form)](report), *_reporter(report)]
    if late := _late(report, grace):
        found.append(late)
    return [row for row in found if row.lines]


def allegation(report: Answers) -> list[AnswerRow]:
    """Return what the manager of its subject sees: nothing of who reported it, and no other report."""
    others = [one for one in report.affected if not _may_be_reporter(one, report.reporter)]
    return [row for row in _alleged(report, others) if row.lines]


def _abuse(report: Answers) -> Iterable[AnswerRow]:
    yield _row("What happened", _coded(report.behaviours))
    yield from _content(report)
    yield _row("When", uk_time(report.occurred_at) if report.occurred_at else NOT_SAID)
    yield _people("Who is affected", report.affected, NOT_SAID)
    yield _people("Who may have done it", report.suspected, "Not known")
    yield _row("Also at risk", _coded(report.also_affects, "Nothing named"))


def _misuse(report: Answers) -> Iterable[AnswerRow]:
    yield from _alleged(report, report.affected)
    yield _row("The incident that was not reported", report.related_reference or "")
    if report.taken_over:
        yield _row("Somebody else controls the account", wording.words(report.taken_over))


def _alleged(report: Answers, affected: Sequence[PersonNamed]) -> Iterable[AnswerRow]:
    """Return what somebody is said to have done; beside abuse it is about whoever is suspected of that."""
    accused = [report.subject] if report.subject else report.suspected
    yield _people("Who it is about", accused, "Not named, or erased")
    if report.misuse or not report.behaviours:
        yield _row("What happened", _coded(report.misuse))
    if report.behaviours:
        yield _row("Abuse", _coded(report.behaviours))
        yield _people("Who is affected", affected, NOT_SAID)
    yield from _content(report)
    yield _row("What the account is", wording.words(report.account_kind or ""))
    yield _row("Device", wording.DEVICES.get(report.device or "", ""))
    yield _row("In their own time", wording.words(report.own_time or ""))
    yield _row("Information of the department shown", wording.words(report.dwp_information or ""))
    yield _row("When", uk_time(report.occurred_at) if report.occurred_at else NOT_SAID)
    if report.union_activity != YesNoUnsure.NO:
        yield _row("About trade union activity", wording.words(report.union_activity or ""))


def _incident(report: Answers) -> Iterable[AnswerRow]:
    yield _row("What was done to the asset", _coded(report.effects))
    yield _row("How it came about", _coded(report.circumstances))
    yield _row("Whose asset", wording.OWNERS.get(report.asset_owner or "", wording.words(report.asset_owner or "")))
    yield _row("Occurred", uk_time(report.occurred_at) if report.occurred_at else "Not known")
    yield _row("Discovered", uk_time(report.discovered_at) if report.discovered_at else NOT_SAID)
    yield _row("Still happening", wording.words(report.still_happening or ""))
    yield _row("Personal data", wording.words(report.personal_data or ""))
    if report.people_affected is not None:
        yield _row("How many people", f"{report.people_affected:,}")
    if report.platform:
        yield _row("A social media account", report.platform_name or wording.platform(report.platform))
    if report.taken_over:
        yield _row("Somebody else controls it", wording.words(report.taken_over))
    if report.behaviours:
        yield _row("Abuse", _coded(report.behaviours))
        yield _people("Who is affected", report.affected, NOT_SAID)
        yield _people("Who may have done it", report.suspected, "Not known")
    if report.own_mistake:
        yield _row("Their own mistake", "Yes. Thank them: people who say so keep others safe.")
    yield _row("Came by", wording.CHANNELS.get(report.channel or "", ""))


def _enquiry(report: Answers) -> Iterable[AnswerRow]:
    yield _row("Advice on", wording.ENQUIRY_TOPICS.get(report.about or "", wording.words(report.about or "")))


def _exception(report: Answers) -> Iterable[AnswerRow]:
    yield _row("What it is", wording.EXCEPTIONS.get(report.exception_kind or "", "Not said"))
    if report.platform:
        yield _row("Platform", wording.platform(report.platform))
    yield _row("Wanted until", uk_date(report.wanted_until) if report.wanted_until else "")


def _content(report: Answers) -> Iterable[AnswerRow]:
    kind = f", {report.content_kind.replace('_', ' ')}" if report.content_kind else ""
    yield _row("Where", (report.platform_name or wording.platform(report.platform)) + kind)
    yield _row("The content now", wording.words(report.content_state) if report.content_state else NOT_SAID)


def _reporter(report: Answers) -> Iterable[AnswerRow]:
    who = report.reporter.name or report.reporter.staff_id or NOT_SAID
    if report.confidentiality == "anonymous":
        who = "An anonymous reporter"
    elif report.confidentiality == "confidential":
        who += " (confidential: do not tell anybody outside the team)"
    yield _row("Reported by", who)
    if report.found_by == FoundBy.MONITORING:
        yield _row("Noticed by", "Routine monitoring")
    if report.manager_alert:
        agreed = f", agreed {uk_time(report.manager_agreed_at)}" if report.manager_agreed_at else ""
        yield _row("May the reporter’s manager be told", wording.words(report.manager_alert) + agreed)
    yield _row("A safe way to reach them", report.safe_contact or "")


def _late(report: Answers, grace: timedelta | None) -> AnswerRow | None:
    """Say that an incident was reported late: a fact for SIRT's leads, never an accusation or a case (C-c, C-i)."""
    if grace is None or report.discovered_at is None:
        return None
    took = report.submitted_at - report.discovered_at
    return _row("Time from discovery to report", f"{wording.duration(took)} (late)") if took > grace else None


def _row(key: str, text: str) -> AnswerRow:
    return AnswerRow(key, (text,) if text else ())


def _coded(codes: Sequence[str], otherwise: str = NOT_SAID) -> str:
    return ", ".join(code.replace("_", " ") for code in codes).capitalize() or otherwise


def _people(key: str, people: Sequence[PersonNamed], otherwise: str) -> AnswerRow:
    return AnswerRow(key, tuple(map(_person, people)) or (otherwise,))


def _may_be_reporter(one: PersonNamed, reporter: PersonNamed) -> bool:
    if one.relation == Relation.SELF:
        return True
    named = Person(relation=Relation.COLLEAGUE, name=one.name, staff_id=one.staff_id, handle=one.handle)
    return may_be(staff_id=reporter.staff_id, name=reporter.name, email=None, person=named)


def _person(one: PersonNamed) -> str:
    text = wording.RELATIONS.get(one.relation, wording.words(one.relation))
    text += f": {one.name}" if one.name else ""
    text += f" ({one.staff_id})" if one.staff_id else ""
    return text + (f", account {one.handle}" if one.handle else "")
