"""Who is told what about an account's operation. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.notifier.alerts.domain import Choice, Recipient
from services.notifier.delivery.domain import RecipientRole, Urgency
from shared.events.registry import AuthorisationGranted, AuthorisationWithdrawn, ExceptionExpired, ReviewDue
from shared.events.vocabulary import AlertPurpose, RecipientReason
from shared.ids import StaffId

AccessEvent = AuthorisationGranted | AuthorisationWithdrawn | ReviewDue | ExceptionExpired
_PURPOSES: Mapping[type[AccessEvent], AlertPurpose] = {
    AuthorisationGranted: AlertPurpose.ACCESS_GRANTED,
    AuthorisationWithdrawn: AlertPurpose.ACCESS_WITHDRAWN,
    ReviewDue: AlertPurpose.REVIEW_DUE,
    ExceptionExpired: AlertPurpose.EXCEPTION_EXPIRED,
}
_LOW = frozenset({AlertPurpose.ACCESS_GRANTED, AlertPurpose.REVIEW_DUE})


@dataclass(frozen=True, slots=True)
class Telling:
    """One message about an account."""

    purpose: AlertPurpose
    choice: Choice
    urgency: Urgency
    standing: RecipientRole


def people_of(event: AccessEvent) -> set[StaffId]:
    """Return the staff whom an event concerns."""
    return {StaffId(who) for who in (_operator(event), event.owner) if who}


def tell(event: AccessEvent, addresses: Mapping[StaffId, str], comms: Recipient) -> list[Telling]:
    """Return who is told; comms in the owner's place where nobody knows how to reach them."""
    purpose = _PURPOSES[type(event)]
    urgency = Urgency.LOW if purpose in _LOW else Urgency.NORMAL
    operator, told = _operator(event), []
    if operator and (address := addresses.get(StaffId(operator))):
        choice = Choice(RecipientReason.ACCOUNT_OPERATOR, Recipient(address, StaffId(operator)))
        told.append(Telling(purpose, choice, urgency, RecipientRole.OPERATOR))
    if not isinstance(event, AuthorisationGranted) and (event.owner is None or event.owner != operator):
        told.append(Telling(purpose, _owner(event.owner, addresses, comms), urgency, RecipientRole.OWNER))
    return told


def _operator(event: AccessEvent) -> str | None:
    return None if isinstance(event, ReviewDue) else event.operator


def _owner(staff_id: str | None, addresses: Mapping[StaffId, str], comms: Recipient) -> Choice:
    address = addresses.get(StaffId(staff_id or ""))
    if staff_id is None or address is None:
        return Choice(RecipientReason.COMMS, comms)
    return Choice(RecipientReason.ACCOUNT_OWNER, Recipient(address, StaffId(staff_id)), (comms,))
