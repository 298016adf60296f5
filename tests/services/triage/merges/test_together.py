"""Two people work on the same few cases at once, in real transactions: nothing is lost, doubled or left half done."""

import asyncio
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from services.triage.cases import handlers as cases
from services.triage.cases import queries
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.merges import handlers as merges
from services.triage.merges.refusals import REFUSALS
from shared.events.vocabulary import Outcome, Team
from shared.messaging.faults import is_transient
from shared.messaging.tables import outbox
from tests.services.triage.builders import WRITER, open_cases, report, viewer
from tests.services.triage.conftest import Triage

ROUNDS, STEPS = 2, 40
SEED = int(os.environ.get("FAULTS_SEED", "14"))
"""What is tried; in which order it meets is up to the database."""
TEAMS = (Team.SMART, Team.SIRT, Team.TRIAGE_DESK)
SAM, AISHA = (viewer(*TEAMS, subject=one, lead=True) for one in ("S4001", "S4002"))
REFUSED = (*CASE_REFUSALS, *REFUSALS)
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


ACTIONS: dict[str, Do] = {
    "claim": lambda work, case, _c, _a: cases.claim(work, case.case_id, case.version),
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
}


OFTEN = [*ACTIONS, "claim", "resolve", "resolve", "merge"]


async def _all_cases(triage: Triage, who: Viewer) -> list[Case]:
    async with triage.database.transaction() as session:
        ids = [row[0] for row in await session.execute(text('select case_id from "case" order by case_id'))]
        return [await queries.get(session, who, case_id) for case_id in ids]


async def _works(triage: Triage, who: Viewer, chance: random.Random) -> None:
    """Do what chance says, each in a transaction of its own; what is refused changes nothing."""
    for _ in range(STEPS):
        every = await _all_cases(triage, who)
        case, name = chance.choice(every), chance.choice(OFTEN)
        try:
            async with triage.database.transaction() as session:
                await ACTIONS[name](Work(session, who, triage.clock.now(), WRITER), case, chance, every)
        except REFUSED:
            continue
        except DBAPIError as error:  # the edge says to try again
            if not is_transient(error):
                raise


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


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_two_people_at_the_same_cases_at_once(triage: Triage, number: int) -> None:
    chance = random.Random(SEED + number)
    await open_cases(triage.database, *(report(behaviours=("harassment", "trolling")) for _ in range(3)))
    [first, second, _] = await _all_cases(triage, AISHA)
    async with triage.database.transaction() as session:
        work = Work(session, AISHA, triage.clock.now(), WRITER)
        await merges.merge(work, second.case_id, second.version, str(first.case_id), None)
    await asyncio.gather(*(_works(triage, who, random.Random(chance.random())) for who in (SAM, AISHA, AISHA)))
    every, said = await _all_cases(triage, AISHA), await _events(triage)
    _is_legal(every)
    _follows_its_events(said, every)
    _messages_went_once(said)
    async with triage.database.transaction() as session:
        notes = "select count(*), count(distinct (case_id, text)) from note where shared"
        [stored] = [tuple(row) for row in await session.execute(text(notes))]
        assert stored[0] == stored[1]
