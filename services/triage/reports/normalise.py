"""Turns each form's event into triage's one model of a report."""

from collections.abc import Mapping
from dataclasses import fields
from functools import singledispatch

from services.triage.reports.domain import TriageReport
from shared.events import intake
from shared.events.envelope import Event
from shared.events.vocabulary import AlsoAffects, Behaviour, MisuseBehaviour, ReportType, YesNoUnsure
from shared.ids import InvalidReference, Reference

_NAMES = frozenset(field.name for field in fields(TriageReport))


def normalise(event: Event) -> TriageReport:
    """Return the report that an event carries; fields that have the same name in both are copied by it.

    Raises:
        TypeError: the event is not a report.
    """
    by_name = {name: value for name, value in vars(event).items() if value is not None and name in _NAMES}
    return TriageReport(**{**by_name, **_of_form(event)})


@singledispatch
def _of_form(event: Event) -> Mapping[str, object]:
    """Return the fields of a form's event that have another name or shape there."""
    raise TypeError(event.TYPE)


@_of_form.register
def _abuse(event: intake.AbuseReportSubmitted) -> Mapping[str, object]:
    taken_over = YesNoUnsure.YES if AlsoAffects.ACCOUNT_TAKEN_OVER in event.also_affects else ""
    return {"form": ReportType.ABUSE, "taken_over": taken_over, **_reporter(event)}


@_of_form.register
def _misuse(event: intake.MisuseReportSubmitted) -> Mapping[str, object]:
    harassment = (Behaviour.HARASSMENT.value,) if MisuseBehaviour.HARASSMENT in event.behaviours else ()
    return {
        "form": ReportType.MISUSE,
        "misuse": event.behaviours,
        "behaviours": tuple(dict.fromkeys((*event.abuse_behaviours, *harassment))),
        "related_reference": _canonical(event.related_reference),
        **_reporter(event),
    }


@_of_form.register
def _incident(event: intake.SecurityIncidentSubmitted) -> Mapping[str, object]:
    own: dict[str, object] = {"form": ReportType.SECURITY_INCIDENT, **_reporter(event)}
    if account := event.account:
        own |= {"account_handle": account.handle, "account_platform": account.platform}
        own |= {"taken_over": account.taken_over, "platform": event.platform or account.platform}
    return own


@_of_form.register
def _enquiry(event: intake.EnquirySubmitted) -> Mapping[str, object]:
    return {"form": ReportType.ENQUIRY, **_reporter(event)}


@_of_form.register
def _exception(event: intake.PolicyExceptionRequested) -> Mapping[str, object]:
    return {"form": ReportType.POLICY_EXCEPTION, "exception_kind": event.kind, **_reporter(event)}


Submitted = (
    intake.AbuseReportSubmitted
    | intake.MisuseReportSubmitted
    | intake.SecurityIncidentSubmitted
    | intake.EnquirySubmitted
    | intake.PolicyExceptionRequested
)


def _reporter(event: Submitted) -> Mapping[str, object]:
    reporter = event.reporter
    return {
        "confidentiality": reporter.confidentiality,
        "reporter_kind": reporter.kind or "",
        "reporter_staff_id": reporter.staff_id,
        "reporter_name": reporter.name,
        "reporter_email": reporter.email,
        "safe_contact": reporter.safe_contact,
    }


def _canonical(reference: str | None) -> str | None:
    """Return a reference as it is stored, from what a person typed; what is not a reference stays as it is."""
    try:
        return "-".join(Reference.parse(reference).split("-")[:3]) if reference else None
    except InvalidReference:
        return reference
