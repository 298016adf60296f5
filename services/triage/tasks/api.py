"""/cases/api/v1/cases/{case_id}/tasks, /support and /threat: what has to be done about a case, and what was done."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.triage.cases import handlers as case_handlers
from services.triage.cases import lists
from services.triage.cases import queries as cases
from services.triage.cases.api import CaseDetail, Read, answer
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case
from services.triage.tasks import domain, handlers, queries, tasks_yaml
from services.triage.tasks.domain import Rung, SupportState, TaskView
from shared.web import bodies
from shared.web.problems import FieldProblem, standard_problem

router = APIRouter(prefix="/cases/api/v1", tags=["tasks"])
_StaffId = Annotated[bodies.Line, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", max_length=40)]
_Note = Annotated[bodies.Text, Field(min_length=1, max_length=domain.LONGEST_NOTE)]


class _AnyTask(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    task_id: UUID | None
    code: str
    assignee: str | None = Field(description="Null: the person who has the case.")
    due_at: AwareDatetime | None
    about: UUID | None = Field(description="The take-down that it is about.")
    made_by: str | None
    done_at: AwareDatetime | None
    done_by: str | None
    overdue: bool


class TaskItem(_AnyTask):
    """One task. `task_id` is null for one of the case's kind before work starts: tick it off by its `code`."""

    title: str


class SupportItem(BaseModel):
    """The support that the person was offered."""

    model_config = ConfigDict(from_attributes=True)

    state: SupportState
    offered_at: AwareDatetime
    offered_by: str
    answered_at: AwareDatetime | None
    answered_by: str | None
    follow_up_on: date | None


class ThreatItem(BaseModel):
    """One answer of the protocol for a threat to life."""

    model_config = ConfigDict(from_attributes=True)

    at: AwareDatetime
    by: str
    threat: bool
    rung: Rung | None
    rung_at: AwareDatetime | None
    police_reference: str | None


class TaskList(BaseModel):
    """The tasks of a case, those that are done last; the support offered; and the answers of the threat protocol."""

    items: list[TaskItem]
    support: SupportItem | None
    threat: list[ThreatItem]
    threat_open: bool = Field(description="Whether the protocol has to be answered before the case can be resolved.")


class CaseWithTasks(CaseDetail):
    """The case as it is now, with its tasks."""

    tasks: TaskList


class WaitingItem(_AnyTask):
    """A task that is not done, with its case. `title` is null on a restricted case: open it to read that."""

    case_id: UUID
    reference: str
    title: str | None
    version: int = Field(description="Of the case: send it in `If-Match`.")


class TaskCounts(BaseModel):
    """How many tasks each list has; 100 means more than 99."""

    model_config = ConfigDict(from_attributes=True)

    mine: int
    team: int
    overdue: int


class TaskPage(BaseModel):
    """One page of tasks, soonest due first and those without a time last, and where the next one starts."""

    items: list[WaitingItem]
    counts: TaskCounts
    next_cursor: str | None


class TaskBody(bodies.Body):
    """A task: a free one by its `title`, or one of the case's kind by its `code`."""

    code: Annotated[bodies.Key, Field(max_length=40)] = ""
    title: Annotated[bodies.Name, Field(max_length=domain.LONGEST_TITLE)] = ""
    assignee: _StaffId | None = None
    due_at: bodies.Moment | None = None
    done: bodies.Bool = False

    @model_validator(mode="after")
    def _says_what(self) -> "TaskBody":
        if bool(self.code) == bool(self.title):
            message = "Give a title, or the code of a task of this kind of case"
            raise bodies.InvalidValue(message)
        return self


class DoneBody(bodies.Body):
    """Whether a task is done."""

    done: bodies.Bool = True
    note: _Note | None = None


class SupportBody(bodies.Body):
    """That support was offered, or what the person said; `follow_up_on` becomes a task.

    Without it, an earlier follow-up stays, unless support was declined.
    """

    state: SupportState
    follow_up_on: date | None = None
    note: _Note | None = None


class ThreatBody(bodies.Body):
    """Whether there is a threat to life: if so, who was rung, and when; if not, why not."""

    threat: bodies.Bool
    rung: Rung | None = None
    rung_at: bodies.Moment | None = None
    police_reference: Annotated[bodies.Name, Field(min_length=1, max_length=domain.LONGEST_REFERENCE)] | None = None
    reason: _Note | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "ThreatBody":
        if self.threat and (self.rung is None or self.rung_at is None):
            message = "Say who was rung, and when"
            raise bodies.InvalidValue(message)
        if not self.threat and (self.rung or self.rung_at or self.police_reference or not self.reason):
            message = "Say why there is no threat to life, and nothing else"
            raise bodies.InvalidValue(message)
        return self


@router.get("/tasks")
async def list_waiting(
    work: WorkDep,
    view: TaskView = TaskView.MINE,
    cursor: Annotated[bodies.Line | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> TaskPage:
    """List tasks that are not done: mine, the team's, or those that are overdue; of cases that you may see.

    The tasks that a case has by its kind are here once work on it has started, and until it ends; the team's list has
    those of cases that no one has.
    """
    start = domain.Cursor.read(cursor) if cursor else None
    if cursor and start is None:
        fields: list[FieldProblem] = [{"name": "cursor", "message": "Give the next_cursor of an answer"}]
        raise standard_problem(422, fields=fields)
    found = await queries.listed(work.session, work.viewer, view, work.now, start, limit + 1)
    items = [_waiting(one) for one in found[:limit]]
    counts = TaskCounts.model_validate(await queries.counts(work.session, work.viewer, work.now))
    return TaskPage(items=items, counts=counts, next_cursor=str(found[limit - 1].place) if len(found) > limit else None)


@router.get("/cases/{case_id}/tasks")
async def list_tasks(work: WorkDep, case_id: UUID) -> TaskList:
    """List what is to be done about a case, and what was done."""
    case = await cases.get(work.session, work.viewer, case_id)
    if case.restricted:
        await case_handlers.open_page(work, case_id)
    return await _list(work, case)


@router.post("/cases/{case_id}/tasks")
async def add_task(work: WorkDep, case_id: UUID, read: Read, body: TaskBody, response: Response) -> CaseWithTasks:
    """Add a task; or, by its `code`, tick off one of the case's kind, or say who does it when. No claim is needed.

    Someone else who is given it gets an email.
    """
    case = await handlers.add(work, case_id, read, handlers.NewTask(**dict(body)))
    return await _answer(work, case, response)


@router.post("/cases/{case_id}/tasks/{task_id}")
async def finish_task(
    work: WorkDep, case_id: UUID, task_id: UUID, read: Read, body: DoneBody, response: Response
) -> CaseWithTasks:
    """Tick a task off, or take the tick back."""
    case = await handlers.finish(work, case_id, read, task_id, done=body.done, note=body.note)
    return await _answer(work, case, response)


@router.post("/cases/{case_id}/support")
async def record_support(
    work: WorkDep, case_id: UUID, read: Read, body: SupportBody, response: Response
) -> CaseWithTasks:
    """Record that support was offered, accepted or declined."""
    case = await handlers.support(work, case_id, read, body.state, body.follow_up_on, body.note)
    return await _answer(work, case, response)


@router.post("/cases/{case_id}/threat")
async def answer_threat(
    work: WorkDep, case_id: UUID, read: Read, body: ThreatBody, response: Response
) -> CaseWithTasks:
    """Record whether there is a threat to life, and who was rung. A case with an open protocol cannot be resolved."""
    case = await handlers.answer_threat(work, case_id, read, handlers.Threat(**dict(body)))
    return await _answer(work, case, response)


async def _answer(work: WorkDep, case: Case, response: Response) -> CaseWithTasks:
    detail = await answer(work.session, case, response)
    return CaseWithTasks(**dict(detail), tasks=await _list(work, case))


async def _list(work: WorkDep, case: Case) -> TaskList:
    kept = await queries.of_case(work.session, case.case_id)
    happened, _ = await lists.part_of(work.session, case.case_id)
    titles = tasks_yaml.titles()
    tasks = domain.listed(case, happened, tasks_yaml.templates(), kept.tasks)
    items = [TaskItem.model_validate(vars_of(one) | {"title": one.title or titles[one.code]}) for one in tasks]
    support = SupportItem.model_validate(kept.support) if kept.support else None
    threat = [ThreatItem.model_validate(one) for one in kept.threat]
    return TaskList(items=items, support=support, threat=threat, threat_open=case.threat_open)


def _waiting(one: queries.Listed) -> WaitingItem:
    title = one.title or tasks_yaml.titles().get(one.task.code)
    case = {"reference": one.reference, "version": one.version}
    return WaitingItem.model_validate(vars_of(one.task) | case | {"title": title})


def vars_of(task: domain.Task) -> dict[str, object]:
    """Return a task's fields by name."""
    return {name: getattr(task, name) for name in domain.Task.__slots__}
