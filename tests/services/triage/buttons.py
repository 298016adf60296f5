"""Presses buttons on pages as a browser without JavaScript does."""

import re

from httpx import AsyncClient, Response

_HIDDEN = re.compile(r'name="csrftoken" value="(?P<token>[^"]+)"')
_VERSION = re.compile(r'name="version" value="(\d+)"')


async def press(client: AsyncClient, page: str, action: str, /, **fields: str | list[str]) -> Response:
    """Read `page`, then post `fields` to `action` with the hidden fields of the page's form."""
    seen = (await client.get(page)).text
    token, version = _HIDDEN.search(seen), _VERSION.search(seen)
    assert token, "the page has no form"
    answers = {"csrftoken": token["token"], "version": version[1] if version else "", **fields}
    return await client.post(action, data=answers)
