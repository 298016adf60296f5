"""Refusals of use cases, as a form shows them: beside a field, with what to do, and nothing half done."""

from services.registry.accounts.handlers import (
    AccountChangedMeanwhile,
    HandleTaken,
    StatusNotAllowed,
)
from services.registry.context.refusals import Refusal, Refusals

ACCOUNT_REFUSALS: Refusals = {
    HandleTaken: Refusal("handle", "This handle is on the register already: one account has one purpose", 409),
    AccountChangedMeanwhile: Refusal(
        "changed", "Somebody changed this account meanwhile. Look at it as it is now, then choose again.", 412
    ),
    StatusNotAllowed: Refusal(
        "changed", "The account cannot go to this status from where it is. Go back and look at it.", 409
    ),
}
