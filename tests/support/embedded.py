"""A test's own embedded Signpost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
