"""Filling in any form as a browser without JavaScript does."""

import re
from collections.abc import Mapping

from httpx import AsyncClient, Response

Page = Mapping[str, object]


def token_in(page: Response) -> str:
    """Return the token of the form on a page."""
    found = re.search(r'name="csrftoken" value="([^"]+)"', page.text)
    return found[1] if found else ""


async def answer(client: AsyncClient, path: str, answers: Page) -> Response:
    """Open a page of a form, and send it with its token."""
    page = await client.get(path)
    return await client.post(path, data={**answers, "csrftoken": token_in(page)})


async def walk(client: AsyncClient, base: str, pages: Mapping[str, Page]) -> list[str]:
    """Answer the pages in the order that the form asks for them, and return that order; `pages` must have them all."""
    asked: list[str] = []
    response = await client.get(base)
    while (slug := response.headers["location"].removeprefix(f"{base}/")) != "check":
        assert slug in pages, f"asked {slug} after {asked}"
        assert slug not in asked, f"asked {slug} again"
        asked.append(slug)
        response = await answer(client, f"{base}/{slug}", pages[slug])
        assert response.status_code == 303, (slug, response.text)
    return asked


async def send(client: AsyncClient, base: str) -> Response:
    """Send what was answered, and open the page that confirms it."""
    response = await answer(client, f"{base}/check", {})
    assert response.status_code == 303, response.text
    return await client.get(response.headers["location"])
