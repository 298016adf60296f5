"""The cases that the benchmarks make: the product finds in them what the figures say that it looks for."""

from dataclasses import replace
from urllib.parse import parse_qsl

from sqlalchemy import select, text

from benchmarks.case_rows import ABSENT, COMMON, KEEPER, PHRASE, RARE, make
from benchmarks.cases import LOOKS
from services.triage.campaigns import queries as campaigns
from services.triage.campaigns.domain import CampaignState
from services.triage.queue.domain import MOST_VIEWS, QueueFilter, QueueView
from services.triage.queue.queries import saved_views
from services.triage.search import domain, queries
from services.triage.search.domain import Sought
from services.triage.search.tables import CaseDocument
from shared.db.database import Database
from shared.events.vocabulary import Team
from tests.services.triage.builders import viewer
from tests.support.postgres import PostgresForTests

SIZE = 2_500
LEAD = viewer(Team.SMART, Team.SIRT, Team.LINE_MANAGER, Team.ADVICE_CENTRE, lead=True)


async def test_what_is_common_rare_and_absent_is_so(postgres: PostgresForTests) -> None:
    async with postgres.fresh("triage") as url:
        await make(url, SIZE)
        database = Database(url, application_name="tests")
        async with database.transaction() as session:
            for words, count in ((COMMON, SIZE // 3), (f'"{PHRASE}"', SIZE // 10), (RARE, 5), (ABSENT, 0)):
                found = (await queries.page(session, LEAD, Sought.read(words))).total
                assert count - 9 <= found <= count, words  # a few cases are kept from every person
            document = text("select tsvector_to_array(words) from case_document where number = 2100")
            words_of = await session.scalar(document)
            assert set(domain.windows_of(2_100)) <= set(words_of)
            assert await session.scalar(select(CaseDocument.number).order_by(CaseDocument.number.desc())) == SIZE
            [largest, *_], _ = await campaigns.listed(session, LEAD, list(CampaignState), None, 5)
            assert largest.size > 990
            kept = await saved_views(session, replace(LEAD, subject=KEEPER))
            quarters = {(one.wanted.since, one.wanted.until) for one in kept if one.wanted.since and one.wanted.until}
            assert len(kept) == len(quarters) == MOST_VIEWS, "each is counted by a walk of its own"
        await database.close()


def test_every_view_of_the_queue_is_looked_at() -> None:
    pages = [
        dict(parse_qsl(query)) for page, _, query in (one.partition("?") for one in LOOKS.values()) if page == "/cases"
    ]
    assert {QueueFilter.read(query).view for query in pages if "q" not in query} == set(QueueView)
