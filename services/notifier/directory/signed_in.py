"""The signed-in person's staff id as the directory spells it, under which alerts and cases are stored."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends

from services.notifier.directory.queries import spelling_of
from shared.auth.guard import SignedIn
from shared.auth.permissions import Principal
from shared.web.dependencies import Transaction


async def _as_listed(principal: SignedIn, session: Transaction) -> Principal:
    if principal.staff_id is None:
        return principal
    return replace(principal, staff_id=await spelling_of(session, principal.staff_id))


AsListed = Annotated[Principal, Depends(_as_listed)]
