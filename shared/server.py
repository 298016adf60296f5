"""Runs a web application and its roles in one process on one port, and stops them in order on SIGINT or SIGTERM."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast

import structlog
import uvicorn
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.connections import Connection, ConnectionLimits, Connections
from shared.errors import ExplainedError
from shared.runtime import Role, run_roles

_log = structlog.get_logger()

BACKLOG = 2048
GRACE_SECONDS = 5
"""How long requests may go on when the process stops; what is not done then is told to come again."""
STOPPING = "stopping"
"""The key of `TellsOfStop`'s event in a request's state."""


class PortBusy(ExplainedError):
    """The port is taken or not allowed; the message is one line for a person."""


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen on `host`:`port` (0: a port the machine chooses).

    Raises:
        PortBusy: another process listens there, or the port is not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is given, because asyncio sets TCP_NODELAY only then; without it, answers wait for delayed ACKs.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except OSError as error:
            message = f"cannot listen on port {port} ({error.strerror}); set PORT to a free one"
            raise PortBusy(message) from None
        yield listener


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    roles: Sequence[Role],
    stop: asyncio.Event,
    connections: Connections | None = None,
) -> None:
    """Serve `app` and run `roles` until `stop`: first refuse new requests, then let the roles finish current work.

    Args:
        app: the web application.
        listener: the socket that accepts connections.
        roles: what runs beside it.
        stop: ends everything.
        connections: what is counted and limited; by default with the limits of `ConnectionLimits`.
    """
    connections = Connections(ConnectionLimits()) if connections is None else connections
    server = _Server(_config(TellsOfStop(app, stop), connections))
    roles_stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        web = group.create_task(server.serve(sockets=[listener]), name="web")
        work = group.create_task(run_roles(roles, roles_stop), name="roles")
        told = group.create_task(stop.wait(), name="stop")
        late = group.create_task(connections.end_late_ones(), name="late connections")
        _log.info("serving", port=listener.getsockname()[1])
        await asyncio.wait({told, web, work}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        server.should_exit = True
        await web
        late.cancel()
        roles_stop.set()


def _config(app: ASGIApp, connections: Connections) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(Connection, connections)),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=False,  # `shared.web.limits.ForwardedSender` reads what our own proxies say
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` at the first SIGINT or SIGTERM; a second one ends the process at once, as it would by default."""
    loop = asyncio.get_running_loop()

    def told(name: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(name)

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, told, name)


class _Server(uvicorn.Server):
    """Leaves signals to its caller, so that everything stops in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class TellsOfStop:
    """Gives every request the event that is set when the process is asked to stop, so that endless answers end."""

    def __init__(self, app: ASGIApp, stop: asyncio.Event) -> None:
        self._app = app
        self._stop = stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[STOPPING] = self._stop
        await self._app(scope, receive, send)


def stop_of(request: HTTPConnection) -> asyncio.Event:
    """Return the event that is set when the process is asked to stop; without `TellsOfStop`, one that is never set."""
    stop = request.scope.get("state", {}).get(STOPPING)
    return stop if isinstance(stop, asyncio.Event) else asyncio.Event()


class HealthOnly:
    """Answers for a process that serves no pages: health, metrics, and 404 for everything else."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._open = (f"{prefix}/health/", f"{prefix}/metrics")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = scope["type"] == "http" and scope["path"].startswith(self._open)
        await (self._app if known else _NOT_HERE)(scope, receive, send)


_NOT_HERE = PlainTextResponse("This process serves health and metrics only.\n", status_code=404)
