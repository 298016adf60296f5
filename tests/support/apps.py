"""Applications that tests use one after another: to build all routes of a service takes longer than most tests.

Only the routes are kept. Parts, middleware and what makes a service unready are each test's own.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.datastructures import State

from shared.observability.logs import redact_by_default
from shared.observability.traces import configure_tracing
from shared.runtime import Service, WebParts
from shared.web import app as web
from shared.web.refusals import Refusals


@dataclass
class _Kept:
    app: FastAPI
    readiness: web.Readiness

    def ready(self) -> Sequence[str]:
        return self.readiness()


_idle: dict[str, list[_Kept]] = defaultdict(list)
"""Applications by service that no test uses now."""


@asynccontextmanager
async def opened_again(module: ModuleType, settings: object, **given: Any) -> AsyncIterator[Service]:  # noqa: ANN401 - those of `open_service`
    """Open the service of `module`, with the routes of an earlier test if there was one with the usual settings."""
    taken: list[_Kept] = []

    def create_app(
        parts: WebParts,
        *,
        prefix: str,
        routers: Sequence[APIRouter],
        refusals: Refusals,
        readiness: web.Readiness,
        **more: Any,  # noqa: ANN401 - those of `web.create_app`
    ) -> FastAPI:
        if idle := _idle[parts.service]:
            kept = idle.pop()
            _renew(kept, parts, readiness, **more)
        else:
            kept = _Kept(FastAPI(), readiness)
            kept.app = web.create_app(
                parts, prefix=prefix, routers=routers, refusals=refusals, readiness=kept.ready, **more
            )
        taken.append(kept)
        return kept.app

    async with AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module, "create_app", create_app)
            service: Service = await stack.enter_async_context(module.open_service(settings, **given))
        yield service
    for kept in taken:
        _idle[service.parts.service].append(kept)


def _renew(kept: _Kept, parts: WebParts, readiness: web.Readiness, **more: Any) -> None:  # noqa: ANN401 - as above
    """Do what `web.create_app` does besides routes and errors."""
    redact_by_default()
    configure_tracing("signpost")
    kept.readiness, kept.app.state, kept.app.middleware_stack = readiness, State(), None
    kept.app.state.parts = parts
    limits = (more.get("large_bodies", MappingProxyType({})), more.get("streamed_bodies", MappingProxyType({})))
    kept.app.user_middleware = web._middleware(kept.app, parts, *limits, more.get("cookieless", ()))
