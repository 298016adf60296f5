"""Questions that are asked of reports of more than one kind. Each yields the fields that are wrong and what to do."""

from collections.abc import Iterator, Mapping, Sized
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import Enum

from services.intake.reports.domain import Findings, Occurrence, Refusal, Report, ReportRefused
from shared import text as rule
from shared.addresses import email_problem, link_problem
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Relation

NARRATIVE_LIMIT = 50_000
"""Characters. A long account of a long campaign fits; a pasted file does not."""
TEXT_LIMIT = 4_000
SHORT_LIMIT = 200
LIMITS = {
    "narrative": NARRATIVE_LIMIT,
    "evidence_note": TEXT_LIMIT,
    "safe_contact": TEXT_LIMIT,
    "asset_note": TEXT_LIMIT,
    "business_case": NARRATIVE_LIMIT,
    "urls": 2_048,
}
"""Characters of a text; `SHORT_LIMIT` where nothing is said."""
LIST_LIMIT = 20
SIGN_IN = "Sign in to send this"
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(minutes=5)
"""A clock of another machine may be a little fast; more than this is a mistake."""


def place(report: Occurrence, *, needed: bool) -> Findings:
    """Ask where it happened: a platform that we know, or the name of another; links and accounts, not too many."""
    if report.platform not in PLATFORMS and (needed or report.platform is not None):
        yield "platform", "Select where it happened"
    if report.platform == "other" and rule.is_blank(report.platform_name or ""):
        yield "platform_name", "Enter the name of the website or app"
    if problem := next(filter(None, map(link_problem, report.urls)), None):
        yield "urls", problem
    for name, entries in (("urls", report.urls), ("handles", report.handles)):
        if len(entries) > LIST_LIMIT:
            yield name, f"Enter {LIST_LIMIT} or fewer"


def chosen(name: str, choices: Sized, message: str) -> Findings:
    """Ask for at least one choice."""
    if not choices:
        yield name, message


def story(report: Report, empty: str = "Tell us what happened") -> Findings:
    """Ask for something to read."""
    if rule.is_blank(report.narrative):
        yield "narrative", empty
    elif len(report.narrative) > NARRATIVE_LIMIT:
        yield "narrative", f"What happened must be {NARRATIVE_LIMIT:,} characters or fewer"


def past(name: str, moment: datetime | None, now: datetime, what: str) -> Findings:
    """Ask for a moment that has been, within living memory of the service."""
    if moment is None:
        return
    if moment > now + CLOCK_TOLERANCE:
        yield name, f"When {what} must be in the past"
    elif moment < EARLIEST:
        yield name, f"When {what} must be after {EARLIEST.year}"


def crowd(name: str, people: Sized) -> Findings:
    """Ask for no more people than a person would type."""
    if len(people) > LIST_LIMIT:
        yield name, f"Enter {LIST_LIMIT} people or fewer"


def manager(report: Occurrence) -> Findings:
    """Ask for an address that could be one."""
    if report.manager_email is not None and (problem := email_problem(report.manager_email)):
        yield "manager_email", problem


def anonymity(report: Occurrence) -> Findings:
    """Ask an anonymous reporter for nothing that says who they are."""
    if not report.reporter.anonymous:
        return
    for name, value in asdict(report.reporter).items():
        if name != "confidentiality" and value is not None:
            yield name, "An anonymous report keeps nothing about you: leave this out, or sign in"
    if any(person.relation is Relation.SELF and (person.name or person.staff_id) for person in report.affected):
        yield "affected", "An anonymous report keeps nothing about you: leave out your own name and staff number"


def signed_in(report: Report) -> Findings:
    """Ask who reports: no one asks a question without a name."""
    if report.reporter.subject is None:
        yield "reporter", SIGN_IN


def signed_in_or_anonymous(report: Occurrence) -> Findings:
    """Ask who reports: a name that no one has proved is no name (decision 0057)."""
    if report.reporter.anonymous:
        yield from anonymity(report)
    elif report.reporter.subject is None:
        yield "reporter", "Sign in to report in your name or in confidence, or choose not to say who you are"


def texts(report: Report) -> Findings:
    """Ask every text, wherever it is, for characters that can be kept and for a length that a person can read."""
    for name, text in _texts_of(report):
        limit = LIMITS.get(name.rpartition(".")[2], SHORT_LIMIT)
        if wrong := _control_character_in(text):
            yield name.partition(".")[0], wrong
        elif len(text) > limit and name != "narrative":
            yield name.partition(".")[0], f"This must be {limit:,} characters or fewer"


def _control_character_in(text: str) -> str | None:
    try:
        rule.refuse_control_characters(text)
    except rule.ControlCharacter as refused:
        return f"Remove the character {refused}"
    return None


def _texts_of(report: Report) -> Iterator[tuple[str, str]]:
    for name, text in _texts_in("", asdict(report)):
        yield name.removeprefix(".").removeprefix("reporter."), text


def _texts_in(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and not isinstance(value, Enum):
        yield name, value
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts_in(name, part)
    elif isinstance(value, Mapping):
        for part_name, part in value.items():
            yield from _texts_in(f"{name}.{part_name}", part)


def check_text(
    text: str, field: str = "text", needed: str = "Enter what you want to add", longest: int = NARRATIVE_LIMIT
) -> None:
    """Ask for something to read, that can be kept, in the field of this name.

    Raises:
        ReportRefused: the text has no visible character, is too long or holds a control character.
    """
    if rule.is_blank(text):
        raise ReportRefused((Refusal(field, needed),))
    if len(text) > longest:
        raise ReportRefused((Refusal(field, f"This must be {longest:,} characters or fewer"),))
    if wrong := _control_character_in(text):
        raise ReportRefused((Refusal(field, wrong),))
