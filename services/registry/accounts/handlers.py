"""Registers, changes, reviews (S8), freezes, recovers and closes accounts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, cast, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts import changes, domain
from services.registry.accounts.queries import account_of
from services.registry.accounts.tables import AccountRow, CompromiseRow, ReviewRow
from services.registry.context.domain import Refused
from services.registry.context.work import Work
from shared.audit import chain
from shared.events.envelope import Envelope, NewEvent
from shared.events.registry import ReviewDue
from shared.events.triage import CaseCompromiseConfirmed
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import AccountId, Ids, StaffId
from shared.messaging.auditor import Step
from shared.messaging.outbox import Outbox

_REVIEWS_AT_ONCE = 100


class HandleTaken(Exception):
    """The handle is already on the register: one account has one purpose (S4, S9)."""


class StatusNotAllowed(Exception):
    """The account cannot go from its status to this one."""


class ReviewRefused(Refused):
    """The review is incomplete: the day of the next one, or the evidence, is missing."""


class NotReviewed(Exception):
    """The account is closed, or a union's, and so is not reviewed."""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The new status of an account, in the version that was read, and why."""

    account_id: UUID
    version: int
    status: AccountStatus
    reason: str


@dataclass(frozen=True, slots=True)
class Closing:
    """Why an account is closed, and the evidence that it is no longer on the platform (S8)."""

    account_id: UUID
    version: int
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Details:
    """The new details of an account."""

    account_id: UUID
    version: int
    title: str | None
    owner: StaffId | None
    vetting_required: domain.Vetting | None
    next_review_on: date | None


@dataclass(frozen=True, slots=True)
class NewReview:
    """The decision of a review of an account, in the version that was read."""

    account_id: UUID
    version: int
    outcome: domain.ReviewOutcome
    reason: str
    next_on: date | None = None
    evidence: str | None = None


async def register(
    session: AsyncSession,
    registrations: Sequence[domain.Registration],
    *,
    outbox: Outbox,
    now: datetime,
    ids: Ids,
    actor: str,
) -> list[AccountId]:
    """Register accounts: all of them or none.

    Raises:
        RegistrationRefused: one breaks a rule.
        HandleTaken: one is already on the register, or occurs twice.
    """
    named = [(AccountId(ids.uuid()), registration) for registration in registrations]
    await register_as(session, named, outbox=outbox, now=now, ids=ids, actor=actor)
    return [account_id for account_id, _ in named]


async def register_as(
    session: AsyncSession,
    named: Sequence[tuple[AccountId, domain.Registration]],
    *,
    outbox: Outbox,
    now: datetime,
    ids: Ids,
    actor: str,
) -> None:
    """Register accounts under the ids that they already have: all of them or none.

    Raises:
        RegistrationRefused: one breaks a rule.
        HandleTaken: one is already on the register, or occurs twice.
    """
    if found := [fault for _, registration in named for fault in domain.faults(registration)]:
        raise changes.RegistrationRefused(*found)
    if not named:
        return
    rows = [changes.new_row(account_id, registration, now) for account_id, registration in named]
    if await _insert(session, rows) < len(rows):
        raise HandleTaken
    accounts = [account_of(row) for row in rows]
    await chain.append(session, [(account.id, changes.registered(account, actor)) for account in accounts], now, ids)
    await outbox.append(session, [changes.changed_event(account) for account in accounts], now)


async def _insert(session: AsyncSession, rows: Sequence[AccountRow]) -> int:
    """Insert the accounts whose handle is free, and return how many; the unique index decides between sessions."""
    columns = [column.key for column in AccountRow.__table__.columns]
    statement = (
        insert(AccountRow)
        .on_conflict_do_nothing(index_elements=["platform", "handle"], index_where=text("status <> 'closed'"))
        .returning(AccountRow.id)
    )
    inserted = await session.scalars(statement, [{name: getattr(row, name) for name in columns} for row in rows])
    return len(inserted.all())


async def change_status(work: Work, wanted: StatusChange) -> domain.Account:
    """Freeze an account, or close one of a union.

    Raises:
        UnknownAccount: there is none.
        AccountChangedMeanwhile: it has changed since it was read.
        StatusNotAllowed: this status cannot follow, or needs more than a reason.
    """
    account = await changes.lock_version(work, wanted.account_id, wanted.version)
    if wanted.status not in domain.statuses_by_hand(account.registration):
        raise StatusNotAllowed
    becomes = replace(account.registration, status=wanted.status)
    return await changes.change(work, account, changes.AccountChange(becomes, "status_changed", wanted.reason))


async def close(work: Work, closing: Closing) -> domain.Account:
    """Close an account, with evidence that it was removed from the platform (S8).

    Raises:
        UnknownAccount: there is none.
        AccountChangedMeanwhile: it has changed since it was read.
        StatusNotAllowed: it is already closed, or a union's, about which no evidence is kept.
    """
    account = await changes.lock_version(work, closing.account_id, closing.version)
    union = account.registration.account_class is AccountClass.UNION
    if union or AccountStatus.CLOSED not in domain.next_statuses(account.registration):
        raise StatusNotAllowed
    becomes = replace(account.registration, status=AccountStatus.CLOSED, next_review_on=None, checks_due_on=None)
    evidence = (("evidence", closing.evidence),)
    return await changes.change(
        work, account, changes.AccountChange(becomes, "closed", closing.reason, personal=evidence)
    )


async def change_details(work: Work, details: Details) -> domain.Account:
    """Change title, owner, vetting required or the day of the next review.

    Raises:
        UnknownAccount: there is none.
        AccountChangedMeanwhile: it has changed since it was read.
        StatusNotAllowed: the account is closed.
        RegistrationRefused: the details do not fit its class.
    """
    account = await changes.lock_version(work, details.account_id, details.version)
    if account.registration.status is AccountStatus.CLOSED:
        raise StatusNotAllowed
    becomes = replace(
        account.registration,
        title=details.title,
        owner=details.owner,
        vetting_required=details.vetting_required,
        next_review_on=details.next_review_on,
    )
    return await changes.change(work, account, changes.AccountChange(becomes, "details_changed"))


async def review(work: Work, wanted: NewReview) -> domain.Account:
    """Record a review: the account is kept or changed until its next one, or closed with evidence (S8).

    Raises:
        UnknownAccount, AccountChangedMeanwhile: it does not exist, or has changed since it was read.
        NotYourAccount: another person is responsible for it.
        NotReviewed: the account is closed, or a union's.
        ReviewRefused: the day of the next review, or the evidence, is missing.
    """
    account = await changes.lock_version(work, wanted.account_id, wanted.version)
    work.must_answer_for(account.registration.owner)
    if not domain.can_be_reviewed(account.registration):
        raise NotReviewed
    if fault := domain.review_fault(wanted.outcome, wanted.next_on, wanted.evidence, work.today):
        raise ReviewRefused(fault)
    closing = wanted.outcome is domain.ReviewOutcome.CLOSE
    work.session.add(
        ReviewRow(
            id=work.ids.uuid(),
            account_id=account.id,
            account_class=account.registration.account_class,
            due_on=account.registration.next_review_on,
            outcome=wanted.outcome,
            reason=wanted.reason,
            evidence=wanted.evidence if closing else None,
            next_on=None if closing else wanted.next_on,
            reviewed_by=work.actor,
            reviewed_at=work.now,
        )
    )
    if closing and wanted.evidence:
        return await close(work, Closing(account.id, wanted.version, wanted.reason, wanted.evidence))
    becomes = replace(account.registration, next_review_on=wanted.next_on)
    decided = (("outcome", str(wanted.outcome)),)
    return await changes.change(work, account, changes.AccountChange(becomes, "reviewed", wanted.reason, after=decided))


REVIEWS = Step(
    "review",
    cast(AccountRow.next_review_on, DateTime(timezone=True)),
    (
        AccountRow.status != AccountStatus.CLOSED,
        AccountRow.review_announced_on.is_distinct_from(AccountRow.next_review_on),
    ),
    grace=timedelta(days=1),
)
"""Reviews that are due and were not announced, for the auditor; the day of the date itself may still be under way."""


async def announce_due(work: Work) -> int:
    """Publish each review that is due, once for each date; return how many were due."""
    accounts = await claim_reviews_due(work.session, work.today, _REVIEWS_AT_ONCE)
    await work.outbox.append(work.session, [_review_due(work, account) for account in accounts], work.now)
    return len(accounts)


async def claim_reviews_due(session: AsyncSession, today: date, limit: int) -> list[domain.Account]:
    """Lock accounts whose review is due on `today` or before and was not claimed for that date, and claim it."""
    rows = (
        await session.scalars(
            select(AccountRow)
            .where(
                AccountRow.next_review_on <= today,
                AccountRow.status != AccountStatus.CLOSED,
                AccountRow.review_announced_on.is_distinct_from(AccountRow.next_review_on),
            )
            .order_by(AccountRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()
    for row in rows:
        row.review_announced_on = row.next_review_on
    await session.flush()
    return [account_of(row) for row in rows]


def _review_due(work: Work, account: domain.Account) -> NewEvent:
    kept = account.registration
    event = ReviewDue(
        account_id=account.id,
        platform=kept.platform,
        owner=kept.owner,
        at=work.now,
        due_on=kept.next_review_on or work.today,
    )
    return NewEvent.of(account.id, event)


async def freeze_compromised(work: Work, confirmed: Sequence[Envelope[CaseCompromiseConfirmed]]) -> None:
    """Freeze the accounts that SIRT confirmed to be taken over; their operators' authorisations are withdrawn.

    Unknown, closed and union accounts stay as they are. The same confirmation received twice counts once.
    """
    account_ids = sorted({account_id for envelope in confirmed for account_id in envelope.data.account_ids})
    accounts = {
        account.id: account for account in await changes.lock(work.session, account_ids) if _can_freeze(account)
    }
    compromised = [
        (account, envelope.data)
        for envelope in confirmed
        for account_id in envelope.data.account_ids
        if (account := accounts.get(AccountId(account_id)))
    ]
    fresh = await _store_compromises(work, compromised)
    frozen = [
        (account, _frozen(account, fresh[account.id]))
        for account in accounts.values()
        if account.id in fresh and account.registration.status is not AccountStatus.FROZEN
    ]
    await changes.record_activities(
        work, [(account_id, _confirmed(work, reference)) for account_id, reference in fresh.items()]
    )
    stored = await changes.store(work, frozen)
    await work.observers.accounts_changed(work, [account.id for account in stored])


async def recover(work: Work, account_id: UUID, version: int, what_was_done: str) -> domain.Account:
    """Record how the department got an account back: it is live, or legacy, as it was before.

    Operators who pass every gate are authorised again.

    Raises:
        UnknownAccount, AccountChangedMeanwhile: it does not exist, or has changed since it was read.
        NotYourAccount: another person is responsible for it.
        StatusNotAllowed: it is not frozen.
    """
    account = await changes.lock_version(work, account_id, version)
    work.must_answer_for(account.registration.owner)
    if account.registration.status is not AccountStatus.FROZEN:
        raise StatusNotAllowed
    await work.session.execute(
        update(CompromiseRow)
        .where(CompromiseRow.account_id == account.id, CompromiseRow.recovered_at.is_(None))
        .values(recovered_at=work.now, recovered_by=work.actor)
    )
    becomes = replace(account.registration, status=domain.status_after_recovery(account.registration))
    return await changes.change(work, account, changes.AccountChange(becomes, "recovered", what_was_done))


async def _store_compromises(
    work: Work, compromised: Sequence[tuple[domain.Account, CaseCompromiseConfirmed]]
) -> dict[UUID, str]:
    """Store each confirmation that is new, and return the reference of the case for each account."""
    if not compromised:
        return {}
    rows = [
        {
            "id": work.ids.uuid(),
            "account_id": account.id,
            "account_class": account.registration.account_class,
            "case_id": event.case_id,
            "reference": event.reference,
            "confirmed_at": event.at,
            "recorded_at": work.now,
        }
        for account, event in compromised
    ]
    statement = insert(CompromiseRow).on_conflict_do_nothing()
    found = await work.session.execute(statement.returning(CompromiseRow.account_id, CompromiseRow.reference), rows)
    return {row.account_id: row.reference for row in found}


def _can_freeze(account: domain.Account) -> bool:
    kept = account.registration
    frozen = kept.status is AccountStatus.FROZEN
    return kept.account_class is not AccountClass.UNION and (
        frozen or AccountStatus.FROZEN in domain.next_statuses(kept)
    )


def _frozen(account: domain.Account, reference: str) -> changes.AccountChange:
    becomes = replace(account.registration, status=AccountStatus.FROZEN)
    return changes.AccountChange(becomes, "status_changed", after=(("case", reference),))


def _confirmed(work: Work, reference: str) -> chain.Change:
    return chain.Change("compromise_confirmed", work.actor, after={"case": reference})
