"""POST /cases/api/v1/bulk: one action on up to 1,000 cases, its results, and undo."""

from collections.abc import Iterator, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.triage.bulk import domain, handlers, queries
from services.triage.bulk.domain import Action, Order, State
from services.triage.bulk.queries import Bulk
from services.triage.bulk.refusals import NAMES, PROBLEMS
from services.triage.campaigns import handlers as campaigns
from services.triage.cases.dependencies import ViewerDep, WorkDep
from services.triage.cases.forms import STAFF_NUMBER
from shared.events.vocabulary import Outcome, Team
from shared.web.bodies import Body, Int, Line, Text
from shared.web.dependencies import Transaction
from shared.web.problems import TYPE_PREFIX, FieldProblem, standard_problem

router = APIRouter(prefix="/cases/api/v1", tags=["bulk actions"])

_FIELDS = ("assignee", "note", "team", "outcome", "into", "text", "reason")
_TAKES: Mapping[Action, tuple[str, ...]] = {
    Action.CLAIM: (),
    Action.ASSIGN: ("assignee", "note"),
    Action.TRANSFER: ("team", "reason"),
    Action.MESSAGE: ("text",),
    Action.RESOLVE: ("outcome", "reason"),
    Action.MERGE: ("into", "reason"),
}
"""The fields that an action takes; it needs the first."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="Choose a new random one for each message. It holds for a week.",
    ),
]


class BulkCase(Body):
    """A case, and the version of it that you read."""

    case_id: UUID
    version: Annotated[Int, Field(ge=1, le=999_999_999)]


class BulkBody(Body):
    """One action on many cases.

    `assign` needs `assignee`, `transfer` `team`, `message` `text`, `resolve` `outcome`; `merge` needs `into`, the id or
    the reference of the case that they are merged into. The `text` can have the fields of reply
    templates, which each case fills in: `{reference}`, `{team}`, `{platform}`, `{kind}` and `{name}`.
    """

    action: Action
    items: Annotated[tuple[BulkCase, ...], Field(min_length=1, max_length=domain.MOST)]
    assignee: Annotated[Line, Field(pattern=STAFF_NUMBER, max_length=40)] | None = None
    note: Annotated[Text, Field(min_length=1, max_length=10_000)] | None = None
    team: Team | None = None
    outcome: Outcome | None = None
    into: Annotated[Line, Field(min_length=1, max_length=100)] | None = None
    text: Annotated[Text, Field(min_length=1, max_length=10_000)] | None = None
    reason: Annotated[Text, Field(min_length=1, max_length=2_000)] | None = None


class MessageBody(Body):
    """What the reporters read, each as if alone. Without `case_ids`, the reporters of all confirmed cases.

    Each case fills in the fields of the text: `{reference}`, `{team}`, `{platform}`, `{kind}` and `{name}`.
    """

    text: Annotated[Text, Field(min_length=1, max_length=10_000)]
    case_ids: Annotated[tuple[UUID, ...], Field(max_length=domain.MOST)] = ()
    after: UUID | None = None
    """Of a campaign with more than 1,000 cases, the `next_cursor` of the answer for the newer ones."""


class ResolveBody(Body):
    """How the chosen cases of a campaign ended."""

    outcome: Outcome
    reason: Annotated[Text, Field(min_length=1, max_length=2_000)] | None = None
    items: Annotated[tuple[BulkCase, ...], Field(min_length=1, max_length=domain.MOST)]


class UndoBody(Body):
    """Nothing more needs to be said."""


class CaseProblem(BaseModel):
    """Why a case was not changed, or not put back."""

    type: str
    title: str
    detail: str | None
    status: int


class CaseResult(BaseModel):
    """What became of one case."""

    case_id: UUID
    ok: bool
    problem: Annotated[CaseProblem | None, Field(exclude_if=lambda value: value is None)] = None


class BulkResult(BaseModel):
    """A bulk action, with the results of the cases that were looked at so far."""

    bulk_id: UUID
    action: Action
    state: State
    total: int
    results: list[CaseResult]
    undo_until: AwareDatetime | None
    """Until when it can be undone; null while it runs, and if nothing of it can be undone."""
    next_cursor: UUID | None = None
    """Where a message to a campaign goes on that has more than 1,000 cases: send it again with this as `after`."""
    undone: list[CaseResult] | None = None
    """Which of the changed cases were put back, once it is being undone."""


class UndoResult(BaseModel):
    """Which of the changed cases are as they were before, of those that were looked at so far."""

    bulk_id: UUID
    state: State
    """`undoing` while more than 100 are put back one after another."""
    results: list[CaseResult]


_MANY: dict[int | str, dict[str, object]] = {
    202: {
        "model": BulkResult,
        "description": "More than 100 cases, or 1,000 with merged ones: they are done one after another.",
    }
}


@router.post("/bulk", responses=_MANY)
async def do_many(work: WorkDep, body: BulkBody, response: Response) -> BulkResult:
    """Do one action on many cases, each as if it were done alone. Up to 100 are done before the answer.

    Cases that are merged into these follow; only with more than 1,000 of them do even 100 go on behind the answer.
    """
    if wrong := list(_wrong(body)):
        raise standard_problem(422, fields=wrong)
    words = body.text or body.reason or body.note or ""
    order = Order(body.action, body.team, body.outcome, body.assignee, body.into, words)
    return await _begin(work, order, {one.case_id: one.version for one in body.items}, response)


@router.get("/bulk/{bulk_id}")
async def get_bulk(session: Transaction, viewer: ViewerDep, bulk_id: UUID) -> BulkResult:
    """Read how far a bulk action of yours is, and what became of each case."""
    return _answer(await queries.of_person(session, viewer.subject, bulk_id))


@router.post("/bulk/{bulk_id}/undo")
async def undo(work: WorkDep, bulk_id: UUID, body: UndoBody | None = None) -> UndoResult:
    """Put each case back as it was, within 10 minutes; a case that was changed since, and a message, stay.

    More than 100 are put back one after another: read the bulk action to see how far it is.
    """
    del body
    await handlers.undo(work, bulk_id, NAMES)
    bulk = await queries.of_person(work.session, work.viewer.subject, bulk_id)
    return UndoResult(bulk_id=bulk_id, state=bulk.state, results=_undone(bulk))


@router.post("/campaigns/{campaign_id}/message", tags=["campaigns"], responses=_MANY)
async def message(
    work: WorkDep, campaign_id: UUID, body: MessageBody, response: Response, key: IdempotencyKey = None
) -> BulkResult:
    """Write the same to the reporter of each report, each as if alone: a bulk action on the campaign’s cases.

    Sent again with the same `Idempotency-Key`, the same message is not written twice: you get the first one’s results.
    """
    bulk_id = None
    if key:
        bulk_id, begun = await handlers.once(work, str(campaign_id), key, body.model_dump_json())
        if begun:
            return await _told(work, bulk_id, response)
    members = await campaigns.confirmed(work, campaign_id, body.case_ids, domain.MOST + 1, body.after)
    chosen = {one.case_id: one.version for one in members[: domain.MOST]}
    more = len(members) > domain.MOST
    return await _begin(work, Order(Action.MESSAGE, text=body.text), chosen, response, more=more, bulk_id=bulk_id)


@router.post("/campaigns/{campaign_id}/resolve", tags=["campaigns"], responses=_MANY)
async def resolve(work: WorkDep, campaign_id: UUID, body: ResolveBody, response: Response) -> BulkResult:
    """Resolve chosen cases with one outcome: a bulk action. Cases that no one has are claimed first."""
    read = {one.case_id: one.version for one in body.items}
    await campaigns.confirmed(work, campaign_id, read)
    return await _begin(work, Order(Action.RESOLVE, outcome=body.outcome, text=body.reason or ""), read, response)


async def _begin(
    work: WorkDep,
    order: Order,
    chosen: Mapping[UUID, int],
    response: Response,
    *,
    more: bool = False,
    bulk_id: UUID | None = None,
) -> BulkResult:
    bulk_id = await handlers.choose(work, order.action, chosen, more=more, bulk_id=bulk_id)
    await handlers.carry_out(work, bulk_id, order, NAMES)
    return await _told(work, bulk_id, response)


async def _told(work: WorkDep, bulk_id: UUID, response: Response) -> BulkResult:
    bulk = await queries.of_person(work.session, work.viewer.subject, bulk_id)
    response.status_code = 202 if bulk.state is State.RUNNING else 200
    return _answer(bulk)


def _wrong(body: BulkBody) -> Iterator[FieldProblem]:
    needed, takes = _TAKES[body.action][:1], _TAKES[body.action]
    given = {name for name in _FIELDS if getattr(body, name) is not None}
    if len({one.case_id for one in body.items}) < len(body.items):
        yield FieldProblem(name="items", message="Name each case once")
    yield from (FieldProblem(name=name, message="This action needs it") for name in needed if name not in given)
    yield from (FieldProblem(name=name, message="This action does not take it") for name in sorted(given - set(takes)))


def _answer(bulk: Bulk) -> BulkResult:
    looked_at = [item for item in bulk.items if item.made is not None or item.problem]
    return BulkResult(
        bulk_id=bulk.bulk_id,
        action=bulk.action,
        state=bulk.state,
        total=bulk.total,
        results=[_result(item.case_id, item.problem) for item in looked_at],
        undo_until=bulk.undo_until,
        next_cursor=min(item.case_id for item in bulk.items) if bulk.more else None,
        undone=_undone(bulk) if bulk.state in {State.UNDOING, State.UNDONE} else None,
    )


def _undone(bulk: Bulk) -> list[CaseResult]:
    return [_result(item.case_id, item.undo) for item in bulk.items if item.undo is not None]


def _result(case_id: UUID, problem: str | None) -> CaseResult:
    if not problem:
        return CaseResult(case_id=case_id, ok=True)
    row = PROBLEMS[problem]
    said = CaseProblem(type=f"{TYPE_PREFIX}{row.type}", title=row.title, detail=row.detail, status=row.status)
    return CaseResult(case_id=case_id, ok=False, problem=said)
