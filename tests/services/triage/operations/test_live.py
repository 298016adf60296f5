"""Figures that update live, and a stream that ends when it should."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypedDict

import orjson
import pytest
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.operations import queries
from services.triage.operations.api import FigureParts, read
from services.triage.operations.dashboard import Asked, Dashboard
from services.triage.operations.live import LiveFigures, LiveParts
from shared.auth.ended_sessions import Ending
from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Role
from shared.runtime import parts_in
from shared.server import TellsOfStop
from tests.services.triage.builders import open_cases, report
from tests.services.triage.conftest import Triage, person
from tests.services.triage.operations.events import hear, ledger, said_by_triage

SERVICE = "triage"
STREAM = "/cases/operations/stream"


class Said(TypedDict, total=False):
    """The content of an event."""

    at: str
    fragments: dict[str, str]
    why: str


class Watching:
    """A person who watches the stream of a process that can be stopped."""

    def __init__(self, triage: Triage, most: int = 1) -> None:
        self.stop = asyncio.Event()
        self.live = LiveFigures(every=0.01, most=most)
        triage.app.state.parts = replace(parts_in(triage.app, LiveParts), live_figures=self.live)
        self._app = TellsOfStop(triage.app, self.stop)
        self._triage = triage
        self.cookies = self.cookies_of("S4002", Role.SMART_LEAD)

    def cookies_of(self, subject: str, role: Role) -> dict[str, str]:
        """Return the cookies of a person who is signed in."""
        return {SESSION_COOKIE: self._triage.issuer.session(person(subject, role), self._triage.clock.now())}

    async def look(self, cookies: dict[str, str] | None = None) -> Response:
        """Return what was sent until the stream ended."""
        transport = ASGITransport(self._app, raise_app_exceptions=False)
        async with AsyncClient(
            transport=transport, base_url="http://127.0.0.1", cookies=cookies or self.cookies
        ) as client:
            return await client.get(STREAM)

    async def looked_again(self) -> None:
        """Wait for two more reads: the second began after this call."""
        enough = self.live.looks + 2
        async with asyncio.timeout(30):
            while self.live.looks < enough:
                await asyncio.sleep(0)

    async def begun(self) -> asyncio.Task[Response]:
        """Start to watch, and wait until the stream is open."""
        looking = asyncio.create_task(self.look())
        async with asyncio.timeout(30):
            while not self.live.open_now:
                await asyncio.sleep(0)
        return looking


def events(answer: Response) -> list[tuple[str, Said]]:
    found = []
    for block in answer.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((fields["event"], orjson.loads(fields["data"])))
    return found


@pytest.fixture
async def watching(triage: Triage) -> AsyncIterator[Watching]:
    one = Watching(triage)
    yield one
    one.stop.set()


async def test_a_stream_begins_with_everything_and_ends_when_the_process_is_asked_to_stop(
    watching: Watching,
) -> None:
    looking = await watching.begun()
    watching.stop.set()
    answer = await asyncio.wait_for(looking, 30)
    assert answer.headers["content-type"].startswith("text/event-stream")
    name, said = events(answer)[0]
    assert name == "figures"
    assert {"top", "funnel", "queues", "lag"} <= set(said["fragments"])
    assert watching.live.open_now == 0


async def test_only_what_changed_is_sent(triage: Triage, watching: Watching) -> None:
    await hear(triage.database, [ledger()])
    looking = await watching.begun()
    await watching.looked_again()
    await open_cases(triage.database, report())
    await hear(triage.database, await said_by_triage(triage.database))
    await watching.looked_again()
    watching.stop.set()
    changes = [said["fragments"] for name, said in events(await looking) if name == "figures"]
    assert len(changes) >= 2
    assert "funnel" in {place for change in changes[1:] for place in change}
    assert "misdirected" not in {place for change in changes[2:] for place in change}


@pytest.mark.parametrize("how", ["it expires", "it is ended"])
async def test_it_ends_with_the_session_and_says_so(triage: Triage, watching: Watching, how: str) -> None:
    looking = await watching.begun()
    if how == "it expires":
        triage.clock.move(timedelta(hours=9))
    else:
        ended = parts_in(triage.app, LiveParts).ended
        ended.learn([Ending(subject="S4002", not_before=triage.clock.now() + timedelta(seconds=1))])
    assert events(await asyncio.wait_for(looking, 30))[-1] == ("over", {"why": "session"})


async def test_no_more_streams_than_a_process_can_serve(watching: Watching) -> None:
    looking = await watching.begun()
    refused = await watching.look()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
    watching.stop.set()
    assert (await looking).status_code == 200


async def test_a_look_that_failed_is_none(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OSError("the database is away")]

    async def fails_once(
        parts: FigureParts, session: AsyncSession, viewer: Viewer, asked: Asked, work: queries.Casework
    ) -> Dashboard:
        if failures:
            raise failures.pop()
        return await read(parts, session, viewer, asked, work)

    monkeypatch.setattr("services.triage.operations.live.read", fails_once)
    looking = await watching.begun()
    await watching.looked_again()
    watching.stop.set()
    first, said = events(await looking)[0]
    assert first == "figures", "it says that it is alive, and never says what it could not read"
    assert "funnel" in said["fragments"]


async def test_one_person_has_two_streams_and_leaves_the_others_theirs(triage: Triage) -> None:
    watching = Watching(triage, most=20)
    lead, other = watching.cookies, watching.cookies_of("S8001", Role.OPERATIONS)
    looking = [asyncio.create_task(watching.look(lead)) for _ in range(2)]
    async with asyncio.timeout(30):
        while watching.live.open_now < 2:
            await asyncio.sleep(0)
    third = await watching.look(lead)
    assert (third.status_code, third.headers["retry-after"]) == (503, "60")
    looking.append(asyncio.create_task(watching.look(other)))
    async with asyncio.timeout(30):
        while watching.live.open_now < 3:
            await asyncio.sleep(0)
    watching.stop.set()
    assert [answer.status_code for answer in await asyncio.gather(*looking)] == [200, 200, 200]
    assert watching.live.open_now == 0


async def test_what_capabilities_count_themselves_is_counted_every_five_minutes_at_most(
    triage: Triage, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []

    async def casework(*given: Any) -> queries.Casework:  # noqa: ANN401 - as it is called
        counted.append(given)
        return await count(*given)

    count = queries.casework
    monkeypatch.setattr(queries, "casework", casework)
    looking = await watching.begun()
    for _ in range(3):
        await open_cases(triage.database, report())
        await hear(triage.database, await said_by_triage(triage.database))
        await watching.looked_again()
    triage.clock.move(timedelta(minutes=4))
    await watching.looked_again()
    assert len(counted) == 1
    triage.clock.move(timedelta(minutes=1))
    await watching.looked_again()
    assert len(counted) == 2
    watching.stop.set()
    changes = [said for name, said in events(await looking) if name == "figures"]
    assert len(changes) >= 3
