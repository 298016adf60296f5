"""One way to make a service's web application: the same frame around every route."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware import Middleware

from shared.auth.guard import assert_every_route_is_guarded
from shared.auth.provider_tokens import EitherReader, Provider, ProviderKeysAtHand
from shared.auth.tokens import TokenVerifier
from shared.clock import Clock, SystemClock
from shared.observability.access_log import AccessLog, RouteNote
from shared.observability.logs import redact_by_default
from shared.observability.traces import configure_tracing
from shared.runtime import WebFields, WebParts
from shared.settings import ServiceSettings
from shared.web import failures
from shared.web.api_docs import description_router
from shared.web.body_limit import DEFAULT_LIMIT, BodyLimit
from shared.web.cross_site import CrossSiteProtection, has_form_token
from shared.web.operations_routes import Readiness, operations_router
from shared.web.pages import make_environment
from shared.web.rate_limits import LimitWrites, RateLimits
from shared.web.refusals import Refusals
from shared.web.security_headers import SecurityHeaders


def web_fields(
    service: str, settings: ServiceSettings, templates: Sequence[Path], *, clock: Clock | None = None
) -> WebFields:
    """Return what the web application of `service` works with.

    Args:
        service: its name in logs and metrics.
        settings: the service's own.
        templates: folders of the service's templates.
        clock: what guards and pages tell the time by; the machine's by default.
    """
    ours = TokenVerifier(settings.verify_key_file.read_bytes())
    provider = Provider(settings.provider) if settings.provider else None
    return WebFields(
        service=service,
        settings=settings,
        clock=clock or SystemClock(),
        provider=provider,
        tokens=EitherReader(ours, provider) if provider else ours,
        rates=RateLimits(),
        templates=make_environment(templates),
    )


def create_app(
    parts: WebParts,
    *,
    prefix: str,
    routers: Sequence[APIRouter],
    refusals: Refusals,
    readiness: Readiness,
    body_limit: int = DEFAULT_LIMIT,
) -> FastAPI:
    """Return the application of `parts.service`, whose routes live under `prefix`.

    Args:
        parts: what its routes work with.
        prefix: of its health, metrics and description.
        routers: its routes, with whole paths.
        refusals: how each domain error is answered.
        readiness: the reasons why the service cannot work right now.
        body_limit: bytes that a request may carry.

    Raises:
        UnguardedRoute: a route does not say who may use it.
    """
    redact_by_default()
    configure_tracing("signpost")
    app = FastAPI(
        title=f"Signpost {parts.service}",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(has_form_token)],
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its logs carry exception messages
    )
    app.state.parts = parts
    for router in routers:
        app.include_router(router)
    app.include_router(operations_router(prefix, readiness))
    app.include_router(description_router(app, prefix))
    failures.install(app, refusals)
    app.user_middleware = _middleware(app, parts, body_limit)
    assert_every_route_is_guarded(app)
    return app


def _middleware(app: FastAPI, parts: WebParts, body_limit: int) -> list[Middleware]:
    settings = parts.settings
    return [  # outermost first
        Middleware(AccessLog, service=parts.service),
        Middleware(SecurityHeaders, secure=settings.secure),
        Middleware(failures.Failures, application=app),
        Middleware(
            LimitWrites,
            rates=parts.rates,
            bearer=settings.rate_limit_bearer,
            others=settings.rate_limit_address,
        ),
        Middleware(BodyLimit, limit=body_limit),
        Middleware(ProviderKeysAtHand, provider=parts.provider, clock=parts.clock),
        Middleware(CrossSiteProtection, key=settings.derive_key("csrf"), public_url=settings.public_url),
        Middleware(RouteNote),
    ]
