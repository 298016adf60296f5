"""Presses buttons on pages as a browser without JavaScript does."""

import re

from httpx import AsyncClient, Response

_HIDDEN = re.compile(r'name="csrftoken" value="(?P<token>[^"]+)"')
_VERSION = re.compile(r'name="version" value="(\d+)"')


async def press(client: AsyncClient, page: str, action: str, /, **fields: str | list[str]) -> Response:
    """Read `page`, then post `fields` to `action` with the hidden fields of the page's form."""
    seen = (await client.get(page)).text
    version = _VERSION.search(seen)
    answers = {"csrftoken": _token(seen), "version": version[1] if version else "", **fields}
    return await client.post(action, data=answers)


async def form_token(client: AsyncClient, page: str = "/cases") -> str:
    """Read `page`; return what every form of this person has to send."""
    return _token((await client.get(page)).text)


def _token(seen: str) -> str:
    token = _HIDDEN.search(seen)
    assert token, "the page has no form"
    return token["token"]
