"""Opens the event log that the settings name."""

from shared.messaging.log import EventLog
from shared.settings import ServiceSettings


async def open_log(settings: ServiceSettings) -> EventLog:
    """Open the log of `settings.event_log`: PostgreSQL (embedded) or Apache Kafka."""
    raise NotImplementedError
