"""The auditor: what time demands and did not happen is found without the sweeps that should have done it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from services.intake import app as intake
from services.notifier import app as notifier
from services.registry.accounts.handlers import REVIEWS
from services.registry.operators import evaluation
from services.triage import app as triage
from services.triage.cases.handlers import LEASES, expire_leases, warn_of_deadlines
from services.triage.deadlines import queries as deadlines
from shared.db.database import Database
from shared.events import codec
from shared.events.operations import OverdueStepsCounted
from shared.messaging.auditor import HEARTBEAT, Auditor, Step
from shared.messaging.outbox import Outbox
from tests.services.triage.builders import IDS, NOW, WRITER, open_cases, report
from tests.support.postgres import PostgresForTests

SERVICE = "triage"
STEPS = (*deadlines.STEPS, LEASES)
SOON = ("change_search", "change_campaigns", "bulk", "key_forgotten")
OWED = (*SOON, "bulk_forgotten", "hand_over_forgotten", "exposure_forgotten")
LEFT = (
    (
        "insert into bulk (bulk_id, action, state, total, asked_by, asked_at, finished_at) values"
        " (gen_random_uuid(), 'claim', 'running', 1, 'S1', :then, null),"
        " (gen_random_uuid(), 'claim', 'done', 1, 'S1', :then, :then)"
    ),
    (
        "insert into case_key (case_id, kind, key, report_id, at, expires_at)"
        " select case_id, 'account', 'x', report_id, :then, :then from \"case\""
    ),
    (
        "insert into hand_over (hand_over_id, case_id, team, subject, at)"
        " select gen_random_uuid(), case_id, team, 'S1', :then from \"case\""
    ),
    (
        "insert into exposure (day, subject, team, items, seconds, last_at) values"
        " (cast(:then as timestamptz)::date, 'S1', 'smart', 1, 1, :then)"
    ),
)
"""Rows whose time comes, or is over after a month."""


class NoClock:
    """The auditor is given the time; its clock is for its loop."""

    def now(self) -> datetime:
        raise AssertionError


async def count(database: Database, now: datetime, service: str = SERVICE, steps: Sequence[Step] = STEPS) -> None:
    auditor = Auditor(service, steps, database=database, clock=NoClock(), outbox=Outbox(service, IDS))
    async with database.transaction() as session:
        assert await auditor.count(session, now) == 0


async def told(database: Database) -> list[dict[str, tuple[int, datetime | None]]]:
    """Return what was published, in order: the steps, how many of each are overdue, and since when."""
    async with database.transaction() as session:
        values = await session.scalars(
            text("select value from outbox where type = :kind order by id"), {"kind": OverdueStepsCounted.TYPE}
        )
        events = [codec.read(value, OverdueStepsCounted) for value in values]
    return [{one.step: (one.count, one.oldest_due_at) for one in event.steps} for event in events]


async def test_warnings_and_claims_that_no_sweep_ended_are_counted_until_they_are(database: Database) -> None:
    at_risk, missed = NOW + timedelta(minutes=90), NOW + timedelta(minutes=120)  # of a report of priority P3
    await open_cases(database, report(), report())
    await count(database, at_risk + timedelta(minutes=1))
    async with database.transaction() as session:
        await warn_of_deadlines(session, at_risk + timedelta(minutes=1), writer=WRITER)
        await session.execute(text('update "case" set lease_until = :then'), {"then": at_risk})
    await count(database, missed + timedelta(minutes=3))
    async with database.transaction() as session:
        await warn_of_deadlines(session, missed + timedelta(minutes=3), writer=WRITER)
        await expire_leases(session, missed + timedelta(minutes=3), writer=WRITER)
    await count(database, missed + timedelta(minutes=4))
    nothing = {"deadline_at_risk": (0, None), "deadline_missed": (0, None), "lease": (0, None)}
    late = {"deadline_at_risk": (0, None), "deadline_missed": (2, missed), "lease": (2, at_risk)}
    assert await told(database) == [nothing, late, nothing]


async def test_what_triage_does_not_carry_out_or_forget_is_counted(database: Database) -> None:
    await open_cases(database, report())
    async with database.transaction() as session:
        for row in LEFT:
            await session.execute(text(row), {"then": NOW})
    for later in (timedelta(minutes=1), timedelta(hours=1), timedelta(days=40)):
        await count(database, NOW + later, steps=triage.STEPS)
    found = [{step: n for step, (n, _) in said.items() if step in OWED} for said in await told(database)]
    done = dict.fromkeys(OWED, 0)
    assert found == [done, {**done, **dict.fromkeys(SOON, 1)}, dict.fromkeys(OWED, 1)]


async def test_a_warning_that_the_cases_row_does_not_know_of_is_found(database: Database) -> None:
    await open_cases(database, report())
    async with database.transaction() as session:
        await session.execute(text('update "case" set look_at = null'))
        assert await warn_of_deadlines(session, NOW + timedelta(hours=3), writer=WRITER) == 0
    await count(database, NOW + timedelta(hours=3))
    [said] = await told(database)
    assert said["deadline_at_risk"] == (1, NOW + timedelta(minutes=90))
    assert said["deadline_missed"] == (1, NOW + timedelta(minutes=120))


async def test_it_speaks_when_something_changes_and_at_every_heartbeat(database: Database) -> None:
    for later in (timedelta(0), timedelta(minutes=1), HEARTBEAT, HEARTBEAT + timedelta(minutes=4)):
        await count(database, NOW + later)
    assert len(await told(database)) == 2


@pytest.mark.parametrize(
    ("service", "steps", "row"),
    [
        (
            "notifier",
            notifier.STEPS,
            "insert into awaited_answer (alert_id, remind_at) values (gen_random_uuid(), :then)",
        ),
        ("intake", intake.STEPS, None),
        ("triage", triage.STEPS, None),
        ("registry", (*evaluation.STEPS, REVIEWS), None),
    ],
)
async def test_every_service_that_owes_steps_counts_them(
    postgres: PostgresForTests, service: str, steps: Sequence[Step], row: str | None
) -> None:
    async with postgres.database(service) as database:
        if row:
            async with database.transaction() as session:
                await session.execute(text(row), {"then": NOW - timedelta(minutes=5)})
        await count(database, NOW, service, steps)
        [said] = await told(database)
    assert list(said) == [step.name for step in steps]
    assert sum(n for n, _ in said.values()) == bool(row)
