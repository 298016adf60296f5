"""Every text and every list that a body may hold has a bound, so that nobody makes us read without end."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from annotated_types import MaxLen
from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import services.intake.app
import services.notifier.app
import services.registry.app
import services.triage.app
from shared.web.bodies import Body

WIRED = (services.intake.app, services.triage.app, services.registry.app, services.notifier.app)
LISTS = (list, tuple, set, frozenset)


def _routes(router: APIRouter) -> Iterator[APIRoute]:
    yield from (route for route in router.routes if isinstance(route, APIRoute))


BODIES = sorted(
    {
        route.body_field.field_info.annotation
        for wired in WIRED
        for router in wired.ROUTERS
        for route in _routes(router)
        if route.body_field is not None
    },
    key=str,
)


def _models(kind: object) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in get_args(kind):
        yield from _models(inner)


def unbounded(model: type[BaseModel], where: str = "") -> Iterator[str]:
    """Yield the texts and lists in `model` without a bound."""
    for name, field in model.model_fields.items():
        yield from _unbounded(field.annotation, field.metadata, f"{where}{name}")


def _unbounded(kind: object, metadata: list[Any], where: str) -> Iterator[str]:
    origin = get_origin(kind) or kind
    if origin is Annotated:
        inner, *more = get_args(kind)
        yield from _unbounded(inner, [*metadata, *more], where)
        return
    if origin in {Union, UnionType}:
        for part in get_args(kind):
            yield from _unbounded(part, metadata, where)
        return
    if origin in {str, dict, *LISTS} and not any(isinstance(one, MaxLen) for one in _flat(metadata)):
        yield where
    if origin in LISTS:
        for part in get_args(kind):
            yield from _unbounded(part, [], f"{where}[]")
    for model in (origin,) if isinstance(origin, type) and issubclass(origin, BaseModel) else ():
        yield from unbounded(model, f"{where}.")


def _flat(metadata: list[Any]) -> Iterator[object]:
    for one in metadata:
        yield from one.metadata if isinstance(one, FieldInfo) else (one,)


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) in LISTS


def test_there_are_bodies_to_look_at() -> None:
    assert len(BODIES) > 20


@pytest.mark.parametrize("kind", BODIES, ids=str)
def test_every_text_and_list_of_a_body_has_a_bound(kind: object) -> None:
    models = list(_models(kind))
    assert models
    assert [where for model in models for where in unbounded(model)] == []
    uncounted = [model for model in models if not issubclass(model, Body)]
    assert [model for model in uncounted if any(map(_is_list, model.model_fields.values()))] == [], (
        "a Body counts first"
    )


def test_what_has_no_bound_is_found() -> None:
    class Inside(Body):
        text: str | None = None

    class Unbounded(Body):
        text: str
        lists: tuple[Annotated[str, MaxLen(3)], ...]
        inside: Annotated[tuple[Inside, ...], MaxLen(3)] = ()

    assert list(unbounded(Unbounded)) == ["text", "lists", "inside[].text"]
