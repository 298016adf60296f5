"""Which event is handled by what: one line each."""

from collections.abc import Mapping
from functools import partial

from services.triage.accounts.handlers import project_accounts
from services.triage.cases.opening import Opening, open_for_reports
from shared.events import topics
from shared.events.envelope import Event
from shared.events.intake import (
    AbuseReportSubmitted,
    EnquirySubmitted,
    MisuseReportSubmitted,
    PolicyExceptionRequested,
    SecurityIncidentSubmitted,
)
from shared.events.registry import AccountChanged
from shared.messaging.consumer import Handler

GROUP = "signpost-triage"
TOPICS = (
    topics.ABUSE_REPORTS,
    topics.MISUSE_REPORTS,
    topics.SECURITY_INCIDENTS,
    topics.ENQUIRIES,
)

ACCOUNTS_GROUP = "signpost-triage-accounts"
ACCOUNTS_TOPICS = (topics.ACCOUNTS,)
ACCOUNTS_HANDLERS: Mapping[type[Event], Handler] = {AccountChanged: project_accounts}


def handlers(opening: Opening) -> Mapping[type[Event], Handler]:
    """Return the handlers of the main group."""
    opens = partial(open_for_reports, opening=opening)
    return {
        AbuseReportSubmitted: opens,
        MisuseReportSubmitted: opens,
        SecurityIncidentSubmitted: opens,
        EnquirySubmitted: opens,
        PolicyExceptionRequested: opens,
    }
