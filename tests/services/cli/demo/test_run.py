"""Before anything is sent: whether there is a Signpost, and whether what became of the reports may be read."""

from collections.abc import Callable

import httpx
import pytest

from services.cli.demo.faults import DemoCannotRun
from services.cli.demo.ledger import OperationsLedger
from services.cli.demo.mix import plan
from services.cli.demo.planned import Sender
from services.cli.demo.run import Demo

LISTS = "/cases/api/v1/cases"
FIGURES = "/cases/api/v1/operations"


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


async def test_a_signpost_that_is_not_ready_is_said_to_be_so() -> None:
    assert "no Signpost is ready at http://signpost.example" in await refused_by(lambda _request: httpx.Response(503))
