"""A desk from which tests work on cases by the API, and read what triage announces."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from httpx import AsyncClient, Response
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.domain import Case
from shared.audit import chain
from shared.auth.permissions import Role
from shared.events.vocabulary import Priority
from shared.messaging.tables import outbox
from tests.services.triage.builders import Submitted
from tests.services.triage.conftest import Triage

API = "/cases/api/v1/cases"


@dataclass(frozen=True)
class Desk:
    """A responder with a script."""

    client: AsyncClient
    headers: Mapping[str, str]

    async def read(self, sent: Submitted, number: int = 1) -> dict[str, Any]:
        """Return the report's case, or a linked one by its number."""
        found = (await self.client.get(API, params={"report_id": str(sent.report_id)}, headers=self.headers)).json()
        wanted = sent.reference if number == 1 else f"{sent.reference}-{number}"
        [case_id] = [item["case_id"] for item in found["items"] if item["reference"] == wanted]
        return dict((await self.client.get(f"{API}/{case_id}", headers=self.headers)).json())

    async def try_to(self, action: str, sent: Submitted, number: int = 1, **body: object) -> Response:
        """Do something to a case as it is now."""
        case = await self.read(sent, number)
        headers = {**self.headers, "if-match": f'"{case["version"]}"'}
        return await self.client.post(f"{API}/{case['case_id']}/{action}", json=body or None, headers=headers)

    async def do(self, action: str, sent: Submitted, number: int = 1, **body: object) -> dict[str, Any]:
        """Do something to a case, which is not refused."""
        answer = await self.try_to(action, sent, number, **body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refused(self, action: str, sent: Submitted, number: int = 1, **body: object) -> str:
        """Try something; return why it was refused."""
        answer = await self.try_to(action, sent, number, **body)
        assert answer.status_code in {404, 409, 422}, answer.text
        return str(answer.json()["type"]).rpartition(":")[2]


async def announced(triage: Triage, *kinds: str) -> Counter[tuple[str, str]]:
    """Return how often each kind of event was announced of each report."""
    async with triage.database.transaction() as session:
        rows = (await session.execute(select(outbox.c.type, outbox.c.value))).all()
    said = [(row.type.removesuffix(".v1"), json.loads(row.value)["report_id"]) for row in rows]
    return Counter(one for one in said if not kinds or one[0] in kinds)


def desk(triage: Triage, client: AsyncClient, *roles: Role, subject: str = "S4001") -> Desk:
    """Return the desk of a person."""
    return Desk(client, triage.bearer(*roles, subject=subject))


_LATE = text("""
with recursive family as (
  select case_id as main, case_id from "case"
  union select main, c.case_id from family join "case" c on c.merged_into = family.case_id where c.state = 'merged'),
first as (
  select main, min(due_at) as due_at from family left join deadline d
    on d.case_id = family.case_id and met_at is null and paused_at is null group by main)
select reference, c.due_at, first.due_at from "case" c join first on main = case_id
where c.due_at is distinct from first.due_at
""")


async def lost(session: AsyncSession, every: Sequence[Case]) -> list[str]:
    """Return the cases that do not show the clocks and priorities of what is merged into them, or keep those of others.

    What a person gave a case since stands.
    """
    found = [str(row) for row in await session.execute(_LATE)]
    for case in every:
        given_at, taken = 0, dict[str, int]()
        own = case.priority
        for number, one in enumerate(await chain.read(session, case.case_id)):
            if "priority" in one.after and one.action != "priority_follows":
                own, given_at = Priority(one.after["priority"]), number
            elif one.action == "merged_out":
                taken.pop(one.after["merged"])
            elif "merged" in one.after:
                taken[one.after["merged"]] = number
        if not taken and case.priority is not own:
            found.append(f"{case.reference} is {case.priority}, not {own}")
        merged = [one for one in every if one.state == "merged" and one.merged_into == case.case_id]
        since = [one.priority for one in merged if taken[str(one.case_id)] > given_at]
        found += [f"{case.reference} is {case.priority}, not {one}" for one in since if case.priority > one]
    return found
