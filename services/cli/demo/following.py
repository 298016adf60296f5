"""Reads what became of reports: cases from each team's list, alerts from notifier."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from pydantic import AwareDatetime, BaseModel, TypeAdapter

from services.cli.demo.planned import Sender
from services.cli.demo.tokens import READERS, Bearer

_PAGE = 100
_AT_ONCE = 8
_CLOCKS_DIFFER = timedelta(minutes=1)
"""Services on other machines may be so much apart."""


class Case(BaseModel):
    """A case as triage lists it."""

    report_id: UUID
    reference: str
    team: str
    opened_at: AwareDatetime
    routing: "Routing"


class Routing(BaseModel):
    """Why it went there."""

    rule: str
    misdirected: bool


class Alert(BaseModel):
    """An alert as notifier tells of it: nobody's name, only who they are to the report."""

    purpose: str
    reason: str
    state: str


class _Page(BaseModel):
    items: list[Case]
    next_cursor: str | None


_ALERTS = TypeAdapter(dict[str, list[Alert]])


class Following:
    """Asks as the teams' leads would."""

    def __init__(self, client: httpx.AsyncClient, bearer: Bearer) -> None:
        self._client = client
        self._bearer = bearer

    async def cases(self, report_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Case]]:
        """Return the cases of these reports, each report's first case first.

        Reads each team's list, newest first, back to when the first of the reports came in: one request for a hundred
        cases rather than one for each report and team.

        Raises:
            httpx.HTTPError: a service does not answer.
        """
        wanted = frozenset(report_ids)
        found: dict[UUID, dict[str, Case]] = defaultdict(dict)
        if wanted:
            since = _made_at(min(wanted)) - _CLOCKS_DIFFER
            for reader in READERS:
                async for case in self._listed(reader, since):
                    if case.report_id in wanted:
                        found[case.report_id][case.reference] = case
        return {report: [cases[name] for name in sorted(cases)] for report, cases in found.items()}

    async def check(self) -> None:
        """See that each of those who read may, before anything is sent.

        Raises:
            httpx.HTTPError: a service does not answer, or does not let somebody read.
        """
        for reader in READERS:
            await self._page(reader, None)

    async def alerts(self, report_ids: Sequence[UUID], note: Callable[[], None]) -> dict[UUID, list[Alert]]:
        """Return whom each report was told to; `note` is called after each.

        Raises:
            httpx.HTTPError: notifier does not answer.
        """
        found: dict[UUID, list[Alert]] = {}
        waiting = iter(report_ids)

        async def one_asker(waiting: Iterator[UUID]) -> None:
            for report_id in waiting:
                found[report_id] = await self._alerts_of(report_id)
                note()

        await asyncio.gather(*(one_asker(waiting) for _ in range(_AT_ONCE)))
        return found

    async def _listed(self, reader: Sender, since: datetime) -> AsyncIterator[Case]:
        cursor: str | None = None
        while True:
            page = await self._page(reader, cursor)
            for case in page.items:
                yield case
            cursor = page.next_cursor
            if cursor is None or page.items[-1].opened_at < since:
                return

    async def _page(self, reader: Sender, cursor: str | None) -> _Page:
        wanted = {"limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
        return _Page.model_validate_json(await self._get("/cases/api/v1/cases", wanted, reader))

    async def _alerts_of(self, report_id: UUID) -> list[Alert]:
        body = await self._get("/alerts/api/v1/alerts", {"report_id": str(report_id)}, READERS[0])
        return _ALERTS.validate_json(body)["items"]

    async def _get(self, path: str, wanted: Mapping[str, str], reader: Sender) -> bytes:
        headers = {"Authorization": await self._bearer(reader)}
        return (await self._client.get(path, params=dict(wanted), headers=headers)).raise_for_status().content


def _made_at(report_id: UUID) -> datetime:
    """Return when a UUIDv7 was made, by the clock of who made it (RFC 9562 §5.7)."""
    return datetime.fromtimestamp((report_id.int >> 80) / 1000, UTC)
