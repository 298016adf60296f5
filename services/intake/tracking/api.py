"""/report/api/v1/reports/{reference}: where a report is, what is added to it, and that it is withdrawn."""

from dataclasses import replace
from datetime import datetime
from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.intake.reports.handlers import add_text, withdraw
from services.intake.tracking.dependencies import ByClient
from services.intake.tracking.domain import Status
from services.intake.tracking.queries import status_of
from services.intake.tracking.telling import team_name
from shared.web.bodies import Body
from shared.web.dependencies import Now, OutboxDep, Transaction

router = APIRouter(prefix="/report/api/v1", tags=["tracking"])


class StepBody(BaseModel):
    """One step of a report."""

    step: str
    text: str
    reached: bool
    at: datetime | None = None


class ManagerBody(BaseModel):
    """Whether a manager was told."""

    state: str
    text: str
    at: datetime | None = None


class UpdateBody(BaseModel):
    """What the team wrote to the reporter."""

    at: datetime
    text: str


class AddedBody(BaseModel):
    """What the reporter added."""

    at: datetime
    kind: str
    text: str | None = None


class StatusBody(BaseModel):
    """Where a report is, in plain words."""

    report_id: UUID
    reference: str
    submitted_at: datetime
    status: str
    status_text: str
    team: str | None = None
    team_name: str | None = None
    steps: list[StepBody]
    manager: ManagerBody
    slow: bool
    """Reaching a team takes longer than usual. The report is kept."""
    updates: list[UpdateBody]
    """What the team shared, newest first."""
    outcomes: list[str] = []
    """How it ended, where you may learn it."""
    additions: list[AddedBody] = []
    """What you added, oldest first."""
    withdrawn_at: datetime | None = None

    @classmethod
    def of(cls, status: Status) -> Self:
        now_at = [step for step in status.steps if step.reached][-1]
        return cls(
            report_id=status.report_id,
            reference=status.reference,
            submitted_at=status.submitted_at,
            status=now_at.name,
            status_text=now_at.text,
            team=status.team,
            team_name=team_name(status.team) if status.team else None,
            steps=[StepBody(step=s.name, text=s.text, reached=s.reached, at=s.at) for s in status.steps],
            manager=ManagerBody(state=status.manager, text=status.manager_text, at=status.manager_at),
            slow=status.slow,
            updates=[UpdateBody(at=update.at, text=update.text) for update in status.updates],
            outcomes=list(status.outcomes),
            additions=[AddedBody(at=added.at, kind=added.kind, text=added.text) for added in status.additions],
            withdrawn_at=status.withdrawn_at,
        )


@router.get("/reports/{reference}", response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def get_report(report: ByClient, session: Transaction, now: Now) -> StatusBody:
    """Follow a report: with its reporter's token, or with its receipt code in the header `Receipt-Code`."""
    return StatusBody.of(await status_of(session, report, now))


class AdditionBody(Body):
    """What you add to a report, or answer to the team's question."""

    text: str


@router.post("/reports/{reference}/additions", status_code=201, response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def post_addition(
    body: AdditionBody, report: ByClient, session: Transaction, now: Now, outbox: OutboxDep
) -> StatusBody:
    """Add to a report. Where the team has asked you something, this is the answer."""
    asked = (await status_of(session, report, now)).asked
    await add_text(session, report.report_id, body.text, now, outbox, answers_question=asked)
    return StatusBody.of(await status_of(session, report, now))


@router.post("/reports/{reference}/withdrawal", response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def post_withdrawal(report: ByClient, session: Transaction, now: Now, outbox: OutboxDep) -> StatusBody:
    """Withdraw a report: nothing more should be done. The team decides; the report stays."""
    since = await withdraw(session, report.report_id, now, outbox)
    return StatusBody.of(await status_of(session, replace(report, withdrawn_at=since), now))
