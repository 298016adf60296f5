"""The body of a report of abuse."""

from pydantic import Field, TypeAdapter

from services.intake.reports.abuse import AbuseReport
from services.intake.reports.bodies import PersonBody, command
from services.intake.reports.bodies.occurrence import OccurrenceBody
from shared.auth.principal import Principal
from shared.events.vocabulary import AlsoAffects, Behaviour, ContentKind

_READER = TypeAdapter(AbuseReport)


class AbuseReportBody(OccurrenceBody):
    """A report of social media abuse. Without a bearer token it is anonymous."""

    platform: str = Field(description="A known platform, or `other` with `platform_name`.", examples=["x"])
    content_kind: ContentKind | None = None
    behaviours: tuple[Behaviour, ...]
    affected: tuple[PersonBody, ...]
    suspected: tuple[PersonBody, ...] = ()
    also_affects: tuple[AlsoAffects, ...] = ()

    def to_command(self, principal: Principal | None) -> AbuseReport:
        return command(_READER, self, principal, manager_alert=self.told(principal))
