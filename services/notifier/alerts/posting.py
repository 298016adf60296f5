"""What every use case that tells somebody something needs beside its session and the time."""

from dataclasses import dataclass

from services.notifier.alerts.domain import AddressBook
from services.notifier.delivery.digests import DigestRules
from services.notifier.delivery.domain import CLASS_OF, MessageClass
from shared.events.vocabulary import AlertPurpose
from shared.ids import Ids
from shared.messaging.outbox import Outbox

EMAIL, NOTIFY = "email", "notify"
"""The names of the channels: our own mail server, and GOV.UK Notify."""


@dataclass(frozen=True, slots=True)
class Post:
    """Whom alerts may go to, what is held back, and which way each class of message leaves."""

    book: AddressBook
    ids: Ids
    outbox: Outbox
    digest_rules: DigestRules
    by_notify: frozenset[MessageClass] = frozenset()

    def channel_for(self, purpose: AlertPurpose) -> str:
        """Return the channel of messages for `purpose`."""
        return NOTIFY if CLASS_OF[purpose] in self.by_notify else EMAIL
