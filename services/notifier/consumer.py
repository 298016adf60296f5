"""What notifier listens to: event type → handler, one line each."""

from collections.abc import Mapping
from functools import partial

from services.notifier.alerts.domain import AddressBook
from services.notifier.alerts.handlers import alert_about_abuse
from shared.events import topics
from shared.events.envelope import Event
from shared.events.intake import AbuseReportSubmitted
from shared.ids import Ids
from shared.messaging.consumer import Handler
from shared.messaging.outbox import Outbox

GROUP = "signpost-notifier"
TOPICS = (topics.ABUSE_REPORTS,)


def handlers(book: AddressBook, ids: Ids, outbox: Outbox) -> Mapping[type[Event], Handler]:
    """Return the handler of each event type."""
    return {
        AbuseReportSubmitted: partial(alert_about_abuse, book=book, ids=ids, outbox=outbox),
    }
