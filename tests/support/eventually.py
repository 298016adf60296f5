"""Waits for what must come to be true; the limit is generous, because no test may depend on speed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_PATIENCE_SECONDS = 90


async def eventually(ask: Callable[[], Awaitable[T | None]]) -> T:
    """Ask again and again until the answer is not None, and return it."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (answer := await ask()) is None:
            await asyncio.sleep(0.05)
        return answer
