"""What the public may know of the register: the answer to one question, and the list of official accounts."""

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.queries import find_open, official_accounts
from services.registry.lookup.domain import Answer, Question, decide
from shared.events.platforms import platform_label, profile_url


class OfficialAccount(BaseModel):
    """What the public may know of an official account: never its status, nor who runs it."""

    model_config = ConfigDict(frozen=True)

    platform: str
    platform_name: str
    handle: str
    title: str | None
    url: str | None


async def look_up(session: AsyncSession, question: Question, *, signed_in: bool) -> Answer:
    """Answer from the register as it is now. Nothing is stored about who asked what."""
    registered = await find_open(session, question.handles) if question.handles else []
    return decide(question, registered, await official_accounts(session), signed_in=signed_in)


async def official_list(session: AsyncSession) -> tuple[OfficialAccount, ...]:
    """Return the public list (D-official)."""
    return tuple(
        OfficialAccount(
            platform=kept.platform,
            platform_name=platform_label(kept.platform),
            handle=kept.handle,
            title=kept.title,
            url=profile_url(kept.platform, kept.handle),
        )
        for kept in (account.registration for account in await official_accounts(session))
    )
