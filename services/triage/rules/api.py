"""The table of rules for other programs: as JSON and as CSV, with the filters of the page."""

from collections.abc import Iterable
from datetime import date, datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.triage.routing.domain import RuleState
from services.triage.rules import queries
from services.triage.rules.reload import ReaderDep, Running
from services.triage.rules.views import Line, RuleFilter, lines
from shared.csv import line
from shared.events.vocabulary import Priority, Team
from shared.web.dependencies import Now, Transaction

router = APIRouter(prefix="/cases/api/v1/rules", tags=["rules"])


class AlsoItem(BaseModel):
    """A linked case that a rule opens."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    team: Team
    clause: str


class RuleItem(BaseModel):
    """One rule and what it did in the last 30 days, without cases that are kept from you."""

    model_config = ConfigDict(frozen=True)

    position: int = Field(description="The first live rule that matches decides.")
    id: str
    clause: str
    state: RuleState
    in_force: bool
    starts: date | None
    ends: date | None
    team: Team
    priority: Priority | None = Field(description="Null: by impact and urgency.")
    category: str
    misdirected: bool
    restricted: bool
    also: tuple[AlsoItem, ...]
    sentence: str
    when: str
    hits: int = Field(description="Reports that it decided; for a shadow rule, reports that it would have matched.")
    moved: int = Field(description="Cases that people then moved to another team.")


class RuleList(BaseModel):
    """The rules of the book in use."""

    model_config = ConfigDict(frozen=True)

    rulebook: str
    policy: str
    loaded_at: datetime
    as_of: datetime
    items: tuple[RuleItem, ...]


@router.get("")
async def as_json(request: Request, session: Transaction, viewer: ReaderDep, running: Running, now: Now) -> RuleList:
    """List the rules in order; filter them by `team`, `clause` and `state`."""
    wanted = RuleFilter.read(request.query_params, running.book)
    shown = lines(running.book, wanted, await queries.hits(session, viewer, now), now)
    book = running.book
    return RuleList(
        rulebook=book.digest,
        policy=book.policy,
        loaded_at=running.loaded_at,
        as_of=now,
        items=tuple(map(_item, shown)),
    )


@router.get(".csv", response_class=Response)
async def as_csv(request: Request, session: Transaction, viewer: ReaderDep, running: Running, now: Now) -> Response:
    """Return the same as CSV, with formulas made harmless."""
    wanted = RuleFilter.read(request.query_params, running.book)
    shown = lines(running.book, wanted, await queries.hits(session, viewer, now), now)
    disposition = {"content-disposition": 'attachment; filename="rules.csv"'}
    return Response(_csv(map(_item, shown)), media_type="text/csv; charset=utf-8", headers=disposition)


def _item(line: Line) -> RuleItem:
    return RuleItem.model_validate({**vars(line.rule), **vars(line)})


def _csv(items: Iterable[RuleItem]) -> str:
    written = [line(RuleItem.model_fields)]
    for item in items:
        cells = item.model_dump(mode="json") | {"also": " ".join(also.team for also in item.also)}
        written.append(line(cells.values()))
    return "".join(written)
