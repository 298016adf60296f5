"""The public API for cases, which people use from scripts."""

import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.cases import changes, handlers
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.forms import STAFF_NUMBER
from services.triage.deadlines import queries as deadlines
from services.triage.routing import queries as routing
from shared.events.vocabulary import CaseState, DeadlineKind, Outcome, Priority, ReportType, Team
from shared.web.bodies import Body, Bool, Line, Text
from shared.web.dependencies import Transaction
from shared.web.problems import standard_problem

router = APIRouter(prefix="/cases/api/v1", tags=["cases"])

Item = TypeVar("Item", bound="CaseItem")

_ENTITY_TAG = re.compile(r'(?:W/)?"?(?P<version>[0-9]{1,9})"?')
_NO_VERSION = -1
"""Matches no case, so every change from the start is shown."""


def version_in(if_match: str) -> int:
    """Return the version in an `If-Match` header; one that is no version matches nothing."""
    tag = _ENTITY_TAG.fullmatch(if_match.strip())
    return int(tag["version"]) if tag else _NO_VERSION


async def _version_read(if_match: Annotated[str | None, Header()] = None) -> int:
    """Return the version that the client read before it wrote; ask for it where the client sends none, or `*`."""
    if if_match is None or if_match.strip() == "*":
        raise standard_problem(428, detail="Send an If-Match header with the ETag of the case as you read it.")
    return version_in(if_match)


Read = Annotated[int, Depends(_version_read)]


class Routing(BaseModel):
    """Why the case first went to its team."""

    model_config = ConfigDict(from_attributes=True)

    rule: str
    clause: str
    misdirected: bool
    explanation: str = Field(validation_alias="sentence")


class DeadlineItem(BaseModel):
    """One deadline. Where it does not run, either `met_at` or `paused` says why."""

    model_config = ConfigDict(from_attributes=True)

    kind: DeadlineKind
    due_at: AwareDatetime
    at_risk_at: AwareDatetime
    met_at: AwareDatetime | None
    missed_at: AwareDatetime | None
    paused: bool


class CaseItem(BaseModel):
    """A case in a list."""

    case_id: UUID
    reference: str
    report_id: UUID
    report_type: ReportType
    team: Team
    state: CaseState
    priority: Priority
    routing: Routing
    submitted_at: AwareDatetime
    opened_at: AwareDatetime
    deadlines: list[DeadlineItem]


class CaseDetail(CaseItem):
    """One case; `version` is also the `ETag`, for use in `If-Match`."""

    version: int
    due_at: AwareDatetime | None
    """When the next of the running deadlines is due, of the case or of one that is merged into it."""
    restricted: bool
    assignee: str | None
    replied_at: AwareDatetime | None
    """Since when something from the reporter is unread by the team."""
    outcome: Outcome | None
    review_asked_at: AwareDatetime | None
    """When the reporter asked for the outcome to be looked at again, while that waits."""


class NoteBody(Body):
    """A note. `shared` means that the reporter can read it."""

    text: Annotated[Text, Field(min_length=1, max_length=10_000)]
    shared: Bool = False


class TransferBody(Body):
    """The team to transfer to, and why."""

    team: Team
    reason: Annotated[Text, Field(min_length=1, max_length=2_000)] = "Another team's work"


class AssignBody(Body):
    """The staff number of the colleague who gets the case, and what they need to know: an internal note."""

    assignee: Annotated[Line, Field(pattern=STAFF_NUMBER, max_length=40)]
    note: Annotated[Text, Field(min_length=1, max_length=10_000)] | None = None


class PriorityBody(Body):
    """The new priority, and why."""

    priority: Priority
    reason: Annotated[Text, Field(min_length=1, max_length=2_000)]


class ResolveBody(Body):
    """How it ended."""

    outcome: Outcome
    reason: Annotated[Text, Field(max_length=2_000)] | None = None


class ReopenBody(Body):
    """Why work continues."""

    reason: Annotated[Text, Field(min_length=1, max_length=2_000)] = "More to do"


@router.post("/cases/{case_id}/claim")
async def claim(work: WorkDep, case_id: UUID, read: Read, response: Response) -> CaseDetail:
    """Claim the case for ten minutes from the last write, or renew your claim. A new case is then in progress.

    The deadline to respond runs on until the first message, question, transfer or outcome.
    """
    return await _done(work, handlers.claim(work, case_id, read), response)


@router.post("/cases/{case_id}/assign")
async def assign(work: WorkDep, case_id: UUID, read: Read, body: AssignBody, response: Response) -> CaseDetail:
    """Give the case to a colleague of the team. A lead may take it from the person who has it."""
    return await _done(work, handlers.assign(work, case_id, read, body.assignee, body.note), response)


@router.post("/cases/{case_id}/priority")
async def prioritise(work: WorkDep, case_id: UUID, read: Read, body: PriorityBody, response: Response) -> CaseDetail:
    """Change the priority. Running deadlines count from when they started, as if it had always been this one."""
    return await _done(work, handlers.prioritise(work, case_id, read, body.priority, body.reason), response)


@router.post("/cases/{case_id}/release")
async def release(work: WorkDep, case_id: UUID, read: Read, response: Response) -> CaseDetail:
    """Give the case back to the queue."""
    return await _done(work, handlers.release(work, case_id, read), response)


@router.post("/cases/{case_id}/transfer")
async def transfer(work: WorkDep, case_id: UUID, read: Read, body: TransferBody, response: Response) -> CaseDetail:
    """Transfer the case to another team; a second transfer, or a return, goes to the triage desk."""
    return await _done(work, handlers.transfer(work, case_id, read, body.team, body.reason), response)


@router.post("/cases/{case_id}/notes")
async def add_note(work: WorkDep, case_id: UUID, read: Read, body: NoteBody, response: Response) -> CaseDetail:
    """Add a note."""
    return await _done(work, handlers.add_note(work, case_id, read, body.text, shared=body.shared), response)


@router.post("/cases/{case_id}/resolve")
async def resolve(work: WorkDep, case_id: UUID, read: Read, body: ResolveBody, response: Response) -> CaseDetail:
    """Resolve the case with an outcome."""
    return await _done(work, handlers.resolve(work, case_id, read, body.outcome, body.reason), response)


@router.post("/cases/{case_id}/reopen")
async def reopen(
    work: WorkDep, case_id: UUID, read: Read, response: Response, body: ReopenBody | None = None
) -> CaseDetail:
    """Reopen a finished case."""
    return await _done(work, handlers.reopen(work, case_id, read, (body or ReopenBody()).reason), response)


@router.post("/cases/{case_id}/close")
async def close(work: WorkDep, case_id: UUID, read: Read, response: Response) -> CaseDetail:
    """Close a resolved case."""
    return await _done(work, handlers.close(work, case_id, read), response)


async def _done(work: WorkDep, doing: Awaitable[Case], response: Response) -> CaseDetail:
    return await answer(work.session, await doing, response)


async def answer(session: Transaction, case: Case, response: Response) -> CaseDetail:
    """Return a case as it is now, with its version as the `ETag`."""
    response.headers["ETag"] = f'"{case.version}"'
    [item] = await items_of(session, CaseDetail, [case])
    return item


async def items_of(
    session: Transaction,
    kind: type[Item],
    cases: Sequence[Case],
    more: Mapping[UUID, Mapping[str, object]] | None = None,
) -> list[Item]:
    """Return `cases` with their routing and deadlines, in three statements, and with what `more` says of each."""
    ids = [case.case_id for case in cases]
    routed, kept = await routing.explain(session, ids), await deadlines.of_cases(session, ids)
    due = await changes.due(session, ids)
    said = {
        id_: {
            "routing": routed[id_],
            "deadlines": kept[id_],
            "due_at": due[id_],
            **(more or {}).get(id_, {}),
        }
        for id_ in ids
    }
    return [kind.model_validate({**vars(case), **said[case.case_id]}) for case in cases]
