"""What a manager's pages need beside the session and the time."""

from typing import Annotated, cast

from fastapi import Depends, Request

from services.notifier.acknowledgement.handlers import Answering
from services.notifier.alerts.queries import Viewer
from shared.auth.principal import Principal

HERE = "/alerts/my-team"


async def _answering(request: Request) -> Answering:
    return cast(Answering, request.app.state.answering)


def viewer_of(principal: Principal) -> Viewer:
    """Return whoever is signed in as the recipient of alerts."""
    return Viewer(principal.staff_id, principal.email)


AnsweringDep = Annotated[Answering, Depends(_answering)]
