"""How a command finds a service's database, and opens one transaction in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from services.cli.settings import settings_of
from services.intake.settings import IntakeSettings
from services.notifier.settings import NotifierSettings
from services.registry.settings import RegistrySettings
from services.triage.settings import TriageSettings
from shared.db.database import Database


def database_url(service: str) -> str:
    """Return the URL of the database of `service`.

    Raises:
        InvalidSettings: no Signpost runs here, and the environment does not name the database.
    """
    match service:
        case "intake":
            return settings_of(IntakeSettings).intake_database_url
        case "triage":
            return settings_of(TriageSettings).triage_database_url
        case "registry":
            return settings_of(RegistrySettings).registry_database_url
        case _:
            return settings_of(NotifierSettings).notifier_database_url


@asynccontextmanager
async def opened(service: str) -> AsyncIterator[Database]:
    """Open the database of `service`."""
    database = Database(database_url(service), application_name="signpost-command", pool_size=1)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def transaction(service: str) -> AsyncIterator[AsyncSession]:
    """Open the database of `service` for one transaction, committed on exit."""
    async with opened(service) as database, database.transaction() as session:
        yield session
