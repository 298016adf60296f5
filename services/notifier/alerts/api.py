"""GET /alerts/api/v1/alerts: who was alerted about a report, and what happened to each alert."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from services.notifier.alerts.queries import alerts_seen_by
from services.notifier.directory.signed_in import AsListed
from shared.ids import ReportId
from shared.web.dependencies import Transaction

router = APIRouter(prefix="/alerts/api/v1", tags=["alerts"])


class HappeningBody(BaseModel):
    """One line of an alert's history."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    what: str


class AlertBody(BaseModel):
    """An alert without its recipient's name or address: `reason` says how they relate to the report."""

    model_config = ConfigDict(from_attributes=True)

    alert_id: UUID
    report_id: UUID | None
    purpose: str
    reference: str
    channel: str
    reason: str
    urgency: str
    state: str
    answer: str | None
    answered_at: datetime | None
    passed_on: bool
    created_at: datetime
    history: list[HappeningBody]


class AlertsBody(BaseModel):
    """The alerts about a report that the caller may see, oldest first."""

    items: list[AlertBody]


@router.get("/alerts")
async def list_alerts(report_id: UUID, principal: AsListed, session: Transaction) -> AlertsBody:
    """Return to responders the alerts about cases that their team has; to a recipient, their own; to others, none."""
    alerts = await alerts_seen_by(session, principal, ReportId(report_id))
    return AlertsBody(items=[AlertBody.model_validate(alert) for alert in alerts])
