"""A large file costs little memory, and several at once do not keep others waiting. Both figures are printed."""

import asyncio
import re
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

import httpx
import pytest

from tests.services.intake.conftest import small_body
from tests.services.intake.reports.test_api import ADDRESS
from tests.support.postgres import PostgresForTests

MB = 1_000_000
LARGE = 99 * MB
MOST_MORE = 30
"""Megabytes that one upload of 100 MB may add to the process."""
MOST_SLOWER = 3.0
"""How many times as long the p95 of a page may take while four files arrive, unless it is too short to be noticed."""
UNNOTICED = 0.1
"""Seconds."""
_LINE = b"What they wrote, again and again.\n" * 1000


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


async def page_p95(client: httpx.AsyncClient, times: int = 40) -> float:
    """Return the p95 of a page, in seconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        assert (await client.get("/report/track")).status_code == 200
        took.append(time.perf_counter() - began)
    return quantiles(took, n=20)[-1]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux says how much memory a process had")
async def test_a_hundred_megabytes_add_less_than_thirty_and_four_at_once_let_others_through(
    postgres: PostgresForTests, tmp_path: Path
) -> None:
    async with served(postgres, tmp_path) as (process, client):
        await send(client, MB)
        await page_p95(client)
        before, _ = memory(process)
        forget_peak(process)
        began = time.perf_counter()
        await send(client, LARGE)
        took = time.perf_counter() - began
        _, peak = memory(process)
        print(f"an upload of {LARGE / MB:.0f} MB took {took:.1f} s and added {peak - before:.1f} MB to {before:.0f} MB")  # noqa: T201 - the figure
        alone = await page_p95(client)
        command = (sys.executable, "-m", "tests.services.intake.evidence.test_memory", str(client.base_url))
        uploads = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        assert uploads.stdout is not None
        await uploads.stdout.readline()
        together = await page_p95(client)
        assert uploads.returncode is None, "the files came before the pages were measured"
        assert await uploads.wait() == 0
        _, four = memory(process)
        print(f"p95 of a page {alone * 1000:.0f} ms alone, {together * 1000:.0f} ms beside four uploads; {four:.0f} MB")  # noqa: T201 - the figure
    assert peak - before < MOST_MORE
    assert together < max(alone * MOST_SLOWER, UNNOTICED)


async def send_four(address: str) -> None:
    """Send four files at once, some times over, from a process whose work does not count."""
    async with httpx.AsyncClient(base_url=address, timeout=120) as client:
        print("sending", flush=True)  # noqa: T201 - the parent waits for it
        for _ in range(2):
            await asyncio.gather(*(send(client, LARGE) for _ in range(4)))


if __name__ == "__main__":
    asyncio.run(send_four(sys.argv[1]))
