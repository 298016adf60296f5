"""The auditor: what time demands and did not happen is found without the sweeps that should have done it."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from services.intake import app as intake
from services.notifier import app as notifier
from services.registry.accounts.handlers import REVIEWS
from services.registry.operators import evaluation
from services.triage import app as triage
from services.triage.cases.handlers import LEASES, expire_leases, warn_of_deadlines
from services.triage.deadlines import queries as deadlines
from services.triage.operations.dashboard import STEPS as STEP_WORDS
from services.triage.shifts import handlers as shifts
from shared.db.database import Database
from shared.events import codec
from shared.events.operations import OverdueStepsCounted
from shared.messaging.auditor import HEARTBEAT, Auditor, Owed
from shared.messaging.outbox import Outbox
from tests.services.triage.builders import IDS, NOW, WRITER, open_cases, report
from tests.support.postgres import PostgresForTests

SERVICE = "triage"
STEPS = (*deadlines.STEPS, LEASES)
SHIFTS = (time(8), time(16))
AUDITED: Mapping[str, Sequence[Owed]] = {
    "notifier": notifier.STEPS,
    "intake": intake.STEPS,
    "triage": (*triage.STEPS, shifts.Announcement(())),
    "registry": (*evaluation.STEPS, REVIEWS),
}
_REMINDER = "insert into awaited_answer (alert_id, remind_at) values (gen_random_uuid(), :then)"
SOON = ("change_search", "change_campaigns", "bulk", "key_forgotten")
OWED = (
    *(*SOON, "bulk_forgotten", "hand_over_forgotten"),
    *("exposure_forgotten", "exposure_request_forgotten"),
)
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
    (
        "insert into exposure_request (day, subject, team, asked_at) values"
        " (cast(:then as timestamptz)::date, 'S1', 'smart', :then)"
    ),
)
"""Rows whose time comes, or is over after a month."""


NO_ROW = "no row says what is due"
OWES: Mapping[str, Collection[str] | str] = {
    "triage-leases": {"lease"},
    "triage-search": {"change_search"},
    "triage-searches-forgotten": {"search_forgotten"},
    "triage-views-forgotten": {"view_forgotten"},
    "triage-deadlines": {"deadline_at_risk", "deadline_missed"},
    "triage-shifts": {"shift"},
    "triage-takedowns": {"takedown"},
    "triage-machine-forms": {"machine_form"},
    "triage-tasks": {"task"},  # the follow-up of support is a task too
    "triage-tasks-of-before": "cases from before an upgrade, once; those that change make their tasks themselves",
    "triage-bulk": {"bulk"},
    "triage-bulk-forgotten": {"bulk_forgotten"},
    "triage-campaigns": {"change_campaigns"},
    "triage-shared-keys": {"key_forgotten"},
    "triage-exposure": {"hand_over_forgotten", "exposure_forgotten", "exposure_request_forgotten"},
    "notifier-reminders": {"reminder"},
    "notifier-escalations": {"escalation"},
    "notifier-follow-ups": {"follow_up"},
    "notifier-digests": {"digest"},
    "notifier-forgetting": {"report_forgotten"},
    "registry-lapses": {"lapse", "exception"},
    "registry-rechecks": f"{NO_ROW}: it finds what a changed setting makes lapse; lapses are counted",
    "registry-reviews": {"review"},
    "intake-ledger": "the operations page says when the ledger last spoke, and reconcile counts without it",
    "intake-drafts": {"draft_forgotten"},
    "intake-answers": {"answer_forgotten"},
    "intake-uploads": {"upload_forgotten"},
    "intake-grants": {"grant_forgotten"},
    "intake-inbound": f"{NO_ROW}: what it deletes is not personal",
    "intake-orphans": f"{NO_ROW}: it deletes objects that no row names",
    "intake-scans": "the page of a piece says that it was not scanned; without a scanner all are so",
}
"""What the auditor counts of each sweep, or why it counts nothing. Beside these, each service blanks what messaging
kept, and writes anchors, which `signpost audit verify` misses."""
_SWEEP = re.compile(r"""\bsweep\(\s*"([a-z-]+)""")


class NoClock:
    """The auditor is given the time; its clock is for its loop."""

    def now(self) -> datetime:
        raise AssertionError


async def count(database: Database, now: datetime, service: str = SERVICE, steps: Sequence[Owed] = STEPS) -> None:
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


@pytest.mark.parametrize("service", AUDITED)
async def test_every_service_that_owes_steps_counts_them(postgres: PostgresForTests, service: str) -> None:
    steps, row = AUDITED[service], _REMINDER if service == "notifier" else None
    async with postgres.database(service) as database:
        if row:
            async with database.transaction() as session:
                await session.execute(text(row), {"then": NOW - timedelta(minutes=5)})
        await count(database, NOW, service, steps)
        [said] = await told(database)
    assert list(said) == [step.name for step in steps]
    assert sum(n for n, _ in said.values()) == bool(row)


def test_every_sweep_owes_steps_that_are_counted_or_has_a_reason_why_not() -> None:
    services = Path("services").glob("*/app.py")
    sweeps = {name for path in services for name in _SWEEP.findall(path.read_text(encoding="utf-8"))}
    assert sweeps == OWES.keys()
    assert [name for name, owed in OWES.items() if not owed] == []
    counted = {step.name for service in AUDITED.values() for step in service} | {"delivery"}
    owed = {step for owed in OWES.values() if not isinstance(owed, str) for step in owed}
    assert counted == owed | {"delivery"}  # which has a loop of its own
    assert counted <= STEP_WORDS.keys()


@pytest.mark.parametrize(
    ("now", "announced", "overdue"),
    [
        ("2026-11-23T08:01:00+00:00", None, None),  # it may still be on its way
        ("2026-11-23T08:05:00+00:00", None, "2026-11-23T08:00:00+00:00"),
        ("2026-11-23T08:05:00+00:00", "2026-11-23T08:00:20+00:00", None),
        ("2026-11-23T16:05:00+00:00", "2026-11-23T08:00:20+00:00", "2026-11-23T16:00:00+00:00"),
    ],
)
async def test_a_change_of_shifts_that_was_not_announced_is_counted(
    database: Database, now: str, announced: str | None, overdue: str | None
) -> None:
    yesterday = datetime.fromisoformat("2026-11-22T16:00:20+00:00")
    said = [yesterday] + ([datetime.fromisoformat(announced)] if announced else [])
    for moment in said:
        async with database.transaction() as session:
            await shifts.announce(session, moment, times=SHIFTS, outbox=Outbox(SERVICE, IDS))
    await count(database, datetime.fromisoformat(now), steps=[shifts.Announcement(SHIFTS)])
    [found] = await told(database)
    assert found == {"shift": (int(overdue is not None), datetime.fromisoformat(overdue) if overdue else None)}
