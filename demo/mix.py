"""The seeded stream of reports that the demo, the fault suite and the benchmarks send. Pure: no clock, no files."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from random import Random
from uuid import NAMESPACE_URL, uuid5

from demo import abuse, incidents, misuse, refused, texts
from demo.expectation import expectation_of
from demo.generator import ENQUIRY, EXCEPTION, Generator, Make, Request, Scenarios
from demo.reports import CREATED, Expectation, PlannedReport
from shared.events.vocabulary import EnquiryTopic, ExceptionKind

_A_DAY_TO_COME = "2099-12-31"
"""In the future, whenever the stream is sent."""


def _enquiry(topic: EnquiryTopic, generator: Generator) -> Request:
    body = {"about": topic, "narrative": generator.story(generator.one(texts.ENQUIRY))}
    return Request(ENQUIRY, body, generator.staff().as_reporter)


def _exception(kind: ExceptionKind, generator: Generator) -> Request:
    body: dict[str, object] = {
        "kind": kind,
        "narrative": generator.story(generator.one(texts.ACTIVITY)),
        "platform": "instagram",
    }
    if kind is ExceptionKind.REQUEST:
        body |= {"business_case": texts.BUSINESS_CASE, "wanted_until": _A_DAY_TO_COME}
    return Request(EXCEPTION, body, generator.staff().as_reporter)


_ADVICE: Scenarios = {
    **{f"enquiry:{topic}": partial(_enquiry, topic) for topic in EnquiryTopic},
    **{f"exception:{kind}": partial(_exception, kind) for kind in ExceptionKind},
}

SCENARIOS: Mapping[str, Make] = {
    **abuse.SCENARIOS,
    **misuse.SCENARIOS,
    **incidents.SCENARIOS,
    **_ADVICE,
    **refused.SCENARIOS,
}
ROUND = len(SCENARIOS)
"""After so many reports each scenario has come once."""
_SOME_DAY = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def plan(seed: int, count: int, *, at: datetime = _SOME_DAY, run: str = "") -> Iterator[PlannedReport]:
    """Yield `count` reports, the same for the same arguments; every scenario comes once in each `ROUND` of them.

    Args:
        seed: of the order and the details.
        count: how many.
        at: the moment before which everything happened.
        run: goes into each `Idempotency-Key`. The same keys sent again to the same Signpost within a day are the same
            reports, and none is taken twice; a new `run` makes them new.
    """
    generator = Generator(Random(seed), at)  # noqa: S311 - a mix need not be unpredictable
    for number, name in zip(range(1, count + 1), _shuffled(generator.random), strict=False):
        yield _planned(number, name, SCENARIOS[name](generator), _key(f"demo-{seed}-{run}-{number}"))


def _key(name: str) -> str:
    """Return a key that is long enough for anonymous reports too."""
    return str(uuid5(NAMESPACE_URL, name))


def _shuffled(random: Random) -> Iterator[str]:
    names = list(SCENARIOS)
    while True:
        random.shuffle(names)
        yield from names


def _planned(number: int, scenario: str, request: Request, key: str) -> PlannedReport:
    return PlannedReport(
        number=number,
        path=request.path,
        body=request.body,
        content_type=request.content_type,
        sender=request.sender,
        key=key,
        scenario=scenario,
        expected=_expected(request),
    )


def _expected(request: Request) -> Expectation:
    if isinstance(request.body, bytes) or request.status != CREATED:
        return Expectation(request.status)
    return expectation_of(request.path, request.body, anonymous=request.sender.anonymous)
