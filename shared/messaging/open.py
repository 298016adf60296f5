"""Opens the event log that the settings name."""

from shared.messaging.log import EventLog
from shared.messaging.postgres import PostgresLog
from shared.settings import ServiceSettings


class EventLogNotConfigured(Exception):
    """The settings choose a log and do not say where it is."""


async def open_log(settings: ServiceSettings) -> EventLog:
    """Open the log of `settings.event_log`: PostgreSQL (embedded) or Apache Kafka.

    Raises:
        EventLogNotConfigured: its address is missing.
        LogUnavailable: it is away.
    """
    if settings.event_log == "postgres":
        if settings.event_log_url is None:
            raise EventLogNotConfigured("SIGNPOST_EVENT_LOG_URL")
        return await PostgresLog.open(settings.event_log_url)
    raise NotImplementedError
