"""A process serves, runs its roles, and stops in order: requests first, then the roles."""

import asyncio
import socket
from contextlib import suppress

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI

from shared import server
from shared.auth.guard import anyone
from shared.server import HealthOnly, PortBusy, listening, serve
from tests.support.eventually import eventually
from tests.support.web import WebForTests

LIMIT_SECONDS = 60


class _Role:
    kind = "sweep"
    name = "test-role"
    unready_because: str | None = None

    def __init__(self, diary: list[str], *, crash: bool = False) -> None:
        self._diary = diary
        self._crash = crash

    async def run(self, stop: asyncio.Event) -> None:
        self._diary.append("role works")
        if self._crash:
            raise RuntimeError
        await stop.wait()
        self._diary.append("role stops")


def _app() -> FastAPI:
    app = FastAPI()

    @app.get("/report/health/live")
    @app.get("/report/abuse")
    def answer() -> dict[str, str]:
        return {"status": "ok"}

    return app


async def test_what_is_sent_is_not_held_back_until_the_one_before_is_acknowledged() -> None:
    delays: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def taken(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        delays.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listening("127.0.0.1", 0) as listener:
        async with await asyncio.start_server(taken, sock=listener), asyncio.timeout(LIMIT_SECONDS):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            assert await delays
            writer.close()


async def test_roles_stop_after_the_last_request_and_the_port_is_free_again() -> None:
    diary: list[str] = []
    stop = asyncio.Event()
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        serving = asyncio.create_task(serve(_app(), listener, [_Role(diary)], stop))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def answers() -> bool | None:
                with suppress(httpx.TransportError):
                    return (await client.get("/report/abuse")).status_code == 200 or None
                return None

            assert await eventually(answers)
        stop.set()
        async with asyncio.timeout(LIMIT_SECONDS):
            await serving
    assert diary == ["role works", "role stops"]
    with listening("127.0.0.1", port):
        pass


async def test_a_process_without_roles_serves_until_it_is_told_to_stop() -> None:
    stop = asyncio.Event()
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        serving = asyncio.create_task(serve(_app(), listener, [], stop))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def answers() -> bool | None:
                with suppress(httpx.TransportError):
                    return (await client.get("/report/abuse")).status_code == 200 or None
                return None

            assert await eventually(answers)
            assert not stop.is_set()
        stop.set()
        async with asyncio.timeout(LIMIT_SECONDS):
            await serving


async def test_a_role_that_crashes_ends_the_process_so_that_a_supervisor_starts_it_again() -> None:
    with listening("127.0.0.1", 0) as listener, pytest.raises(ExceptionGroup):
        async with asyncio.timeout(LIMIT_SECONDS):
            await serve(_app(), listener, [_Role([], crash=True)], asyncio.Event())


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_a_request_that_the_stop_cuts_short_is_told_to_come_again(
    web: WebForTests, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    """Otherwise the server says 500 in its own words, and a client takes the report for refused."""
    monkeypatch.setattr(server, "GRACE_SECONDS", 0)
    router, begun, stop = APIRouter(dependencies=[Depends(anyone)]), asyncio.Event(), asyncio.Event()

    @router.get("/report/slow")
    async def slow() -> None:
        begun.set()
        await asyncio.Event().wait()

    with listening("127.0.0.1", 0) as listener:
        serving = asyncio.create_task(serve(web.app(router), listener, [], stop))
        async with (
            asyncio.timeout(LIMIT_SECONDS),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client,
        ):
            asking = asyncio.create_task(client.get("/report/slow", headers={"accept": accept}))
            await begun.wait()
            stop.set()
            answer = await asking
            await serving
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "Look whether what you sent is there before you send it again." in answer.text


def test_a_busy_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortBusy, match=str(port)), listening("127.0.0.1", port):
            pass


async def test_a_process_without_the_web_role_answers_for_its_health_only() -> None:
    transport = httpx.ASGITransport(HealthOnly(_app(), "/report"))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/report/health/live")).status_code == 200
        assert (await client.get("/report/abuse")).status_code == 404
