"""The provider's keys while they are fetched."""

import asyncio
from collections.abc import Mapping

import pytest

from shared.auth import provider as provider_keys
from shared.auth.permissions import Session
from shared.auth.provider_tokens import Provider
from shared.auth.tokens import Audience
from tests.shared.auth.provider import CONFIG, ProviderForTests, provider
from tests.support.web import START

__all__ = ["provider"]


async def test_a_request_that_comes_while_the_keys_are_fetched_waits_and_is_not_refused(
    provider: ProviderForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, object]:
        asked.set()
        await go_on.wait()
        return await provider.fetch(url, headers)

    monkeypatch.setattr(provider_keys, "fetch_json", slow)
    ours, token = Provider(CONFIG), provider.token()

    async def read() -> Session:
        await ours.prepare(token, START)
        return ours.read(token, Audience.API, START)

    async with asyncio.TaskGroup() as group:
        first = group.create_task(read())
        await asked.wait()
        second = group.create_task(read())
        go_on.set()
    assert first.result() == second.result()
    assert provider.asked == 1
