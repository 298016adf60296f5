"""Every page of every service, from the services' own routes."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from unittest.mock import AsyncMock

from fastapi.routing import iter_route_contexts

from services.embedded import mail_catcher
from services.embedded.mail_catcher import MailFolder
from shared.ids import RandomIds
from tests.authorisation.services import OPENING, settings_of
from tests.support.web import ClockForTests

FORMS = ("abuse", "misuse", "incident", "advice", "exception", "supplier-incident")
NO_PAGES = (
    "/health/",
    "/metrics",
    "/assets/",
    "/stream",
    ".csv",
    ".json",
    "/arrivals",
    "/callback",
    "/renew",
    "{grant}",
)
"""Routes whose responses are not pages: for programs and scripts, files, and redirects."""
_BEGINNINGS = {f"/report/{form}" for form in FORMS}
"""They redirect people to the first question."""
_NOWHERE = "postgresql+asyncpg://nobody@localhost/nothing"


async def pages_of_all_services(folder: Path) -> set[str]:
    """Return the path of each page, as in its route; the email catcher's pages too."""
    found: set[str] = set()
    async with AsyncExitStack() as stack:
        for name, opening in OPENING.items():
            settings = settings_of(name, _NOWHERE, folder)
            service = await stack.enter_async_context(opening(settings, clock=ClockForTests(), log=AsyncMock()))
            found.update(_pages(service.app))
        settings = settings_of("intake", _NOWHERE, folder)
        found.update(_pages(mail_catcher.create_mail_pages(settings, MailFolder(folder, RandomIds()))))
    return found - _BEGINNINGS


def _pages(app: object) -> Iterator[str]:
    for context in iter_route_contexts(app.routes):  # type: ignore[attr-defined] # an application of any kind
        path = context.path or ""
        is_api = context.include_in_schema or ("/api/" in path and not path.endswith("/docs"))
        if "GET" in (context.methods or ()) and not is_api and not any(part in path for part in NO_PAGES):
            yield path
