"""The seeded stream of reports that the demo, the fault suite and the benchmarks send. Pure: no clock, no files."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from random import Random

from services.cli.demo import abuse, advice, incidents, misuse, refused
from services.cli.demo.drawing import Draw
from services.cli.demo.oracle import routed
from services.cli.demo.planned import ANONYMOUS, CREATED, JSON, Expected, Planned, Sender
from services.cli.demo.scenario import Make, Request
from services.cli.demo.told import with_alerts

__all__ = ["ANONYMOUS", "JSON", "ROUND", "SCENARIOS", "Expected", "Planned", "Sender", "plan"]

SCENARIOS: Mapping[str, Make] = {
    **abuse.SCENARIOS,
    **misuse.SCENARIOS,
    **incidents.SCENARIOS,
    **advice.SCENARIOS,
    **refused.SCENARIOS,
}
ROUND = len(SCENARIOS)
"""After so many reports each scenario has come once."""
_SOME_DAY = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def plan(seed: int, count: int, *, at: datetime = _SOME_DAY, run: str = "") -> Iterator[Planned]:
    """Yield `count` reports, the same for the same arguments; every scenario comes once in each `ROUND` of them.

    Args:
        seed: of the order and the details.
        count: how many.
        at: the moment before which everything happened.
        run: goes into each `Idempotency-Key`. The same keys sent again to the same Signpost within a day are the same
            reports, and none is taken twice; a new `run` makes them new.
    """
    draw = Draw(Random(seed), at)  # noqa: S311 - a mix need not be unpredictable
    for number, name in zip(range(1, count + 1), _shuffled(draw.random), strict=False):
        yield _planned(number, name, SCENARIOS[name](draw), f"demo-{seed}-{run}-{number}")


def _shuffled(random: Random) -> Iterator[str]:
    names = list(SCENARIOS)
    while True:
        random.shuffle(names)
        yield from names


def _planned(number: int, scenario: str, request: Request, key: str) -> Planned:
    return Planned(
        number=number,
        path=request.path,
        body=request.body,
        content_type=request.content_type,
        sender=request.sender,
        key=key,
        scenario=scenario,
        expected=_expected(request),
    )


def _expected(request: Request) -> Expected:
    if isinstance(request.body, bytes) or request.status != CREATED:
        return Expected(request.status)
    expected = routed(request.path, request.body)
    return with_alerts(expected, request.path, request.body, anonymous=request.sender.anonymous)
