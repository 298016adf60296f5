"""Who sees a request: those who see the register, those it is about, and proxies of approvers."""

from uuid import UUID

from services.registry.approvals.domain import Request
from services.registry.approvals.handlers import UnknownRequest
from services.registry.approvals.queries import get_request, stands_in_for
from services.registry.context.domain import same_person
from services.registry.context.work import Work
from shared.auth.permissions import Permission


async def sees_all(work: Work) -> bool:
    """Say whether whoever works sees everybody's requests."""
    if work.may(Permission.SEE_REGISTER):
        return True
    return bool(await stands_in_for(work.session, work.person, work.today))


async def seen_request(work: Work, request_id: UUID) -> Request:
    """Return a request that whoever works may see.

    Raises:
        UnknownRequest: there is none, as far as they may know.
    """
    request = await get_request(work.session, request_id)
    if request is None:
        raise UnknownRequest
    concerned = any(same_person(party, work.person) for party in request.parties)
    if not concerned and not await sees_all(work):
        raise UnknownRequest
    return request
