"""From what was typed to the parts of a report that several forms ask for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from services.intake.drafts.domain import Answers
from services.intake.questions.domain import label, one
from services.intake.questions.moments import Unreadable, day_of, moment_of
from services.intake.questions.options import EVIDENCE_CHOICES
from services.intake.reports.domain import ANONYMOUS, Person, Reporter
from shared.auth.principal import Principal
from shared.events.vocabulary import Confidentiality, ManagerAlert, Relation, WorkerKind

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


def lines(answers: Answers, name: str) -> tuple[str, ...]:
    """Return the lines of a text, without empty ones, each once."""
    found = (line.strip() for line in (one(answers, name) or "").splitlines())
    return tuple(dict.fromkeys(line for line in found if line))


def urls(answers: Answers) -> tuple[str, ...]:
    """Return the links; one without a scheme is taken as https."""
    return tuple(line if ":" in line.partition("/")[0] else f"https://{line}" for line in lines(answers, "urls"))


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


def platform_name(answers: Answers) -> str | None:
    """Return what a platform is called that is not on the list."""
    return one(answers, "platform_name") if one(answers, "platform") == "other" else None


def reporter(answers: Answers, principal: Principal | None) -> Reporter:
    """Return who reports: nobody where they chose that, or have not chosen yet."""
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


def evidence_note(answers: Answers) -> str | None:
    """Return what evidence there is, in a sentence."""
    kinds = ", ".join(label(EVIDENCE_CHOICES, "evidence", kind) for kind in answers.get("evidence", ()))
    return ". ".join(part for part in (kinds, one(answers, "evidence_note")) if part) or None


def manager_email(answers: Answers) -> str | None:
    """Return whose address was given, where somebody is to be told."""
    told = enum(ManagerAlert, answers, "manager_alert") in {ManagerAlert.YES, ManagerAlert.SOMEONE_ELSE}
    return one(answers, "manager_email") if told else None


def labelled(*parts: tuple[str, str | None]) -> str | None:
    """Return answers that have no field of their own, as sentences with their labels."""
    said: Iterator[str] = (f"{name}: {text}" for name, text in parts if text)
    return ". ".join(said) or None
