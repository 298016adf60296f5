"""A pass to one report's status page: signed, short, and without the receipt code."""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import cast

from fastapi import Request, Response

from shared.ids import InvalidReference, Reference

LIFETIME = timedelta(minutes=30)
COOKIE = "signpost_report"
PATH = "/report/track"


class Passes:
    """Issues and reads passes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, reference: Reference, now: datetime) -> str:
        """Return a pass for `reference`, good for half an hour."""
        claim = f"{reference}.{int((now + LIFETIME).timestamp())}"
        return f"{claim}.{self._sign(claim)}"

    def read(self, text: str | None, now: datetime) -> Reference | None:
        """Return the report that a pass is for; None where it is over, or not ours."""
        claim, _, signature = (text or "").rpartition(".")
        if not hmac.compare_digest(self._sign(claim).encode(), signature.encode()):
            return None
        reference, _, until = claim.partition(".")
        if datetime.fromtimestamp(int(until), UTC) <= now:
            return None
        try:
            return Reference.parse(reference)
        except InvalidReference:
            return None

    def _sign(self, claim: str) -> str:
        return hmac.new(self._key, claim.encode(), sha256).hexdigest()


def give_pass(request: Request, response: Response, reference: Reference, now: datetime) -> None:
    """Let whoever gets `response` see the status page of `reference`."""
    state = request.app.state
    text = cast(Passes, state.passes).issue(reference, now)
    secure = bool(state.settings.secure)
    response.set_cookie(COOKIE, text, path=PATH, httponly=True, samesite="lax", secure=secure)


def take_pass_away(response: Response) -> None:
    """Let this browser forget its pass."""
    response.delete_cookie(COOKIE, path=PATH)


def pass_of(request: Request, now: datetime) -> Reference | None:
    """Return the report that the request brings a pass for."""
    return cast(Passes, request.app.state.passes).read(request.cookies.get(COOKIE), now)
