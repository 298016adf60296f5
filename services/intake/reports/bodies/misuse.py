"""The body of a report of misuse."""

from pydantic import Field, TypeAdapter

from services.intake.reports.bodies import command
from services.intake.reports.bodies.occurrence import OccurrenceBody
from services.intake.reports.misuse import MisuseReport, canonical
from shared.auth.principal import Principal
from shared.events.vocabulary import AccountKind, Behaviour, Device, MisuseBehaviour, YesNoUnsure
from shared.web.bodies import Body

_READER = TypeAdapter(MisuseReport)


class SubjectBody(Body):
    """Who it is about, as far as you know."""

    name: str | None = None
    staff_id: str | None = None
    handle: str | None = None


class MisuseReportBody(OccurrenceBody):
    """A report that somebody misuses social media."""

    subject: SubjectBody = SubjectBody()
    platform: str = Field(description="A known platform, or `other` with `platform_name`.", examples=["facebook"])
    behaviours: tuple[MisuseBehaviour, ...]
    abuse_behaviours: tuple[Behaviour, ...] = Field(
        default=(), description="Where somebody is being abused: the abuse team then has it."
    )
    union_activity: YesNoUnsure = Field(
        default=YesNoUnsure.UNSURE,
        description="Whether it may be union activity in own time; never whether anybody is a member.",
    )
    account_kind: AccountKind = AccountKind.UNSURE
    device: Device = Device.UNSURE
    own_time: YesNoUnsure = YesNoUnsure.UNSURE
    dwp_information: YesNoUnsure = YesNoUnsure.NO
    taken_over: YesNoUnsure | None = Field(
        default=None, description="Whether somebody else controls an official account: that is a security incident."
    )
    related_reference: str | None = Field(default=None, description="The incident that was not reported.")

    def to_command(self, principal: Principal | None) -> MisuseReport:
        related = self.related_reference or None
        return command(
            _READER,
            self,
            principal,
            manager_alert=self.told(principal),
            related_reference=(canonical(related) or related) if related else None,
        )
