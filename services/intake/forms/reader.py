"""From what was typed to the parts of a report that several forms ask for."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TypedDict

from services.intake.forms.domain import Answers
from services.intake.forms.questions import EVIDENCE_CHOICES
from services.intake.forms.steps import label
from services.intake.reports.domain import ANONYMOUS, Person, Reporter
from shared import text as rule
from shared.addresses import mended_email, mended_link
from shared.auth.permissions import Principal
from shared.events.vocabulary import Confidentiality, ContentState, ManagerAlert, Relation, WorkerKind
from shared.web.forms import FormReader, time_field

_CALLED = {"occurred_at": "When it happened", "discovered_at": "When it was discovered"}
CARRIED = "carried_over"
"""What was answered on another form and this one does not ask."""


def called(name: str) -> str:
    """Return what messages call the day or moment `name`."""
    return _CALLED.get(name, "The day")


def moment(typed: FormReader, name: str) -> datetime | None:
    """Return a moment in UTC; None where it is empty or cannot be read, which is an error of its page."""
    return typed.moment(name, called(name))


def day(typed: FormReader, name: str) -> date | None:
    """Return a day; None where it is empty or cannot be read, which is an error of its page."""
    return typed.day(name, called(name))


def has_time(answers: Answers, name: str) -> bool:
    """Return whether a time was given beside the day."""
    return bool(answers.get(time_field(name)))


def narrative(typed: FormReader) -> str:
    """Return what happened, and below it what was answered on a form that the person came from."""
    return "\n\n".join(text for text in (text_of(typed, "narrative"), text_of(typed, CARRIED)) if text)


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


def occurrence(typed: FormReader) -> Occurrence:
    """Return what happened, where it can be seen, when it was, and what shows it."""
    return Occurrence(
        narrative=narrative(typed),
        platform=_one(typed, "platform"),
        platform_name=name_of(typed, "platform_name") if _one(typed, "platform") == "other" else None,
        content_state=typed.choice("content_state", ContentState),
        urls=links_of(typed),
        handles=typed.lines("handles"),
        occurred_at=moment(typed, "occurred_at"),
        evidence_note=_evidence_note(typed),
    )


def reporter(typed: FormReader, principal: Principal | None) -> Reporter:
    """Return who reports; anonymous where they chose that, or have not chosen yet."""
    confidentiality = typed.choice("confidentiality", Confidentiality)
    if confidentiality is None or confidentiality is Confidentiality.ANONYMOUS:
        return ANONYMOUS
    return _known(confidentiality, typed, principal)


def named_reporter(typed: FormReader, principal: Principal | None) -> Reporter:
    """Return who reports where one signs in to be named: named, unless they chose something else."""
    chosen = typed.choice("confidentiality", Confidentiality)
    if chosen is Confidentiality.ANONYMOUS:
        return ANONYMOUS
    confidential = chosen is Confidentiality.CONFIDENTIAL
    return _known(Confidentiality.CONFIDENTIAL if confidential else Confidentiality.NAMED, typed, principal)


def _known(confidentiality: Confidentiality, typed: FormReader, principal: Principal | None) -> Reporter:
    said = Reporter(
        confidentiality,
        name=name_of(typed, "name"),
        email=email_of(typed, "email"),
        worker_kind=typed.choice("worker_kind", WorkerKind),
        safe_contact=text_of(typed, "safe_contact"),
    )
    if principal is None:
        return said
    return replace(
        said,
        subject=principal.subject,
        staff_id=principal.staff_id,
        name=said.name or principal.name,
        email=said.email or principal.email,
    )


def affected(typed: FormReader) -> tuple[Person, ...]:
    """Return the people affected."""
    relations = typed.choices("affected", Relation)
    return tuple(Person(relation, name=name_of(typed, f"affected_{relation}")) for relation in relations)


def suspected(typed: FormReader) -> tuple[Person, ...]:
    """Return who may have done it."""
    relation = typed.choice("known", Relation)
    if relation is None or relation is Relation.UNKNOWN:
        return ()
    staff_id = line_of(typed, "suspected_staff_id") if relation is Relation.COLLEAGUE else None
    return (Person(relation, name_of(typed, "suspected_name"), staff_id, line_of(typed, "suspected_handle")),)


def _evidence_note(typed: FormReader) -> str | None:
    """Return what evidence there is, in a sentence."""
    kinds = ", ".join(label(EVIDENCE_CHOICES, "evidence", kind) for kind in typed.typed.get("evidence", ()))
    return ". ".join(part for part in (kinds, text_of(typed, "evidence_note")) if part) or None


_ADDRESSES: Mapping[ManagerAlert, str] = {
    ManagerAlert.YES: "manager_email",
    ManagerAlert.SOMEONE_ELSE: "someone_email",
}


class WhoIsTold(TypedDict):
    """Whether a manager is told, by the names of the report's fields."""

    manager_alert: ManagerAlert
    manager_email: str | None


def who_is_told(typed: FormReader, *, asked: bool) -> WhoIsTold:
    """Return who is told besides the team, as the reporter chose; no one if they were not asked.

    The form requires an answer of everyone whom it asks. If one is missing all the same, no one is told unasked.
    """
    if not asked:
        return WhoIsTold(manager_alert=ManagerAlert.NO, manager_email=None)
    alert = typed.choice("manager_alert", ManagerAlert) or ManagerAlert.ASK_ME_FIRST
    address = email_of(typed, _ADDRESSES[alert]) if alert in _ADDRESSES else None
    return WhoIsTold(manager_alert=alert, manager_email=address)


def labelled(*parts: tuple[str, str | None]) -> str | None:
    """Return answers that have no field of their own, as sentences with their labels."""
    said: Iterator[str] = (f"{name}: {text}" for name, text in parts if text)
    return ". ".join(said) or None


def links_of(typed: FormReader) -> tuple[str, ...]:
    """Return the links, in the order that evidence counts them."""
    return tuple(dict.fromkeys(map(mended_link, typed.lines("urls"))))


def line_of(typed: FormReader, field: str) -> str | None:
    """Return an id or a handle; None where there is none."""
    return rule.line(typed.first(field)) or None


def name_of(typed: FormReader, field: str) -> str | None:
    """Return what someone or something is called; None where there is nothing."""
    return rule.name(typed.first(field)) or None


def email_of(typed: FormReader, field: str) -> str | None:
    """Return an email address; None where there is none."""
    return mended_email(typed.first(field)) or None


def text_of(typed: FormReader, field: str) -> str | None:
    """Return what was written; None where nothing can be seen."""
    written = typed.first(field)
    return None if rule.is_blank(written) else written


def _one(typed: FormReader, name: str) -> str | None:
    return typed.first(name) or None
