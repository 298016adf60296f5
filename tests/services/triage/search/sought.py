"""Lets the sweep make documents, and searches as a page does."""

from services.triage.cases.access import Viewer
from services.triage.search import handlers, queries
from services.triage.search.domain import Sought
from services.triage.search.queries import Hit
from shared.db.database import Database
from tests.services.triage.builders import NOW

LONG = (
    "они угрожают моей семье каждый день после работы и публикуют наши фотографии с адресом дома на странице группы "
    "где сотни людей пишут оскорбления и зовут других прийти к нам поздно вечером чтобы напугать детей"
)
"""A phrase that has more than 1,000 characters in an address."""
LONG_BEGINS = LONG.removesuffix(" чтобы напугать детей")


async def swept(database: Database) -> None:
    while True:
        async with database.transaction() as session:
            if not await handlers.update_documents(session, NOW):
                return


async def search(database: Database, typed: str, who: Viewer) -> list[Hit]:
    async with database.transaction() as session:
        return (await queries.page(session, who, Sought.read(typed))).hits
