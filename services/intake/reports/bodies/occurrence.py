"""What reports of something that happened say alike."""

from pydantic import Field

from services.intake.reports.bodies import PersonBody, ReportBody, Texts
from services.intake.reports.domain import default_manager_alert
from shared.auth.principal import Principal
from shared.events.vocabulary import ContentState, FoundBy, ManagerAlert
from shared.web.bodies import Moment


class OccurrenceBody(ReportBody):
    """Where and when it happened, to whom, and who is told."""

    platform_name: str | None = None
    content_state: ContentState | None = None
    urls: Texts = ()
    handles: Texts = ()
    affected: tuple[PersonBody, ...] = ()
    occurred_at: Moment | None = None
    evidence_note: str | None = None
    found_by: FoundBy = FoundBy.PERSON
    manager_alert: ManagerAlert | None = Field(
        default=None, description="`yes` unless the report is confidential, anonymous or found by monitoring."
    )
    manager_email: str | None = None

    def told(self, principal: Principal | None) -> ManagerAlert:
        """Say whether the manager is told."""
        return self.manager_alert or default_manager_alert(self.reporter(principal), self.found_by)
