"""A search finds, counts and ranks only what its viewer may see: words are planted where they may not look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import text

from services.triage.cases import changes
from services.triage.cases.access import Viewer
from services.triage.search.domain import Sought
from services.triage.search.queries import newest, page
from shared.db.database import Database
from shared.events.vocabulary import Team
from tests.services.triage.builders import NOW, open_cases, report, viewer
from tests.services.triage.search.sought import swept

SERVICE = "triage"
CASES = 60
SAM, LEAD = viewer(Team.SMART, subject="S4001"), viewer(Team.SMART, subject="S4002", lead=True)
LEO = viewer(Team.SIRT, subject="S5001")
DESK = viewer(Team.TRIAGE_DESK, Team.LINE_MANAGER, subject="S6001", lead=True)
STRANGER = viewer(Team.ADVICE_CENTRE, subject="S9001")
VIEWERS = (SAM, LEAD, LEO, DESK, STRANGER)
TYPED = ("planted", "word0", "planted word1", '"planted word2"', "@word1x")
CHANGE = text(
    """
    update "case" set team = :team, restricted = :restricted, kept_from = :kept_from,
      outcome = cast(:outcome as text), state = case when cast(:outcome as text) is null then 'new' else 'closed' end
    where case_id = :case_id
    """
)


@dataclass(frozen=True)
class Seen:
    """What decides who may see a case, and one of the words that it has."""

    case_id: UUID
    team: str
    restricted: bool
    kept_from: Sequence[str]
    outcome: str | None
    named: Sequence[str]
    word: str

    def by(self, who: Viewer) -> bool:
        """Return whether a viewer may see it, by the rule as it is written (decision 0018)."""
        if self.team not in who.teams or set(self.kept_from) & who.keys:
            return False
        if who.subject in self.named:
            return True
        return self.outcome != "exempt" and (not self.restricted or self.team in who.leads)


async def planted(database: Database, chance: Random) -> list[Seen]:
    """Open cases of SMART with the word "planted" and one of three others, and let them be found; then change them."""
    words = [f"word{chance.randrange(3)}" for _ in range(CASES)]
    told = [report(narrative=f"planted {word}", handles=(f"@{word}x",)) for word in words]
    await open_cases(database, *told)
    await swept(database)
    async with database.transaction() as session:
        rows = await session.execute(text('select report_id, case_id from "case"'))
        ids: Mapping[UUID, UUID] = {report_id: case_id for report_id, case_id in rows}  # noqa: C416 - a row is no pair
        cases = [_changed(ids[one.report_id], word, chance) for one, word in zip(told, words, strict=True)]
        for one in cases:
            await session.execute(CHANGE, vars_of(one))
            for subject in one.named:
                named = {"case_id": one.case_id, "subject": subject}
                await session.execute(text("insert into case_access values (:case_id, :subject)"), named)
    return cases


def vars_of(one: Seen) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("case_id", "team", "restricted", "kept_from", "outcome")}


def _changed(case_id: UUID, word: str, chance: Random) -> Seen:
    someone = chance.choice(VIEWERS)
    return Seen(
        case_id,
        chance.choice([Team.SMART, Team.SMART, Team.SIRT, Team.TRIAGE_DESK, Team.LINE_MANAGER]).value,
        restricted=chance.random() < 0.4,
        kept_from=[f"id:{someone.subject.lower()}"] if chance.random() < 0.3 else [],
        outcome=chance.choice([None, None, "no_violation_found", "exempt"]),
        named=[chance.choice(VIEWERS).subject] if chance.random() < 0.3 else [],
        word=word,
    )


@pytest.mark.parametrize("seed", range(3))
async def test_words_of_cases_that_a_viewer_may_not_see_never_match_nor_count(database: Database, seed: int) -> None:
    cases = await planted(database, Random(seed))
    sought = {typed: Sought.read(typed) for typed in TYPED}

    def allowed(who: Viewer, typed: str) -> set[UUID]:
        word = typed.strip('"@x').rpartition(" ")[2]
        return {one.case_id for one in cases if one.by(who) and word in {one.word, "planted"}}

    async with database.transaction() as session:  # the documents are still of before, when SMART saw all
        for who in VIEWERS:
            for typed, one in sought.items():
                found = await page(session, who, one, limit=100)
                assert {hit.case_id for hit in found.hits} <= allowed(who, typed)
                assert found.total == len(found.hits)
        await changes.note(session, [one.case_id for one in cases], NOW)
    await swept(database)
    seen = []
    async with database.transaction() as session:
        for who in VIEWERS:
            for typed, one in sought.items():
                exempt = {case.case_id for case in cases if case.outcome == "exempt"}
                case_ids = (await newest(session, who, one)).case_ids
                assert set(case_ids) == allowed(who, typed) - exempt  # of which no word is kept
                seen.append(len(case_ids))
    assert sum(map(bool, seen)) > len(seen) / 2
