"""One line and one measurement for each request. They name the route, never the address requested."""

import time

import structlog
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS
from shared.observability.traces import current_trace_id, new_trace

_log = structlog.get_logger()
_QUIET = ("/health/live", "/health/ready", "/metrics", "/assets/{path:path}")
_SEEN = "signpost.seen"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class AccessLog:
    """Opens the request's trace, counts it and logs it: no path values, no query, no address, no user agent."""

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        seen: dict[str, object] = {}
        with new_trace("request"):
            try:
                await self._app({**scope, _SEEN: seen}, receive, sending)
            finally:
                self._record(str(scope["method"]), seen.get("route"), status, time.perf_counter() - began)

    def _record(self, sent_method: str, sent_route: object, status: int, seconds: float) -> None:
        method = sent_method if sent_method in _METHODS else "OTHER"
        route = sent_route.path_format if isinstance(sent_route, APIRoute) else "(none)"
        HTTP_REQUESTS.labels(self._service, method, route, str(status)).inc()
        HTTP_SECONDS.labels(self._service, method, route).observe(seconds)
        if not route.endswith(_QUIET):
            _log.info(
                "request",
                service=self._service,
                method=method,
                route=route,
                status=status,
                duration_ms=round(seconds * 1000, 1),
                trace_id=current_trace_id(),
            )


class RouteNote:
    """Innermost: tells the access log which route was taken. Middleware in between copies the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            scope.get(_SEEN, {})["route"] = scope.get("route")
