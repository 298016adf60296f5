"""Which kinds of report an event can become: the bodies of the reports' API, so that the same questions are asked."""

from collections.abc import Mapping

from pydantic import ValidationError

from services.intake.inbound.domain import EventNotReadable
from services.intake.reports.bodies import AbuseReportBody, MisuseReportBody, SecurityIncidentBody
from services.intake.reports.domain import Report
from shared.auth.permissions import Principal
from shared.events.vocabulary import ManagerAlert, ReportType
from shared.web.validation import field_problems

OccurrenceBodies = type[AbuseReportBody | MisuseReportBody | SecurityIncidentBody]
KINDS: Mapping[ReportType, OccurrenceBodies] = {
    ReportType.ABUSE: AbuseReportBody,
    ReportType.MISUSE: MisuseReportBody,
    ReportType.SECURITY_INCIDENT: SecurityIncidentBody,
}


def command_of(kind: ReportType, answers: Mapping[str, object], sender: Principal) -> Report:
    """Return the report that `answers` make, in the name of `sender`.

    A system has no line manager: nobody is told as its manager unless the mapping says whom.

    Raises:
        EventNotReadable: names the fields that are missing or not right.
    """
    try:
        body = KINDS[kind].model_validate({"manager_alert": ManagerAlert.NO, **answers})
    except ValidationError as error:
        raise EventNotReadable(field_problems(error.errors(include_url=False, include_input=False))) from None
    return body.to_command(sender)
