"""Makes a service's web application, with the same surroundings for every route.

These are health, metrics and the API's description under the service's prefix, and the headers of every answer.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType

import structlog
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth.ended_sessions import EndedSessions
from shared.auth.guard import anyone, assert_every_route_is_guarded, current_principal
from shared.auth.permissions import Principal
from shared.auth.provider_tokens import EitherReader, Provider, ProviderKeysAtHand
from shared.auth.tokens import TokenVerifier
from shared.clock import Clock, SystemClock
from shared.observability.logs import redact_by_default
from shared.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS, exposition
from shared.observability.security import log_security_event
from shared.observability.traces import configure_tracing, current_trace_id, new_trace
from shared.runtime import WebFields, WebParts
from shared.settings import ServiceSettings
from shared.web import failures, limits
from shared.web.api_docs import description_router
from shared.web.cross_site import CrossSiteProtection, has_form_token
from shared.web.pages import make_environment
from shared.web.refusals import Refusals

Readiness = Callable[[], Sequence[str]]


def web_fields(
    service: str, settings: ServiceSettings, templates: Sequence[Path], *, clock: Clock | None = None
) -> WebFields:
    """Return what the web application of `service` needs.

    Args:
        service: the service's name in logs and metrics.
        settings: the service's settings.
        templates: the folders of the service's templates.
        clock: the clock of guards and pages; the machine's by default.
    """
    ours = TokenVerifier(*(path.read_bytes() for path in (settings.verify_key_file, *settings.more_verify_key_files)))
    provider = Provider(settings.provider) if settings.provider else None
    return WebFields(
        service=service,
        settings=settings,
        clock=clock or SystemClock(),
        provider=provider,
        tokens=EitherReader(ours, provider) if provider else ours,
        ended=EndedSessions(),
        rates=limits.RateLimits(),
        templates=make_environment(templates),
    )


def create_app(
    parts: WebParts,
    *,
    prefix: str,
    routers: Sequence[APIRouter],
    refusals: Refusals,
    readiness: Readiness,
    large_bodies: limits.LargeBodies = MappingProxyType({}),
    streamed_bodies: limits.StreamedBodies = MappingProxyType({}),
    cookieless: Sequence[re.Pattern[str]] = (),
) -> FastAPI:
    """Return the application of `parts.service`, with its routes under `prefix`.

    Args:
        parts: what its routes need.
        prefix: the path prefix of its health, metrics and description.
        routers: its routes, with full paths.
        refusals: how each domain error is answered.
        readiness: the reasons why the service cannot work right now.
        large_bodies: paths that take more than the usual number of bytes, and how many.
        streamed_bodies: paths that read files as they arrive, and how many bytes.
        cookieless: paths where no cookie says who someone is, so that another site gains nothing there.

    Raises:
        UnguardedRoute: a route does not say who may use it.
    """
    redact_by_default()
    configure_tracing("signpost")
    app = _bare(parts.service)
    app.state.parts = parts
    for router in routers:
        app.include_router(router)
    app.include_router(operations_router(prefix, readiness))
    app.include_router(description_router(app, prefix))
    failures.install(app, refusals)
    app.user_middleware = _middleware(app, parts, large_bodies, streamed_bodies, cookieless)
    assert_every_route_is_guarded(app)
    return app


def _bare(service: str) -> FastAPI:
    """Return an application without routes, and without FastAPI's own pages, redirects and telemetry."""
    return FastAPI(
        title=f"Signpost {service}",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(has_form_token)],
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its logs carry exception messages
    )


def _middleware(
    app: FastAPI,
    parts: WebParts,
    large_bodies: limits.LargeBodies,
    streamed_bodies: limits.StreamedBodies,
    cookieless: Sequence[re.Pattern[str]],
) -> list[Middleware]:
    settings = parts.settings
    return [  # outermost first
        Middleware(limits.ForwardedSender, proxies=settings.proxies),
        Middleware(AccessLog, service=parts.service, settings=settings),
        Middleware(SecurityHeaders, secure=settings.secure),
        Middleware(failures.Failures, application=app),
        Middleware(limits.HeadLimit),
        Middleware(ProviderKeysAtHand, provider=parts.provider, clock=parts.clock),
        Middleware(limits.LimitCallers, rates=parts.rates, settings=settings, principal_of=current_principal),
        Middleware(limits.BodyLimit, large=large_bodies, streamed=streamed_bodies),
        Middleware(
            CrossSiteProtection,
            keys=settings.derive_keys("csrf"),
            public_url=settings.public_url,
            cookieless=cookieless,
        ),
        Middleware(RouteNote),
    ]


def operations_router(prefix: str, readiness: Readiness) -> APIRouter:
    """Return the routes. `readiness` gives the reasons why the service cannot work right now; none means ready."""
    router = APIRouter(prefix=prefix, include_in_schema=False, dependencies=[Depends(anyone)])

    @router.get("/health/live")
    def live() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @router.get("/health/ready")
    def ready() -> JSONResponse:
        reasons = list(readiness())
        body: dict[str, object] = {"status": "unready", "reasons": reasons} if reasons else {"status": "ready"}
        return JSONResponse(body, 503 if reasons else 200)

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
)
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
_ALWAYS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": PERMISSIONS_POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class SecurityHeaders:
    """Adds security headers; `Cache-Control: no-store` unless the route sets another; HSTS only with TLS."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = dict(_ALWAYS)
        if secure:
            self._headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, sending)


_log = structlog.get_logger()
_QUIET = ("/health/live", "/health/ready", "/metrics", "/assets/{path:path}")
_SEEN = "signpost.seen"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class AccessLog:
    """Opens the request's trace, counts it and logs it, without path values, query, IP address or user agent."""

    def __init__(self, app: ASGIApp, *, service: str, settings: ServiceSettings) -> None:
        self._app = app
        self._service = service
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
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
                method = scope["method"] if scope["method"] in _METHODS else "OTHER"
                found = seen.get("route")
                route = found.path_format if isinstance(found, APIRoute) else "(none)"
                self._record(method, route, status, time.perf_counter() - began)
                self._record_refusal(method, route, status, scope["state"])

    def _record_refusal(self, method: str, route: str, status: int, state: Mapping[str, object]) -> None:
        """Log a failed authorisation: what may not be done, or is not there for this person."""
        hidden = status == HTTPStatus.NOT_FOUND and "{" in route and not route.endswith(_QUIET)
        if status != HTTPStatus.FORBIDDEN and not hidden:
            return
        who = state.get("had_to_sign_in")
        log_security_event(
            self._settings,
            str(state.get("refused_because") or HTTPStatus(status).phrase.lower().replace(" ", "-")),
            who if isinstance(who, Principal) else None,
            service=self._service,
            method=method,
            route=route,
            status=status,
        )

    def _record(self, method: str, route: str, status: int, seconds: float) -> None:
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
    """Innermost middleware: tells the access log the route, because middleware in between copies the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            scope.get(_SEEN, {})["route"] = scope.get("route")
