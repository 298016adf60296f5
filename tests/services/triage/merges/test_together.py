"""People work on the same few cases at once, in real transactions: nothing is lost, doubled or left half done.

They claim, merge, split, act on many cases at once, undo that, and change campaigns.
"""

import asyncio
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.bulk import handlers as bulk
from services.triage.bulk import queries as bulk_queries
from services.triage.bulk.domain import Action, Order
from services.triage.bulk.refusals import NAMES
from services.triage.bulk.refusals import REFUSALS as BULK_REFUSALS
from services.triage.campaigns import handlers as campaigns
from services.triage.campaigns import queries as campaign_queries
from services.triage.campaigns.domain import CampaignNotFound, CampaignState
from services.triage.campaigns.queries import Campaign
from services.triage.campaigns.refusals import REFUSALS as CAMPAIGN_REFUSALS
from services.triage.cases import handlers as cases
from services.triage.cases import queries
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.merges import handlers as merges
from services.triage.merges.refusals import REFUSALS
from shared.events.vocabulary import Outcome, Priority, Team
from shared.messaging.faults import is_transient
from shared.messaging.tables import outbox
from tests.services.triage.builders import IDS, WRITER, open_cases, report, viewer
from tests.services.triage.conftest import Triage
from tests.services.triage.merges.desk import lost
from tests.services.triage.tasks.test_by_kind import wrong as wrong_tasks

ROUNDS, STEPS = 2, 40
MOST_ENDED, FEWEST_DONE = 0.02, 0.2
"""Of all acts: how many the database may end because two waited for each other, and how many have to be done."""
SEED = int(os.environ.get("FAULTS_SEED", "14"))
"""What is tried; in which order it meets is up to the database."""
TEAMS = (Team.SMART, Team.SIRT, Team.TRIAGE_DESK)
SAM, AISHA = (viewer(*TEAMS, subject=one, lead=True) for one in ("S4001", "S4002"))
REFUSED = (*CASE_REFUSALS, *REFUSALS, *BULK_REFUSALS, *NAMES, *CAMPAIGN_REFUSALS)
Do = Callable[[Work, Case, random.Random, list[Case]], Awaitable[object]]


async def _resolve(work: Work, case: Case, _chance: random.Random, _all: list[Case]) -> None:
    await cases.resolve(work, case.case_id, case.version, Outcome.REMOVED_BY_PLATFORM, None)


async def _merge(work: Work, case: Case, chance: random.Random, every: list[Case]) -> None:
    await merges.merge(work, case.case_id, case.version, str(chance.choice(every).case_id), None)


async def _split(work: Work, case: Case, chance: random.Random, _all: list[Case]) -> None:
    wanted = merges.Wanted(chance.choice([(), ("harassment",), ("trolling",)]))
    await merges.split(work, case.case_id, case.version, wanted, None)


async def _write(work: Work, case: Case, chance: random.Random, _all: list[Case]) -> None:
    await cases.add_note(work, case.case_id, case.version, f"message {chance.random()}", shared=True)


def _many(action: Action, **said: Any) -> Do:  # noqa: ANN401 - the fields of an order
    async def act(work: Work, case: Case, chance: random.Random, every: list[Case]) -> None:
        chosen: dict[UUID, int] = {
            one.case_id: one.version for one in (case, *chance.sample(every, min(3, len(every))))
        }
        into = str(chance.choice(every).case_id) if action is Action.MERGE else None
        words = f"messages {chance.random()}" if action is Action.MESSAGE else ""
        await _carry_out(work, Order(action, into=into, text=words, **said), chosen)

    return act


async def _carry_out(work: Work, order: Order, chosen: Mapping[UUID, int]) -> None:
    bulk_id = await bulk.choose(work, order.action, chosen)
    await bulk.carry_out(work, bulk_id, order, NAMES)


async def _undo(work: Work, _case: Case, chance: random.Random, _all: list[Case]) -> None:
    begun = await bulk_queries.last_of_person(work.session, work.viewer.subject, 3)
    await bulk.undo(work, chance.choice(begun).bulk_id if begun else _case.case_id, NAMES)


async def _make(work: Work, case: Case, chance: random.Random, every: list[Case]) -> None:
    await campaigns.make(work, {case.case_id, chance.choice(every).case_id}, "Put together")


def _campaign(act: Callable[[Work, Campaign, Case], Awaitable[object]]) -> Do:
    async def do(work: Work, case: Case, chance: random.Random, _all: list[Case]) -> None:
        found, _ = await campaign_queries.listed(work.session, work.viewer, list(CampaignState), None, 5)
        if not found:
            raise CampaignNotFound
        await act(work, chance.choice(found), case)

    return do


async def _write_to_all(work: Work, campaign: Campaign, _case: Case) -> None:
    members = await campaigns.confirmed(work, campaign.campaign_id)
    text_for_all = f"to all of {campaign.campaign_id}: {IDS.uuid()}"  # else one person's two acts could say the same
    await _carry_out(work, Order(Action.MESSAGE, text=text_for_all), {one.case_id: one.version for one in members})


async def _end_all(work: Work, campaign: Campaign, _case: Case) -> None:
    members = await campaigns.confirmed(work, campaign.campaign_id)
    order = Order(Action.RESOLVE, outcome=Outcome.REMOVED_BY_PLATFORM)
    await _carry_out(work, order, {one.case_id: one.version for one in members})


ACTIONS: dict[str, Do] = {
    "claim": lambda work, case, _c, _a: cases.claim(work, case.case_id, case.version),
    "prioritise": lambda work, case, chance, _a: cases.prioritise(
        work, case.case_id, case.version, chance.choice(list(Priority)), "It is what it is"
    ),
    "release": lambda work, case, _c, _a: cases.release(work, case.case_id, case.version),
    "transfer": lambda work, case, chance, _a: cases.transfer(
        work, case.case_id, case.version, chance.choice([Team.SMART, Team.SIRT]), "Theirs"
    ),
    "resolve": _resolve,
    "close": lambda work, case, _c, _a: cases.close(work, case.case_id, case.version),
    "reopen": lambda work, case, _c, _a: cases.reopen(work, case.case_id, case.version, "Again"),
    "write": _write,
    "merge": _merge,
    "merge too": _merge,
    "unmerge": lambda work, case, _c, _a: merges.unmerge(work, case.case_id, case.version),
    "split": _split,
    "undo split": lambda work, case, _c, _a: merges.undo_split(work, case.case_id, case.version),
    "claim many": _many(Action.CLAIM),
    "transfer many": _many(Action.TRANSFER, team=Team.SIRT),
    "write about many": _many(Action.MESSAGE),
    "resolve many": _many(Action.RESOLVE, outcome=Outcome.DUPLICATE),
    "merge many": _many(Action.MERGE),
    "undo": _undo,
    "make a campaign": _make,
    "add": _campaign(
        lambda work, one, case: campaigns.change_members(work, one.campaign_id, add=[case.case_id], read=one.version)
    ),
    "take out": _campaign(
        lambda work, one, case: campaigns.change_members(
            work, one.campaign_id, take_out=[case.case_id], read=one.version
        )
    ),
    "confirm": _campaign(lambda work, one, _case: campaigns.confirm(work, one.campaign_id, "Again", one.version)),
    "dismiss": _campaign(lambda work, one, _case: campaigns.dismiss(work, one.campaign_id, 7, None, one.version)),
    "write to all of a campaign": _campaign(_write_to_all),
    "resolve a campaign": _campaign(_end_all),
}
OFTEN = [*ACTIONS, "claim", "resolve", "resolve", "merge", "undo", "undo", "make a campaign"]


async def _all_cases(triage: Triage, who: Viewer) -> list[Case]:
    async with triage.database.transaction() as session:
        ids = [row[0] for row in await session.execute(text('select case_id from "case" order by case_id'))]
        return [await queries.get(session, who, case_id) for case_id in ids]


async def _works(triage: Triage, who: Viewer, chance: random.Random, came: Counter[str]) -> None:
    """Do what chance says, each in a transaction of its own, and count what came of it."""
    for _ in range(STEPS):
        every = await _all_cases(triage, who)
        case, name = chance.choice(every), chance.choice(OFTEN)
        try:
            async with triage.database.transaction() as session:
                await ACTIONS[name](Work(session, who, triage.clock.now(), WRITER), case, chance, every)
        except REFUSED:
            came["refused"] += 1
        except DBAPIError as error:  # the edge says to try again
            if not is_transient(error):
                raise
            came["ended"] += 1
        else:
            came["done"] += 1
            came[name] += 1


async def _events(triage: Triage) -> list[tuple[str, dict[str, Any]]]:
    async with triage.database.transaction() as session:
        rows = await session.execute(select(outbox.c.type, outbox.c.value).order_by(outbox.c.id))
        return [(row.type.removesuffix(".v1"), json.loads(row.value)) for row in rows]


def _follows_its_events(said: list[tuple[str, dict[str, Any]]], every: list[Case]) -> None:
    """Check that who only hears the events of cases knows what became of each: its team, and whether it has ended."""
    team: dict[str, str] = {}
    ended: dict[str, bool] = {}
    merged: dict[str, bool] = defaultdict(bool)
    for kind, event in said:
        case_id = event.get("case_id", "")
        match kind:
            case "case.opened":
                assert case_id not in team, "opened twice"
                team[case_id], ended[case_id] = event["team"], False
            case "case.transferred":
                assert team[case_id] == event["from_team"]
                team[case_id] = event["to_team"]
            case "case.resolved":
                assert not ended[case_id], "resolved twice"
                ended[case_id] = True
            case "case.reopened":
                assert ended[case_id]
                ended[case_id] = False
                merged[case_id] = event["state"] == "merged"
            case "case.merged":
                assert not merged[case_id]
                assert not ended[case_id]
                merged[case_id] = True
            case "case.unmerged":
                merged[case_id] = False
    assert {str(case.case_id): (team[str(case.case_id)], ended[str(case.case_id)]) for case in every} == {
        str(case.case_id): (str(case.team), case.finished) for case in every
    }


def _messages_went_once(said: list[tuple[str, dict[str, Any]]]) -> None:
    """Check that no reporter was sent a message twice."""
    sent = Counter((event["report_id"], event["text"]) for kind, event in said if kind == "reporter_update.shared")
    assert set(sent.values()) <= {1}


def _is_legal(every: list[Case]) -> None:
    """Check that merged cases form trees under a case that is worked or finished."""
    above = {case.case_id: case for case in every}
    for case in every:
        assert (case.state == "merged") == (case.merged_from is not None)
        assert (case.outcome is not None) == case.finished
        assert len(case.held_by) == case.transfers + 1
        if case.state == "merged":
            seen: list[UUID] = [case.case_id]
            main = above[case.merged_into or case.case_id]
            while main.state == "merged":
                assert main.case_id not in seen, "a circle"
                seen.append(main.case_id)
                main = above[main.merged_into or main.case_id]
            assert not main.finished, "it follows a case that has ended"
            assert main.team is case.team


async def _is_kept_once(session: AsyncSession) -> None:
    """Check that bulk actions made each version once, and that each case says when it joined and left a campaign."""
    made = "select case_id, made from bulk_item where made is not null and problem is null"
    versions = Counter((await session.execute(text(made))).all())
    assert set(versions.values()) <= {1}
    looked_at = "select count(*) from bulk_item join bulk using (bulk_id) where made is null and problem is null"
    assert await session.scalar(text(looked_at)) == 0
    moves = (
        "select after->>'campaign', chain_id, action from activity where action in ('campaign_joined', 'campaign_left')"
    )
    joined: Counter[tuple[str, str]] = Counter()
    for campaign, case_id, action in await session.execute(text(moves)):
        joined[campaign, str(case_id)] += 1 if action == "campaign_joined" else -1
    rows = await session.execute(text("select campaign_id, case_id, state from campaign_member"))
    assert joined == {(str(one), str(case_id)): int(state == "confirmed") for one, case_id, state in rows}


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_people_at_the_same_cases_at_once(triage: Triage, number: int) -> None:
    chance = random.Random(SEED + number)
    await open_cases(triage.database, *(report(behaviours=("harassment", "trolling")) for _ in range(3)))
    [first, second, _] = await _all_cases(triage, AISHA)
    async with triage.database.transaction() as session:
        work = Work(session, AISHA, triage.clock.now(), WRITER)
        await merges.merge(work, second.case_id, second.version, str(first.case_id), None)
    came: Counter[str] = Counter()
    people = (SAM, AISHA, AISHA)
    await asyncio.gather(*(_works(triage, who, random.Random(chance.random()), came) for who in people))
    every, said = await _all_cases(triage, AISHA), await _events(triage)
    _is_legal(every)
    _follows_its_events(said, every)
    _messages_went_once(said)
    async with triage.database.transaction() as session:
        notes = "select count(*), count(distinct (case_id, text)) from note where shared"
        [stored] = [tuple(row) for row in await session.execute(text(notes))]
        assert stored[0] == stored[1]
        await _is_kept_once(session)
        assert await wrong_tasks(session) == []
        assert await lost(session, every) == []
    every_act = len(people) * STEPS
    assert came["done"] + came["refused"] + came["ended"] == every_act
    assert came["ended"] <= MOST_ENDED * every_act, came
    assert came["done"] >= FEWEST_DONE * every_act, came
