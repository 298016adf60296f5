"""Turns a submitted report into the facts that rules may ask about."""

from collections.abc import Sequence

from services.triage.accounts.domain import Account
from services.triage.routing.domain import Facts
from shared.events.intake import AbuseReportSubmitted
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import UNRECOGNISED, ReportType


def of_abuse_report(report: AbuseReportSubmitted, accounts: Sequence[Account], earlier_reports: int) -> Facts:
    """Return the facts of a report that came by the abuse form.

    Args:
        report: as it was submitted.
        accounts: the registered accounts that it names.
        earlier_reports: how often one of the accounts that it names was reported lately.
    """
    return Facts(
        form=ReportType.ABUSE,
        report_type=ReportType.ABUSE,
        found_by=report.found_by,
        reporter=report.reporter.confidentiality,
        reporter_kind=report.reporter.kind or "",
        platform=report.platform if report.platform in PLATFORMS else UNRECOGNISED,
        content_kind=report.content_kind or "",
        content_state=report.content_state or "",
        behaviours=tuple(report.behaviours),
        affected=tuple(person.relation for person in report.affected),
        suspected=tuple(person.relation for person in report.suspected),
        also_affects=tuple(report.also_affects),
        manager_alert=report.manager_alert,
        account_classes=tuple(sorted({account.account_class for account in accounts})),
        account_statuses=tuple(sorted({account.status for account in accounts})),
        earlier_reports=earlier_reports,
    )
