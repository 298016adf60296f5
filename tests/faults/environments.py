"""The environments of the fault suite: one process with everything in it, or one process per service with Kafka."""

import asyncio
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx

from services.embedded import postgres, postmaster
from services.embedded.data_directory import LOG_DATABASE, SAMPLE, DataDirectory
from services.embedded.mail_catcher import MailFolder, open_mail_catcher
from shared.auth.permissions import Role
from shared.auth.personas import issue_token
from shared.clock import SystemClock
from shared.events.topics import SERVICES
from shared.ids import RandomIds
from shared.messaging.kafka.connection import KafkaConnection
from shared.messaging.kafka.log import KafkaLog
from shared.messaging.log import EventLog
from shared.messaging.postgres.log import PostgresLog
from tests.faults.steps import SERVICE_OF, Act, Step
from tests.services.cli import in_process
from tests.support.embedded import begun
from tests.support.eventually import eventually
from tests.support.java_kafka import JavaKafka, NoKafka
from tests.support.log import go_without_kafka
from tests.support.process import SignpostProcess

PROGRAM = "tests.faults.killed"
PREFIXES = {"/cases": "triage", "/accounts": "registry", "/alerts": "notifier"}
_KEPT_SECONDS = 300
"""How long a token is used; making one reads the personas again."""


class Environment(ABC):
    """A running Signpost whose processes a test may end."""

    def __init__(self, directory: DataDirectory, settings: Mapping[str, str]) -> None:
        self.directory = directory
        self._settings = settings
        self._tokens: dict[tuple[Role, str | None, float], str] = {}

    @abstractmethod
    def url(self, path: str) -> str:
        """Return the URL of `path`."""

    @abstractmethod
    def process_of(self, role: str) -> SignpostProcess:
        """Return the process that does `role`."""

    @property
    @abstractmethod
    def processes(self) -> Mapping[str, SignpostProcess]:
        """All of them, by name."""

    @property
    def defects(self) -> list[str]:
        """The requests that, by the processes' logs since their last start, failed for an unknown reason."""
        printed = [process.output.splitlines() for process in self.processes.values()]
        return [line for lines in printed for line in lines if '"request_failed"' in line]

    @property
    def mails(self) -> Path:
        """The email catcher's folder."""
        return self.directory.mail

    async def die_at_each(self, steps: Sequence[Step]) -> None:
        """Let the process that reaches each of `steps` die there, one after the other; in the end all run again.

        Not always the first time: a relay begins with its service's own events, and reports come after that.
        """
        for number, step in enumerate(steps):
            passes = 1 if step.act is Act.RELEASE else 1 + number % 3
            print(f"  dies at {step}, time {passes}", flush=True)
            process = self.process_of(step.role)
            await process.stop()
            armed = process.start(FAULT_STEP=str(step), FAULT_PASSES=str(passes))
            await asyncio.gather(armed, self.start_missing(but=process))
            await process.died()
        await self.start_missing()

    async def start_missing(self, but: SignpostProcess | None = None) -> None:
        """Start every process that does not run."""
        dead = [process for process in self.processes.values() if process is not but and not process.running]
        await asyncio.gather(*(process.start() for process in dead))

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run `signpost` with `arguments` in this process, which is there already; return exit code and output."""
        done = await in_process.signpost(*arguments, **self._settings)
        return done.exit_code, done.output

    async def is_ready(self, prefix: str) -> bool:
        """Return whether the service at `prefix` reports itself ready."""
        async with httpx.AsyncClient() as client:
            return (await client.get(self.url(f"{prefix}/health/ready"))).status_code == httpx.codes.OK

    @property
    def clock_error(self) -> float:
        """The number of seconds by which the environment's clock is wrong."""
        file = self._settings.get("FAULT_CLOCK")
        return float(Path(file).read_text()) if file else 0.0

    def token(self, role: Role, subject: str | None = None) -> str:
        """Return a bearer token, made by the environment's clock and kept for some minutes."""
        now = SystemClock().now() + timedelta(seconds=self.clock_error)
        key = role, subject, now.timestamp() // _KEPT_SECONDS
        if key not in self._tokens:
            self._tokens[key] = issue_token(
                role,
                subject,
                signing_key_file=self.directory.keys / "signing-key.pem",
                now=now,
                personas_file=SAMPLE / "personas.yaml",
            )
        return self._tokens[key]

    def database_url(self, name: str) -> str:
        """Return the URL of a service's database, or of the log's, in asyncpg's form."""
        socket = postmaster.socket_of_running(self.directory)
        assert socket, "PostgreSQL must be running"
        return self.directory.database_url(name, socket).replace("+asyncpg", "")

    def kill_database(self) -> None:
        """Kill PostgreSQL as a power cut would: its first process by SIGKILL, and every other with it."""
        pid = int((self.directory.postgres / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    @abstractmethod
    async def database_dies_and_comes_back(self) -> None:
        """Kill PostgreSQL; the part that started it starts it again."""

    @abstractmethod
    def log(self) -> AbstractAsyncContextManager[EventLog]:
        """Open the event log, as another system would."""


class Embedded(Environment):
    """`signpost up`: one process does everything."""

    def __init__(self, directory: DataDirectory, settings: Mapping[str, str]) -> None:
        super().__init__(directory, {"SIGNPOST_DATA_DIR": str(directory.path), **settings})
        self._process = SignpostProcess("up", settings=self._settings, program=PROGRAM)

    def url(self, path: str) -> str:
        return self._process.url + path

    def process_of(self, role: str) -> SignpostProcess:
        del role
        return self._process

    @property
    def processes(self) -> Mapping[str, SignpostProcess]:
        return {"up": self._process}

    async def database_dies_and_comes_back(self) -> None:
        self.kill_database()  # `signpost up` starts it again

    @asynccontextmanager
    async def log(self) -> AsyncIterator[EventLog]:
        log = await PostgresLog.open(self.database_url(LOG_DATABASE))
        try:
            yield log
        finally:
            await log.close()


class Separate(Environment):
    """`signpost serve` four times, on Apache Kafka."""

    def __init__(self, directory: DataDirectory, settings: Mapping[str, str], kafka: JavaKafka) -> None:
        super().__init__(directory, settings)
        self.kafka = kafka
        self._processes = {
            service: SignpostProcess("serve", service, settings=settings, program=PROGRAM) for service in SERVICES
        }

    def url(self, path: str) -> str:
        service = next((name for prefix, name in PREFIXES.items() if path.startswith(prefix)), "intake")
        return self._processes[service].url + path

    def process_of(self, role: str) -> SignpostProcess:
        return self._processes[SERVICE_OF[role]]

    @property
    def processes(self) -> Mapping[str, SignpostProcess]:
        return self._processes

    async def database_dies_and_comes_back(self) -> None:
        self.kill_database()

        async def is_gone() -> bool | None:
            return postmaster.socket_of_running(self.directory) is None or None

        await eventually(is_gone)
        await asyncio.to_thread(postgres.start_again, self.directory)

    @asynccontextmanager
    async def log(self) -> AsyncIterator[EventLog]:
        yield await KafkaLog.open(KafkaConnection(self.kafka.servers))

    def another(self, service: str, roles: str) -> SignpostProcess:
        """Return one more process of `service`, not started yet, with `roles`."""
        return SignpostProcess("serve", service, "--roles", roles, settings=self._settings, program=PROGRAM)


WAYS = ("embedded", "separate")
ALWAYS = {
    "SIGNPOST_NOTIFIER_STORM_AFTER": "1000000",  # every alert is its own email; storms are tested elsewhere
    "SIGNPOST_NOTIFIER_SMTP_TIMEOUT": "5",
    "SIGNPOST_LOG_LEVEL": "info",
}


@asynccontextmanager
async def embedded(
    folder: Path, dies_at: Mapping[str, str] | None = None, /, **settings: str
) -> AsyncIterator[Embedded]:
    """Run an embedded Signpost on `folder`; it has its own email catcher.

    Args:
        folder: its data directory.
        dies_at: environment of the first start alone, as `tests.faults.killed` reads it.
        settings: environment of every start.
    """
    await begun(folder)
    environment = Embedded(DataDirectory(folder), {**ALWAYS, **settings})
    async with _running(environment, **(dies_at or {})):
        yield environment


@asynccontextmanager
async def separate(folder: Path, kafka: JavaKafka, **settings: str) -> AsyncIterator[Separate]:
    """Run the four services on `kafka` and their own PostgreSQL; the email catcher is ours and does not die."""
    directory = DataDirectory(folder)
    directory.prepare()
    with postgres.running_server(directory) as socket:
        await postgres.create_databases(directory, socket)
        async with open_mail_catcher(MailFolder(directory.mail, RandomIds())) as smtp_port:
            given = {**_settings(directory, socket, kafka, smtp_port), **ALWAYS, **settings}
            environment = Separate(directory, given, kafka)
            for arguments in (
                ("migrate",),
                ("topics", "apply"),
                ("directory", "import", str(SAMPLE / "directory.csv")),
            ):
                code, output = await environment.command(*arguments)
                assert code == 0, output
            async with _running(environment):
                yield environment


@asynccontextmanager
async def opened(way: str, folder: Path, **settings: str) -> AsyncIterator[Environment]:
    """Run Signpost one `way`, "embedded" or "separate", with everything it needs."""
    if way == "embedded":
        async with embedded(folder, **settings) as environment:
            yield environment
    else:
        with a_kafka(folder.parent / "kafka") as kafka:
            async with separate(folder, kafka, **settings) as environment:
                yield environment


@contextmanager
def a_kafka(folder: Path) -> Iterator[JavaKafka]:
    """Run an Apache Kafka that no other test shares, so that it may be killed: Apache's own jars, even with Docker."""
    try:
        kafka = JavaKafka(folder)
        kafka.start()
    except NoKafka as error:
        go_without_kafka(error)
    try:
        yield kafka
    finally:
        kafka.kill()


@asynccontextmanager
async def _running(environment: Environment, **first: str) -> AsyncIterator[None]:
    await asyncio.gather(*(process.start(**first) for process in environment.processes.values()))
    try:
        yield
    finally:
        await environment.start_missing()  # an embedded one stops its PostgreSQL
        await asyncio.gather(*(process.stop() for process in environment.processes.values()))


def _settings(directory: DataDirectory, socket: Path, kafka: JavaKafka, smtp_port: int) -> dict[str, str]:
    return {
        "SIGNPOST_SECRET_KEY": directory.password("key"),
        "SIGNPOST_SIGNING_KEY_FILE": str(directory.keys / "signing-key.pem"),
        "SIGNPOST_VERIFY_KEY_FILE": str(directory.keys / "verify-key.pem"),
        "SIGNPOST_EVENT_LOG": "kafka",
        "SIGNPOST_KAFKA_BOOTSTRAP_SERVERS": kafka.servers,
        "SIGNPOST_NOTIFIER_SMTP_HOST": "127.0.0.1",
        "SIGNPOST_NOTIFIER_SMTP_PORT": str(smtp_port),
        "SIGNPOST_AUDIT_ANCHORS_DIR": str(directory.anchors),
        **{f"SIGNPOST_{name.upper()}_DATABASE_URL": directory.database_url(name, socket) for name in SERVICES},
    }
