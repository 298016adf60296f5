"""From what was typed to the command, and what is wrong with it, beside the field that it is about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from services.intake.abuse_form.domain import Step
from services.intake.abuse_form.moments import DAY, Unreadable, moment_of
from services.intake.abuse_form.options import CHOICES, NOTHING_ELSE, label
from services.intake.drafts.domain import Answers
from services.intake.reports.abuse import AbuseReport
from services.intake.reports.addresses import is_email
from services.intake.reports.domain import ANONYMOUS, Person, Reporter, refusals
from shared.auth.principal import Principal
from shared.events.vocabulary import (
    AlsoAffects,
    Behaviour,
    Confidentiality,
    ContentKind,
    ContentState,
    ManagerAlert,
    Relation,
    WorkerKind,
)
from shared.web.forms import FormErrors, refuse_null_characters

K = TypeVar("K", bound=StrEnum)
_MOST_CHOICES = 50


def picked(step: Step, form: Mapping[str, list[str]], errors: FormErrors) -> Answers:
    """Take the fields of `step` from a posted form; hidden characters that cannot be kept are errors."""
    fields = {name: [text.strip() for text in form.get(name, ())[:_MOST_CHOICES]] for name in step.fields}
    clean = refuse_null_characters(fields, errors)
    return {name: tuple(text for text in texts if text) for name, texts in clean.items()}


def find_errors(step: Step, answers: Answers, now: datetime, errors: FormErrors, *, signed_in: bool) -> None:
    """Record what is wrong with the fields of `step`, in the order of the page."""
    if "name" in step.fields and not signed_in and not one(answers, "name"):
        errors.add("name", "Enter your name, or sign in")
    for name in step.fields:
        _check_choice(name, answers, errors)
    if DAY in step.fields:
        _check_moment(answers, errors)
    if "manager_alert" in step.fields:
        _check_other_person(answers, errors)
    if "email" in step.fields and (email := one(answers, "email")) and not is_email(email):
        errors.add("email", "Enter an email address, like name@example.org")
    for refusal in refusals(to_command(answers, None), now):
        name = field_of(refusal.field)
        if name in step.fields:
            errors.add(name, refusal.message)


def field_of(name: str) -> str:
    """Return the form's field that a refusal of the domain is about."""
    return {"suspected": "suspected_name", "occurred_at": DAY}.get(name, name)


def to_command(answers: Answers, principal: Principal | None) -> AbuseReport:
    """Return the report that the answers make; what is missing is left empty, and refused later."""
    alert = _enum(ManagerAlert, one(answers, "manager_alert"))
    return AbuseReport(
        reporter=_reporter(answers, principal),
        platform=one(answers, "platform") or "",
        platform_name=one(answers, "platform_name") if one(answers, "platform") == "other" else None,
        content_kind=_enum(ContentKind, one(answers, "content_kind")),
        content_state=_enum(ContentState, one(answers, "content_state")),
        urls=tuple(_with_scheme(line) for line in _lines(answers, "urls")),
        handles=_lines(answers, "handles"),
        behaviours=_enums(Behaviour, answers, "behaviours"),
        also_affects=_enums(AlsoAffects, answers, "also_affects"),
        affected=_affected(answers),
        suspected=_suspected(answers),
        occurred_at=_occurred_at(answers),
        narrative=one(answers, "narrative") or "",
        evidence_note=_evidence_note(answers),
        manager_alert=alert or ManagerAlert.ASK_ME_FIRST,
        manager_email=_manager_email(answers, alert),
    )


def one(answers: Answers, name: str) -> str | None:
    """Return the first text of a field; None where it is empty."""
    return next(iter(answers.get(name, ())), None)


def _check_choice(name: str, answers: Answers, errors: FormErrors) -> None:
    choice = CHOICES.get(name)
    if choice is None:
        return
    chosen = answers.get(name, ())
    if not chosen:
        if choice.needed:
            errors.add(name, choice.needed)
    elif not set(chosen) <= {option.value for option in choice.options} or (len(chosen) > 1 and not choice.many):
        errors.add(name, choice.needed or "Select one of the choices")
    elif NOTHING_ELSE in chosen and len(chosen) > 1:
        errors.add(name, "Select what else is at risk, or ‘None of these’, not both")


def _check_moment(answers: Answers, errors: FormErrors) -> None:
    try:
        moment_of(answers)
    except Unreadable as error:
        errors.add(error.field, error.message)


def _check_other_person(answers: Answers, errors: FormErrors) -> None:
    if one(answers, "manager_alert") == ManagerAlert.SOMEONE_ELSE and not one(answers, "manager_email"):
        errors.add("manager_email", "Enter the work email address of who should be told")


def _occurred_at(answers: Answers) -> datetime | None:
    try:
        return moment_of(answers)
    except Unreadable:
        return None


def _reporter(answers: Answers, principal: Principal | None) -> Reporter:
    confidentiality = _enum(Confidentiality, one(answers, "confidentiality"))
    if confidentiality is None or confidentiality is Confidentiality.ANONYMOUS:
        return ANONYMOUS
    typed = Reporter(
        confidentiality,
        name=one(answers, "name"),
        email=one(answers, "email"),
        worker_kind=_enum(WorkerKind, one(answers, "worker_kind")),
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


def _affected(answers: Answers) -> tuple[Person, ...]:
    relations = _enums(Relation, answers, "affected")
    return tuple(Person(relation, name=one(answers, f"affected_{relation}")) for relation in relations)


def _suspected(answers: Answers) -> tuple[Person, ...]:
    relation = _enum(Relation, one(answers, "known"))
    if relation is None or relation is Relation.UNKNOWN:
        return ()
    staff_id = one(answers, "suspected_staff_id") if relation is Relation.COLLEAGUE else None
    return (Person(relation, one(answers, "suspected_name"), staff_id, one(answers, "suspected_handle")),)


def _evidence_note(answers: Answers) -> str | None:
    kinds = ", ".join(label("evidence", kind) for kind in answers.get("evidence", ()))
    return ". ".join(part for part in (kinds, one(answers, "evidence_note")) if part) or None


def _manager_email(answers: Answers, alert: ManagerAlert | None) -> str | None:
    told = alert in {ManagerAlert.YES, ManagerAlert.SOMEONE_ELSE}
    return one(answers, "manager_email") if told else None


def _lines(answers: Answers, name: str) -> tuple[str, ...]:
    lines = (line.strip() for line in (one(answers, name) or "").splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def _with_scheme(text: str) -> str:
    return text if ":" in text.partition("/")[0] else f"https://{text}"


def _enum(kind: type[K], text: str | None) -> K | None:
    return kind(text) if text in set(kind) else None


def _enums(kind: type[K], answers: Answers, name: str) -> tuple[K, ...]:
    known = (_enum(kind, text) for text in dict.fromkeys(answers.get(name, ())))
    return tuple(value for value in known if value is not None)
