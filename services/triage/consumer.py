"""Which event is handled by what: one line each."""

from collections.abc import Callable, Mapping
from functools import partial

from services.triage.accounts.handlers import project_accounts
from services.triage.cases.reporters import add_information, ask_withdrawal, open_for_reports
from services.triage.cases.writer import CaseWriter
from services.triage.managers.handlers import manager_acted, manager_assigned, referred
from services.triage.operations.handlers import project_alerts, project_cases, project_dead_letters, project_ledger
from services.triage.routing.domain import RuleBook
from shared.events import topics
from shared.events.envelope import Event
from shared.events.intake import (
    AbuseReportAmended,
    AbuseReportSubmitted,
    AbuseReportWithdrawn,
    EnquiryAmended,
    EnquirySubmitted,
    EnquiryWithdrawn,
    LedgerChanged,
    MisuseReportAmended,
    MisuseReportSubmitted,
    MisuseReportWithdrawn,
    PolicyExceptionAmended,
    PolicyExceptionRequested,
    PolicyExceptionWithdrawn,
    SecurityIncidentAmended,
    SecurityIncidentSubmitted,
    SecurityIncidentWithdrawn,
)
from shared.events.notifier import (
    AlertAcknowledged,
    AlertDecided,
    AlertSent,
    ManagerActionRecorded,
    ManagerAssigned,
    SirtReferralRequested,
)
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled
from shared.events.registry import AccountChanged
from shared.events.triage import (
    CaseClaimed,
    CaseClosed,
    CaseDeadlineMissed,
    CaseReopened,
    CaseResolved,
    CaseRouted,
    CaseTransferred,
)
from shared.messaging.batch import Handler

GROUP = "signpost-triage"
TOPICS = (
    topics.ABUSE_REPORTS,
    topics.MISUSE_REPORTS,
    topics.SECURITY_INCIDENTS,
    topics.ENQUIRIES,
    topics.ALERTS,
)

ACCOUNTS_GROUP = "signpost-triage-accounts"
ACCOUNTS_TOPICS = (topics.ACCOUNTS,)
ACCOUNTS_HANDLERS: Mapping[type[Event], Handler] = {AccountChanged: project_accounts}

OPERATIONS_GROUP = "signpost-triage-operations"
OPERATIONS_TOPICS = (topics.LEDGER, topics.CASES, topics.ALERTS, topics.DEAD_LETTERS)
OPERATIONS_HANDLERS: Mapping[type[Event], Handler] = {
    LedgerChanged: project_ledger,
    CaseRouted: project_cases,
    CaseClaimed: project_cases,
    CaseTransferred: project_cases,
    CaseResolved: project_cases,
    CaseReopened: project_cases,
    CaseClosed: project_cases,
    CaseDeadlineMissed: project_cases,
    AlertDecided: project_alerts,
    AlertSent: project_alerts,
    AlertAcknowledged: project_alerts,
    DeadLetterRecorded: project_dead_letters,
    DeadLetterSettled: project_dead_letters,
}


def handlers(writer: CaseWriter, rulebook: Callable[[], RuleBook]) -> Mapping[type[Event], Handler]:
    """Return the handlers of the main group."""
    amended, withdrawn = partial(add_information, writer=writer), partial(ask_withdrawal, writer=writer)
    opens = partial(open_for_reports, rulebook=rulebook, writer=writer)
    return {
        AbuseReportSubmitted: opens,
        MisuseReportSubmitted: opens,
        SecurityIncidentSubmitted: opens,
        EnquirySubmitted: opens,
        PolicyExceptionRequested: opens,
        AbuseReportAmended: amended,
        MisuseReportAmended: amended,
        SecurityIncidentAmended: amended,
        EnquiryAmended: amended,
        PolicyExceptionAmended: amended,
        AbuseReportWithdrawn: withdrawn,
        MisuseReportWithdrawn: withdrawn,
        SecurityIncidentWithdrawn: withdrawn,
        EnquiryWithdrawn: withdrawn,
        PolicyExceptionWithdrawn: withdrawn,
        ManagerAssigned: partial(manager_assigned, writer=writer),
        ManagerActionRecorded: partial(manager_acted, writer=writer),
        SirtReferralRequested: partial(referred, writer=writer),
    }
