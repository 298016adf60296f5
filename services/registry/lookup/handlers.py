"""The one use case: is it official?"""

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.queries import find_open, official_accounts
from services.registry.lookup.confusables import skeleton
from services.registry.lookup.domain import Answer, Question, decide


async def look_up(session: AsyncSession, question: Question, *, signed_in: bool) -> Answer:
    """Answer from the register as it is now. Nothing is stored about who asked what."""
    registered = await find_open(session, question.handles) if question.handles else []
    official = await official_accounts(session)
    return decide(question, registered, official, signed_in=signed_in, look=skeleton)
