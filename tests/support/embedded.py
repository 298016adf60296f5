"""A test's own embedded Signpost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from services.embedded import postmaster
from services.embedded.data_directory import DataDirectory
from tests.support.process import SignpostProcess, command


class EmbeddedSignpost(SignpostProcess):
    """`signpost up` on one data directory."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self._settings = {"SIGNPOST_DATA_DIR": str(data_dir), **settings}
        super().__init__("up", settings=self._settings)

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run `signpost` with `arguments` against this Signpost; return exit code and output."""
        return await command(*arguments, settings=self._settings)

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
        code, output = await self.command("token", "--role", role, *(["--subject", subject] if subject else []))
        assert code == 0, output
        return output.strip()


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
