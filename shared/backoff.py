"""How long to wait before trying again: doubling, with jitter, up to a limit."""

import random


class Backoff:
    """Seconds to wait: 0.1, 0.2, … at most `limit`, each spread by a quarter so that many do not return at once."""

    def __init__(self, first: float = 0.1, limit: float = 10.0) -> None:
        self._first = first
        self._limit = limit
        self._failures = 0

    def next(self) -> float:
        """Return the next wait in seconds."""
        wait = min(self._limit, self._first * 2.0**self._failures)
        self._failures = min(self._failures + 1, 20)
        return wait * random.uniform(0.75, 1.25)  # noqa: S311 -- spreads retries, protects nothing

    def reset(self) -> None:
        """Start again after a success."""
        self._failures = 0
