"""Turns a submitted report into the facts that rules may ask about."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.triage.accounts.domain import Account
from services.triage.reports.domain import Filed
from services.triage.routing.domain import Facts
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import UNRECOGNISED


@dataclass(frozen=True, slots=True)
class History:
    """What is known beside the report itself.

    Args:
        accounts: the registered accounts that it names.
        earlier_reports: how often one of the accounts that it names was reported lately.
        repeats: how often misuse by the same person was reported.
        incident_known: whether the incident that it refers to is known.
    """

    accounts: Sequence[Account] = ()
    earlier_reports: int = 0
    repeats: int = 0
    incident_known: bool = False


def facts_of(report: Filed, history: History) -> Facts:
    """Return the facts of a report that came by any form."""
    return Facts(
        form=report.form,
        report_type=report.nature,
        found_by=report.found_by,
        reporter=report.reporter.confidentiality,
        reporter_kind=report.reporter.kind or "",
        platform=_platform(report.platform),
        content_kind=report.content_kind or "",
        content_state=report.content_state or "",
        behaviours=tuple(report.behaviours),
        affected=tuple(person.relation for person in report.affected),
        suspected=tuple(person.relation for person in report.suspected),
        also_affects=tuple(report.also_affects),
        manager_alert=report.manager_alert or "",
        account_classes=tuple(sorted({account.account_class for account in history.accounts})),
        account_statuses=tuple(sorted({account.status for account in history.accounts})),
        earlier_reports=history.earlier_reports,
        misuse=tuple(report.misuse),
        union_activity=report.union_activity or "",
        account_kind=report.account_kind or "",
        device=report.device or "",
        own_time=report.own_time or "",
        dwp_information=report.dwp_information or "",
        sanctioned=any(account.sanctioned for account in history.accounts),
        repeats=history.repeats,
        incident_known=history.incident_known,
        effects=tuple(report.effects),
        circumstances=tuple(report.circumstances),
        asset_owner=report.asset_owner or "",
        still_happening=report.still_happening or "",
        personal_data=report.personal_data or "",
        people_affected=min(report.people_affected or 0, _MOST_PEOPLE),
        own_mistake=report.own_mistake,
        channel=report.channel or "",
        taken_over=report.taken_over or "",
        about=report.about or "",
        exception_kind=report.exception_kind or "",
    )


_MOST_PEOPLE = 1_000_000_000
"""A larger number says no more, and fits no integer of the rules' language."""


def _platform(platform: str) -> str:
    return platform if platform in PLATFORMS or not platform else UNRECOGNISED
