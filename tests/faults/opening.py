"""Opening a house for the fault suite: everything that it needs, and its end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from services.embedded import postgres
from services.embedded.data_directory import SAMPLE, DataDirectory
from services.embedded.mail_catcher import MailFolder, catching
from shared.events.topics import SERVICES
from shared.ids import RandomIds
from tests.faults.houses import Embedded, House, Separate
from tests.support.java_kafka import JavaKafka, NoKafka
from tests.support.log import go_without_kafka

WAYS = ("embedded", "separate")
ALWAYS = {
    "SIGNPOST_NOTIFIER_STORM_AFTER": "1000000",  # every alert is a mail of its own; storms are proved elsewhere
    "SIGNPOST_NOTIFIER_SMTP_TIMEOUT": "5",
    "SIGNPOST_LOG_LEVEL": "info",
}


@asynccontextmanager
async def embedded(folder: Path, **settings: str) -> AsyncIterator[Embedded]:
    """Run an embedded Signpost on `folder`; its mail catcher is its own."""
    house = Embedded(DataDirectory(folder), {**ALWAYS, **settings})
    async with _running(house):
        yield house


@asynccontextmanager
async def separate(folder: Path, kafka: JavaKafka, **settings: str) -> AsyncIterator[Separate]:
    """Run the four services on `kafka` and a PostgreSQL of their own; the mail catcher is ours and does not die."""
    directory = DataDirectory(folder)
    directory.prepare()
    with postgres.running(directory) as socket:
        await postgres.create_databases(directory, socket)
        async with catching(MailFolder(directory.mail, RandomIds())) as smtp_port:
            given = {**_settings(directory, socket, kafka, smtp_port), **ALWAYS, **settings}
            house = Separate(directory, given, kafka)
            for arguments in (
                ("migrate",),
                ("topics", "apply"),
                ("directory", "import", str(SAMPLE / "directory.csv")),
            ):
                code, output = await house.command(*arguments)
                assert code == 0, output
            async with _running(house):
                yield house


@asynccontextmanager
async def opened(way: str, folder: Path, **settings: str) -> AsyncIterator[House]:
    """Run Signpost one `way`, "embedded" or "separate", with everything it needs."""
    if way == "embedded":
        async with embedded(folder, **settings) as house:
            yield house
    else:
        with a_kafka(folder.parent / "kafka") as kafka:
            async with separate(folder, kafka, **settings) as house:
                yield house


@contextmanager
def a_kafka(folder: Path) -> Iterator[JavaKafka]:
    """Run an Apache Kafka that nobody shares, so that it may be killed: Apache's own jars, also where Docker is."""
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
async def _running(house: House) -> AsyncIterator[None]:
    await asyncio.gather(*(process.start() for process in house.processes.values()))
    try:
        yield
    finally:
        await house.start_missing()  # an embedded one stops its PostgreSQL
        await asyncio.gather(*(process.stop() for process in house.processes.values()))


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
