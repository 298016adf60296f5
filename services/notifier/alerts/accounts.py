"""Alerts to operators and owners about their accounts, from registry's events (S5, S8, D-pia)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.decisions import AlertContext, AlertDecision, decide
from services.notifier.alerts.domain import Choice, Recipient
from services.notifier.delivery.domain import RecipientRole, Urgency
from services.notifier.directory import queries as directory_queries
from shared.events.envelope import Envelope
from shared.events.registry import AuthorisationGranted, AuthorisationWithdrawn, ExceptionExpired, ReviewDue
from shared.events.vocabulary import AlertPurpose, RecipientReason
from shared.ids import AlertId, StaffId

AccessEvent = AuthorisationGranted | AuthorisationWithdrawn | ReviewDue | ExceptionExpired

_PURPOSES: Mapping[type[AccessEvent], AlertPurpose] = {
    AuthorisationGranted: AlertPurpose.ACCESS_GRANTED,
    AuthorisationWithdrawn: AlertPurpose.ACCESS_WITHDRAWN,
    ReviewDue: AlertPurpose.REVIEW_DUE,
    ExceptionExpired: AlertPurpose.EXCEPTION_EXPIRED,
}

_LOW = frozenset({AlertPurpose.ACCESS_GRANTED, AlertPurpose.REVIEW_DUE})


@dataclass(frozen=True, slots=True)
class AccountAlert:
    """One message about an account."""

    purpose: AlertPurpose
    choice: Choice
    urgency: Urgency
    role: RecipientRole


async def access_changed(
    session: AsyncSession,
    envelopes: Sequence[Envelope[AccessEvent]],
    now: datetime,
    *,
    context: AlertContext,
    comms: Recipient,
) -> None:
    """Tell the operator and the owner; no event is published, because it is about no report."""
    people = {staff_id for envelope in envelopes for staff_id in people_of(envelope.data)}
    addresses = await directory_queries.addresses_of(session, people)
    decisions = [
        AlertDecision(
            alert_id=AlertId(context.ids.uuid()),
            report_id=None,
            reference=str(envelope.data.account_id)[-12:],
            event_id=envelope.id,
            purpose=told.purpose,
            choice=told.choice,
            urgency=told.urgency,
            asked_at=envelope.data.at,
            page=f"/accounts/{envelope.data.account_id}",
            role=told.role,
        )
        for envelope in envelopes
        for told in alerts_for(envelope.data, addresses, comms)
    ]
    await decide(session, decisions, now, context=context)


def people_of(event: AccessEvent) -> set[StaffId]:
    """Return the staff an event concerns."""
    return {StaffId(who) for who in (_operator(event), event.owner) if who}


def alerts_for(event: AccessEvent, addresses: Mapping[StaffId, str], comms: Recipient) -> list[AccountAlert]:
    """Return who is told; comms in the owner's place where their address is unknown."""
    purpose = _PURPOSES[type(event)]
    urgency = Urgency.LOW if purpose in _LOW else Urgency.NORMAL
    operator, told = _operator(event), []
    if operator and (address := addresses.get(StaffId(operator))):
        choice = Choice(RecipientReason.ACCOUNT_OPERATOR, Recipient(address, StaffId(operator)))
        told.append(AccountAlert(purpose, choice, urgency, RecipientRole.OPERATOR))
    if not isinstance(event, AuthorisationGranted) and (event.owner is None or event.owner != operator):
        told.append(AccountAlert(purpose, _owner(event.owner, addresses, comms), urgency, RecipientRole.OWNER))
    return told


def _operator(event: AccessEvent) -> str | None:
    return None if isinstance(event, ReviewDue) else event.operator


def _owner(staff_id: str | None, addresses: Mapping[StaffId, str], comms: Recipient) -> Choice:
    address = addresses.get(StaffId(staff_id or ""))
    if staff_id is None or address is None:
        return Choice(RecipientReason.COMMS, comms)
    return Choice(RecipientReason.ACCOUNT_OWNER, Recipient(address, StaffId(staff_id)), (comms,))
