"""Dependencies of routes are coroutines: FastAPI sends any other function to a thread and back."""

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

import services.intake.app
import services.notifier.app
import services.registry.app
import services.triage.app


@pytest.mark.parametrize(
    "service", [services.intake.app, services.triage.app, services.registry.app, services.notifier.app]
)
def test_every_dependency_is_async(service: ModuleType) -> None:
    threaded = {f"{call.__module__}.{call.__qualname__}" for call in dependencies(service) if not stays(call)}
    assert not threaded


def dependencies(service: ModuleType) -> Iterator[Callable[..., object]]:
    app = FastAPI()
    for router in service.ROUTERS:
        app.include_router(router)
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            yield from below(context.dependant)


def below(dependant: Dependant) -> Iterator[Callable[..., object]]:
    for inner in dependant.dependencies:
        if inner.call is not None:
            yield inner.call
        yield from below(inner)


def stays(call: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)
