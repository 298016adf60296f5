"""The reports that the benchmarks send: abuse, 1 KiB each, some about the same accounts, as intake tells of them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random

from aiokafka import AIOKafkaProducer

from benchmarks.stage import Stage
from shared.events import codec
from shared.events.intake import AbuseReportSubmitted, Person, Reporter
from shared.events.vocabulary import (
    Behaviour,
    Confidentiality,
    ContentKind,
    ContentState,
    ManagerAlert,
    Relation,
    WorkerKind,
)
from shared.ids import RandomIds
from shared.messaging.log import Record

REPORT_BYTES = 1024
_ACCOUNTS = 5_000
_BEHAVIOURS = (Behaviour.HARASSMENT, Behaviour.TROLLING, Behaviour.DOXING, Behaviour.THREAT, Behaviour.CYBERBULLYING)
_STATES = (ContentState.ONLINE, ContentState.DELETED, ContentState.UNSURE)
_STORY = "They wrote this under what our office had posted, and others joined in. "
_ids = RandomIds()


def reports(count: int, seed: int) -> Iterator[AbuseReportSubmitted]:
    """Yield `count` reports of `REPORT_BYTES` each."""
    random = Random(seed)
    for _ in range(count):
        yield _report(random)


@asynccontextmanager
async def held_back(stage: Stage, topic: str, count: int, seed: int) -> AsyncIterator[None]:
    """Send `count` reports to `topic`, which consumers see on leaving, all at once: they are one transaction."""
    producer = AIOKafkaProducer(
        transactional_id=f"signpost-bench-{topic}", acks="all", enable_idempotence=True, **stage.kafka.arguments()
    )
    await producer.start()
    try:
        async with producer.transaction():
            for report in reports(count, seed):
                record = as_sent(report)
                await producer.send(topic, record.value, key=record.key, headers=list(record.headers))
            await producer.flush()
            yield
    finally:
        await producer.stop()


def as_sent(report: AbuseReportSubmitted) -> Record:
    """Return a report as intake's relay publishes it."""
    subject = str(report.report_id)
    headers = codec.headers_of(
        report.TYPE,
        event_id=str(_ids.uuid()),
        source=codec.source_of("intake"),
        subject=subject,
        sequence=1,
        time=report.submitted_at,
        traceparent=None,
    )
    return Record(report.TOPICS[0], subject.encode(), _bytes(report), headers)


def _report(random: Random) -> AbuseReportSubmitted:
    account = f"account_{random.randrange(_ACCOUNTS)}"
    staff = random.randrange(10_000)
    report = AbuseReportSubmitted(
        report_id=_ids.uuid(),
        reference=str(_ids.reference()),
        submitted_at=datetime.now(UTC),
        reporter=Reporter(
            confidentiality=Confidentiality.NAMED,
            staff_id=f"S{staff}",
            name=f"Person {staff}",
            email=f"person.{staff}@example.org",
            kind=WorkerKind.EMPLOYEE,
        ),
        narrative="",
        platform="x",
        content_kind=ContentKind.COMMENT,
        content_state=random.choice(_STATES),
        urls=(f"https://x.com/{account}/status/{random.randrange(10**9)}",),
        behaviours=(random.choice(_BEHAVIOURS),),
        affected=(Person(relation=Relation.SELF),),
        manager_alert=ManagerAlert.YES,
        manager_email=f"manager.{staff % 500}@example.org",
    )
    missing = REPORT_BYTES - len(_bytes(report))
    return report.model_copy(update={"narrative": (_STORY * (missing // len(_STORY) + 1))[:missing]})


def _bytes(report: AbuseReportSubmitted) -> bytes:
    return report.model_dump_json(exclude_none=True).encode()
