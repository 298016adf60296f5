"""From what was typed to the parts of a report that several forms ask for."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TypedDict, TypeVar

from services.intake.forms.domain import Answers, day_fields, label, one, time_field
from services.intake.forms.questions import EVIDENCE_CHOICES
from services.intake.reports.domain import ANONYMOUS, Person, Reporter
from shared.auth.permissions import Principal
from shared.events.vocabulary import Confidentiality, ContentState, ManagerAlert, Relation, WorkerKind
from shared.web.times import UK

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_TIME = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))? ?(?P<half>am|pm)?")
_NOON = 12
_WHAT = {"occurred_at": "When it happened", "discovered_at": "When it was discovered"}


class Unreadable(Exception):
    """What was typed is no date or no time; says which field and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field)
        self.field = field
        self.message = message


def moment_of(answers: Answers, name: str) -> datetime | None:
    """Return the moment `name`, in UTC; the beginning of the day without a time, None where all is left empty.

    Raises:
        Unreadable: what was typed is no date or no time.
    """
    time = time_field(name)
    if not any(answers.get(field) for field in (*day_fields(name), time)):
        return None
    year, month, day = _parts(answers, name)
    hour, minute = _clock_time(time, " ".join(answers.get(time, ())))
    try:
        return datetime(year, month, day, hour, minute, tzinfo=UK).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _no_date(name) from None


def day_of(answers: Answers, name: str) -> date | None:
    """Return the day `name`; None where all is left empty.

    Raises:
        Unreadable: what was typed is no date.
    """
    if not any(answers.get(field) for field in day_fields(name)):
        return None
    try:
        return date(*_parts(answers, name))
    except (ValueError, OverflowError):
        raise _no_date(name) from None


def has_time(answers: Answers, name: str) -> bool:
    """Return whether a time was given beside the day."""
    return bool(answers.get(time_field(name)))


def _parts(answers: Answers, name: str) -> tuple[int, int, int]:
    parts = {field: " ".join(answers.get(field, ())) for field in day_fields(name)}
    for field, text in parts.items():
        if not text:
            raise Unreadable(field, f"{_words(name)} must include a {field.rpartition('-')[2]}")
    day, month, year = parts.values()
    try:
        return int(year), _month(month), int(day)
    except ValueError:
        raise _no_date(name) from None


def _no_date(name: str) -> Unreadable:
    return Unreadable(day_fields(name)[0], f"{_words(name)} must be a real date, for example 27 3 2026")


def _words(name: str) -> str:
    return _WHAT.get(name, "The day")


def _month(text: str) -> int:
    name = text[:3].lower()
    return _MONTHS.index(name) + 1 if name in _MONTHS else int(text)


def _clock_time(field: str, text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    match = _TIME.fullmatch(text.lower())
    if match is None:
        raise _no_time(field)
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if match["half"]:
        valid = 1 <= hour <= _NOON
        hour = hour % _NOON + (_NOON if match["half"] == "pm" else 0)
    else:
        valid = match["minute"] is not None
    if not valid or hour > 23 or minute > 59:  # noqa: PLR2004 - a clock
        raise _no_time(field)
    return hour, minute


def _no_time(field: str) -> Unreadable:
    return Unreadable(field, "Enter a time like 2:30pm or 14:30, or leave it empty")


K = TypeVar("K", bound=StrEnum)
CARRIED = "carried_over"
"""What was answered on another form and this one does not ask."""


def enum(kind: type[K], answers: Answers, name: str) -> K | None:
    """Return the choice of a field; None where nothing, or nothing known, is chosen."""
    text = one(answers, name)
    return kind(text) if text in set(kind) else None


def enums(kind: type[K], answers: Answers, name: str) -> tuple[K, ...]:
    """Return the known choices of a field, each once."""
    return tuple(kind(text) for text in dict.fromkeys(answers.get(name, ())) if text in set(kind))


def _lines(answers: Answers, name: str) -> tuple[str, ...]:
    """Return the lines of a text, without empty ones, each once."""
    found = (line.strip() for line in (one(answers, name) or "").splitlines())
    return tuple(dict.fromkeys(line for line in found if line))


def _urls(answers: Answers) -> tuple[str, ...]:
    """Return the links; one without a scheme is taken as https."""
    return tuple(line if ":" in line.partition("/")[0] else f"https://{line}" for line in _lines(answers, "urls"))


def moment(answers: Answers, name: str) -> datetime | None:
    """Return a moment; None where it is empty or cannot be read, which is an error of its page."""
    try:
        return moment_of(answers, name)
    except Unreadable:
        return None


def day(answers: Answers, name: str) -> date | None:
    """Return a day; None where it is empty or cannot be read, which is an error of its page."""
    try:
        return day_of(answers, name)
    except Unreadable:
        return None


def narrative(answers: Answers) -> str:
    """Return what happened, and below it what was answered on a form that the person came from."""
    return "\n\n".join(text for text in (one(answers, "narrative"), one(answers, CARRIED)) if text)


class Occurrence(TypedDict):
    """What reports of something that happened say alike, by the names of the report's fields."""

    narrative: str
    platform: str | None
    platform_name: str | None
    content_state: ContentState | None
    urls: tuple[str, ...]
    handles: tuple[str, ...]
    occurred_at: datetime | None
    evidence_note: str | None


def occurrence(answers: Answers) -> Occurrence:
    """Return what happened, where it can be seen, when it was, and what shows it."""
    return Occurrence(
        narrative=narrative(answers),
        platform=one(answers, "platform"),
        platform_name=one(answers, "platform_name") if one(answers, "platform") == "other" else None,
        content_state=enum(ContentState, answers, "content_state"),
        urls=_urls(answers),
        handles=_lines(answers, "handles"),
        occurred_at=moment(answers, "occurred_at"),
        evidence_note=_evidence_note(answers),
    )


def reporter(answers: Answers, principal: Principal | None) -> Reporter:
    """Return who reports; anonymous where they chose that, or have not chosen yet."""
    confidentiality = enum(Confidentiality, answers, "confidentiality")
    if confidentiality is None or confidentiality is Confidentiality.ANONYMOUS:
        return ANONYMOUS
    return _known(confidentiality, answers, principal)


def named_reporter(answers: Answers, principal: Principal | None) -> Reporter:
    """Return who reports where one has to sign in: named, unless they asked for confidence."""
    chosen = enum(Confidentiality, answers, "confidentiality")
    confidential = chosen is Confidentiality.CONFIDENTIAL
    return _known(Confidentiality.CONFIDENTIAL if confidential else Confidentiality.NAMED, answers, principal)


def _known(confidentiality: Confidentiality, answers: Answers, principal: Principal | None) -> Reporter:
    typed = Reporter(
        confidentiality,
        name=one(answers, "name"),
        email=one(answers, "email"),
        worker_kind=enum(WorkerKind, answers, "worker_kind"),
        safe_contact=one(answers, "safe_contact"),
    )
    if principal is None:
        return typed
    return replace(
        typed,
        subject=principal.subject,
        staff_id=principal.staff_id,
        name=typed.name or principal.name,
        email=typed.email or principal.email,
    )


def affected(answers: Answers) -> tuple[Person, ...]:
    """Return the people affected."""
    relations = enums(Relation, answers, "affected")
    return tuple(Person(relation, name=one(answers, f"affected_{relation}")) for relation in relations)


def suspected(answers: Answers) -> tuple[Person, ...]:
    """Return who may have done it."""
    relation = enum(Relation, answers, "known")
    if relation is None or relation is Relation.UNKNOWN:
        return ()
    staff_id = one(answers, "suspected_staff_id") if relation is Relation.COLLEAGUE else None
    return (Person(relation, one(answers, "suspected_name"), staff_id, one(answers, "suspected_handle")),)


def _evidence_note(answers: Answers) -> str | None:
    """Return what evidence there is, in a sentence."""
    kinds = ", ".join(label(EVIDENCE_CHOICES, "evidence", kind) for kind in answers.get("evidence", ()))
    return ". ".join(part for part in (kinds, one(answers, "evidence_note")) if part) or None


def manager_email(answers: Answers) -> str | None:
    """Return the address that was given, where the reporter wants a manager told."""
    told = enum(ManagerAlert, answers, "manager_alert") in {ManagerAlert.YES, ManagerAlert.SOMEONE_ELSE}
    return one(answers, "manager_email") if told else None


def labelled(*parts: tuple[str, str | None]) -> str | None:
    """Return answers that have no field of their own, as sentences with their labels."""
    said: Iterator[str] = (f"{name}: {text}" for name, text in parts if text)
    return ". ".join(said) or None
