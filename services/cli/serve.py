"""Commands that run Signpost: everything in one process, or one service with Apache Kafka."""

import asyncio
import os
import pkgutil
import sys
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.cli.settings import KINDS, EmbeddedModeNotInstalled, ServiceName, data_directory, settings_of
from services.embedded.data_directory import DataDirectory
from shared.connections import Connections, limits_of
from shared.observability.logs import configure_logging
from shared.runtime import Service, keep_what_is_wired
from shared.server import HealthOnly, listening, serve, stop_on_signals
from shared.settings import refuse_unknown

DEFAULT_PORT = 8000
_console = Console(soft_wrap=True)


class RoleKind(StrEnum):
    """The roles that a process of a service can have."""

    WEB = "web"
    CONSUMER = "consumer"
    RELAY = "relay"
    SWEEP = "sweep"
    AUDITOR = "auditor"


def up(
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535)] = DEFAULT_PORT,
    data_dir: Annotated[Path | None, typer.Option(help="Default: SIGNPOST_DATA_DIR, or .signpost")] = None,
) -> None:
    """Run everything in one process, with its own PostgreSQL, event log and mail catcher."""
    try:
        from services.embedded import run  # noqa: PLC0415 - an extra that separate services are installed without
    except ModuleNotFoundError:
        raise EmbeddedModeNotInstalled from None
    refuse_unknown(KINDS.values())
    directory = DataDirectory(data_dir.resolve()) if data_dir else data_directory()
    configure_logging(os.environ.get("SIGNPOST_LOG_LEVEL", "warning"))
    _console.print(f"Signpost is starting, with its data in {directory.path}")
    asyncio.run(run.up(directory, port, announce=_show_ready))
    _console.print("Signpost has stopped; its data stays.")


def _show_ready(url: str) -> None:
    keep_what_is_wired()
    _console.print(f"Signpost is ready: {url}  (emails: {url}/mail; Ctrl-C stops it)")
    sys.stdout.flush()


def serve_one(
    service: ServiceName,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535)] = DEFAULT_PORT,
    roles: Annotated[str, typer.Option(help="Which of web,consumer,relay,sweep,auditor this process runs")] = ",".join(
        RoleKind
    ),
) -> None:
    """Run one service: its web application, consumers, relay, sweeps and auditor."""
    try:
        kinds = {RoleKind(kind.strip()) for kind in roles.split(",")}
    except ValueError:
        known = ", ".join(RoleKind)
        message = f"--roles takes a list of {known}"
        raise typer.BadParameter(message) from None
    asyncio.run(_serve(service.value, host, port, kinds))


async def _serve(name: str, host: str, port: int, kinds: set[RoleKind]) -> None:
    stop = asyncio.Event()
    with listening(host, port) as listener:
        stop_on_signals(stop)
        async with open_named(name) as service:
            keep_what_is_wired()
            _console.print(f"{name} is ready: http://{host}:{listener.getsockname()[1]}{service.prefix}")
            sys.stdout.flush()
            roles = [role for role in service.roles if role.kind in kinds]
            app = service.app if RoleKind.WEB in kinds else HealthOnly(service.app, service.prefix)
            await serve(app, listener, roles, stop, Connections(limits_of(service.parts.settings)))


def open_named(name: str) -> AbstractAsyncContextManager[Service]:
    """Open the service `name`, with settings from the environment; only its own modules are loaded."""
    settings = settings_of(KINDS[name])
    configure_logging(settings.log_level)
    opened: AbstractAsyncContextManager[Service] = pkgutil.resolve_name(f"services.{name}.app:open_service")(settings)
    return opened
