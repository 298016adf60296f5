"""A test's own embedded Signpost."""

import asyncio
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from services.embedded import postmaster
from services.embedded.data_directory import DataDirectory
from tests.services.cli import in_process
from tests.support.postgres import locked
from tests.support.process import SignpostProcess, command

_ROOT = Path(__file__).resolve().parents[2]
_KEPT = Path(tempfile.gettempdir()) / f"signpost-tests-{os.getuid()}"
_FORGOTTEN_AFTER = 2 * 60 * 60
"""Seconds after which no run uses what an earlier one kept, of other code."""


class EmbeddedSignpost(SignpostProcess):
    """`signpost up` on one data directory."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self._settings = {"SIGNPOST_DATA_DIR": str(data_dir), **settings}
        super().__init__("up", settings=self._settings)

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run `signpost` with `arguments` against this Signpost; return exit code and output."""
        return await command(*arguments, settings=self._settings)

    async def in_this_process(self, *arguments: str) -> tuple[int, str]:
        """Run a command as `command` does, without the time that another process takes to start."""
        done = await in_process.signpost(*arguments, **self._settings)
        return done.exit_code, done.output

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[asyncpg.Connection]:
        """Connect to the database of `service`, which must be running."""
        directory = DataDirectory(self.data_dir)
        socket = postmaster.socket_of_running(directory)
        assert socket, "PostgreSQL must be running"
        connection = await asyncpg.connect(directory.database_url(service, socket).replace("+asyncpg", ""))
        try:
            yield connection
        finally:
            await connection.close()

    async def token(self, role: str, subject: str | None = None) -> str:
        """Return a bearer token as `signpost token` prints it."""
        code, output = await self.in_this_process("token", "--role", role, *(["--subject", subject] if subject else []))
        assert code == 0, output
        return output.strip()


async def begun(data_dir: Path) -> None:
    """Make `data_dir` as the first start of this code leaves it: that is done once, and each test gets a copy."""
    kept = _KEPT / f"embedded-{await asyncio.to_thread(_fingerprint)}"
    with locked("embedded"):
        if not kept.exists():
            await asyncio.to_thread(_forget_others)
            first = EmbeddedSignpost(kept.with_suffix(".new"))
            await first.start()
            await first.stop()
            first.data_dir.rename(kept)
        os.utime(kept)
        await asyncio.to_thread(_copy, kept, data_dir)


def _forget_others() -> None:
    for other in _KEPT.glob("embedded-*"):
        if other.suffix or time.time() - other.stat().st_mtime > _FORGOTTEN_AFTER:
            shutil.rmtree(other)


def _fingerprint() -> str:
    """Return what changes with anything that a first start does."""
    digest = hashlib.sha256()
    for folder in ("services", "shared", "deploy/sample"):
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".yaml", ".csv"}:
                digest.update(path.read_bytes())
    digest.update((_ROOT / "uv.lock").read_bytes())
    return digest.hexdigest()[:12]


def _copy(kept: Path, data_dir: Path) -> None:
    if not data_dir.exists():  # else a test began it in its own way
        subprocess.run(["cp", "-a", str(kept), str(data_dir)], check=True)  # noqa: S607 - PostgreSQL's files belong to its user


@asynccontextmanager
async def embedded_signpost(data_dir: Path, **settings: str) -> AsyncIterator[EmbeddedSignpost]:
    """Start an embedded Signpost on `data_dir`, with `settings`, and stop it afterwards, PostgreSQL included."""
    signpost = EmbeddedSignpost(data_dir, **settings)
    await signpost.start()
    try:
        yield signpost
    finally:
        if not signpost.running:  # killed by the test: started once more, so that PostgreSQL is stopped
            await signpost.start()
        await signpost.stop()
