"""When poison is no longer the exception: past a share of recent records a consumer stops itself."""

from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass

from shared.messaging.reading import Item


@dataclass(frozen=True, slots=True)
class PoisonLimit:
    """Stop when more than `share` of at least `at_least` recent records cannot be handled."""

    share: float = 0.2
    at_least: int = 50
    window: int = 500


class TooMuchPoison(Exception):
    """More records fail than can be the records' fault; the message names the errors' classes."""


class PoisonWatch:
    """Counts poison among the most recent records of one consumer."""

    def __init__(self, limit: PoisonLimit) -> None:
        self._limit = limit
        self._recent: deque[tuple[int, int]] = deque()

    def check(self, records: int, poison: Collection[Item]) -> None:
        """Look at a batch before it is committed.

        Raises:
            TooMuchPoison: with this batch the limit is passed.
        """
        total = records + sum(count for count, _ in self._recent)
        bad = len(poison) + sum(count for _, count in self._recent)
        if poison and total >= self._limit.at_least and bad > self._limit.share * total:
            classes = ", ".join(name for name, _ in Counter(str(item.error) for item in poison).most_common(3))
            raise TooMuchPoison(f"{bad} of the {total} most recent records failed ({classes})")

    def count(self, records: int, poison: int) -> None:
        """Remember a committed batch."""
        self._recent.append((records, poison))
        while sum(count for count, _ in self._recent) - self._recent[0][0] >= self._limit.window:
            self._recent.popleft()
