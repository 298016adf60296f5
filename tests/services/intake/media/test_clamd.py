"""What a real clamd says of files, and what is said of them when it says nothing."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.intake.media.clamd import Scanner
from shared.events.vocabulary import Scan
from tests.services.intake.media.samples import picture
from tests.support.clamd import EICAR, FILE_LIMIT, STREAM_LIMIT, clamd
from tests.support.ports import free_ports

SAID = {
    "EICAR's test file": (EICAR, Scan.INFECTED),
    "a picture": (picture("PNG"), Scan.CLEAN),
    "a picture with it behind": (picture("PNG") + EICAR, Scan.INFECTED),
    "no bytes": (b"", Scan.CLEAN),
    "more than clamd looks at": (bytes(FILE_LIMIT + 1), Scan.NOT_SCANNED),
    "more than clamd takes": (bytes(STREAM_LIMIT + 1), Scan.NOT_SCANNED),
}


async def test_clamd_finds_what_is_infected_and_is_down_without_harm(tmp_path: Path) -> None:
    [port] = free_ports(1)
    for at in (None, port):
        async with clamd(tmp_path, at) as address:
            scanner = Scanner(address)
            said = {name: await scanner.scan(io.BytesIO(content)) for name, (content, _) in SAID.items()}
        assert said == {name: expected for name, (_, expected) in SAID.items()}
        assert await scanner.scan(io.BytesIO(EICAR)) is Scan.NOT_SCANNED, "clamd has ended"


async def test_a_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    async with clamd(tmp_path) as address:
        file = io.BytesIO(EICAR)
        file.seek(0, 2)
        assert await Scanner(address).scan(file) is Scan.INFECTED


async def test_without_an_address_nothing_is_scanned() -> None:
    assert await Scanner(None).scan(io.BytesIO(EICAR)) is Scan.NOT_SCANNED


@pytest.mark.parametrize("answer", [b"", b"stream: OK ERROR\n", b"nonsense\n", b"\xff\n"])
async def test_a_clamd_that_talks_nonsense_says_nothing(answer: bytes) -> None:
    async with something_that_answers(answer) as address:
        assert await Scanner(address).scan(io.BytesIO(b"content")) is Scan.NOT_SCANNED


async def test_a_clamd_that_dies_while_it_reads_says_nothing() -> None:
    async with something_that_answers(b"", after=b"n") as address:
        assert await Scanner(address).scan(io.BytesIO(b"x" * 10_000_000)) is Scan.NOT_SCANNED


async def test_a_clamd_that_is_silent_is_not_waited_for() -> None:
    async with something_that_answers(None) as address:
        assert await Scanner(address, seconds=0.2).scan(io.BytesIO(b"content")) is Scan.NOT_SCANNED


@asynccontextmanager
async def something_that_answers(answer: bytes | None, after: bytes = bytes(4)) -> AsyncIterator[str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(after)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
