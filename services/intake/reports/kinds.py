"""The kinds of report in one table: what each is called, which command takes it, what it tells, what it keeps."""

from dataclasses import dataclass

from services.intake.reports.abuse import AbuseReport
from services.intake.reports.domain import Report
from services.intake.reports.enquiry import Enquiry
from services.intake.reports.exception import PolicyException
from services.intake.reports.incident import IncidentReport
from services.intake.reports.misuse import MisuseReport
from services.intake.reports.tables import (
    EnquiryRow,
    MisuseReportRow,
    PolicyExceptionRow,
    SecurityIncidentRow,
)
from services.intake.tables import Base
from shared.events import intake
from shared.events.envelope import Event
from shared.events.vocabulary import ReportType


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report."""

    report_type: ReportType
    command: type[Report]
    submitted: type[Event]
    amended: type[Event]
    withdrawn: type[Event]
    details: type[Base] | None = None
    """Where the answers are that only this kind has; None where the common row has room for all."""


KINDS = (
    Kind(
        ReportType.ABUSE,
        AbuseReport,
        intake.AbuseReportSubmitted,
        intake.AbuseReportAmended,
        intake.AbuseReportWithdrawn,
    ),
    Kind(
        ReportType.MISUSE,
        MisuseReport,
        intake.MisuseReportSubmitted,
        intake.MisuseReportAmended,
        intake.MisuseReportWithdrawn,
        MisuseReportRow,
    ),
    Kind(
        ReportType.SECURITY_INCIDENT,
        IncidentReport,
        intake.SecurityIncidentSubmitted,
        intake.SecurityIncidentAmended,
        intake.SecurityIncidentWithdrawn,
        SecurityIncidentRow,
    ),
    Kind(
        ReportType.ENQUIRY,
        Enquiry,
        intake.EnquirySubmitted,
        intake.EnquiryAmended,
        intake.EnquiryWithdrawn,
        EnquiryRow,
    ),
    Kind(
        ReportType.POLICY_EXCEPTION,
        PolicyException,
        intake.PolicyExceptionRequested,
        intake.PolicyExceptionAmended,
        intake.PolicyExceptionWithdrawn,
        PolicyExceptionRow,
    ),
)
BY_TYPE = {kind.report_type: kind for kind in KINDS}
_BY_COMMAND = {kind.command: kind for kind in KINDS}


def kind_of(report: Report) -> Kind:
    """Return the kind that `report` is of."""
    return _BY_COMMAND[type(report)]
