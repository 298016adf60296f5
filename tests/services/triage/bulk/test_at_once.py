"""Two people act on the same cases at once, in real concurrent transactions: nothing is lost, doubled or impossible."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from services.triage.bulk import handlers, queries
from services.triage.bulk.domain import Action, Order, State
from services.triage.bulk.queries import Bulk
from services.triage.bulk.refusals import NAMES, REFUSALS
from services.triage.cases import handlers as cases
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.queries import to_case
from services.triage.cases.tables import CaseRow
from services.triage.deadlines import queries as deadlines
from services.triage.deadlines.domain import Deadline
from services.triage.merges import handlers as splits
from services.triage.merges import refusals as merges
from services.triage.merges.domain import Part
from services.triage.operations.queries import records
from shared.audit import chain
from shared.audit.verification import BrokenLink, verify
from shared.db.database import Database
from shared.events.vocabulary import Outcome, Priority, Team
from shared.messaging.faults import is_transient
from tests.services.triage.builders import NOW, WRITER, open_cases, report, viewer
from tests.services.triage.merges.desk import lost
from tests.services.triage.tasks.test_by_kind import wrong as wrong_tasks
from tests.support.postgres import PostgresForTests

SAM = viewer(Team.SMART)
AISHA = replace(viewer(Team.SMART, Team.SIRT, subject="S4002", lead=True), name="Aisha Khan")
CASES = 4
ORDERS: Mapping[str, Order] = {
    "claim": Order(Action.CLAIM),
    "assign": Order(Action.ASSIGN, assignee="S4009", text="For the late shift"),
    "transfer": Order(Action.TRANSFER, team=Team.SIRT, text="Theirs"),
    "transfer back": Order(Action.TRANSFER, team=Team.SMART, text="Ours"),
    "message": Order(Action.MESSAGE, text="We are looking at it"),
    "resolve": Order(Action.RESOLVE, outcome=Outcome.DUPLICATE, text="The same post"),
}
DONE = frozenset({"claimed", "assigned", "merged", "transferred", "note_shared", "resolved"})
"""Activities that in these tests only bulk actions make."""
LINKS = ("https://x.com/a/status/1", "https://x.com/a/status/2")
TAKEN = splits.Wanted(("harassment",), [1])
"""What is split off."""
EXAMPLES = 12
Act = tuple[str, frozenset[int]]
EVERY = frozenset(range(CASES))
ACTS: st.SearchStrategy[Act] = st.tuples(
    st.sampled_from(
        [
            *("claim", "claim", *ORDERS, "merge", "resolve", "undo", "undo", "undo", "release", "reopen", "leases"),
            *("split", "undo split", "undo split"),
        ]
    ),
    st.sampled_from([EVERY, frozenset({0, 1}), frozenset({1, 2, 3}), frozenset({2})]),
)
Snapshot = tuple[Case, tuple[Deadline, ...], Part]


@dataclass
class Life:
    """What happened to some cases."""

    database: Database
    ids: Sequence[UUID]
    now: datetime = NOW
    bulks: dict[str, list[Bulk]] = field(default_factory=dict)
    """Of each person, the newest last."""
    before: dict[tuple[UUID, UUID], Snapshot] = field(default_factory=dict)
    """How a case was before a bulk action changed it."""
    made: Counter[tuple[UUID, int]] = field(default_factory=Counter)
    """How often a version of a case was made, as the results say."""
    put_back: dict[UUID, tuple[UUID, int]] = field(default_factory=dict)
    """Cases that were just put back: by which bulk action they had been changed, and into which version."""
    restored: set[tuple[UUID, int]] = field(default_factory=set)
    """Cases that were put back, and the versions that this made, as the results say."""
    parts: dict[UUID, tuple[UUID, int]] = field(default_factory=dict)
    """Cases that were split off: of which case, and into which version that changed it."""
    given_back: set[UUID] = field(default_factory=set)
    """Cases that were just given back to the one that they were split off."""

    async def snapshot(self) -> dict[UUID, Snapshot]:
        async with self.database.transaction() as session:
            rows = (await session.scalars(select(CaseRow).where(CaseRow.case_id.in_([*self.ids, *self.parts])))).all()
            clocks = await deadlines.of_cases(session, [row.case_id for row in rows])
            return {
                row.case_id: (
                    to_case(row),
                    tuple(clocks[row.case_id]),
                    Part(tuple(row.behaviours), tuple(range(len(LINKS)) if row.links is None else row.links)),
                )
                for row in rows
            }

    async def act(self, who: Viewer, act: Act, seen: Mapping[UUID, Snapshot]) -> None:
        """Act in a transaction of one's own. If it is refused, or ended because of a deadlock, nothing was done."""
        bulk, parts = None, None
        try:
            async with self.database.transaction() as session:
                work = Work(session, who, self.now, WRITER)
                if "split" in act[0]:
                    parts = await self._split_or_not(work, act, seen)
                else:
                    bulk = await self._act(work, act, seen)
        except DBAPIError as error:
            if not is_transient(error):
                raise
        except (*NAMES, *REFUSALS, *merges.REFUSALS):
            pass
        else:
            if bulk:
                self._keep(who, bulk, seen)
            if parts:
                self._keep_part(*parts, seen)

    async def _split_or_not(self, work: Work, act: Act, seen: Mapping[UUID, Snapshot]) -> tuple[Case, Case] | None:
        """Split the first of the chosen cases, or give back what was split off last."""
        what, which = act
        if what == "split":
            case_id = self.ids[min(which)]
            return await splits.split(work, case_id, seen[case_id][0].version, TAKEN, None)
        if part := next((one for one in reversed(self.parts) if one in seen), None):
            back = await splits.undo_split(work, part, seen[part][0].version)
            return back, back
        return None

    def _keep_part(self, whole: Case, part: Case, seen: Mapping[UUID, Snapshot]) -> None:
        if whole is part:
            self.given_back.add(part.case_id)
            return
        self.parts[part.case_id] = whole.case_id, whole.version
        self.before[part.case_id, whole.case_id] = seen[whole.case_id]

    async def _act(self, work: Work, act: Act, seen: Mapping[UUID, Snapshot]) -> Bulk | None:
        what, which = act
        chosen = {self.ids[index]: seen[self.ids[index]][0].version for index in sorted(which)}
        (first, version), *_ = chosen.items()
        mine = self.bulks.get(work.viewer.subject)
        if what in {*ORDERS, "merge"}:
            order = ORDERS.get(what) or Order(Action.MERGE, into=str(self.ids[0]))
            bulk_id = await handlers.choose(work, order.action, chosen)
            await handlers.carry_out(work, bulk_id, order, NAMES)
            return await queries.of_person(work.session, work.viewer.subject, bulk_id)
        if what == "undo" and mine:
            await handlers.undo(work, mine[-1].bulk_id, NAMES)
            return await queries.of_person(work.session, work.viewer.subject, mine[-1].bulk_id)
        if what == "release":
            await cases.release(work, first, version)
        elif what == "reopen":
            await cases.reopen(work, first, version, "More to do")
        elif what == "leases":
            await cases.expire_leases(work.session, work.now, writer=WRITER)
        return None

    def _keep(self, who: Viewer, bulk: Bulk, seen: Mapping[UUID, Snapshot]) -> None:
        if bulk.state is State.UNDONE:
            self.bulks[who.subject].pop()
            self.put_back |= {item.case_id: (bulk.bulk_id, item.made or 0) for item in bulk.items if item.undo == ""}
            return
        self.bulks.setdefault(who.subject, []).append(bulk)
        for item in (item for item in bulk.items if item.made is not None):
            self.before[bulk.bulk_id, item.case_id] = seen[item.case_id]
            self.made[item.case_id, item.made or 0] += 1

    async def look(self) -> None:
        """Compare each case that was just put back with what it was, unless someone changed it at once."""
        there = await self.snapshot()
        for case_id, (bulk_id, made) in self.put_back.items():
            self.restored.add((case_id, made + 1))
            self._is_as_before(there, bulk_id, case_id, made)
        self.put_back.clear()
        for part in self.given_back:
            case_id, made = self.parts[part]
            if self._is_as_before(there, part, case_id, made):
                assert (there[part][0].merged_into, there[part][0].state) == (case_id, "merged")
        self.given_back.clear()

    def _is_as_before(self, there: Mapping[UUID, Snapshot], by: UUID, case_id: UUID, made: int) -> bool:
        """Compare a case with what it was before `made`; return False if someone changed it meanwhile."""
        (was, *rest), (case, *rest_now) = self.before[by, case_id], there[case_id]
        if case.version != made + 1:
            return False
        assert (replace(case, version=was.version), rest_now) == (was, rest)
        return True


async def live(database: Database, rounds: Sequence[tuple[Act, Act, int]]) -> None:
    told = [report(behaviours=("harassment", "trolling"), urls=LINKS) for _ in range(CASES)]
    await open_cases(database, *told)
    async with database.transaction() as session:
        [*_, last] = await session.scalars(select(CaseRow.case_id).order_by(CaseRow.case_id))
        await cases.prioritise(Work(session, AISHA, NOW, WRITER), last, 1, Priority.P1, "They know the address")
    async with database.transaction() as session:
        theirs = select(CaseRow.case_id).where(CaseRow.report_id.in_([one.report_id for one in told]))
        life = Life(database, sorted(await session.scalars(theirs)))
    for hers, his, minutes in rounds:
        seen = await life.snapshot()
        await asyncio.gather(life.act(SAM, his, seen), life.act(AISHA, hers, seen))
        await life.look()
        life.now += timedelta(minutes=minutes)
    for case_id in (*life.ids, *life.parts):
        await whole(life, case_id)
    every = [case for case, *_ in (await life.snapshot()).values()]
    async with database.transaction() as session:
        assert await lost(session, every) == []


async def whole(life: Life, case_id: UUID) -> None:
    """Each version was made once, by what the record says, and others heard of it once."""
    case, *_ = (await life.snapshot())[case_id]
    async with life.database.transaction() as session:
        links = await chain.read(session, case_id)
        events = Counter(await session.scalars(text("select type from outbox where subject = :id"), {"id": case_id}))
        shared = text("select 1 from note where shared and case_id = :id")
        notes = len((await session.scalars(shared, {"id": case_id})).all())
    versions = [int(link.after["version"]) for link in links if "version" in link.after]
    assert versions == list(range(1, case.version + 1))
    made = {version: times for (of, version), times in life.made.items() if of == case_id}
    assert set(made.values()) <= {1}
    actions = Counter(link.action for link in links)
    done = {int(link.after["version"]): link for link in links if link.action in DONE}
    assert set(made) <= set(done)
    alone = {version for version, link in done.items() if "followed" not in link.after}
    also = {"note_shared", "claimed"}  # a message that followed, and the claim before an outcome
    assert {version for version in alone - set(made) if done[version].action not in also} == set()
    undone = [link for link in links if link.action == "bulk_undone"]
    put_back = {int(link.after["version"]) for link in links if link.action in {"bulk_undone", "unmerged"}}
    assert {made for of, made in life.restored if of == case_id} <= put_back
    assert notes == actions["note_shared"]
    assert events["case.resolved.v1"] == actions["resolved"]
    assert events["case.transferred.v1"] == actions["transferred"] + sum("team" in link.after for link in undone)
    opened_again = sum(bool(link.before.get("outcome")) for link in undone)
    assert events["case.reopened.v1"] == actions["reopened"] + opened_again
    assert (case.outcome is not None) == case.finished
    assert case.held_by[-1] is case.team
    assert len(case.held_by) == case.transfers + 1


def _both(what: str) -> tuple[Act, Act, int]:
    return (what, EVERY), (what, EVERY), 1


def test_what_two_people_do_at_once_is_done_once_or_not_and_undone_field_by_field(postgres: PostgresForTests) -> None:
    rounds = st.lists(st.tuples(ACTS, ACTS, st.integers(0, 4)), min_size=2, max_size=8)
    with asyncio.Runner() as runner:
        opening = postgres.database("triage")
        database = runner.run(opening.__aenter__())

        @settings(
            max_examples=EXAMPLES, phases=(Phase.explicit, Phase.generate)
        )  # which comes first differs: no shrinking
        @example([_both("claim"), _both("resolve"), _both("undo"), _both("undo")])
        @example([_both("merge"), _both("claim"), _both("resolve"), _both("undo"), _both("undo"), _both("undo")])
        @example([_both("merge"), _both("claim"), _both("transfer"), _both("undo"), _both("undo"), _both("undo")])
        @example([_both("claim"), _both("assign"), _both("undo"), _both("undo")])
        @example([_both("claim"), _both("transfer"), _both("undo"), _both("claim"), _both("undo")])
        @example([_both("split"), _both("undo split"), _both("claim"), _both("split"), _both("undo split")])
        @example([_both("claim"), _both("message"), _both("undo"), _both("claim"), _both("release")])
        @given(rounds)
        def holds(happening: list[tuple[Act, Act, int]]) -> None:
            runner.run(live(database, happening))

        try:
            holds()
            assert runner.run(broken(database)) == ([], [])
        finally:
            runner.run(opening.__aexit__(None, None, None))


async def broken(database: Database) -> tuple[Sequence[BrokenLink], Sequence[object]]:
    async with database.transaction() as session:
        return await verify(session, records=records), await wrong_tasks(session)
