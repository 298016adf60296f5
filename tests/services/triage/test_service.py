"""Triage as a whole: from the log to the queue, and back to the log."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from services.triage.app import open_service
from services.triage.cases.tables import CaseRow
from services.triage.routing.rulebook import RuleBookRefused
from services.triage.routing.tables import StoredDecision
from services.triage.settings import TriageSettings
from shared.auth.tokens import ensure_key_files
from shared.events import codec
from shared.events.envelope import Event
from shared.events.intake import AbuseReportSubmitted
from shared.events.registry import AccountChanged
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog, Record
from shared.messaging.relay import Relay
from shared.runtime import Service
from tests.services.triage.builders import IDS, NOW, report
from tests.support.log import deliver
from tests.support.postgres import PostgresForTests


def settings(folder: Path, url: str, book: Path | None = None) -> TriageSettings:
    _, public = ensure_key_files(folder)
    return TriageSettings(
        secret_key=SecretStr("a secret that only tests have, no more"),
        verify_key_file=public,
        event_log="postgres",
        triage_database_url=url,
        triage_rulebook_file=book,
    )


def record(service: str, subject: str, event: Event) -> Record:
    headers = codec.headers_of(
        event.TYPE,
        event_id=str(IDS.uuid()),
        source=codec.source_of(service),
        subject=subject,
        sequence=1,
        time=NOW,
        traceparent=None,
    )
    return Record(event.TOPICS[0], subject.encode(), event.model_dump_json().encode(), headers)


async def work_off(service: Service) -> None:
    relays = [role for role in service.roles if isinstance(role, Relay)]
    consumers = [role for role in service.roles if isinstance(role, BatchConsumer)]
    await deliver(relays, consumers)


async def test_reports_from_the_log_become_cases_once_and_are_told(
    postgres: PostgresForTests, event_log: EventLog, tmp_path: Path
) -> None:
    told: list[AbuseReportSubmitted] = [report(urls=("https://x.com/dwp/status/1",)), report()]
    account = AccountChanged(
        account_id=IDS.uuid(),
        platform="x",
        handle="dwp",
        account_class=AccountClass.OFFICIAL,
        status=AccountStatus.LIVE,
        changed_at=NOW,
    )
    registry, intake = (
        await event_log.appender("signpost-registry-relay"),
        await event_log.appender("signpost-intake-relay"),
    )
    await registry.append([record("registry", str(account.account_id), account)])
    twice = record("intake", str(told[0].report_id), told[0])
    await intake.append([twice, twice, record("intake", str(told[1].report_id), told[1])])
    async with postgres.fresh("triage") as url, open_service(settings(tmp_path, url), log=event_log) as service:
        await work_off(service)
        async with service.database.transaction() as session:
            cases = (await session.scalars(select(CaseRow))).all()
            facts = (await session.scalars(select(StoredDecision.facts))).all()
            unpublished = await session.scalar(text("select count(*) from outbox where published_at is null"))
            dead = await session.scalar(text("select count(*) from dead_letter"))
    assert sorted(case.reference for case in cases) == sorted(one.reference for one in told)
    assert sorted(str(fact["account_classes"]) for fact in facts) == ["['official']", "[]"]
    assert (unpublished, dead) == (0, 0)


async def test_a_rule_book_with_a_mistake_stops_the_start_by_rule_line_and_column(
    postgres: PostgresForTests, event_log: EventLog, tmp_path: Path
) -> None:
    book = tmp_path / "book.yaml"
    book.write_text("policy: p\nimpact: []\nurgency: []\nmatrix: {}\nrules: []\n")
    async with postgres.fresh() as url:
        with pytest.raises(RuleBookRefused, match="line"):
            async with open_service(settings(tmp_path, url, book), log=event_log):
                pass
