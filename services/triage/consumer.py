"""Which event is handled by what: one line each."""

from collections.abc import Mapping
from functools import partial

from services.triage.accounts.handlers import project_accounts
from services.triage.cases.opening import Opening, open_for_abuse_reports
from shared.events import topics
from shared.events.envelope import Event
from shared.events.intake import AbuseReportSubmitted
from shared.events.registry import AccountChanged
from shared.messaging.consumer import Handler

GROUP = "signpost-triage"
TOPICS = (topics.ABUSE_REPORTS,)

ACCOUNTS_GROUP = "signpost-triage-accounts"
ACCOUNTS_TOPICS = (topics.ACCOUNTS,)
ACCOUNTS_HANDLERS: Mapping[type[Event], Handler] = {AccountChanged: project_accounts}


def handlers(opening: Opening) -> Mapping[type[Event], Handler]:
    """Return the handlers of the main group."""
    return {AbuseReportSubmitted: partial(open_for_abuse_reports, opening=opening)}
