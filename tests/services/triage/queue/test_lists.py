"""Lists find what fits, in their order, by whichever way they look for it."""

import json
import random
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import cycle, product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import lists
from services.triage.cases.access import Viewer
from services.triage.cases.domain import LONGEST_QUERY
from services.triage.cases.tables import CaseAccess, CaseRow
from services.triage.facets.domain import Place
from services.triage.queue import domain
from services.triage.queue.domain import Cursor, QueueFilter, QueueView, Sort, opened_from
from services.triage.queue.queries import beside, listing, page
from services.triage.tasks.tables import TaskRow
from shared.db.database import Database
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import CaseState, Priority, ReportType, Team
from shared.web.times import UK
from tests.services.triage.builders import IDS, NOW, viewer
from tests.services.triage.plans import plans_of

SERVICE = "triage"
SAM = viewer(Team.SMART)
MARIA = viewer(Team.SIRT, Team.SMART, subject="S5002", lead=True)
LEO = replace(viewer(Team.SIRT, Team.SMART, subject="S5001"), keys=frozenset({"staff:s5001"}))
FIRST = NOW - timedelta(days=800)
Row = dict[str, object]


def made(chance: random.Random, number: int) -> Row:
    """Return a case as chance will have it."""
    states = [state for state in CaseState if state is not CaseState.MERGED]
    state = chance.choice([*states, CaseState.CLOSED, CaseState.CLOSED])
    finished = state in {CaseState.RESOLVED, CaseState.CLOSED}
    opened = FIRST + chance.choice([timedelta(hours=number * 20), timedelta(0), timedelta(days=799)])
    due = opened + timedelta(minutes=chance.randrange(4) * 30)
    clock = chance.random() < (0.1 if finished else 0.8)
    return {
        "case_id": IDS.uuid() if number % 3 else UUID(int=chance.getrandbits(128)),
        "report_id": IDS.uuid(),
        "link_number": 1,
        "reference": str(IDS.reference()),
        "report_type": chance.choice(list(ReportType)),
        "team": chance.choice([Team.SMART, Team.SMART, Team.SIRT]),
        "state": state,
        "priority": chance.choice(list(Priority)),
        "restricted": chance.random() < 0.2,
        "platform": chance.choice(["x", "x", "x", "facebook", "bluesky"]),
        "behaviours": chance.sample(["harassment", "doxing", "trolling"], chance.randrange(3)),
        "version": 1,
        "transfers": 0,
        "held_by": [],
        "outcome": chance.choice(["exempt", "duplicate", "withdrawn"]) if finished else None,
        "submitted_at": opened,
        "opened_at": opened,
        "due_at": due if clock else None,
        "at_risk_at": due - timedelta(minutes=5) if clock else None,
        "replied_at": NOW if chance.random() < 0.1 else None,
        "review_asked_at": NOW if finished and chance.random() < 0.2 else None,
        "assignee": chance.choice(["S4001", "s4009"]) if state == CaseState.CLAIMED or chance.random() < 0.2 else None,
        "kept_from": chance.choice([[], [], [], ["staff:s5001"]]),
        "takedown": chance.choice(["", "", "removed", "due"]),
    }


def late(row: Row) -> Row:
    """Return a task of a case whose time has passed."""
    said = {"task_id": row["report_id"], "case_id": row["case_id"], "code": "", "title": "Ring", "overdue": True}
    of_team = f"{row['team']}/restricted" if row["restricted"] else row["team"]
    return {**said, "due_at": FIRST, "made_at": FIRST, "made_by": "S4001", "listed_for": of_team}


@pytest.fixture
async def cases(database: Database) -> list[Row]:
    chance = random.Random(14)
    rows = [made(chance, number) for number in range(250)]
    rows = [row | {"task_overdue": n % 7 == 0 and row["outcome"] != "exempt"} for n, row in enumerate(rows)]
    named = [row["case_id"] for row in rows if row["restricted"] or row["outcome"] == "exempt"][::3]
    async with database.transaction() as session:
        await session.execute(text("set local session_replication_role = replica"))
        await session.execute(insert(CaseRow.table()), rows)
        await session.execute(insert(TaskRow.table()), [late(row) for row in rows if row["task_overdue"]])
        await session.execute(insert(CaseAccess), [{"case_id": one, "subject": "S5001"} for one in named])
    return [row | {"names": ["S5001"] if row["case_id"] in named else []} for row in rows]


def sees(person: Viewer, row: Row) -> bool:
    """Return whether a person may see a case, said once more in other words."""
    if row["team"] not in person.teams or set(row["kept_from"]) & person.keys:  # type: ignore[call-overload] # a list
        return False
    open_to_them = not row["restricted"] or row["team"] in person.leads
    return (row["outcome"] != "exempt" and open_to_them) or person.subject in row["names"]  # type: ignore[operator] # a list


def fits(wanted: QueueFilter, person: Viewer, row: Row) -> bool:
    """Return whether a case is in a queue."""
    state, who = row["state"], str(row["assignee"] or "").lower()
    finished = state in {CaseState.RESOLVED, CaseState.CLOSED}
    of_view: dict[QueueView, bool] = {
        QueueView.ALL: not finished,
        QueueView.MINE: not finished and who == person.subject.lower(),
        QueueView.UNCLAIMED: not finished and not who,
        QueueView.REPLIES: row["replied_at"] is not None,
        QueueView.AT_RISK: row["at_risk_at"] is not None and row["at_risk_at"] <= NOW,  # type: ignore[operator] # a time
        QueueView.RESTRICTED: not finished and bool(row["restricted"]),
        QueueView.REVIEWS: row["review_asked_at"] is not None,
        QueueView.FINISHED: finished,
        QueueView.CHASE: row["takedown"] == "due",
    }
    day = row["opened_at"].astimezone(UK).date()  # type: ignore[attr-defined] # a time
    return (
        (wanted.view is None or of_view[wanted.view])
        and wanted.team in {None, row["team"]}
        and wanted.kind in {None, row["report_type"]}
        and wanted.platform in {None, row["platform"]}
        and wanted.priority in {None, row["priority"]}
        and wanted.state in {None, state}
        and (wanted.behaviour is None or wanted.behaviour in row["behaviours"])  # type: ignore[operator] # a list
        and {"": True, "me": who == person.subject.lower(), "nobody": not who}.get(
            wanted.who, who == wanted.who.lower()
        )
        and (wanted.since is None or day >= wanted.since)
        and (wanted.until is None or day <= wanted.until)
        and (not wanted.replies or row["replied_at"] is not None)
        and wanted.taken_down in {None, row["takedown"]}
        and (not wanted.tasks or (bool(row["task_overdue"]) and (wanted.view is not None or not finished)))
    )


def in_order(rows: list[Row], wanted: QueueFilter) -> list[object]:
    """Return the ids of cases in the order of a queue. Ids of later cases are greater, but not in this test."""
    keys: dict[Sort, Callable[[Row], tuple[object, ...]]] = {
        Sort.DUE: lambda row: (row["due_at"] is None, row["due_at"] or row["opened_at"], row["case_id"]),
        Sort.PRIORITY: lambda row: (row["priority"], *([] if wanted.only_open else [row["opened_at"]]), row["case_id"]),
    }
    by_age: Callable[[Row], tuple[object, ...]] = lambda row: (row["opened_at"], row["case_id"])  # noqa: E731 - a key
    key = keys.get(wanted.order, by_age)
    return [row["case_id"] for row in sorted(rows, key=key, reverse=wanted.order in {Sort.NEWEST, Sort.BEST})]


FILTERS = [
    *(QueueFilter(view=view) for view in (None, *QueueView)),
    *(QueueFilter(view=None, state=state) for state in (CaseState.NEW, CaseState.CLOSED)),
    *(QueueFilter(view=None, platform=one) for one in ("facebook", "bluesky", "mastodon")),
    *(QueueFilter(view=view, behaviour="doxing", platform="x") for view in (QueueView.ALL, QueueView.FINISHED)),
    *(QueueFilter(who=who) for who in ("me", "nobody", "S4009")),
    QueueFilter(view=None, team=Team.SIRT, kind=ReportType.MISUSE),
    QueueFilter(view=None, priority=Priority.P1, taken_down="removed"),
    *(QueueFilter(view=view, tasks="overdue") for view in (None, QueueView.ALL, QueueView.FINISHED)),
    QueueFilter(view=None, tasks="overdue", platform="x"),
    QueueFilter(view=None, since=FIRST.date() + timedelta(days=100), until=FIRST.date() + timedelta(days=400)),
    QueueFilter(view=QueueView.FINISHED, replies=True, until=date(2026, 1, 1)),
    QueueFilter(since=date(2026, 11, 20)),
]


@pytest.mark.parametrize("walked", [7, 1_000])
async def test_every_view_filter_and_order_shows_what_fits_page_by_page_and_back(
    database: Database, cases: list[Row], monkeypatch: pytest.MonkeyPatch, walked: int
) -> None:
    """With few cases walked, most pages come from the index of facets."""
    monkeypatch.setattr(lists, "WALKED", walked)
    sorts = cycle(Sort)
    async with database.transaction() as session:
        for wanted, person in product(FILTERS, (SAM, LEO, MARIA)):
            expected = [row for row in cases if sees(person, row) and fits(wanted, person, row)]
            asked = replace(wanted, sort=next(sorts))
            forward, last = await read(session, person, asked, None)
            assert forward == in_order(expected, asked), (person.subject, asked)
            back, _ = await read(session, person, asked, last)
            assert back + forward[len(back) :] == forward, (person.subject, asked)
            [count] = (await beside(session, person, [wanted], NOW))[1]
            assert count == min(len(expected), lists.MOST_COUNTED + 1), (person.subject, wanted)


async def read(
    session: AsyncSession, person: Viewer, wanted: QueueFilter, cursor: Cursor | None
) -> tuple[list[object], Cursor | None]:
    """Return the cases of all pages from `cursor` on, as they follow each other, and where the last page leads back."""
    found: list[object] = []
    while True:
        shown = await page(session, listing(person, wanted, NOW), wanted, cursor, 30)
        found = shown.case_ids + found if cursor and cursor.backwards else found + shown.case_ids
        following = shown.earlier if cursor and cursor.backwards else shown.later
        if following is None:
            return found, shown.earlier
        cursor = Cursor.read(str(following), wanted)
        assert cursor


@pytest.mark.parametrize(
    ("wanted", "most"),
    [
        (QueueFilter(), 2),
        (QueueFilter(view=QueueView.FINISHED, platform="mastodon"), 6),
        (QueueFilter(platform="mastodon"), 4),
    ],
)
async def test_a_page_takes_few_statements_however_rare_what_it_looks_for(
    database: Database, cases: list[Row], monkeypatch: pytest.MonkeyPatch, wanted: QueueFilter, most: int
) -> None:
    monkeypatch.setattr(lists, "WALKED", 7)
    statements: list[str] = []
    async with database.transaction() as session:
        event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
        await page(session, listing(MARIA, wanted, NOW), wanted, None)
    assert cases
    assert len(statements) <= most


async def test_a_reference_is_looked_up_by_its_index_where_letters_are_not_sorted_by_their_bytes(
    database: Database, cases: list[Row]
) -> None:
    wanted = QueueFilter(view=None, q=str(cases[0]["reference"]))
    [plan] = await plans_of(database, lambda session: page(session, listing(MARIA, wanted, NOW), wanted, None))
    assert "Index Cond: (((reference)" in plan, plan
    assert 'Seq Scan on "case"' not in plan, plan


@pytest.mark.parametrize("typed", ["SP-", "sp 4", "SP-4K"])
def test_the_letters_that_every_reference_begins_with_are_no_reference(typed: str) -> None:
    wanted = QueueFilter(view=None, q=typed)
    assert listing(MARIA, wanted, NOW).few() is None
    assert wanted.ranked


NAMES = st.sampled_from([*QueueFilter.__dataclass_fields__, "type", "cursor"])
VALUES = st.sampled_from(
    [
        *QueueView,
        *Sort,
        *Team,
        "x",
        "doxing",
        "me",
        "yes",
        "2026-11-30",
        "removed",
        "overdue",
        "P1",
        "new",
        "abuse",
        "",
        "\0",
        "SP-1 a",
    ]
)


@given(st.dictionaries(NAMES, VALUES))
def test_a_queue_is_its_address(said: dict[str, str]) -> None:
    wanted = QueueFilter.read(said)
    again, _ = opened_from(wanted.query())
    assert again == wanted
    place = Place(0, NOW if wanted.bands[0].key != "priority" else "P1", UUID(int=7))
    cursor = Cursor(wanted.order, place, backwards=True)
    assert Cursor.read(str(cursor), wanted) == cursor
    other = replace(wanted, sort=Sort.OLDEST if wanted.order is Sort.NEWEST else Sort.NEWEST)
    assert Cursor.read(str(cursor), other) is None


def test_the_longest_address_of_a_queue_is_one_that_all_readers_take() -> None:
    """A letter that has four bytes takes twelve characters there."""
    said = {
        "q": "\U0001f3e0" * domain.LONGEST_SEARCH,
        "who": "\U0001f3e0" * domain.LONGEST_STAFF_ID,
        "view": max(QueueView, key=len),
        "team": max(Team, key=len),
        "kind": max(ReportType, key=len),
        "behaviour": max(domain.HAPPENED, key=len),
        "platform": max(PLATFORMS, key=len),
        "state": max(CaseState, key=len),
        "campaign": str(IDS.uuid()),
        "since": "2026-11-30",
        "until": "2026-11-30",
        "taken_down": "removed",
        "tasks": "overdue",
        "replies": "yes",
        "priority": "P1",
        "sort": max(Sort, key=len),
    }
    wanted = QueueFilter.read(said)
    assert set(wanted.parameters()) == set(said)
    address = wanted.query("x" * 300)
    assert len(address) <= LONGEST_QUERY
    assert opened_from(address) == (wanted, "x" * 300)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda given: urlsafe_b64encode(given).decode()))
def test_a_cursor_that_is_none_of_ours_is_none(given_text: str) -> None:
    assert Cursor.read(given_text, QueueFilter()) is None


@pytest.mark.parametrize(
    "said",
    [["due", 9, NOW.isoformat(), str(UUID(int=1)), False], ["due", 0, "2026-01-01T00:00", str(UUID(int=1)), False]],
)
def test_a_cursor_that_was_changed_is_none(said: list[object]) -> None:
    assert Cursor.read(urlsafe_b64encode(json.dumps(said).encode()).decode(), QueueFilter()) is None
