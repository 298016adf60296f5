"""GET /report/api/v1/reports/{reference}."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Header, Path, Request
from pydantic import BaseModel

from services.intake.reports.dependencies import Sender
from services.intake.tracking.access import ReportNotFound
from services.intake.tracking.dependencies import AccessDep, client_of
from services.intake.tracking.domain import Status, team_name
from services.intake.tracking.queries import status_of
from shared.web.dependencies import Now, Transaction

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
        )


@router.get("/reports/{reference}", response_model_exclude_none=True)
async def get_report(
    request: Request,
    reference: Annotated[str, Path(max_length=40)],
    principal: Sender,
    session: Transaction,
    access: AccessDep,
    now: Now,
    receipt_code: Annotated[str | None, Header(alias="Receipt-Code", max_length=100)] = None,
) -> StatusBody:
    """Follow a report: with its reporter's token, or with its receipt code in the header `Receipt-Code`."""
    if receipt_code is not None:
        report = await access.with_receipt(session, reference, receipt_code, client_of(request))
    elif principal is not None:
        report = await access.as_reporter(session, reference, principal.subject)
    else:
        raise ReportNotFound
    return StatusBody.of(await status_of(session, report, now))
