"""The disk of an embedded Signpost is full, and then it is not."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.faults import extent
from tests.faults.account import assert_nothing_lost
from tests.faults.environments import embedded
from tests.faults.stream import reporting
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.timeout(extent.LIMIT_SECONDS),
    pytest.mark.skipif(
        os.geteuid() != 0, reason="NO SMALL DISK: only root can mount one; run as root to have this test"
    ),
]
DISK = "1500m" if extent.LONG else "600m"
SPARE = 64 * 1024
"""Bytes that the ballast leaves free: too few for anything."""


async def test_a_full_disk_refuses_reports_and_loses_none_that_was_taken(data_dir: Path) -> None:
    with _small_disk(data_dir.parent / "disk") as disk:
        async with embedded(disk / "data") as environment:
            async with reporting(environment, extent.seed()) as (stream, others):
                await stream.more()
                ballast = _fill(disk)
                before = stream.unavailable

                async def refused() -> bool | None:
                    return stream.unavailable > before or None

                await eventually(refused)
                ballast.unlink()
                await stream.more()
            print(f"disk full: {await assert_nothing_lost(environment, stream, others)}")
            async with httpx.AsyncClient() as client:
                assert (await client.get(environment.url("/report/health/ready"))).status_code == httpx.codes.OK


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _run("umount", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _fill(disk: Path) -> Path:
    """Leave almost nothing free."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):  # another process may take the last of it
        while (free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize) > SPARE:
            file.write(bytes(min(free - SPARE, 1024 * 1024) or 1))
    return ballast
