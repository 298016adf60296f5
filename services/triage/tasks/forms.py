"""What responders type about tasks, support and a threat to life, read and checked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from fastapi import Request

from services.triage.cases.domain import Case
from services.triage.tasks import domain
from services.triage.tasks.domain import Rung, SupportState
from services.triage.tasks.handlers import NewTask, Threat
from shared.web.forms import FormErrors, FormReader
from shared.web.times import UK

Step = Callable[[int], Awaitable[Case]]
"""Carries out what was posted, on the version that the person read."""
_END_OF_DAY = time(17)
"""When a task of a day is due, in UK local time. Our choice."""
SUPPORT_NAMES: Mapping[SupportState, str] = {
    SupportState.OFFERED: "I offered support",
    SupportState.ACCEPTED: "They accepted it",
    SupportState.DECLINED: "They declined it",
}
RUNG_NAMES: Mapping[Rung, str] = {
    Rung.POLICE_999: "The police, on 999",
    Rung.POLICE_101: "The police, on 101",
    Rung.PERSON_AFFECTED: "The person affected",
    Rung.LINE_MANAGER: "Their line manager",
    Rung.SECURITY: "Security of their building",
}


@dataclass(frozen=True, slots=True)
class Posted:
    """One posted form. If `errors` is not empty, use the rest only to show the form again."""

    version: int | None
    typed: Mapping[str, str] = field(repr=False)
    errors: FormErrors


@dataclass(frozen=True, slots=True)
class TaskForm(Posted):
    """A new task."""

    new: NewTask


@dataclass(frozen=True, slots=True)
class SupportForm(Posted):
    """Support."""

    state: SupportState | None
    follow_up_on: date | None
    note: str | None


@dataclass(frozen=True, slots=True)
class ThreatForm(Posted):
    """An answer of the threat protocol."""

    answer: Threat


async def read_task(request: Request) -> TaskForm:
    """Read a new task, or the tick of one of the case's kind."""
    form = await FormReader.posted(request)
    code = form.line("code") or ""
    title = form.name("title", None if code else "Say what is to be done", domain.LONGEST_TITLE) or ""
    day = form.day("due_at", "The day")
    new = NewTask(code, title, form.line("assignee", None, 40), _at_the_end_of(day), form.ticked("done"))
    return TaskForm(form.version(), _typed(form), form.errors, new)


async def read_support(request: Request) -> SupportForm:
    """Read what was offered, or what the person said."""
    form = await FormReader.posted(request)
    state = form.choice("support", SupportState, "Choose what happened")
    day, note = form.day("follow_up", "The day"), form.text("note", None, domain.LONGEST_NOTE)
    return SupportForm(form.version(), _typed(form), form.errors, state, day, note)


async def read_threat(request: Request) -> ThreatForm:
    """Read an answer of the threat protocol."""
    form = await FormReader.posted(request)
    threat = form.one_of("threat", ("yes", "no"), "Choose whether there is a threat to life") == "yes"
    if not threat:
        reason = form.text("reason", "Say why there is no threat to life", domain.LONGEST_NOTE)
        return ThreatForm(form.version(), _typed(form), form.errors, Threat(threat=False, reason=reason))
    rung = form.choice("rung", Rung, "Choose who was rung")
    rung_at = form.moment("rung_at", "The time of the call", "Say when")
    reference = form.name("police_reference", None, domain.LONGEST_REFERENCE)
    reason = form.text("reason", None, domain.LONGEST_NOTE)
    answer = Threat(threat=True, rung=rung, rung_at=rung_at, police_reference=reference, reason=reason)
    return ThreatForm(form.version(), _typed(form), form.errors, answer)


def _at_the_end_of(day: date | None) -> datetime | None:
    return datetime.combine(day, _END_OF_DAY, UK) if day else None


def _typed(form: FormReader) -> Mapping[str, str]:
    return {name: form.first(name) for name in form.typed}
