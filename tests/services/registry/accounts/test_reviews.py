"""Reviews: due once for each date, and what they decide."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registry.accounts import handlers
from services.registry.accounts.changes import AccountChangedMeanwhile
from services.registry.accounts.domain import Account, Registration, ReviewOutcome, review_fault
from services.registry.accounts.queries import reviews_of
from services.registry.context.work import NotYourAccount
from shared.audit import chain
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.vocabulary import AccountStatus
from shared.ids import AccountId, StaffId
from tests.services.registry.conftest import IDS, NOW, OFFICIAL, OUTBOX, UNION, sweeping, work_in

SERVICE = "registry"
TODAY = NOW.date()
NEXT = date(2027, 11, 23)
DUE = replace(OFFICIAL, owner=StaffId("S7001"), next_review_on=TODAY)


async def put(database: Database, *registrations: Registration) -> list[AccountId]:
    async with database.transaction() as session:
        return await handlers.register(session, registrations, outbox=OUTBOX, now=NOW, ids=IDS, actor="S8003")


async def reviewed(
    database: Database, wanted: handlers.NewReview, role: Role = Role.ACCOUNT_OWNER, staff_id: str = "S7001"
) -> Account:
    async with database.transaction() as session:
        return await handlers.review(work_in(session, role, staff_id), wanted)


async def sweep(database: Database, now: datetime) -> int:
    async with database.transaction() as session:
        return await handlers.announce_due(sweeping(session, now))


async def announced(database: Database) -> list[tuple[UUID, str]]:
    async with database.transaction() as session:
        rows = await session.scalars(text("select value from outbox where type = 'review.due.v1' order by id"))
        announced = [json.loads(value) for value in rows]
    return [(UUID(one["account_id"]), one["due_on"]) for one in announced]


@pytest.mark.policy("S8")
async def test_a_review_falls_due_once_for_each_date(database: Database) -> None:
    soon = replace(DUE, handle="soon", next_review_on=TODAY + timedelta(days=1))
    due, later, *_ = await put(database, DUE, soon, replace(DUE, handle="gone", status=AccountStatus.CLOSED), UNION)
    late_evening = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    assert [await sweep(database, late_evening), await sweep(database, late_evening)] == [1, 0]
    assert await sweep(database, datetime(2026, 11, 24, tzinfo=UTC)) == 1
    assert await announced(database) == [(due, "2026-11-23"), (later, "2026-11-24")]
    await reviewed(database, handlers.NewReview(due, 1, ReviewOutcome.KEEP, "Still needed", NEXT))
    assert await sweep(database, datetime(2027, 11, 23, tzinfo=UTC)) == 1
    assert (await announced(database))[-1] == (due, "2027-11-23")


@pytest.mark.policy("S8")
@pytest.mark.parametrize("outcome", [ReviewOutcome.KEEP, ReviewOutcome.CHANGE])
async def test_a_kept_account_has_a_next_review(database: Database, outcome: ReviewOutcome) -> None:
    (account_id,) = await put(database, DUE)
    account = await reviewed(database, handlers.NewReview(account_id, 1, outcome, "Still needed", NEXT))
    assert account.registration.next_review_on == NEXT
    async with database.transaction() as session:
        (stored,) = await reviews_of(session, account_id)
        story = await chain.read(session, account_id)
    assert (stored.outcome, stored.due_on, stored.next_on) == (outcome, TODAY, NEXT)
    assert (story[-1].action, story[-1].reason, story[-1].after["outcome"]) == ("reviewed", "Still needed", outcome)


@pytest.mark.policy("S8")
async def test_an_account_is_closed_only_with_evidence_that_it_is_gone(database: Database) -> None:
    (account_id,) = await put(database, DUE)
    closing = handlers.NewReview(account_id, 1, ReviewOutcome.CLOSE, "Nobody needs it")
    with pytest.raises(handlers.ReviewRefused) as refusal:
        await reviewed(database, closing)
    assert [fault.field for fault in refusal.value.faults] == ["evidence"]
    account = await reviewed(database, replace(closing, evidence="The profile says that it does not exist"))
    assert account.registration.status is AccountStatus.CLOSED
    with pytest.raises(handlers.NotReviewed):
        await reviewed(database, replace(closing, version=2))


@pytest.mark.policy("S8")
@pytest.mark.parametrize(
    ("next_on", "fits"),
    [
        (None, False),
        (TODAY, False),
        (TODAY + timedelta(days=1), True),
        (date(2028, 11, 23), True),
        (date(2028, 11, 24), False),
    ],
)
def test_the_next_review_is_ahead_and_not_too_far(next_on: date | None, *, fits: bool) -> None:
    assert (review_fault(ReviewOutcome.KEEP, next_on, None, TODAY) is None) is fits


async def test_who_does_not_answer_for_an_account_does_not_review_it(database: Database) -> None:
    (account_id,) = await put(database, DUE)
    wanted = handlers.NewReview(account_id, 1, ReviewOutcome.KEEP, "Still needed", NEXT)
    with pytest.raises(NotYourAccount):
        await reviewed(database, wanted, Role.ACCOUNT_OWNER, "S7009")
    await reviewed(database, wanted, Role.COMMS, "S8003")
    with pytest.raises(AccountChangedMeanwhile):
        await reviewed(database, wanted)


@pytest.mark.policy("C-j")
async def test_a_union_account_is_never_reviewed(database: Database) -> None:
    (account_id,) = await put(database, UNION)
    with pytest.raises(handlers.NotReviewed):
        await reviewed(database, handlers.NewReview(account_id, 1, ReviewOutcome.KEEP, "x", NEXT), Role.COMMS)
    with pytest.raises(IntegrityError, match="ck_review_no_union"):
        async with database.transaction() as session:
            await session.execute(
                text(
                    "insert into review (id, account_id, account_class, outcome, reason, next_on, reviewed_by, "
                    "reviewed_at) values (gen_random_uuid(), :id, 'union', 'keep', 'x', '2027-01-01', 'S1', now())"
                ),
                {"id": account_id},
            )
