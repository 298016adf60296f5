"""Reads each form's event into the one shape that triage works with."""

from functools import singledispatch

from services.triage.reports.domain import Filed
from shared.events.envelope import Event
from shared.events.intake import (
    AbuseReportSubmitted,
    EnquirySubmitted,
    MisuseReportSubmitted,
    PolicyExceptionRequested,
    SecurityIncidentSubmitted,
)
from shared.events.vocabulary import AlsoAffects, Behaviour, MisuseBehaviour, ReportType, YesNoUnsure
from shared.ids import InvalidReference, Reference


@singledispatch
def filed(event: Event) -> Filed:
    """Return what a form took.

    Raises:
        TypeError: it is no report.
    """
    raise TypeError(event.TYPE)


def _canonical(reference: str | None) -> str | None:
    """Return the reference of a report as it is stored, from one as a person types it."""
    try:
        return "-".join(Reference.parse(reference).split("-")[:3]) if reference else None
    except InvalidReference:
        return reference


@filed.register
def _abuse(event: AbuseReportSubmitted) -> Filed:
    return Filed(
        report_id=event.report_id,
        reference=event.reference,
        submitted_at=event.submitted_at,
        form=ReportType.ABUSE,
        reporter=event.reporter,
        narrative=event.narrative,
        platform=event.platform,
        platform_name=event.platform_name,
        content_kind=event.content_kind,
        content_state=event.content_state,
        urls=event.urls,
        handles=event.handles,
        behaviours=event.behaviours,
        affected=event.affected,
        suspected=event.suspected,
        also_affects=event.also_affects,
        found_by=event.found_by,
        manager_alert=event.manager_alert,
        occurred_at=event.occurred_at,
        evidence_note=event.evidence_note,
        taken_over=YesNoUnsure.YES if AlsoAffects.ACCOUNT_TAKEN_OVER in event.also_affects else None,
    )


@filed.register
def _misuse(event: MisuseReportSubmitted) -> Filed:
    harassment = (Behaviour.HARASSMENT.value,) if MisuseBehaviour.HARASSMENT in event.behaviours else ()
    return Filed(
        report_id=event.report_id,
        reference=event.reference,
        submitted_at=event.submitted_at,
        form=ReportType.MISUSE,
        reporter=event.reporter,
        narrative=event.narrative,
        platform=event.platform,
        platform_name=event.platform_name,
        content_state=event.content_state,
        urls=event.urls,
        handles=event.handles,
        behaviours=tuple(dict.fromkeys((*event.abuse_behaviours, *harassment))),
        misuse=event.behaviours,
        affected=event.affected,
        found_by=event.found_by,
        manager_alert=event.manager_alert,
        occurred_at=event.occurred_at,
        evidence_note=event.evidence_note,
        subject=event.subject,
        union_activity=event.union_activity,
        account_kind=event.account_kind,
        device=event.device,
        own_time=event.own_time,
        dwp_information=event.dwp_information,
        related_reference=_canonical(event.related_reference),
        taken_over=event.taken_over,
    )


@filed.register
def _incident(event: SecurityIncidentSubmitted) -> Filed:
    return Filed(
        report_id=event.report_id,
        reference=event.reference,
        submitted_at=event.submitted_at,
        form=ReportType.SECURITY_INCIDENT,
        reporter=event.reporter,
        narrative=event.narrative,
        platform=event.platform or (event.account.platform if event.account else ""),
        platform_name=event.platform_name,
        content_state=event.content_state,
        urls=event.urls,
        handles=event.handles,
        behaviours=event.behaviours,
        affected=event.affected,
        suspected=event.suspected,
        found_by=event.found_by,
        manager_alert=event.manager_alert,
        occurred_at=event.occurred_at,
        evidence_note=event.evidence_note,
        channel=event.channel,
        effects=event.effects,
        circumstances=event.circumstances,
        asset_owner=event.asset_owner,
        asset_note=event.asset_note,
        discovered_at=event.discovered_at,
        still_happening=event.still_happening,
        personal_data=event.personal_data,
        people_affected=event.people_affected,
        own_mistake=event.own_mistake,
        account=event.account,
        taken_over=event.account.taken_over if event.account else None,
    )


@filed.register
def _enquiry(event: EnquirySubmitted) -> Filed:
    return Filed(
        report_id=event.report_id,
        reference=event.reference,
        submitted_at=event.submitted_at,
        form=ReportType.ENQUIRY,
        reporter=event.reporter,
        narrative=event.narrative,
        about=event.about,
    )


@filed.register
def _exception(event: PolicyExceptionRequested) -> Filed:
    return Filed(
        report_id=event.report_id,
        reference=event.reference,
        submitted_at=event.submitted_at,
        form=ReportType.POLICY_EXCEPTION,
        reporter=event.reporter,
        narrative=event.narrative,
        platform=event.platform or "",
        exception_kind=event.kind,
        business_case=event.business_case,
        wanted_until=event.wanted_until,
    )
