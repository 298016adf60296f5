"""Filling in the form as a browser without JavaScript does."""

import re
from collections.abc import Mapping

from httpx import AsyncClient, Response

BASE = "/report/abuse"
ANSWERS: Mapping[str, Mapping[str, object]] = {
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
    "manager": {"manager_alert": "no"},
    "about-you": {"confidentiality": "anonymous"},
}


async def post(client: AsyncClient, path: str, answers: Mapping[str, object]) -> Response:
    """Open the page that has the form, and send it with its token."""
    page = await client.get(path if path != f"{BASE}/forget" else f"{BASE}/check")
    token = re.search(r'name="csrftoken" value="([^"]+)"', page.text)
    return await client.post(path, data={**answers, "csrftoken": token[1] if token else ""})


async def fill(client: AsyncClient, **changes: Mapping[str, object]) -> None:
    """Answer every question; `changes` replaces a page's answers."""
    pages = {**ANSWERS, **{name.replace("_", "-"): page for name, page in changes.items()}}
    for slug, answers in pages.items():
        response = await post(client, f"{BASE}/{slug}", answers)
        assert response.status_code == 303, (slug, response.text)


async def send(client: AsyncClient) -> Response:
    """Send the report and open the page that confirms it."""
    response = await post(client, f"{BASE}/check", {})
    assert response.status_code == 303, response.text
    return await client.get(response.headers["location"])
