"""The kinds of report in one table: the command that takes each, its events and tables, and how one becomes another.

A command, its events and its rows call the same answer by the same name.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cache

from pydantic import TypeAdapter

from services.intake.reports import tables
from services.intake.reports.commands import AbuseReport, Enquiry, IncidentReport, MisuseReport, PolicyException
from services.intake.reports.domain import Addition, Report
from services.intake.tables import Base
from shared.events import intake
from shared.events.envelope import Event
from shared.events.vocabulary import ReportType
from shared.ids import Reference, ReportId

Values = Mapping[str, object]
"""What a row holds, by the names of its columns."""
_REPORTER = {
    "subject": "reporter_subject",
    "staff_id": "reporter_staff_id",
    "name": "reporter_name",
    "email": "reporter_email",
    "worker_kind": "reporter_worker_kind",
    "safe_contact": "reporter_safe_contact",
    "confidentiality": "confidentiality",
}
"""What the command says of the reporter → its column."""


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

    @property
    def topic(self) -> str:
        """The topic of every event about such a report."""
        [topic] = self.submitted.TOPICS
        return topic


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
        tables.MisuseReportRow,
    ),
    Kind(
        ReportType.SECURITY_INCIDENT,
        IncidentReport,
        intake.SecurityIncidentSubmitted,
        intake.SecurityIncidentAmended,
        intake.SecurityIncidentWithdrawn,
        tables.SecurityIncidentRow,
    ),
    Kind(
        ReportType.ENQUIRY,
        Enquiry,
        intake.EnquirySubmitted,
        intake.EnquiryAmended,
        intake.EnquiryWithdrawn,
        tables.EnquiryRow,
    ),
    Kind(
        ReportType.POLICY_EXCEPTION,
        PolicyException,
        intake.PolicyExceptionRequested,
        intake.PolicyExceptionAmended,
        intake.PolicyExceptionWithdrawn,
        tables.PolicyExceptionRow,
    ),
)
BY_TYPE = {kind.report_type: kind for kind in KINDS}
_BY_COMMAND = {kind.command: kind for kind in KINDS}


def kind_of(report: Report) -> Kind:
    """Return the kind that `report` is of."""
    return _BY_COMMAND[type(report)]


def submitted(report_id: ReportId, reference: Reference, report: Report, at: datetime) -> Event:
    """Return the event that `report` was submitted at `at`."""
    values = _event_values(report_id, reference, report, at)
    return kind_of(report).submitted.model_validate(values, from_attributes=True)


def amended(
    report_id: ReportId, reference: Reference, report: Report, submitted_at: datetime, addition: Addition
) -> Event:
    """Return the event that the reporter added something; it carries the whole report as it is now."""
    values = {
        **_event_values(report_id, reference, report, submitted_at),
        "added_at": addition.at,
        "text": addition.text,
    }
    return kind_of(report).amended.model_validate(values, from_attributes=True)


def rows_of(report: Report) -> tuple[Values, Values]:
    """Return what goes into the row that all kinds have, and what goes into the table of this kind alone."""
    kind, values = kind_of(report), asdict(report)
    reporter = {column: values["reporter"][name] for name, column in _REPORTER.items()}
    common = {name: values[name] for name in _common_names(kind)}
    own = {name: values[name] for name in _own_names(kind)}
    return {"report_type": kind.report_type, **reporter, **common}, own


def command_of(kind: Kind, row: Values, own: Values) -> Report:
    """Return the command that would submit the report of these two rows."""
    common = {name: row[name] for name in _common_names(kind)}
    reporter = {name: row[column] for name, column in _REPORTER.items()}
    return _reader(kind).validate_python({**common, **own, "reporter": reporter})


def _event_values(report_id: ReportId, reference: Reference, report: Report, at: datetime) -> dict[str, object]:
    """Return the answers by name. The reporter's sign-in subject is left out: no other service needs it."""
    identity = {"report_id": report_id, "reference": reference, "submitted_at": at}
    return {**asdict(report), **identity, "reporter": report.reporter}


@cache
def _reader(kind: Kind) -> TypeAdapter[Report]:
    return TypeAdapter(kind.command)


@cache
def _common_names(kind: Kind) -> frozenset[str]:
    return frozenset(attribute.name for attribute in fields(kind.command)) & _columns(tables.ReportRow) - _own_names(
        kind
    )


@cache
def _own_names(kind: Kind) -> frozenset[str]:
    return _columns(kind.details) - {"report_id"} if kind.details else frozenset()


@cache
def _columns(row: type[Base]) -> frozenset[str]:
    return frozenset(row.table().columns.keys())
