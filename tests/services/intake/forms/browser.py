"""Fills in any form as a browser without JavaScript does."""

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
    """Answer the pages in the order of the form, and return that order; `pages` must have them all."""
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
    """Send the answers, and open the confirmation page."""
    response = await answer(client, f"{base}/check", {})
    assert response.status_code == 303, response.text
    return await client.get(response.headers["location"])


ABUSE = "/report/abuse"
ABUSE_ANSWERS: Mapping[str, Mapping[str, object]] = {
    "safety": {"safe": "yes"},
    "affected": {"affected": ["self", "colleague"], "affected_colleague": "Tom Evans"},
    "where": {"platform": "x", "content_kind": "comment", "urls": "https://x.com/some_account/status/1"},
    "kind": {"behaviours": ["harassment", "doxing"]},
    "at-risk": {"also_affects": ["none"]},
    "when": {
        "occurred_at-day": "20",
        "occurred_at-month": "11",
        "occurred_at-year": "2026",
        "occurred_time": "2:30pm",
    },
    "what-happened": {"narrative": "They posted my address."},
    "evidence": {"evidence": ["screenshots"], "evidence_note": "On my phone"},
    "who-did-it": {"known": "public", "suspected_handle": "@some_account"},
    "about-you": {"confidentiality": "anonymous"},
}


async def post(client: AsyncClient, path: str, answers: Mapping[str, object]) -> Response:
    """Open the page with the form, and send it with its token."""
    page = await client.get(path if path != f"{ABUSE}/forget" else f"{ABUSE}/check")
    token = re.search(r'name="csrftoken" value="([^"]+)"', page.text)
    return await client.post(path, data={**answers, "csrftoken": token[1] if token else ""})


async def fill_abuse(client: AsyncClient, **changes: Mapping[str, object]) -> None:
    """Answer every question; `changes` replaces a page's answers."""
    pages = {**ABUSE_ANSWERS, **{name.replace("_", "-"): page for name, page in changes.items()}}
    for slug, answers in pages.items():
        response = await post(client, f"{ABUSE}/{slug}", answers)
        assert response.status_code == 303, (slug, response.text)


async def send_abuse(client: AsyncClient) -> Response:
    """Send the report and open the confirmation page."""
    response = await post(client, f"{ABUSE}/check", {})
    assert response.status_code == 303, response.text
    return await client.get(response.headers["location"])
