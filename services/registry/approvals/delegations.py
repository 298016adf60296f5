"""An approver's proxy: dated, one at a time, recorded (S7)."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.exc import IntegrityError

from services.registry.accounts.changes import record_activities
from services.registry.approvals.domain import LONGEST_DELEGATION_DAYS, Delegation
from services.registry.approvals.queries import delegation_of
from services.registry.approvals.tables import ApproverRow, DelegationRow
from services.registry.context.domain import Fault, Refused, same_person
from services.registry.context.work import Work
from shared.audit.chain import Change
from shared.ids import StaffId


class DelegationOverlaps(Exception):
    """The approver already has a proxy on one of these days."""


class DelegationRefused(Refused):
    """A day, or the proxy, is not allowed."""


class UnknownDelegation(LookupError):
    """No delegation of this person has this id."""


@dataclass(frozen=True, slots=True)
class NewDelegation:
    """Who stands in, and on which days."""

    proxy: StaffId
    first_day: date
    last_day: date
    reason: str


async def delegate(work: Work, wanted: NewDelegation) -> Delegation:
    """Name a proxy for the signed-in person.

    Raises:
        DelegationRefused: a day or the proxy is not allowed.
        DelegationOverlaps: there is a proxy on one of these days.
    """
    _check(work, wanted)
    number = await _number(work)
    row = DelegationRow(
        id=work.ids.uuid(),
        approver_number=number,
        proxy=wanted.proxy,
        period=Range(wanted.first_day, wanted.last_day, bounds="[]"),
        reason=wanted.reason,
        made_at=work.now,
    )
    try:
        async with work.session.begin_nested():
            work.session.add(row)
            await work.session.flush()
    except IntegrityError as error:
        raise DelegationOverlaps from error
    await work.session.refresh(row)
    period = {"first_day": wanted.first_day.isoformat(), "last_day": wanted.last_day.isoformat()}
    change = Change("delegated", work.actor, wanted.reason, after=period, personal={"proxy": wanted.proxy})
    await record_activities(work, [(row.id, change)])
    return delegation_of(row, work.person)


async def end_delegation(work: Work, delegation_id: UUID) -> None:
    """End a delegation that the signed-in person gave, at once.

    Raises:
        UnknownDelegation: they gave none with this id.
    """
    row = await work.session.get(DelegationRow, delegation_id, with_for_update=True)
    if row is None or row.ended_at is not None or row.approver_number != await _number(work):
        raise UnknownDelegation
    row.ended_at = work.now
    await work.session.flush()
    await record_activities(work, [(row.id, Change("delegation_ended", work.actor))])


def _check(work: Work, wanted: NewDelegation) -> None:
    if same_person(wanted.proxy, work.person):
        raise DelegationRefused(Fault("proxy", "Name another person: you decide yourself already"))
    if wanted.first_day < work.today:
        raise DelegationRefused(Fault("first_day", "A delegation cannot begin in the past"))
    if wanted.last_day < wanted.first_day:
        raise DelegationRefused(Fault("last_day", "The last day cannot be before the first"))
    if (wanted.last_day - wanted.first_day).days >= LONGEST_DELEGATION_DAYS:
        raise DelegationRefused(Fault("last_day", f"Delegate for at most {LONGEST_DELEGATION_DAYS} days"))


async def _number(work: Work) -> int:
    """Return the number of the signed-in person."""
    await work.session.execute(insert(ApproverRow).values(staff_id=work.person).on_conflict_do_nothing())
    return (await work.session.scalars(select(ApproverRow.number).where(ApproverRow.staff_id == work.person))).one()
