"""How long to wait before trying again: doubling, with jitter, up to a limit."""

import random
import time
from collections.abc import Callable


class Backoff:
    """Seconds to wait: 0.1, 0.2, … at most `limit`, each spread by a quarter so that many do not return at once.

    What went well for longer than the longest wait before it failed again begins with the shortest one: a service that
    has run for months is not slow to come back because of failures of long ago.
    """

    def __init__(self, first: float = 0.1, limit: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._first = first
        self._limit = limit
        self._clock = clock
        self._failures = 0
        self._try_again_at = clock()

    def next(self) -> float:
        """Return the next wait in seconds."""
        now = self._clock()
        if now - self._try_again_at > self._limit:
            self.reset()
        spread = random.uniform(0.75, 1.25)  # noqa: S311 -- spreads retries, protects nothing
        wait = min(self._limit, self._first * 2.0**self._failures) * spread
        self._failures = min(self._failures + 1, 20)
        self._try_again_at = now + wait
        return wait

    def reset(self) -> None:
        """Start again after a success."""
        self._failures = 0
