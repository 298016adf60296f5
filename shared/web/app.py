"""One way to make a service's web application: the same frame around every route."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from shared.auth.guard import assert_every_route_is_guarded
from shared.auth.provider_requests import ProviderKeysAtHand
from shared.auth.provider_tokens import EitherReader, Provider
from shared.auth.tokens import TokenVerifier
from shared.clock import Clock, SystemClock
from shared.observability.access_log import AccessLog, RouteNote
from shared.observability.logging import redact_by_default
from shared.observability.tracing import configure_tracing
from shared.settings import ServiceSettings
from shared.web import failures
from shared.web.api_docs import description_router
from shared.web.body_limit import DEFAULT_LIMIT, BodyLimit
from shared.web.csrf import Csrf
from shared.web.operations_routes import Readiness, operations_router
from shared.web.pages import make_environment
from shared.web.problems import ProblemType
from shared.web.rate_limits import LimitWrites, RateLimits
from shared.web.security_headers import SecurityHeaders


class Lifespan(Protocol):
    """What FastAPI calls at start and at stop."""

    def __call__(self, app: FastAPI, /) -> AbstractAsyncContextManager[None]: ...


def create_app(  # noqa: PLR0913 - the parts of the frame, each named once
    *,
    service: str,
    prefix: str,
    settings: ServiceSettings,
    routers: Sequence[APIRouter],
    domain_problems: Mapping[type[Exception], ProblemType],
    templates: Sequence[Path],
    readiness: Readiness,
    lifespan: Lifespan | None = None,
    clock: Clock | None = None,
    body_limit: int = DEFAULT_LIMIT,
) -> FastAPI:
    """Return the application of `service`, whose routes live under `prefix`.

    Args:
        service: its name in logs and metrics.
        prefix: of its health, metrics and description.
        settings: the service's own.
        routers: its routes, with whole paths.
        domain_problems: what each domain error looks like from outside; a subclass needs no entry of its own.
        templates: folders of the service's templates.
        readiness: the reasons why the service cannot work right now.
        lifespan: what FastAPI opens at start and closes at stop.
        clock: what guards and pages tell the time by; the machine's by default.
        body_limit: bytes that a request may carry.

    Raises:
        UnguardedRoute: a route does not say who may use it.
    """
    redact_by_default()
    configure_tracing("signpost")
    app = FastAPI(
        title=f"Signpost {service}",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its logs carry exception messages
    )
    app.state.settings = settings
    app.state.clock = clock or SystemClock()
    ours = TokenVerifier(settings.verify_key_file.read_bytes())
    app.state.provider = provider = Provider(settings.provider) if settings.provider else None
    app.state.tokens = EitherReader(ours, provider) if provider else ours
    app.state.rates = RateLimits()
    app.state.templates = make_environment(templates)
    for router in routers:
        app.include_router(router)
    app.include_router(operations_router(prefix, readiness))
    app.include_router(description_router(app, prefix))
    failures.install(app, domain_problems)
    app.user_middleware = _middleware(app, service, settings, body_limit)
    assert_every_route_is_guarded(app)
    return app


def _middleware(app: FastAPI, service: str, settings: ServiceSettings, body_limit: int) -> list[Middleware]:
    return [  # outermost first
        Middleware(AccessLog, service=service),
        Middleware(SecurityHeaders, secure=settings.secure),
        Middleware(failures.Failures, application=app),
        Middleware(
            LimitWrites,
            rates=app.state.rates,
            bearer=settings.rate_limit_bearer,
            others=settings.rate_limit_address,
        ),
        Middleware(BodyLimit, limit=body_limit),
        Middleware(ProviderKeysAtHand, provider=app.state.provider, clock=app.state.clock),
        Middleware(Csrf, key=settings.derive_key("csrf"), secure=settings.secure),
        Middleware(RouteNote),
    ]
