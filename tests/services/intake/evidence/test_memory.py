"""A large file costs little memory, and several at once do not keep others waiting. Both figures are printed."""

import asyncio
import math
import re
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

import httpx
import pytest

from tests.services.intake.conftest import small_body
from tests.services.intake.evidence.served import WORKED
from tests.services.intake.reports.test_api import ADDRESS
from tests.support.postgres import PostgresForTests

MB = 1_000_000
LARGE = 99 * MB
MOST_MORE = 30
"""Megabytes that one upload of 100 MB may add to the process."""
MOST_SLOWER = 3.0
"""How many times as long the p95 of a page may take while four files arrive."""
ROUNDS = 5
"""A machine that others use too may spoil some; without turns for files, each is above the limit."""
OF_FOUR = 40 * MB
_LINE = b"What they wrote, again and again.\n" * 8000


@asynccontextmanager
async def served(postgres: PostgresForTests, folder: Path) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """Start intake in a process of its own."""
    async with postgres.fresh("intake") as url:
        command = (sys.executable, "-m", "tests.services.intake.evidence.served", url, str(folder))
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        try:
            assert process.stdout is not None
            address = (await process.stdout.readline()).decode().strip()
            async with httpx.AsyncClient(base_url=address, timeout=120) as client:
                yield process, client
        finally:
            process.terminate()
            await process.wait()


async def lines(size: int) -> AsyncIterator[bytes]:
    """Yield a form with a text file of `size` bytes."""
    yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="log.txt"\r\n\r\n'
    for sent in range(0, size, len(_LINE)):
        yield _LINE[: size - sent]
    yield b"\r\n--b--\r\n"


async def send(client: httpx.AsyncClient, size: int) -> None:
    """Send a file with a report of its own."""
    report = (await client.post(ADDRESS, json=small_body(manager_email=None))).json()
    headers = {"receipt-code": report["receipt_code"], "content-type": "multipart/form-data; boundary=b"}
    where = f"/report/api/v1/reports/{report['reference']}/evidence"
    sent = await client.post(where, content=lines(size), headers=headers)
    assert (sent.status_code, sent.json()["size"]) == (201, size), sent.text


def memory(process: Process) -> tuple[float, float]:
    """Return the resident memory of a process now, and at most since `forget_peak`, in megabytes."""
    said = Path(f"/proc/{process.pid}/status").read_text("ascii")
    now, peak = (int(re.findall(rf"{name}:\s+(\d+) kB", said)[0]) * 1024 / MB for name in ("VmRSS", "VmHWM"))
    return now, peak


def forget_peak(process: Process) -> None:
    Path(f"/proc/{process.pid}/clear_refs").write_text("5", "ascii")


async def page(client: httpx.AsyncClient) -> tuple[float, float]:
    """Return how long a page takes, and how long the server's loop worked meanwhile, in milliseconds."""
    began = time.perf_counter()
    answer = await client.get("/report/track")
    assert answer.status_code == 200
    return (time.perf_counter() - began) * 1000, float(answer.headers[WORKED.decode()]) * 1000


def p95(pages: Sequence[tuple[float, float]]) -> tuple[float, float]:
    took, worked = (quantiles(one, n=20)[-1] for one in zip(*pages, strict=True))
    return took, worked


async def slower(client: httpx.AsyncClient, uploads: Process) -> tuple[float, float]:
    """Return how many times as long the p95 of a page is beside four uploads: by the clock, and in the loop alone."""
    assert uploads.stdin is not None
    assert uploads.stdout is not None
    alone, together = [await page(client) for _ in range(100)], []
    uploads.stdin.write(b"send\n")
    sent = asyncio.create_task(uploads.stdout.readline())
    while not sent.done():
        together.append(await page(client))
    assert sent.result() == b"sent\n"
    before, beside = p95(alone), p95(together)
    ratios = (beside[0] / before[0], beside[1] / before[1])
    for what, first, then, ratio in zip(("by the clock", "in the loop"), before, beside, ratios, strict=True):
        print(f"p95 of a page {what} {first:.1f} ms alone, {then:.1f} ms beside four uploads: {ratio:.1f} times")  # noqa: T201 - the figure
    return ratios


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux says how much memory a process had")
async def test_a_hundred_megabytes_add_less_than_thirty_and_four_at_once_let_others_through(
    postgres: PostgresForTests, tmp_path: Path
) -> None:
    async with served(postgres, tmp_path) as (process, client):
        await send(client, MB)
        for _ in range(40):
            await page(client)
        before, _ = memory(process)
        forget_peak(process)
        began = time.perf_counter()
        await send(client, LARGE)
        took = time.perf_counter() - began
        _, peak = memory(process)
        print(f"an upload of {LARGE / MB:.0f} MB took {took:.1f} s and added {peak - before:.1f} MB to {before:.0f} MB")  # noqa: T201 - the figure
        command = (sys.executable, "-m", "tests.services.intake.evidence.test_memory", str(client.base_url))
        uploads = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        by_clock = in_loop = math.inf
        for _ in range(ROUNDS):
            if max(by_clock, in_loop) >= MOST_SLOWER:
                ratios = await slower(client, uploads)
                by_clock, in_loop = min(by_clock, ratios[0]), min(in_loop, ratios[1])
        await uploads.communicate(b"")
        print(f"four uploads at once: {memory(process)[1]:.0f} MB")  # noqa: T201 - the figure
    assert peak - before < MOST_MORE
    assert in_loop < MOST_SLOWER
    assert by_clock < MOST_SLOWER


async def send_four(address: str) -> None:
    """Send four files at once for each line that is read, from a process whose work does not count."""
    async with httpx.AsyncClient(base_url=address, timeout=120) as client:
        while await asyncio.to_thread(sys.stdin.readline):
            await asyncio.gather(*(send(client, OF_FOUR) for _ in range(4)))
            print("sent", flush=True)  # noqa: T201 - the parent waits for it


if __name__ == "__main__":
    asyncio.run(send_four(sys.argv[1]))
