"""POST /alerts/api/v1/notify-receipts: GOV.UK Notify calls back here, with a bearer token."""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifier.delivery.handlers import DeliveryReceipts, NotRecordedYet, Receipt
from services.notifier.delivery.notify import STATUSES, message_of
from shared.auth.guard import guarding
from shared.runtime import Parts, parts_of
from shared.web.bodies import Key
from shared.web.dependencies import Now, Transaction
from shared.web.problems import standard_problem
from shared.web.refusals import Refusal, Refusals

router = APIRouter(prefix="/alerts/api/v1", tags=["receipts"])
_TEXT = 500
REFUSALS: Refusals = {
    NotRecordedYet: Refusal(
        503,
        "unavailable",
        "The message is not recorded as sent yet",
        "Send the receipt again.",
        headers=lambda _error: {"retry-after": "5"},
    )
}


class ReceiptBody(BaseModel):
    """Notify's report on one message; the rest of its body, above all the address, is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Annotated[Key, Field(max_length=_TEXT)]
    reference: Annotated[Key, Field(max_length=_TEXT)] | None = None
    status: Annotated[Key, Field(max_length=_TEXT)]


@dataclass(frozen=True, kw_only=True)
class ReceiptParts(Parts):
    """What this route needs besides the parts of every service."""

    receipts: DeliveryReceipts


@guarding
async def from_notify(request: Request) -> DeliveryReceipts:
    """Let in GOV.UK Notify only."""
    receipts = parts_of(request, ReceiptParts).receipts
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    proved = receipts.token is not None and hmac.compare_digest(token.strip().encode(), receipts.token)
    if not proved or scheme.lower() != "bearer":
        raise standard_problem(401, headers={"www-authenticate": "Bearer"})
    return receipts


@router.post("/notify-receipts", status_code=204)
async def take_receipt(
    body: ReceiptBody, receipts: Annotated[DeliveryReceipts, Depends(from_notify)], session: Transaction, now: Now
) -> Response:
    """Accept a delivery receipt; ignore one that is not about our messages."""
    result, message = STATUSES.get(body.status), message_of(body.reference)
    if result and message:
        alert_id, kind = message
        await receipts.take(session, Receipt(body.id, alert_id, kind, result), now)
    return Response(status_code=204)
