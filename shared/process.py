"""Opens what the routes and roles of one service need: its database, the event log, its outbox."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from shared.clock import Clock
from shared.db.database import Database
from shared.ids import Ids, RandomIds
from shared.messaging.log import EventLog
from shared.messaging.open import open_log
from shared.messaging.outbox import Outbox
from shared.runtime import Fields
from shared.settings import ServiceSettings
from shared.web.app import web_fields


@asynccontextmanager
async def open_parts(
    service: str,
    settings: ServiceSettings,
    database_url: str,
    templates: Sequence[Path],
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    log: EventLog | None = None,
) -> AsyncIterator[Fields]:
    """Open the parts that every service has, and close on exit what was opened here.

    Args:
        service: its name in logs, metrics and the event log.
        settings: the service's settings.
        database_url: the URL of its database.
        templates: the folders of its templates.
        clock: the machine's by default.
        ids: random by default.
        log: an event log that is already open, and stays open; by default the one in the settings.

    Raises:
        EventLogNotConfigured: the settings lack the log's address.
        LogUnavailable: the log does not answer.
    """
    ids = ids or RandomIds()
    async with AsyncExitStack() as stack:
        database = Database(database_url, application_name=f"signpost-{service}")
        stack.push_async_callback(database.close)
        if log is None:
            log = await open_log(settings)
            stack.push_async_callback(log.close)
        web = web_fields(service, settings, templates, clock=clock)
        yield Fields(**web, database=database, log=log, outbox=Outbox(service, ids), ids=ids)
