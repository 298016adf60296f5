"""What the public may know about the register: the answer to one question, and the list of official accounts."""

import unicodedata
from functools import lru_cache

from confusable_homoglyphs import confusables
from pydantic import BaseModel, ConfigDict
from rapidfuzz.distance import OSA, Indel
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.queries import find_open, official_accounts
from services.registry.lookup.domain import Answer, Looks, Question, decide
from shared.events.platforms import platform_label, profile_url

_ALIKE = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("|", "l"), ("5", "s"))
_UNSEEN = frozenset("._- ")


class OfficialAccount(BaseModel):
    """What the public may know about an official account: never its status, nor who runs it."""

    model_config = ConfigDict(frozen=True)

    platform: str
    platform_name: str
    handle: str
    title: str | None
    url: str | None


async def look_up(session: AsyncSession, question: Question, *, signed_in: bool) -> Answer:
    """Answer from the current register. Nothing is stored about who asked what."""
    registered = await find_open(session, question.handles) if question.handles else []
    official = await official_accounts(session)
    return decide(question, registered, official, signed_in=signed_in, looks=LOOKS)


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


@lru_cache(maxsize=4096)
def skeleton(text: str) -> str:
    """Return the same text for texts that look alike: homoglyphs, accents, `rn` for `m`, ignoring punctuation."""
    latin = "".join(_latin(character) for character in unicodedata.normalize("NFKD", text.casefold()))
    plain = "".join(character for character in latin.casefold() if character not in _UNSEEN)
    for seen, taken_for in _ALIKE:
        plain = plain.replace(seen, taken_for)
    return plain


def _latin(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) in {"Mn", "Cf"}:
        return ""
    found = confusables.is_confusable(character, preferred_aliases=["latin"], greedy=True)
    glyphs = [glyph["c"] for glyph in found[0]["homoglyphs"]] if found else []
    return next((glyph for glyph in glyphs if glyph.isascii()), character)


def similarity(one: str, other: str) -> float:
    """Return how much of two texts is the same, from 0 to 1; one slip of the hand leaves nearly all."""
    return 0.98 if OSA.distance(one, other, score_cutoff=1) <= 1 else Indel.normalized_similarity(one, other)


LOOKS = Looks(skeleton, similarity)
