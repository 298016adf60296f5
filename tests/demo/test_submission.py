"""Sending: each report until it is answered, under one key; at a rate; and no longer than wanted."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from demo import submission
from demo.mix import plan
from demo.reports import CREATED, Sender
from demo.submission import Answer, Submission

Respond = Callable[[httpx.Request], httpx.Response]
COUNT = 40


async def bearer(sender: Sender) -> str:
    return f"Bearer {sender.role}"


def taken(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(CREATED, json={"report_id": str(uuid4()), "reference": "SP-8T7W-W779"})


async def sent(
    respond: Respond, *, stop: asyncio.Event | None = None, rate: float = 0, count: int = COUNT
) -> list[Answer]:
    transport = httpx.MockTransport(respond)
    async with httpx.AsyncClient(transport=transport, base_url="http://signpost.example") as client:
        noted = Counter[str]()
        doing = Submission(client, bearer, rate=rate, stop=stop or asyncio.Event(), note=lambda: noted.update(["one"]))
        await doing.run(plan(1, count))
    assert noted["one"] == len(doing.answers)
    return doing.answers


async def test_every_report_is_sent_once_where_all_is_well() -> None:
    seen = Counter[str]()

    def respond(request: httpx.Request) -> httpx.Response:
        seen[request.headers["idempotency-key"]] += 1
        return taken(request)

    answers = await sent(respond)
    assert sorted(answer.number for answer in answers) == list(range(1, COUNT + 1))
    assert (len(seen), set(seen.values())) == (COUNT, {1})
    assert all(answer.accepted and answer.tries == 1 for answer in answers)


@pytest.mark.parametrize("trouble", [503, 502, 504, 429, "broken", "cut short"])
async def test_what_was_not_answered_is_sent_again_with_the_same_key_and_body(
    trouble: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "_FIRST_PAUSE", 0.001)
    bodies: defaultdict[str, list[bytes]] = defaultdict(list)

    def respond(request: httpx.Request) -> httpx.Response:
        tries = bodies[request.headers["idempotency-key"]]
        tries.append(request.content)
        if len(tries) > 2:
            return taken(request)
        if isinstance(trouble, int):
            return httpx.Response(trouble)
        raise httpx.ConnectError("away") if trouble == "broken" else httpx.RemoteProtocolError("cut short")

    answers = await sent(respond, count=9)
    assert {answer.tries for answer in answers} == {3}
    assert len(bodies) == 9
    assert all(len(tries) == 3 and len(set(tries)) == 1 for tries in bodies.values())


async def test_a_refusal_is_an_answer() -> None:
    answers = await sent(lambda _request: httpx.Response(422), count=5)
    assert [(answer.status, answer.tries, answer.accepted) for answer in answers] == [(422, 1, False)] * 5


async def test_an_error_of_the_service_is_an_answer_and_not_hidden_by_trying_again() -> None:
    answers = await sent(lambda _request: httpx.Response(500), count=5)
    assert [(answer.status, answer.tries) for answer in answers] == [(500, 1)] * 5


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(submission, "_PATIENCE_SECONDS", 0.01)
    answers = await sent(lambda _request: httpx.Response(503), count=3)
    assert [answer.status for answer in answers] == [None] * 3


async def test_anonymous_reports_carry_no_token_and_all_others_do() -> None:
    tokens = set[str | None]()

    def respond(request: httpx.Request) -> httpx.Response:
        tokens.add(request.headers.get("authorization"))
        return taken(request)

    await sent(respond, count=300)
    assert tokens == {None, "Bearer reporter", "Bearer monitoring", "Bearer supplier"}


async def test_what_is_under_way_is_answered_after_an_interruption_and_nothing_else_is_sent() -> None:
    stop = asyncio.Event()
    seen = Counter[str]()

    def respond(request: httpx.Request) -> httpx.Response:
        seen[request.headers["idempotency-key"]] += 1
        if len(seen) == 10:
            stop.set()
        return taken(request)

    answers = await sent(respond, stop=stop, count=1_000)
    assert 10 <= len(answers) == len(seen) < 30
    assert all(answer.accepted for answer in answers)


async def test_an_interruption_ends_the_wait_for_ones_turn() -> None:
    stop = asyncio.Event()

    def respond(request: httpx.Request) -> httpx.Response:
        stop.set()
        return taken(request)

    answers = await sent(respond, stop=stop, rate=0.001)
    assert [answer.number for answer in answers] == [1]


async def test_the_rate_says_when_each_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def note(_stop: asyncio.Event, seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(submission, "sleep_unless", note)
    await sent(taken, rate=0.01, count=4)
    assert [round(seconds, -2) for seconds in waited] == [0, 100, 200, 300]
