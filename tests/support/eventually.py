"""Waits for a condition; the limit is generous, because no test may depend on speed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_PATIENCE_SECONDS = 90


async def eventually(ask: Callable[[], Awaitable[T | None]]) -> T:
    """Call again and again until the result is not None, and return it."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (answer := await ask()) is None:
            await asyncio.sleep(0.05)
        return answer
