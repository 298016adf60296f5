"""The wiring of the registry, top to bottom."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from services.registry.accounts import api as accounts_api
from services.registry.accounts import import_pages, official
from services.registry.accounts import pages as accounts_pages
from services.registry.accounts.problems import PROBLEMS
from services.registry.lookup import api as lookup_api
from services.registry.lookup import pages as lookup_pages
from services.registry.settings import RegistrySettings
from shared.audit.anchoring import anchoring
from shared.clock import Clock, SystemClock
from shared.db.database import Database
from shared.ids import Ids, RandomIds
from shared.messaging.housekeeping import housekeeping
from shared.messaging.log import EventLog
from shared.messaging.open import open_log
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.runtime import Role, Service
from shared.web.app import create_app
from shared.web.dead_letters import dead_letters_router

PREFIX = "/accounts"
ROUTERS = (
    dead_letters_router(PREFIX),
    lookup_pages.router,
    lookup_api.router,
    official.router,
    accounts_api.router,
    import_pages.router,
    accounts_pages.router,
)
TEMPLATES = tuple(Path(__file__).parent / name / "templates" for name in ("accounts", "lookup"))


@asynccontextmanager
async def open_service(
    settings: RegistrySettings, *, clock: Clock | None = None, ids: Ids | None = None, log: EventLog | None = None
) -> AsyncIterator[Service]:
    """Open the registry; what was opened here is closed on leaving."""
    clock, ids = clock or SystemClock(), ids or RandomIds()
    async with AsyncExitStack() as stack:
        database = Database(settings.registry_database_url, application_name="signpost-registry")
        stack.push_async_callback(database.close)
        if log is None:
            log = await open_log(settings)
            stack.push_async_callback(log.close)
        outbox = Outbox("registry", ids)
        roles: Sequence[Role] = (
            Relay("registry", database=database, log=log, clock=clock, outbox=outbox),
            *housekeeping("registry", database=database, log=log, clock=clock),
            *anchoring("registry", settings, database=database, clock=clock),
        )
        app = create_app(
            service="registry",
            prefix=PREFIX,
            settings=settings,
            routers=ROUTERS,
            domain_problems=PROBLEMS,
            templates=TEMPLATES,
            readiness=lambda: [f"{role.name}: {why}" for role in roles if (why := role.unready_because)],
            clock=clock,
        )
        app.state.database, app.state.outbox, app.state.ids = database, outbox, ids
        yield Service("registry", PREFIX, app, database, roles)
