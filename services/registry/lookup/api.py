"""The lookup as JSON, /accounts/api/v1/lookup, and the public list of official accounts as JSON and CSV (D-official).

Both are open to the public.
"""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.registry.lookup import domain
from services.registry.lookup.queries import OfficialAccount, look_up, official_list
from shared.auth.guard import Anyone
from shared.csv import line
from shared.events.platforms import MAX_HANDLE, PLATFORMS
from shared.events.vocabulary import AccountClass
from shared.web.bodies import Line, Link
from shared.web.dependencies import Now, Transaction
from shared.web.problems import Problem, standard_problem

router = APIRouter(prefix="/accounts/api/v1", tags=["lookup"])
official_router = APIRouter(prefix="/accounts", tags=["official"])

_Handle = Annotated[Line | None, Query(max_length=MAX_HANDLE)]
_Url = Annotated[Link | None, Query(max_length=2048)]


class Resembled(BaseModel):
    """An official account whose name looks like the given one."""

    model_config = ConfigDict(frozen=True)

    platform: str
    handle: str


class LookupAnswer(BaseModel):
    """The answer. Only signed-in people are told about an individual's account."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    sanctioned: bool | None = Field(
        description="Null is neither yes nor no: we cannot tell which account is meant, or it is not to be relied on"
    )
    status: domain.LookupStatus
    account_class: AccountClass | None = Field(serialization_alias="class")
    answer: str
    resembles: tuple[Resembled, ...]

    @classmethod
    def of(cls, answer: domain.Answer) -> Self:
        near = (account.registration for account in answer.resembles)
        said = domain.sentence_of(answer)
        return cls(
            sanctioned=said.sanctioned,
            status=said.status,
            account_class=answer.account_class,
            answer=f"{said.title}. {said.more}".rstrip(),
            resembles=tuple(Resembled(platform=kept.platform, handle=kept.handle) for kept in near),
        )


class OfficialList(BaseModel):
    """The list, and when it was read from the register."""

    model_config = ConfigDict(frozen=True)

    accounts: tuple[OfficialAccount, ...]
    as_of: datetime


@router.get("/lookup")
async def lookup(
    session: Transaction,
    principal: Anyone,
    platform: Line | None = None,
    handle: _Handle = None,
    url: _Url = None,
) -> LookupAnswer:
    """Return whether an account is official: give `platform` and `handle`, or the `url` of its profile."""
    question = _question(platform, handle, url)
    return LookupAnswer.of(await look_up(session, question, signed_in=principal is not None))


def _question(platform: str | None, handle: str | None, url: str | None) -> domain.Question:
    if url is not None:
        return domain.read_question(url) if "/" in url else domain.Question((), "", only_if_registered=True)
    if handle is None:
        raise _wrong("handle", "Give platform and handle, or url")
    if platform is None or platform not in PLATFORMS:
        raise _wrong("platform", f"Choose one of {', '.join(PLATFORMS)}")
    return domain.read_question(handle, platform)


def _wrong(field: str, message: str) -> Problem:
    return standard_problem(422, fields=[{"name": field, "message": message}])


@official_router.get("/official.json")
async def as_json(session: Transaction, now: Now, _principal: Anyone) -> OfficialList:
    """Return the list as JSON."""
    return OfficialList(accounts=await official_list(session), as_of=now)


@official_router.get("/official.csv", response_class=Response)
async def as_csv(session: Transaction, _principal: Anyone) -> Response:
    """Return the list as CSV, with formulas made harmless."""
    rows = [(one.platform, one.handle, one.title or "", one.url or "") for one in await official_list(session)]
    text = "".join(map(line, [("platform", "handle", "title", "url"), *rows]))
    disposition = {"content-disposition": 'attachment; filename="official-accounts.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=disposition)
