"""A desk from which tests work on cases by the API, and read what triage announces."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from httpx import AsyncClient, Response
from sqlalchemy import select

from shared.auth.permissions import Role
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
