"""/report/api/v1/reports/{reference}: where a report is, and that it is withdrawn."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.intake.reports.access import ByClient, ReportNotFound, TooManyAttempts
from services.intake.reports.handlers import withdraw
from services.intake.tracking.domain import Status
from services.intake.tracking.queries import status_of
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


class ReviewBody(BaseModel):
    """What became of your wish that the outcome is looked at again."""

    state: str
    """`waiting`, `upheld`, `changed`, `reopened`; of misuse `looked_at` instead of the result."""
    text: str
    asked_at: datetime
    at: datetime | None = None


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
    review: ReviewBody | None = None
    may_ask_for_review: bool = False
    """The outcome may be looked at again, once: `POST …/review`."""


@router.get("/reports/{reference}", response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def get_report(report: ByClient, session: Transaction, now: Now) -> StatusBody:
    """Follow a report: with its reporter's token, or with its receipt code in the header `Receipt-Code`."""
    return body_of(await status_of(session, report, now))


@router.post("/reports/{reference}/withdrawal", response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def post_withdrawal(report: ByClient, session: Transaction, now: Now, outbox: OutboxDep) -> StatusBody:
    """Withdraw a report: nothing more should be done. The team decides; the report stays."""
    since = await withdraw(session, report.report_id, now, outbox)
    return body_of(await status_of(session, replace(report, withdrawn_at=since), now))


def body_of(status: Status) -> StatusBody:
    """Return `status` as the API shows it."""
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
