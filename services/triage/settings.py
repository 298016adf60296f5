"""Settings of triage."""

from datetime import time
from pathlib import Path

from pydantic import field_validator

from shared.events.vocabulary import Team
from shared.settings import CommaSeparated, ServiceSettings


class TriageSettings(ServiceSettings):
    """What triage needs beside the common settings."""

    triage_database_url: str
    """`postgresql+asyncpg://…` of triage's own database."""
    triage_rulebook_file: Path | None = None
    """Another rule book than the one Signpost comes with; check it first with `signpost rules check`."""
    triage_teams_24_7: CommaSeparated = (Team.SIRT.value,)
    """Teams that are staffed day and night: for them P1 and P2 clocks also run outside office hours."""
    triage_office_opens: time = time(9)
    """When office hours begin, in UK local time, on working days of England and Wales."""
    triage_office_closes: time = time(17)
    """When they end."""

    @field_validator("triage_teams_24_7")
    @classmethod
    def _are_teams(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(Team(name).value for name in names)

    @property
    def staffed_24_7(self) -> frozenset[Team]:
        """The teams of `triage_teams_24_7`."""
        return frozenset(Team(name) for name in self.triage_teams_24_7)
