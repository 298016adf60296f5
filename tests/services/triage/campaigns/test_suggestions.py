"""Cases that share something are suggested as a campaign, with the reasons that their viewer may know."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from itertools import count
from types import ModuleType

import pytest
from sqlalchemy import select, text, true

from services.triage import app
from services.triage.bulk import handlers as bulk
from services.triage.bulk import queries as bulk_queries
from services.triage.bulk.domain import Action
from services.triage.bulk.refusals import NAMES
from services.triage.campaigns import domain, handlers, queries
from services.triage.campaigns.domain import MOST_SHARERS, PERSONAL_LINKS, CampaignState, Key, KeyKind
from services.triage.campaigns.queries import Campaign, Counted
from services.triage.campaigns.suggestions import forget, suggest
from services.triage.campaigns.tables import CampaignMember, CampaignRow, CaseKey, DismissedKey
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.handlers import Work
from services.triage.cases.tables import CaseRow
from services.triage.search import handlers as search_handlers
from shared.db.database import Database
from shared.events.intake import AbuseReportSubmitted, Person, Reporter
from shared.events.people import keys_of_member
from shared.events.vocabulary import Confidentiality, Relation, Team
from tests.services.triage.builders import IDS, NOW, WRITER, Submitted, misuse, open_cases, report, viewer
from tests.services.triage.evidence.pieces import announce, piece
from tests.services.triage.plans import plans_of
from tests.services.triage.search.sought import swept as search_swept

SERVICE = "triage"
SAM = viewer(Team.SMART)
POST = "https://x.com/some_account/status/17"
STORY = (
    "They post under each of our pictures that we lie to customers and that people should come and film us at the door"
)
_numbers = count(100)
ANYONE = Reporter(confidentiality=Confidentiality.ANONYMOUS)


def reporter(number: int) -> Reporter:
    return Reporter(confidentiality=Confidentiality.NAMED, staff_id=f"S9{number:03}", name=None, email=None)


def told(**changes: object) -> AbuseReportSubmitted:
    """Return a report of a reporter of its own, because many reports about one person are a burst."""
    return report(**{"reporter": reporter(next(_numbers)), **changes})


async def swept(database: Database, personal_links: timedelta = PERSONAL_LINKS) -> None:
    async with database.transaction() as session:
        while await suggest(session, NOW, ids=IDS, personal_links=personal_links):
            pass


async def seen(database: Database, who: Viewer = SAM, *states: CampaignState) -> list[Campaign]:
    async with database.transaction() as session:
        found, _ = await queries.listed(session, who, states or tuple(CampaignState), None, 20)
    return found


async def suggested(database: Database, *reports: Submitted, who: Viewer = SAM) -> list[Campaign]:
    """Open the cases of reports and let the sweep look at them; return what is suggested."""
    await open_cases(database, *reports)
    await swept(database)
    return await seen(database, who)


async def keys(database: Database) -> Collection[tuple[str, str]]:
    async with database.transaction() as session:
        return {(kind, key) for kind, key in await session.execute(select(CaseKey.kind, CaseKey.key))}


async def test_reports_of_one_post_are_suggested_with_the_reason_and_the_number_of_reporters(
    database: Database,
) -> None:
    first = told(urls=(POST,), reporter=reporter(1), submitted_at=NOW - timedelta(minutes=70))
    other = report(urls=("https://twitter.com/Some_Account/status/17?s=20",), reporter=reporter(2))
    [one] = await suggested(database, first, report(), other)
    assert (one.state, one.size, one.waiting) == (CampaignState.SUGGESTED, 2, 2)
    assert one.reasons == ("same link", "same account", "2 reports in 2 h by 2 reporters")
    [again] = await suggested(database, told(urls=(POST,), reporter=ANYONE), told(urls=(POST,), reporter=reporter(2)))
    assert (again.campaign_id, again.size) == (one.campaign_id, 4)
    assert again.reasons[-1] == "4 reports in 2 h by 2 reporters, 1 anonymous"


async def test_a_burst_is_one_campaign_however_many_come_in_one_batch(database: Database) -> None:
    for number in (1, 2):
        at, batch = NOW - timedelta(minutes=30 // number), MOST_SHARERS + 10
        [one] = await suggested(database, *(told(urls=(POST,), submitted_at=at) for _ in range(batch)))
        assert one.size == number * batch


async def test_each_reason_suggests_by_itself(database: Database) -> None:
    sent = [told(), told()]
    by_reason = {
        "nearly the same text": [told(narrative=f"{STORY}. {n}") for n in ("Please help", "Thank you")],
        "same account": [told(handles=("@some_one",)), told(handles=("https://x.com/Some_One",))],
        "same file": sent,
        "5 reports in 1 h about one person": [
            report(affected=(Person(relation=Relation.COLLEAGUE, name="Grace Okafor"),), reporter=reporter(n))
            for n in range(5)
        ],
    }
    await open_cases(database, *(one for some in by_reason.values() for one in some))
    for one in sent:
        await announce(database, piece(one, sha256_sent="c" * 64))
    await swept(database)
    found = await seen(database)
    assert {one.reasons[0] for one in found} == by_reason.keys()
    assert sorted(one.size for one in found) == [2, 2, 2, 5]


async def test_a_very_long_link_stops_no_suggestion_and_is_one_itself(database: Database) -> None:
    rng = random.Random(7)
    long = "https://example.com/" + "".join(chr(rng.randint(0x4E00, 0x9FFF)) for _ in range(2_020))
    found = await suggested(database, told(urls=(long,)), told(urls=(POST,)), told(urls=(POST,)), told(urls=(long,)))
    assert [(one.size, one.reasons[0]) for one in found] == [(2, "same link")] * 2


async def test_a_case_that_cannot_be_compared_stops_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = domain.text_keys

    def broken(story: str) -> tuple[str, ...]:
        if "cannot" in story:
            raise RuntimeError
        return real(story)

    monkeypatch.setattr(domain, "text_keys", broken)
    [one] = await suggested(database, told(urls=(POST,)), told(urls=(POST,), narrative="cannot"), told(urls=(POST,)))
    assert one.size == 2
    await open_cases(database, told(narrative="cannot"), told(narrative="cannot"))
    with pytest.raises(RuntimeError):
        await swept(database)


async def test_cases_of_one_report_are_no_campaign(database: Database) -> None:
    both = viewer(Team.SMART, Team.SIRT)
    assert await suggested(database, told(urls=(POST,), also_affects=("dwp_information",)), who=both) == []


async def test_what_may_be_trade_union_activity_is_compared_with_nothing(database: Database) -> None:
    desk = viewer(Team.TRIAGE_DESK, lead=True)
    told = [misuse(urls=(POST,), union_activity=answer) for answer in ("yes", "unsure")]
    assert await suggested(database, *told, who=desk) == []
    assert await keys(database) == set()


AISHA = replace(
    viewer(Team.SMART, Team.TRIAGE_DESK, Team.LINE_MANAGER, subject="S4002", lead=True),
    name="Aisha Khan",
    keys=keys_of_member(staff_id="S4002", name="Aisha Khan", email=None),
)


async def test_who_sees_one_of_two_cases_does_not_learn_that_there_is_another(database: Database) -> None:
    [whole] = await suggested(database, told(urls=(POST,)), misuse(urls=(POST,)), who=AISHA)
    assert whole.size == 2
    assert await seen(database) == []
    [part] = await suggested(database, told(urls=(POST,)))
    assert (part.campaign_id, part.size) == (whole.campaign_id, 2)


async def test_who_is_kept_from_one_of_its_cases_does_not_learn_of_a_campaign(database: Database) -> None:
    suspects = (Person(relation=Relation.COLLEAGUE, name="Sam Reid"),)
    about_sam = told(urls=(POST,), suspected=suspects)
    [whole] = await suggested(database, told(urls=(POST,)), told(urls=(POST,)), about_sam, who=AISHA)
    assert whole.size == 3
    assert await seen(database) == []


async def test_links_by_personal_accounts_end_and_so_does_a_suggestion_without_another_reason(
    database: Database,
) -> None:
    by_account = [told(handles=("@some_one",)), told(handles=("@some_one",))]
    by_link = [told(urls=(POST,)), told(urls=(POST,))]
    assert len(await suggested(database, *by_account, *by_link)) == 2
    async with database.transaction() as session:
        later = NOW + PERSONAL_LINKS
        while await forget(session, later):
            pass
    [left] = await seen(database)
    assert left.reasons[:-1] == ("same link",)
    assert not {kind for kind, _ in await keys(database)} & {"account", "text"}
    await swept(database)
    assert {kind for kind, _ in await keys(database)} == {"link", "person"}


@pytest.mark.parametrize(
    ("link", "kinds"),
    [
        ("https://x.com/jane31267", {"account"}),
        ("https://www.facebook.com/profile.php?id=1000123&fbclid=1", {"account"}),
        ("https://www.facebook.com/permalink.php?story_fbid=1&id=1000123", {"account", "link"}),
        ("https://jane.bsky.social", {"account"}),
        (POST, {"account", "link"}),
    ],
)
async def test_an_address_that_is_just_a_profile_ends_with_its_account(
    database: Database, link: str, kinds: set[str]
) -> None:
    await suggested(database, told(urls=(link,)), told(urls=(link,)))
    assert {kind for kind, _ in await keys(database)} - {"person", "text"} == kinds


async def test_links_to_profiles_of_before_end_as_cases_with_links_are_compared_once_more(database: Database) -> None:
    again = import_module("services.triage.migrations.versions.0045_no_links_to_profiles")._AGAIN
    old = "update case_key set key = 'x.com/some_account' where kind = 'link'"
    await suggested(database, told(urls=(POST,)), told(urls=(POST,)))
    async with database.transaction() as session:
        await session.execute(text(old))
        await session.execute(text("delete from case_changed"))
        await session.execute(text(again))
    await swept(database)
    assert {key for kind, key in await keys(database) if kind == "link"} == {"x.com/i/status/17"}


async def test_a_change_of_a_case_suggests_nothing_that_was_not_new(database: Database) -> None:
    await suggested(database, told(urls=(POST,)), told(urls=(POST,)))
    async with database.transaction() as session:
        await session.execute(text("delete from campaign"))
        await session.execute(
            text("insert into case_changed (reader, case_id) select 'campaigns', case_id from \"case\"")
        )
    await swept(database)
    assert await seen(database) == []
    async with database.transaction() as session:
        assert list(await session.scalars(select(CampaignMember.case_id))) == []


async def test_operations_count_of_a_campaign_what_its_viewer_sees_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspect = {"name": "Dana Wolf", "staff_id": "S7001"}
    await suggested(database, told(urls=(POST,)), told(urls=(POST,)), misuse(urls=(POST,), subject=suspect))
    async with database.transaction() as session:
        for who in (SAM, AISHA, viewer(Team.LINE_MANAGER, lead=True), viewer(Team.SIRT, lead=True)):
            known, _ = await queries.listed(session, who, tuple(CampaignState), None, 20)
            cases = [one for each in known for one in await queries.members(session, who, each.campaign_id)]
            for team in (None, *Team):
                of_team = [one for one in cases if team in (None, one.team)]
                expected = [Counted(CampaignState.SUGGESTED, 1, len(of_team))] if of_team else []
                assert await queries.counted(session, who, team, NOW) == expected
    [plan] = await plans_of(database, lambda session: queries.counted(session, SAM, None, NOW))
    assert "ix_campaign_made_at" in plan, plan
    assert "Seq Scan" not in plan, "however many cases there are, it reads those of the campaigns of the period"
    for most, left in (("MOST_REPORTS", [Counted(CampaignState.SUGGESTED, 1, 1)]), ("MOST_RECENT", [])):
        monkeypatch.setattr(domain, most, len(left))
        async with database.transaction() as session:
            assert await queries.counted(session, SAM, None, NOW) == left, "and no more of them than so many"


async def test_planted_cases_are_in_no_size_reason_list_or_preview_of_who_may_not_see_them(database: Database) -> None:
    suspect = {"name": "Dana Wolf", "staff_id": "S7001"}
    about_lee = told(urls=(POST,), suspected=(Person(relation=Relation.COLLEAGUE, name="Lee Park"),))
    planted = [misuse(urls=(POST,), subject=suspect) for _ in range(2)]
    await suggested(database, told(urls=(POST,)), told(urls=(POST,)), about_lee, *planted)
    lee = replace(
        SAM, subject="S4005", name="Lee Park", keys=keys_of_member(staff_id="S4005", name="Lee Park", email=None)
    )
    leads = [viewer(team, lead=True) for team in Team]
    async with database.transaction() as session:
        every = {row.case_id: row.version for row in await session.scalars(select(CaseRow))}
        for who in (SAM, AISHA, lee, *leads):
            visible = {one.case_id: one.report_id for one in await cases.visible(session, who, every)}
            known, _ = await queries.listed(session, who, tuple(CampaignState), None, 20)
            for one in known:
                members = await queries.members(session, who, one.campaign_id)
                assert {case.case_id for case in members} <= visible.keys()
                assert one.size == len({case.report_id for case in members})
                assert {f"{one.size} reports" in why or "report" not in why for why in one.reasons} == {True}
            for case_id in visible:
                related = await queries.related(session, who, case_id, 20)
                assert {one.case.case_id for one in related} <= visible.keys()
            work = Work(session, who, NOW, WRITER)
            chosen = await bulk.choose(work, Action.CLAIM, every)
            preview = await bulk_queries.of_person(session, who.subject, chosen)
            ahead = await bulk_queries.would_affect(session, who, preview, NOW, NAMES)
            assert {one.case_id for one in ahead.cases} <= visible.keys()
            assert ahead.gone == len(every) - len(visible)
            assert (await bulk_queries.references(session, who, preview)).keys() == visible.keys()
            on_operations = await queries.counted(session, who, None, NOW)
            assert sum(one.cases for one in on_operations) <= len(visible)


def test_the_last_case_is_compared_within_five_seconds() -> None:
    """A sweep takes what changed at once, and looks again after this; `suggested` shows that one run is enough."""
    assert timedelta(seconds=2.5) >= app._CAMPAIGNS_EVERY


async def test_the_next_page_never_begins_at_a_campaign_that_the_viewer_may_not_know_of(database: Database) -> None:
    [known] = await suggested(database, told(urls=(POST,)), told(urls=(POST,)))
    async with database.transaction() as session:
        for _ in range(120):  # newer ones of the team, with no case that the viewer sees
            session.add(
                CampaignRow(
                    campaign_id=IDS.uuid(), state=CampaignState.SUGGESTED, made_at=NOW, version=0, teams=[Team.SMART]
                )
            )
        await session.flush()
        found, after = await queries.listed(session, SAM, tuple(CampaignState), None, 1)
        assert ([one.campaign_id for one in found], after) == ([known.campaign_id], None)


async def test_older_related_cases_are_found_behind_newer_ones_that_the_viewer_may_not_see(database: Database) -> None:
    case, older = told(urls=(POST,)), told(urls=(POST,), submitted_at=NOW - timedelta(days=2))
    hidden = [misuse(urls=(POST,), submitted_at=NOW - timedelta(days=1)) for _ in range(MOST_SHARERS)]
    await suggested(database, case, older, *hidden)
    async with database.transaction() as session:
        mine = await session.scalar(select(CaseKey.case_id).where(CaseKey.report_id == case.report_id).limit(1))
        assert mine
        related = await queries.related(session, SAM, mine, 20)
    assert [one.case.reference for one in related] == [older.reference]


async def test_a_dismissal_stops_nothing_that_its_maker_cannot_see(database: Database) -> None:
    manager, other = viewer(Team.LINE_MANAGER, lead=True), "https://x.com/another_account/status/18"
    both = [misuse(urls=(POST, other)) for _ in range(2)]
    [one] = await suggested(database, told(urls=(POST,)), told(urls=(POST,)), *both)
    async with database.transaction() as session:
        await handlers.dismiss(Work(session, SAM, NOW, WRITER), one.campaign_id, 30, None)
        dismissed = {
            Key(KeyKind(kind), key) for kind, key in await session.execute(select(DismissedKey.kind, DismissedKey.key))
        }
    assert {key.kind for key in dismissed} == {KeyKind.LINK, KeyKind.ACCOUNT}
    assert not [key for key in dismissed if "18" in key.value or "another" in key.value]
    seen_now = await suggested(database, misuse(urls=(other,)), who=manager)
    assert [one.state for one in seen_now] == [CampaignState.SUGGESTED, CampaignState.DISMISSED]


@pytest.mark.parametrize(
    ("where", "name", "sweep"), [(domain, "text_keys", swept), (search_handlers, "document", search_swept)]
)
async def test_other_work_goes_on_between_the_reports_of_a_batch(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    where: ModuleType,
    name: str,
    sweep: Callable[[Database], Awaitable[None]],
) -> None:
    turn, seen_at, made = 0, list[int](), getattr(where, name)

    async def other_work() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    def noted(*given: object) -> object:
        seen_at.append(turn)
        return made(*given)

    monkeypatch.setattr(where, name, noted)
    await open_cases(database, *(told() for _ in range(5)))
    working = asyncio.create_task(other_work())
    await sweep(database)
    working.cancel()
    assert len(seen_at) == len(set(seen_at)) == 5


async def test_a_campaign_whose_cases_just_went_is_left_out_of_a_list(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one] = await suggested(database, told(urls=(POST,)), told(urls=(POST,)))
    monkeypatch.setattr(queries, "_known", lambda _viewer: true())
    async with database.transaction() as session:
        assert await queries.listed(session, viewer(Team.SIRT), tuple(CampaignState), None, 20) == ([], None)
        with pytest.raises(domain.CampaignNotFound):
            await queries.get(session, viewer(Team.SIRT), one.campaign_id)
        with pytest.raises(domain.CampaignNotFound):
            await handlers.look(Work(session, viewer(Team.SIRT), NOW, WRITER), one.campaign_id)
