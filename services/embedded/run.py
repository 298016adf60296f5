"""`signpost up`: everything in one process, started and stopped in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

import services.intake.app
import services.notifier.app
import services.registry.app
import services.triage.app
from services.embedded import postgres, sample
from services.embedded.data_directory import DataDirectory
from services.embedded.mail_catcher import MailFolder, create_mail_pages, open_mail_catcher
from services.intake.settings import IntakeSettings
from services.notifier.settings import NotifierSettings
from services.registry.settings import RegistrySettings
from services.triage.settings import TriageSettings
from shared.connections import Connections, limits_of
from shared.db import migrations
from shared.events.topics import SERVICES
from shared.ids import RandomIds
from shared.messaging.open import open_log
from shared.runtime import Service
from shared.server import listening, serve, stop_on_signals
from shared.web.problems import problem_response, standard_problem

HOST = "127.0.0.1"
"""In embedded mode people choose who to sign in as, so it must never listen on another address."""
NAMES = ("localhost", "127.0.0.1", "[::1]")
"""What this machine is called in a URL."""
HTTP = 80


class PrefixRouter:
    """Passes a request to the application whose prefix its path begins with, or else to the front door."""

    def __init__(self, front_door: ASGIApp, prefixes: Mapping[str, ASGIApp]) -> None:
        self._front_door = front_door
        self._prefixes = prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "/")
        first = path.split("/", 2)[1] if path.startswith("/") else ""
        await self._prefixes.get(f"/{first}", self._front_door)(scope, receive, send)


class KnownHosts:
    """Answers requests for this machine's own names only, so that no web page reaches it by a name of its own.

    A page of another site can give its name our address (DNS rebinding), and its requests then count as its own.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        here = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == HTTP else set())
        self._hosts = {name.encode() for name in here}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.lower() for name, value in scope.get("headers", ()) if name == b"host"]
        known = scope["type"] != "http" or (len(hosts) == 1 and hosts[0] in self._hosts)
        await (self._app if known else _MISDIRECTED)(scope, receive, send)


_MISDIRECTED = problem_response(standard_problem(421), None)


async def up(directory: DataDirectory, port: int, announce: Callable[[str], None]) -> None:
    """Run Signpost on `port` (0: the machine chooses one) until SIGINT or SIGTERM; `announce` gets its URL.

    Raises:
        PortBusy: something else listens on `port`.
        DataDirectoryUnusable: the directory cannot be written, another Signpost uses it, or PostgreSQL fails.
    """
    with directory.held(), listening(HOST, port) as listener, postgres.running_server(directory) as database_socket:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await postgres.create_databases(directory, database_socket)
        for service in SERVICES:  # one after another: Alembic has one context per process
            await migrations.upgrade(service, directory.database_url(service, database_socket))
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        async with _everything(directory, database_socket, url) as (front, running):
            await sample.load_once(directory, running)
            announce(url)
            roles = [role for service in running for role in service.roles]
            port, parts = listener.getsockname()[1], running[0].parts
            connections = Connections(limits_of(parts.settings))
            watch = postgres.PostgresWatch(directory)
            await serve(KnownHosts(front, port), listener, [watch, *roles], stop, connections)


@asynccontextmanager
async def _everything(
    directory: DataDirectory, database_socket: Path, url: str
) -> AsyncIterator[tuple[PrefixRouter, list[Service]]]:
    async with AsyncExitStack() as stack:
        mails = MailFolder(directory.mail, RandomIds())
        smtp_port = await stack.enter_async_context(open_mail_catcher(mails))
        intake = directory.settings(IntakeSettings, database_socket, public_url=url)
        triage = directory.settings(TriageSettings, database_socket, public_url=url)
        registry = directory.settings(RegistrySettings, database_socket, public_url=url)
        notifier = directory.settings(
            NotifierSettings,
            database_socket,
            public_url=url,
            notifier_smtp_host=HOST,
            notifier_smtp_port=smtp_port,
        )
        log = await open_log(intake)
        stack.push_async_callback(log.close)
        running = [
            await stack.enter_async_context(services.intake.app.open_service(intake, log=log)),
            await stack.enter_async_context(services.triage.app.open_service(triage, log=log)),
            await stack.enter_async_context(services.registry.app.open_service(registry, log=log)),
            await stack.enter_async_context(services.notifier.app.open_service(notifier, log=log)),
        ]
        front_door, *others = running
        prefixes = {service.prefix: service.app for service in others}
        yield PrefixRouter(front_door.app, {**prefixes, "/mail": create_mail_pages(intake, mails)}), running
