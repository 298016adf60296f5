"""No report is unaccounted for (promise 5): the events that the ledger reads, and its figures."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.ledger.handlers import (
    record_accepted,
    record_alert_decisions,
    record_cases,
    record_dead_letters,
    record_published,
    record_settled,
)
from services.intake.ledger.queries import reconcile
from services.intake.ledger.tables import LedgerDeadLetterRow, LedgerRow
from shared.db.database import Database
from shared.events.envelope import Envelope, Event
from shared.events.notifier import AlertDecided
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled
from shared.events.triage import CaseOpened
from shared.events.vocabulary import AlertPurpose, Priority, RecipientReason, ReportType, Team
from shared.ids import ReportId
from shared.messaging.relay import PublishedEvent
from tests.services.intake.conftest import START

SERVICE = "intake"


def told(data: Event) -> Envelope[Event]:
    return Envelope(id=str(uuid4()), source="/signpost/any", subject="s", sequence=1, time=START, data=data)


def opened(report_id: UUID) -> Envelope[CaseOpened]:
    return told(  # type: ignore[return-value]  # an envelope of what it was given
        CaseOpened(
            case_id=uuid4(),
            report_id=report_id,
            reference="SP-0000-0000",
            at=START,
            report_type=ReportType.ABUSE,
            team=Team.SMART,
            priority=Priority.P2,
        )
    )


def decided(report_id: UUID) -> Envelope[AlertDecided]:
    return told(  # type: ignore[return-value]  # an envelope of what it was given
        AlertDecided(
            alert_id=uuid4(),
            report_id=report_id,
            at=START,
            purpose=AlertPurpose.ABUSE_REPORTED,
            reason=RecipientReason.REPORTERS_MANAGER,
            anybody=True,
        )
    )


def letter(report_id: UUID | None, group: str = "signpost-triage") -> dict[str, object]:
    return {
        "dead_letter_id": uuid4(),
        "group": group,
        "topic": "t",
        "partition": 0,
        "offset": 0,
        "error_class": "E",
        "report_id": report_id,
        "at": START,
    }


async def accepted(session: AsyncSession) -> ReportId:
    report_id = ReportId(uuid4())
    await record_accepted(session, report_id, ReportType.ABUSE, START)
    return report_id


async def publish(session: AsyncSession, report_id: UUID) -> None:
    await record_published(session, [PublishedEvent("t", "abuse_report.submitted.v1", report_id)], START)


@pytest.mark.policy("S3")
async def test_a_report_is_complete_once_published_with_a_case_and_an_alert_decision(database: Database) -> None:
    late = START + timedelta(hours=1)
    async with database.transaction() as session:
        report_id = await accepted(session)
        assert (await reconcile(session, late)).unaccounted == 1
        await publish(session, report_id)
        await record_cases(session, [opened(report_id)], START)
        assert (await reconcile(session, late)).unaccounted == 1
        await record_alert_decisions(session, [decided(report_id)], START)
        assert asdict(await reconcile(session, late)) == {
            "accepted": 1,
            "published": 1,
            "cases": 1,
            "alert_decisions": 1,
            "dead_lettered": 0,
            "in_flight": 0,
            "unaccounted": 0,
            "oldest_unaccounted_s": 0,
        }


async def test_a_young_report_is_in_flight_for_a_minute(database: Database) -> None:
    async with database.transaction() as session:
        await accepted(session)
        young = await reconcile(session, START + timedelta(seconds=59))
        assert (young.in_flight, young.unaccounted, young.settled) == (1, 0, False)
        old = await reconcile(session, START + timedelta(seconds=75))
        assert (old.in_flight, old.unaccounted, old.oldest_unaccounted_s, old.settled) == (0, 1, 75, False)


async def test_hearing_twice_changes_nothing_and_the_first_time_stays(database: Database) -> None:
    async with database.transaction() as session:
        report_id = await accepted(session)
        for moment in (START, START + timedelta(hours=2)):
            await record_cases(session, [opened(report_id), opened(report_id)], moment)
        row = await session.get_one(LedgerRow, report_id)
        assert row.case_at == START
        assert (await reconcile(session, START)).cases == 1


async def test_news_of_an_unknown_report_is_harmless(database: Database) -> None:
    async with database.transaction() as session:
        await record_cases(session, [opened(uuid4())], START)
        await record_dead_letters(session, [told(DeadLetterRecorded(**letter(None)))], START)  # type: ignore[list-item, arg-type]  # as above
        assert (await reconcile(session, START)).accepted == 0


async def test_a_dead_letter_accounts_for_a_report_until_it_is_replayed(database: Database) -> None:
    late = START + timedelta(hours=1)
    async with database.transaction() as session:
        report_id = await accepted(session)
        await publish(session, report_id)
        await record_alert_decisions(session, [decided(report_id)], START)
        fields = letter(report_id)
        await record_dead_letters(session, [told(DeadLetterRecorded(**fields))], START)  # type: ignore[list-item, arg-type]  # as above
        found = await reconcile(session, late)
        assert (found.dead_lettered, found.unaccounted) == (1, 0)
        replay = told(DeadLetterSettled(**fields, action="replayed"))  # type: ignore[arg-type]  # as above
        await record_settled(session, [replay], late)  # type: ignore[list-item]  # as above
        assert (await reconcile(session, late)).in_flight == 1
        assert (await reconcile(session, late + timedelta(minutes=2))).unaccounted == 1


async def test_a_discarded_dead_letter_stays_known(database: Database) -> None:
    async with database.transaction() as session:
        report_id = await accepted(session)
        await publish(session, report_id)
        await record_alert_decisions(session, [decided(report_id)], START)
        fields = letter(report_id)
        await record_dead_letters(session, [told(DeadLetterRecorded(**fields))], START)  # type: ignore[list-item, arg-type]  # as above
        discard = told(DeadLetterSettled(**fields, action="discarded"))  # type: ignore[arg-type]  # as above
        await record_settled(session, [discard], START)  # type: ignore[list-item]  # as above
        assert (await reconcile(session, START + timedelta(hours=1))).dead_lettered == 1


GROUPS = ("signpost-triage", "signpost-notifier", "signpost-intake")


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("missing", ["case", "alert", "both", "published"])
async def test_a_dead_letter_explains_only_what_its_own_group_owes(
    database: Database, group: str, missing: str
) -> None:
    async with database.transaction() as session:
        report_id = await accepted(session)
        if missing != "published":
            await publish(session, report_id)
        if missing in {"alert", "published"}:
            await record_cases(session, [opened(report_id)], START)
        if missing in {"case", "published"}:
            await record_alert_decisions(session, [decided(report_id)], START)
        fields = letter(report_id, group)
        await record_dead_letters(session, [told(DeadLetterRecorded(**fields))], START)  # type: ignore[list-item, arg-type]  # as above
        found = await reconcile(session, START + timedelta(hours=1))
        explained = (group, missing) in {("signpost-triage", "case"), ("signpost-notifier", "alert")}
        assert (found.dead_lettered, found.unaccounted) == ((1, 0) if explained else (0, 1))


async def test_what_two_groups_dead_letter_is_explained_by_both(database: Database) -> None:
    async with database.transaction() as session:
        report_id = await accepted(session)
        await publish(session, report_id)
        letters = [told(DeadLetterRecorded(**letter(report_id, group))) for group in GROUPS[:2]]  # type: ignore[arg-type]  # as above
        await record_dead_letters(session, letters, START)  # type: ignore[arg-type]  # as above
        assert (await reconcile(session, START + timedelta(hours=1))).dead_lettered == 1


class Fate(NamedTuple):
    """What happened to one report."""

    published: bool
    case: bool
    alert: bool
    dead: str | None
    age: int

    @property
    def complete(self) -> bool:
        return self.published and self.case and self.alert

    @property
    def dead_lettered(self) -> bool:
        owed = {group for group, done in zip(GROUPS, (self.case, self.alert), strict=False) if not done}
        return self.published and owed == {self.dead}


FATES = st.lists(
    st.builds(
        Fate,
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.one_of(st.none(), st.sampled_from(GROUPS)),
        st.integers(0, 200),
    ),
    max_size=12,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the transaction is rolled back after each example
@given(fates=FATES)
async def test_every_report_is_counted_exactly_once(database: Database, fates: Sequence[Fate]) -> None:
    async with database.connection() as connection, AsyncSession(connection) as session:
        for fate in fates:
            await _tell(session, fate)
        found = await reconcile(session, START)
        await session.execute(LedgerRow.__table__.delete())  # type: ignore[attr-defined]  # the typed base hides it
        await session.execute(LedgerDeadLetterRow.__table__.delete())  # type: ignore[attr-defined]  # as above
    rest = [fate for fate in fates if not fate.complete and not fate.dead_lettered]
    lost = [fate.age for fate in rest if fate.age >= 60]
    assert found.accepted == len(fates)
    assert found.published == sum(fate.published for fate in fates)
    assert found.dead_lettered == sum(fate.dead_lettered for fate in fates)
    assert (found.in_flight, found.unaccounted) == (len(rest) - len(lost), len(lost))
    assert found.oldest_unaccounted_s == max(lost, default=0)


async def _tell(session: AsyncSession, fate: Fate) -> None:
    report_id = uuid4()

    def at(happened: bool) -> datetime | None:
        return START if happened else None

    await session.execute(
        insert(LedgerRow).values(
            report_id=report_id,
            report_type=ReportType.ABUSE,
            accepted_at=START - timedelta(seconds=fate.age),
            published_at=at(fate.published),
            case_at=at(fate.case),
            alert_decided_at=at(fate.alert),
            dead_lettered_at=at(fate.dead is not None),
        )
    )
    if fate.dead:
        row = {"dead_letter_id": uuid4(), "report_id": report_id, "group_name": fate.dead, "recorded_at": START}
        await session.execute(insert(LedgerDeadLetterRow).values(row))
