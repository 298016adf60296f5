"""Runs `docker-compose.yml` as a project of its own, on free ports, with the demonstration's secrets."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "deploy" / "demo.env"
ARTEFACTS = ROOT / "artefacts" / "compose"
"""Where the containers' logs are kept, to find out why a statement failed."""
_HEALTHY_WITHIN = 900.0
_LOOK_EVERY = 1.0
_DESCRIBE_GROUPS = (
    "/opt/kafka/bin/kafka-consumer-groups.sh",
    "--bootstrap-server=127.0.0.1:9094",
    "--describe",
    "--all-groups",
)


class NoEngine(AssertionError):
    """There is no Docker here, and this suite proves nothing without it."""


class Failed(AssertionError):
    """A Docker command failed; the message is its output."""


class Composed:
    """One running project."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = {**demo_settings(), **settings}
        self.project = f"signpost-test-{uuid.uuid4().hex[:8]}"
        self.image = f"{self.project}:latest"
        self._compose = [*compose_command(), "--env-file", str(DEMO), "--project-name", self.project]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SIGNPOST_")},
            "DOCKER_BUILDKIT": "1",
            "COMPOSE_DOCKER_CLI_BUILD": "1",
            **settings,
            "SIGNPOST_IMAGE": self.image,
        }

    @property
    def url(self) -> str:
        return self.settings["SIGNPOST_PUBLIC_URL"]

    @property
    def issuer(self) -> str:
        return self.settings["SIGNPOST_OIDC_ISSUER"]

    async def compose(self, *arguments: str) -> str:
        """Run a command of Compose and return what it printed.

        Raises:
            Failed: its exit code was not 0.
        """
        return await output_of([*self._compose, *arguments], self._environment)

    async def signpost(self, *arguments: str) -> str:
        """Run `signpost` with all settings, in a container of its own."""
        return await self.compose("run", "--rm", "-T", "operator", *arguments)

    async def number(self, database: str, query: str) -> int:
        """Return the number that `query` finds in the database of a service."""
        psql = ["exec", "-T", "postgres", "psql", "--username=postgres", "--tuples-only", "--no-align"]
        return int(await self.compose(*psql, f"--command={query}", database))

    async def kill(self, service: str) -> None:
        """Kill the container of `service` as a power cut would."""
        await output_of(["docker", "kill", await self._container(service)])

    async def start(self, service: str) -> None:
        """Start the container of `service` again, unchanged."""
        await output_of(["docker", "start", await self._container(service)])

    async def healthy(self, *services: str) -> None:
        """Wait until the containers of `services` report that they are healthy."""
        async with asyncio.timeout(_HEALTHY_WITHIN):
            for service in services:
                while await self._health(service) != "healthy":
                    await asyncio.sleep(_LOOK_EVERY)

    async def finished(self, job: str) -> int:
        """Wait until the container of `job` has ended, and return its exit code."""
        return int(await output_of(["docker", "wait", await self._container(job)]))

    async def _health(self, service: str) -> str:
        container = await self._container(service)
        state = json.loads(await output_of(["docker", "inspect", "--format", "{{json .State}}", container]))
        return str(state["Health"]["Status"]) if state["Running"] else str(state["Status"])

    async def _container(self, service: str) -> str:
        labels = {"project": self.project, "service": service, "oneoff": "False"}
        wanted = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
        return (await output_of(["docker", "ps", "--all", "--quiet", *wanted])).strip()

    async def keep_logs(self) -> None:
        """Write every container's log, and the position of each consumer group, to `ARTEFACTS`."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        ours = f"--filter=label=com.docker.compose.project={self.project}"
        for name in (await output_of(["docker", "ps", "--all", "--format={{.Names}}", ours])).split():
            log = await output_of(["docker", "logs", "--timestamps", name], errors_too=True)
            (ARTEFACTS / f"{name.removeprefix(self.project)[1:]}.log").write_text(log, encoding="utf-8")
        groups = await self.compose("exec", "-T", "kafka", *_DESCRIBE_GROUPS)
        (ARTEFACTS / "groups.txt").write_text(groups, encoding="utf-8")

    async def down(self) -> None:
        """Remove everything that this project made: containers, networks, volumes, its image."""
        await self.compose("--profile", "operator", "down", "--volumes", "--remove-orphans", "--timeout", "10")
        with contextlib.suppress(Failed):  # it was never built
            await output_of(["docker", "image", "rm", "--force", self.image])


@asynccontextmanager
async def composed(settings: Mapping[str, str]) -> AsyncIterator[Composed]:
    """Build the image, start everything, and remove all of it afterwards.

    Raises:
        NoEngine: there is no Docker here.
    """
    project = Composed(settings)
    try:
        await project.compose("build", "--quiet", "intake")
        await project.compose("up", "--detach", "--no-build")
        yield project
    finally:
        with contextlib.suppress(Failed):  # a container that never was, or is down
            await project.keep_logs()
        await project.down()


def compose_command() -> Sequence[str]:
    """Return the Compose command: the Docker plug-in, or the older program.

    Raises:
        NoEngine: there is neither, or Docker does not answer.
    """
    if not (docker := shutil.which("docker")) or _fails([docker, "info"]):
        raise NoEngine("`make compose-test` needs a running Docker engine, and there is none")
    if not _fails([docker, "compose", "version"]):
        return [docker, "compose"]
    if older := shutil.which("docker-compose"):
        return [older]
    raise NoEngine("`make compose-test` needs Docker Compose: the plug-in of Docker, or docker-compose 1.29 or newer")


def demo_settings() -> dict[str, str]:
    """Return what `deploy/demo.env` sets."""
    lines = DEMO.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


async def output_of(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, errors_too: bool = False
) -> str:
    """Run `command` in the repository and return its standard output, with `errors_too` its error output as well.

    Raises:
        Failed: its exit code was not 0.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT if errors_too else asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        said = (output + (errors or b"")).decode()[-4000:]
        raise Failed(f"{' '.join(command)} ended with {process.returncode}: {said}")
    return output.decode()


def _fails(command: Sequence[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode != 0
