"""Whatever happens to evidence, in any order: each case tells all of it that was done there, in order, and no more."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from services.triage.cases.tables import CaseRow
from shared.audit import chain
from shared.auth.permissions import Role
from shared.events.intake import EvidenceAdded
from tests.services.triage.builders import Submitted, open_cases, report
from tests.services.triage.conftest import Triage
from tests.services.triage.evidence.pieces import announce, of_team, piece, scanned, taken_back

SERVICE = "triage"
STEPS = 40
ROLES = (Role.SMART_RESPONDER, Role.SIRT_RESPONDER)
WHO = ("S4001", "S5001", "S4009")
Done = tuple[str, str, str | None]
"""Action, who, why."""


@dataclass
class Story:
    """Two cases of one report, and what should be told of each piece on each of them."""

    triage: Triage
    told: Submitted
    cases: list[UUID]
    by_chance: random.Random
    pieces: list[EvidenceAdded] = field(default_factory=list)
    gone: set[UUID] = field(default_factory=set)
    infected: set[UUID] = field(default_factory=set)
    expected: dict[tuple[UUID, UUID], list[Done]] = field(default_factory=lambda: defaultdict(list))
    """By case and piece."""

    def shown_on(self, one: EvidenceAdded) -> list[UUID]:
        return [case for case in self.cases if one.added_by == "reporter" or one.case_id == case]

    def tell(self, one: EvidenceAdded, *done: Done) -> None:
        for case in self.shown_on(one):
            self.expected[case, one.evidence_id].extend(done)

    async def step(self, client: AsyncClient, number: int) -> None:
        what = self.by_chance.choice(("add", "scan", "take back", "open", "open", "open", "export"))
        if what == "add" or not self.pieces:
            await self.add()
        elif what in {"scan", "take back"}:
            await self.news(self.by_chance.choice(self.pieces), what)
        else:
            await self.look(client, what, f"For reason {number}")

    async def add(self) -> None:
        by_team = of_team(self.told, self.by_chance.choice(self.cases), responder="S4001", scan="not_scanned")
        one = self.by_chance.choice((piece(self.told, cleaned=True, scan="not_scanned"), by_team))
        self.pieces.append(one)
        await announce(self.triage.database, one)
        for case in self.cases:  # these readers see both, and so each piece on both
            self.expected[case, one.evidence_id].append(("added", one.responder or "reporter", None))

    async def news(self, one: EvidenceAdded, what: str) -> None:
        if one.evidence_id in self.gone | self.infected or (what == "take back" and one.added_by == "team"):
            return
        if what == "scan":
            self.infected.add(one.evidence_id)
            await announce(self.triage.database, scanned(one, "infected"))
            self.tell(one, ("scanned", "system:intake", None))
        else:
            self.gone.add(one.evidence_id)
            await announce(self.triage.database, taken_back(one))
            self.tell(one, ("removed", "reporter", None))

    async def look(self, client: AsyncClient, what: str, why: str) -> None:
        case, who = self.by_chance.choice(self.cases), self.by_chance.choice(WHO)
        one = self.by_chance.choice(self.pieces)
        address = f"/cases/api/v1/cases/{case}/evidence"
        address += "/export" if what == "export" else f"/{one.evidence_id}/open"
        answer = await client.post(address, json={"purpose": why}, headers=self.triage.bearer(*ROLES, subject=who))
        whole = [other for other in self.pieces if other.evidence_id not in self.gone | self.infected]
        looked_at = whole if what == "export" else [one] if one in whole else []
        assert answer.is_success is bool(looked_at), answer.text
        for seen in looked_at:
            action = "exported" if what == "export" else "opened"
            self.expected[case, seen.evidence_id].append((action, who, why))


@pytest.mark.parametrize("seed", [1, 2])
async def test_each_case_tells_all_that_was_done_with_evidence_there_in_order_and_no_more(
    triage: Triage, seed: int
) -> None:
    told = report(also_affects=("dwp_information",), reporter={"confidentiality": "anonymous"})
    await open_cases(triage.database, told)
    async with triage.database.transaction() as session:
        cases = list(await session.scalars(select(CaseRow.case_id).order_by(CaseRow.link_number)))
    story = Story(triage, told, cases, random.Random(seed))
    async with triage.client() as client:
        for number in range(STEPS):
            await story.step(client, number)
        for case in cases:
            answer = await client.get(f"/cases/api/v1/cases/{case}/evidence", headers=triage.bearer(*ROLES))
            listed = {UUID(item["evidence_id"]): item["custody"] for item in answer.json()["items"]}
            assert list(listed) == [one.evidence_id for one in sorted(story.pieces, key=lambda one: one.evidence_id)]
            for one, custody in listed.items():
                done = [(entry["action"], entry["by"], entry["purpose"]) for entry in custody]
                assert done == story.expected[case, one], (case, one)
    async with triage.database.transaction() as session:
        for case in cases:
            looks = [one for one in await chain.read(session, case) if one.action.endswith(("_opened", "_exported"))]
            told_of = {why for (of, _), done in story.expected.items() if of == case for _, _, why in done if why}
            assert {one.personal["purpose"] for one in looks} == told_of
