"""What the routes of tracking ask for."""

from typing import Annotated, cast

from fastapi import Depends, Request

from services.intake.tracking.access import Access


def _access(request: Request) -> Access:
    return cast(Access, request.app.state.access)


AccessDep = Annotated[Access, Depends(_access)]


def client_of(request: Request) -> str:
    """Return who sends the request as far as counting wrong codes goes."""
    return request.client.host if request.client else ""
