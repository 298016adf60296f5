"""Waves: how a batch is cut into handler calls without ever reordering the events of one key."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from shared.messaging.reading import Item


def waves(items: Iterable[Item]) -> list[list[Item]]:
    """Cut `items` so that the nth event of each key is in the nth wave."""
    cut: list[list[Item]] = []
    seen: Counter[bytes | str] = Counter()
    for item in items:
        depth = seen[item.key]
        seen[item.key] += 1
        if depth == len(cut):
            cut.append([])
        cut[depth].append(item)
    return cut


def by_kind(wave: Sequence[Item]) -> Iterable[list[Item]]:
    """Cut a wave into handler calls: one event type each."""
    calls: dict[object, list[Item]] = defaultdict(list)
    for item in wave:
        calls[item.kind].append(item)
    return calls.values()
