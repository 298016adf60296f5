"""`python -m tests.authorisation.routes`: rows for the routes that are not in the table yet, for review.

Each says whom the guard lets in as the code is now. Whether that is right is for the table to say.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from unittest.mock import AsyncMock

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from shared.auth.guard import anyone
from shared.auth.permissions import ROLE_PERMISSIONS, Permission
from tests.authorisation.services import OPENING, settings_of
from tests.authorisation.table import load, words_for
from tests.support.web import ClockForTests


def names_of(app: FastAPI) -> Iterator[str]:
    """Yield `METHOD path` for each route of an application."""
    yield from (name for name, _ in _routes(app))


def _routes(app: FastAPI) -> Iterator[tuple[str, Dependant | None]]:
    for context in iter_route_contexts(app.routes):
        for method in sorted(set(context.methods or ()) - {"HEAD"}):
            yield f"{method} {context.path}", context.dependant


def _asked(dependant: Dependant | None) -> Iterator[Permission | None]:
    """Yield what the guards require; None for one that lets everyone in."""
    if dependant is None:
        return
    if dependant.call is anyone:
        yield None
    for cell in getattr(dependant.call, "__closure__", None) or ():
        if isinstance(cell.cell_contents, Permission):
            yield cell.cell_contents
    for inner in dependant.dependencies:
        yield from _asked(inner)


def suggested(dependant: Dependant | None) -> str:
    """Return who may use the route, as the code has it."""
    asked = set(_asked(dependant))
    needed = {permission for permission in asked if permission}
    if needed:
        return words_for(frozenset(role for role, has in ROLE_PERMISSIONS.items() if needed <= has))
    return "everyone" if None in asked else "signed-in"


async def missing() -> Mapping[str, str]:
    """Return who may use each route that has no row yet."""
    found: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, opening in OPENING.items():
            settings = settings_of(name, "postgresql+asyncpg://nobody@localhost/nothing", folder)
            opened = opening(settings, clock=ClockForTests(), log=AsyncMock())
            service = await stack.enter_async_context(opened)
            found |= {route: suggested(dependant) for route, dependant in _routes(service.app)}
    known = {row.route for row in load().values()}
    return {name: who for name, who in found.items() if name not in known}


if __name__ == "__main__":
    for name, who in asyncio.run(missing()).items():
        print(f"{name}: {{may: {who}}}")  # noqa: T201 - that is what the command is for
