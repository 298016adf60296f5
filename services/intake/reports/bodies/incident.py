"""The body of a referral of a security incident."""

from pydantic import Field, TypeAdapter

from services.intake.reports.bodies import PersonBody, command
from services.intake.reports.bodies.occurrence import OccurrenceBody
from services.intake.reports.incident import IncidentReport
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.events.vocabulary import AssetOwner, Behaviour, Channel, Circumstance, Effect, YesNoUnsure
from shared.web.bodies import Body, Bool, Int, Moment

_READER = TypeAdapter(IncidentReport)


class AccountBody(Body):
    """The social media account that the incident involves."""

    platform: str = Field(min_length=1)
    handle: str | None = None
    taken_over: YesNoUnsure = YesNoUnsure.UNSURE


class SecurityIncidentBody(OccurrenceBody):
    """A security incident, actual or suspected. A supplier's token makes it the suppliers' channel."""

    effects: tuple[Effect, ...]
    circumstances: tuple[Circumstance, ...]
    asset_owner: AssetOwner
    asset_note: str | None = None
    discovered_at: Moment
    still_happening: YesNoUnsure = YesNoUnsure.UNSURE
    personal_data: YesNoUnsure = YesNoUnsure.UNSURE
    people_affected: Int | None = None
    own_mistake: Bool = False
    account: AccountBody | None = None
    platform: str | None = None
    behaviours: tuple[Behaviour, ...] = Field(
        default=(), description="Where somebody is being abused: the abuse team then has it."
    )
    suspected: tuple[PersonBody, ...] = ()

    def to_command(self, principal: Principal | None) -> IncidentReport:
        supplier = principal is not None and principal.may(Permission.REPORT_AS_SUPPLIER)
        return command(
            _READER,
            self,
            principal,
            manager_alert=self.told(principal),
            channel=Channel.SUPPLIER if supplier else Channel.STAFF,
        )
