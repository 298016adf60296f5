"""Before anything is sent: whether there is a Signpost, and whether the demo may read what happens to its reports."""

import asyncio
import os
import signal
from collections.abc import Callable
from uuid import UUID

import httpx
import pytest

from demo.mix import plan
from demo.readers import OperationsLedger
from demo.reports import CREATED, Sender
from demo.results import DemoResult
from demo.run import Demo
from demo.tokens import DemoCannotRun

LISTS = "/cases/api/v1/cases"
FIGURES = "/cases/api/v1/operations"
MANY = 1_000
REPORT = UUID("01997d5c-7a00-7000-8000-000000000001")


async def bearer(sender: Sender) -> str:
    return f"Bearer {sender.staff_id}"


async def refused_by(respond: Callable[[httpx.Request], httpx.Response]) -> str:
    sent: list[str] = []

    def noting(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        return respond(request)

    transport = httpx.MockTransport(noting)
    async with httpx.AsyncClient(transport=transport, base_url="http://signpost.example") as client:
        demo = Demo(client, bearer, OperationsLedger(client, bearer), lambda _name, _parts: lambda: None)
        with pytest.raises(DemoCannotRun) as refused:
            await demo.run(plan(1, 5), count=5, rate=0, wait=0)
    assert "POST" not in sent
    return str(refused.value)


@pytest.mark.parametrize("path", [LISTS, FIGURES])
async def test_who_may_not_read_is_told_before_anything_is_sent(path: str) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == path:
            return httpx.Response(403)
        return httpx.Response(200, json={"items": [], "next_cursor": None})

    assert await refused_by(respond) == (
        f"{path} answers 403: the teams' leads and operations of the demonstration need their roles"
    )


async def test_a_signpost_that_is_busy_for_a_moment_is_asked_again() -> None:
    answers = [503, 503]

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == FIGURES:
            return httpx.Response(403)
        return httpx.Response(answers.pop() if answers else 200, json={"items": [], "next_cursor": None})

    assert (await refused_by(respond)).startswith(f"{FIGURES} answers 403")
    assert answers == []


async def test_a_signpost_that_is_not_ready_is_said_to_be_so() -> None:
    assert "no Signpost is ready at http://signpost.example" in await refused_by(lambda _request: httpx.Response(503))


class Forgetful:
    """Takes reports and never opens a case; calls `on_post` and `on_look` for each request."""

    def __init__(self, on_post: Callable[[], object], on_look: Callable[[], object]) -> None:
        self._on_post = on_post
        self._on_look = on_look
        self._posted = False

    async def respond(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # as a network does, so that other tasks get their turn
        if request.method == "POST":
            self._posted = True
            self._on_post()
            return httpx.Response(CREATED, json={"report_id": str(REPORT), "reference": "SP-8T7W-W779"})
        if request.url.path == FIGURES:
            return self._figures()
        if self._posted and request.url.path == LISTS:
            self._on_look()
        return httpx.Response(200, json={"items": [], "next_cursor": None})

    def _figures(self) -> httpx.Response:
        if self._posted:
            return httpx.Response(503)
        return httpx.Response(200, json={"summary": {"accepted_today": 0, "dead_lettered": 0, "unaccounted": 0}})

    async def demonstrated(self, *, wait: float) -> DemoResult:
        transport = httpx.MockTransport(self.respond)
        async with httpx.AsyncClient(transport=transport, base_url="http://signpost.example") as client:
            demo = Demo(client, bearer, OperationsLedger(client, bearer), lambda _name, _parts: lambda: None)
            return await demo.run(plan(1, MANY), count=MANY, rate=0, wait=wait)


async def test_what_is_known_is_told_also_where_a_service_goes_away() -> None:
    result = await Forgetful(lambda: None, lambda: None).demonstrated(wait=0)
    problems = list(result.problems())
    assert (result.sent, result.accepted, result.interrupted) == (MANY, MANY, False)
    assert "the ledger could not be read afterwards" in problems
    assert any("has no case within" in problem for problem in problems)


def once(press: Callable[[], object]) -> Callable[[], object]:
    presses = [press]

    def pressed() -> None:
        if presses:
            presses.pop()()

    return pressed


async def test_a_second_ctrl_c_ends_the_waiting() -> None:
    def ctrl_c() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    async with asyncio.timeout(60):
        result = await Forgetful(once(ctrl_c), once(ctrl_c)).demonstrated(wait=3600)
    assert result.interrupted
    assert 0 < result.sent < MANY
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
