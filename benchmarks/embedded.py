"""Row 6: `signpost up`: seconds to the first page, memory at rest, reports a second through the whole."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

import httpx
import orjson

from benchmarks.findings import Figure, Findings, below
from benchmarks.http_client import load
from benchmarks.intake import CONNECTIONS, PATH, body_of
from tests.support.process import SignpostProcess, command

ROW = "6 embedded"
REPORTS = 300
_MOST_MEGABYTES = 400
_WHOLE_WITHIN = 300.0
_AT_REST_AFTER = 3.0
"""Seconds without anything to do."""


async def measure(runs: int, findings: Findings, advance: Callable[[], None]) -> None:
    """Start a new one in every run."""
    first_page: list[float] = []
    megabytes: list[float] = []
    rates: list[float] = []
    for run in range(runs):
        async with _folder() as folder:
            settings = {"SIGNPOST_DATA_DIR": str(folder)}
            process = SignpostProcess("up", settings=settings)
            began = time.perf_counter()
            await process.start()
            try:
                async with httpx.AsyncClient() as client:
                    (await client.get(process.url)).raise_for_status()
                first_page.append(time.perf_counter() - began)
                await asyncio.sleep(_AT_REST_AFTER)
                megabytes.append(_resident(process.pid))
                _, token = await command("token", "--role", "reporter", "--subject", "S1001", settings=settings)
                rates.append(await _through_the_whole(process.url, token.strip(), folder / "mail", run))
            finally:
                await process.stop()
        advance()
    findings.conditions["embedded"] = (
        f"a new data directory in each run; {REPORTS} reports over {CONNECTIONS} connections, each with another "
        "manager, until the last alert is a mail on the disk"
    )
    findings.figures += [
        Figure(ROW, "signpost up to first page", "s", first_page),
        below(ROW, "resident at rest, without PostgreSQL", megabytes, _MOST_MEGABYTES, unit="MB"),
        Figure(ROW, "through the whole", "reports/s", rates),
    ]


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="signpost-bench-"))
    os.chmod(folder, 0o755)  # noqa: PTH101, S103 -- run by root, PostgreSQL is another person
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _through_the_whole(url: str, token: str, mails: Path, run: int) -> float:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    bodies = [
        orjson.dumps({**orjson.loads(body), "manager_email": f"manager-{number}@example.org"})
        for number, body in enumerate(islice(body_of(run), REPORTS))
    ]
    began = time.perf_counter()
    await load(url, PATH, iter([(body, headers) for body in bodies]), CONNECTIONS)
    async with asyncio.timeout(_WHOLE_WITHIN):
        while len(_managers(mails)) < REPORTS:  # noqa: ASYNC110 -- only the folder tells
            await asyncio.sleep(0.05)  # another process writes them
    return REPORTS / (time.perf_counter() - began)


def _managers(mails: Path) -> set[bytes]:
    return {
        line
        for mail in mails.glob("*.eml")
        for line in mail.read_bytes().split(b"\r\n\r\n", 1)[0].splitlines()
        if line.lower().startswith(b"to: manager-")
    }


def _resident(pid: int) -> float:
    """Return the resident memory of a process in MB; PostgreSQL's are others."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
