"""The session cookie: out of reach of scripts, sent when a person follows a link here, and by TLS if there is any."""

from typing import TypeVar

from fastapi import Request
from fastapi.responses import Response

from shared.auth.guard import SESSION_COOKIE
from shared.runtime import WebParts, parts_of

R = TypeVar("R", bound=Response)


def with_session(request: Request, response: R, token: str) -> R:
    """Start, or go on with, the session that `token` proves."""
    response.set_cookie(SESSION_COOKIE, token, secure=is_secure(request), httponly=True, samesite="lax")
    return response


def without_session(request: Request, response: R) -> R:
    """End the session on this device."""
    response.delete_cookie(SESSION_COOKIE, secure=is_secure(request), httponly=True, samesite="lax")
    return response


def is_secure(request: Request) -> bool:
    """Return whether people reach Signpost by TLS."""
    return parts_of(request, WebParts).settings.secure
