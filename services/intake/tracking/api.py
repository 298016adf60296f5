"""/report/api/v1/reports/{reference}: where a report is, what is added to it, and that it is withdrawn."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.intake.reports.access import ByClient, ReportNotFound, TooManyAttempts
from services.intake.reports.bodies import Narrative
from services.intake.reports.handlers import add_text, withdraw
from services.intake.tracking.domain import Status
from services.intake.tracking.queries import status_of
from shared.web.bodies import Body
from shared.web.dependencies import Now, OutboxDep, Transaction
from shared.web.refusals import Refusal, Refusals, reading

router = APIRouter(prefix="/report/api/v1", tags=["tracking"])


class StepBody(BaseModel):
    """One step of a report."""

    step: str = Field(validation_alias="name")
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


@router.get("/reports/{reference}", response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def get_report(report: ByClient, session: Transaction, now: Now) -> StatusBody:
    """Follow a report: with its reporter's token, or with its receipt code in the header `Receipt-Code`."""
    return _body(await status_of(session, report, now))


class AdditionBody(Body):
    """What you add to a report, or answer to the team's question."""

    text: Narrative


@router.post("/reports/{reference}/additions", status_code=201, response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def post_addition(
    body: AdditionBody, report: ByClient, session: Transaction, now: Now, outbox: OutboxDep
) -> StatusBody:
    """Add to a report. Where the team has asked you something, this is the answer."""
    asked = (await status_of(session, report, now)).asked
    await add_text(session, report.report_id, body.text, now, outbox, answers_question=asked)
    return _body(await status_of(session, report, now))


@router.post("/reports/{reference}/withdrawal", response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def post_withdrawal(report: ByClient, session: Transaction, now: Now, outbox: OutboxDep) -> StatusBody:
    """Withdraw a report: nothing more should be done. The team decides; the report stays."""
    since = await withdraw(session, report.report_id, now, outbox)
    return _body(await status_of(session, replace(report, withdrawn_at=since), now))


def _body(status: Status) -> StatusBody:
    return StatusBody.model_validate(status, from_attributes=True)


def _retry_after(error: TooManyAttempts) -> Mapping[str, str]:
    return {"retry-after": str(error.wait)}


REFUSALS: Refusals = {
    ReportNotFound: Refusal(
        404, "report-not-found", "No report to show", "Check the reference. Only its reporter can see a report here."
    ),
    TooManyAttempts: Refusal(
        429,
        "too-many-attempts",
        "Too many wrong codes",
        "Wait a minute, then try again.",
        headers=reading(TooManyAttempts, _retry_after),
    ),
}
