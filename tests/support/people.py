"""Names of people as notifier's directory announces them."""

from datetime import datetime

from shared.db.database import Database
from shared.events.envelope import Envelope
from shared.events.notifier import ListedPerson, StaffListed
from shared.people import project_people


def listing(at: datetime, **names: str) -> Envelope[StaffListed]:
    """Return the event of an import at this time; names by staff id."""
    people = tuple(ListedPerson(staff_id=staff_id, name=name) for staff_id, name in names.items())
    return Envelope("1", "/signpost/notifier", "1", 1, at, StaffListed(at=at, people=people))


async def announce(database: Database, at: datetime, **names: str) -> None:
    """Let a service know these people."""
    async with database.transaction() as session:
        await project_people(session, [listing(at, **names)], at)
