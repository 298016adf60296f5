"""Settings of triage."""

import re
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.triage.campaigns.domain import PERSONAL_LINKS
from services.triage.deadlines.domain import REVIEW_DAYS
from services.triage.takedowns.domain import Protocol
from services.triage.takedowns.protocols import Contact
from shared.addresses import link_problem
from shared.events.vocabulary import Team
from shared.settings import CommaSeparated, Duration, ServiceSettings, Times

_ALL = 100
_SHARE = re.compile(r"(?P<team>[a-z_]+)\s*=\s*(?P<share>\d{1,3})", re.ASCII)
_HOURS = re.compile(r"(?P<team>[a-z_]+)\s*=\s*(?P<opens>\d\d:\d\d)\s*-\s*(?P<closes>\d\d:\d\d)(?P<daily>\s+daily)?")


def _hours(entry: str) -> tuple[Team, tuple[time, time, bool]]:
    read = _HOURS.fullmatch(entry)
    if read is None:
        message = "write team=HH:MM-HH:MM, and daily after it for every day"
        raise ValueError(message)
    opens, closes = time.fromisoformat(read["opens"]), time.fromisoformat(read["closes"])
    if opens >= closes:
        message = "a team's hours must begin before they end"
        raise ValueError(message)
    return Team(read["team"]), (opens, closes, bool(read["daily"]))


def _share(entry: str) -> tuple[str, int]:
    read = _SHARE.fullmatch(entry)
    if read is None or int(read["share"]) > _ALL:
        message = "write team=number, with a number from 0 to 100"
        raise ValueError(message)
    return Team(read["team"]), int(read["share"])


class TriageSettings(ServiceSettings):
    """Settings of triage, besides the common ones."""

    triage_database_url: str
    """`postgresql+asyncpg://…` of triage's own database."""
    triage_rulebook_file: Path | None = None
    """A rule book to use instead of Signpost's own; check it first with `signpost rules check`. Triage loads a changed
    file while it runs; it refuses a file with a mistake and keeps the book in use."""
    triage_teams_24_7: CommaSeparated = (Team.SIRT.value,)
    """Teams that are staffed day and night: for them P1 and P2 clocks also run outside office hours."""
    triage_team_hours: CommaSeparated = ()
    """Hours of individual teams instead of the office hours: `smart=07:00-22:00 daily,advice_centre=08:00-18:00`;
    `daily` means weekends and bank holidays too."""
    triage_incident_grace: Duration = timedelta(hours=24)
    """How long after discovery the report of a security incident counts as late; only SIRT's leads see that."""
    triage_review_days: Annotated[int, Field(ge=1, le=60)] = REVIEW_DAYS
    """Working days in which an outcome is looked at again after its reporter asked for that."""
    triage_second_reviews: CommaSeparated = ("smart=5", "sirt=5")
    """How many in a hundred outcomes of a team another person decides too, without knowing the first decision:
    `smart=5,sirt=5`. Every P1 in which no violation was found is decided twice, whatever is set here."""
    triage_personal_links: Duration = PERSONAL_LINKS
    """How long cases stay linked by an account that is not the department's: it may be a private person's, who may have
    nothing to do with what is reported next."""
    triage_shift_changes: Times = (time(8), time(16))
    """When shifts change, in UK local time: leads are emailed what there is to hand over. Empty for
    no emails."""
    triage_office_opens: time = time(9)
    """When office hours begin, in UK local time, on working days of England and Wales."""
    triage_office_closes: time = time(17)
    """When they end."""

    triage_takedown_contact: str | None = None
    """Who asks platforms to remove content, as `Organisation <address@example.org>`: XARF forms name it. Without it,
    none are made."""
    triage_takedown_endpoints: CommaSeparated = ()
    """Where machine forms about take-downs are sent, `at_protocol=URL,activitypub=URL,xarf=URL`: an account's own
    server, the outbox of an actor, a receiver of XARF. A form without an endpoint is made, and sent by hand."""
    triage_takedown_actor: str | None = Field(None, validate_default=True)
    """The address of the actor whose outbox the endpoint `activitypub` is: a report names it, and a server of the
    Fediverse drops one that another actor signed. Needed with that endpoint."""
    triage_takedown_tokens: Annotated[SecretStr, Field(repr=False)] = SecretStr("")
    """The bearer token of each endpoint, `at_protocol=TOKEN,xarf=TOKEN`."""

    @field_validator("triage_takedown_contact")
    @classmethod
    def _is_contact(cls, contact: str | None) -> str | None:
        if contact is not None:
            Contact.parse(contact)
        return contact

    @field_validator("triage_takedown_endpoints")
    @classmethod
    def _are_endpoints(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            name, _, url = entry.partition("=")
            protocol = Protocol(name)
            if link_problem(url):
                message = f"give {protocol} an address like https://example.org/"
                raise ValueError(message)
        return entries

    @field_validator("triage_takedown_actor")
    @classmethod
    def _is_actor(cls, actor: str | None, info: ValidationInfo) -> str | None:
        sends = any(
            entry.startswith(f"{Protocol.ACTIVITYPUB}=") for entry in info.data.get("triage_takedown_endpoints", ())
        )
        if (actor or sends) and link_problem(actor or ""):
            message = "give the actor whose outbox the endpoint is an address like https://example.org/users/reports"
            raise ValueError(message)
        return actor

    @property
    def takedown_endpoints(self) -> Mapping[Protocol, str]:
        """Where each kind of machine form is sent."""
        addresses = dict(entry.split("=", 1) for entry in self.triage_takedown_endpoints)
        return {Protocol(name): value for name, value in addresses.items()}

    @property
    def takedown_tokens(self) -> Mapping[Protocol, str]:
        """The tokens of the endpoints."""
        tokens = self.triage_takedown_tokens.get_secret_value().split(",")
        known = dict(token.strip().split("=", 1) for token in tokens if "=" in token)
        return {Protocol(name): value for name, value in known.items()}

    @field_validator("triage_teams_24_7")
    @classmethod
    def _are_teams(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(Team(name).value for name in names)

    @field_validator("triage_team_hours")
    @classmethod
    def _are_hours(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            _hours(entry)
        return entries

    @field_validator("triage_second_reviews")
    @classmethod
    def _are_shares(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            _share(entry)
        return entries

    @property
    def second_reviews(self) -> Mapping[str, int]:
        """How many in a hundred outcomes of each team are decided twice."""
        return dict(map(_share, self.triage_second_reviews))

    @property
    def team_hours(self) -> Mapping[Team, tuple[time, time, bool]]:
        """For each team in `triage_team_hours`: opening and closing time, and whether it works every day."""
        return dict(map(_hours, self.triage_team_hours))

    @property
    def staffed_24_7(self) -> frozenset[Team]:
        """The teams in `triage_teams_24_7`."""
        return frozenset(Team(name) for name in self.triage_teams_24_7)
