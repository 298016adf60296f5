"""Runs the `signpost` command as a user would: in its own processes, which a test kills or stops."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping

_READY = re.compile(rb"is ready: (http://[^\s/]+)")
_TAKEN = "cannot listen on port"
_START_LIMIT_SECONDS = 180
_DEATH_LIMIT_SECONDS = 180


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `settings` as its only `SIGNPOST_*` variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGNPOST_")}
    return kept | {"COLUMNS": "400"} | dict(settings)


class SignpostProcess:
    """A `signpost up` or `signpost serve` that says when it is ready."""

    def __init__(self, *arguments: str, settings: Mapping[str, str], program: str = "services.cli") -> None:
        self.url = ""
        self._program = program
        self._arguments = arguments
        self._environment = clean_environment(settings)
        self._process: asyncio.subprocess.Process | None = None
        self._output = bytearray()
        self._reader: asyncio.Task[None] | None = None

    @property
    def output(self) -> str:
        """Everything that the process has printed since its last start."""
        return self._output.decode(errors="replace")

    @property
    def running(self) -> bool:
        """Whether the process was started and not yet ended by the test."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process
        return self._process.pid

    async def start(self, **more: str) -> None:
        """Start the process and wait until it says that it is ready; a restart listens on the same port.

        Args:
            more: environment of this start alone.
        """
        async with asyncio.timeout(_START_LIMIT_SECONDS):
            while not (match := await self._started(self._environment | more)):
                await asyncio.sleep(1)
        self.url = match[1].decode()

    async def _started(self, environment: Mapping[str, str]) -> re.Match[bytes] | None:
        """Start the process and return its words when it is ready, or None if its port has just been taken."""
        self._output.clear()
        port = self.url.rsplit(":", 1)[1] if self.url else "0"
        self._process = await _spawn(self._program, *self._arguments, "--port", port, environment=environment)
        self._reader = asyncio.create_task(self._read(self._process))
        while not (match := _READY.search(self._output)):
            if self._process.returncode is not None:
                await self._reader
                if self.url and _TAKEN in self.output:
                    return None
                message = f"signpost {self._arguments} ended with {self._process.returncode}: {self.output}"
                raise AssertionError(message)
            await asyncio.sleep(0.02)
        return match

    async def says(self, words: str) -> None:
        """Wait until the process has printed `words` since its last start."""
        async with asyncio.timeout(_START_LIMIT_SECONDS):
            while words.encode() not in self._output:
                assert self._process
                assert self._process.returncode is None, f"ended: {self.output}"
                await asyncio.sleep(0.02)

    async def died(self) -> None:
        """Wait until the process has died by SIGKILL, without a signal from the test."""
        assert self._process
        async with asyncio.timeout(_DEATH_LIMIT_SECONDS):
            code = await self._process.wait()
        assert code == -signal.SIGKILL, f"ended with {code}: {self.output}"
        await self._end(signal.SIGKILL)

    async def kill(self) -> None:
        """Kill the process as a crash would."""
        await self._end(signal.SIGKILL)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask the process to stop and return its exit code."""
        return await self._end(how)

    async def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(how)
        code = await self._process.wait()
        if self._reader:
            await self._reader
        self._process = None
        return code

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        while chunk := await process.stdout.read(4096):
            self._output.extend(chunk)


async def command(*arguments: str, settings: Mapping[str, str]) -> tuple[int, str]:
    """Run `signpost` with `arguments` to its end; return exit code and output."""
    process = await _spawn("services.cli", *arguments, environment=clean_environment(settings))
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def _spawn(program: str, *arguments: str, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        program,
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
