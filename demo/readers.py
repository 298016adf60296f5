"""Reads what Signpost says became of reports: cases of each team, alerts, and the figures of the ledger."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import httpx
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from demo.reports import Sender
from demo.tokens import OVERSEER, READERS, Bearer


@dataclass(frozen=True, slots=True)
class Figures:
    """The ledger's figures, counted in reports; None for those that the operations page does not show."""

    accepted: int
    dead_lettered: int
    unaccounted: int
    published: int | None = None
    cases: int | None = None
    alert_decisions: int | None = None
    in_flight: int | None = None


class LedgerUnavailable(Exception):
    """The database or service that keeps the ledger does not answer."""


class Ledger(Protocol):
    """Where the figures come from."""

    source: str

    async def figures(self) -> Figures:
        """Return the figures of this moment.

        Raises:
            LedgerUnavailable: the database or service that keeps them does not answer.
        """
        ...


class _Summary(BaseModel):
    accepted_today: int
    dead_lettered: int
    unaccounted: int | None


class _Operations(BaseModel):
    summary: _Summary


class OperationsLedger:
    """The figures of the operations page, a second or two late; `accepted` starts again at midnight in the UK."""

    source = "operations"

    def __init__(self, client: httpx.AsyncClient, bearer: Bearer) -> None:
        self._client = client
        self._bearer = bearer

    async def figures(self) -> Figures:
        try:
            headers = {"Authorization": await self._bearer(OVERSEER)}
            answer = (await self._client.get("/cases/api/v1/operations", headers=headers)).raise_for_status()
        except httpx.HTTPError as error:
            raise LedgerUnavailable from error
        summary = _Operations.model_validate_json(answer.content).summary
        return Figures(
            accepted=summary.accepted_today,
            dead_lettered=summary.dead_lettered,
            unaccounted=summary.unaccounted or 0,
        )


_PAGE = 100
_AT_ONCE = 8
_CLOCKS_DIFFER = timedelta(minutes=1)
"""How far the clocks of two machines may differ."""


class Case(BaseModel):
    """A case as triage lists it."""

    case_id: UUID
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
    """An alert as notifier lists it: no names, only what the recipient is to the report."""

    alert_id: UUID = Field(exclude=True)
    purpose: str
    reason: str
    state: str


class _Page(BaseModel):
    items: list[Case]
    next_cursor: str | None


_ALERTS = TypeAdapter(dict[str, list[Alert]])


class ReportReader:
    """Reads as the teams' leads do."""

    def __init__(self, client: httpx.AsyncClient, bearer: Bearer) -> None:
        self._client = client
        self._bearer = bearer
        self._seen_by: dict[UUID, set[Sender]] = defaultdict(set)
        """Report → whose team has a case of it: they alone read the alerts about that case."""

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
                        self._seen_by[case.report_id].add(reader)
        return {report: [cases[name] for name in sorted(cases)] for report, cases in found.items()}

    async def check(self) -> None:
        """Check that each reader is allowed to, before anything is sent.

        Raises:
            httpx.HTTPError: a service does not answer, or refuses a reader.
        """
        for reader in READERS:
            await self._page(reader, None)

    async def alerts(self, report_ids: Sequence[UUID], note: Callable[[], None]) -> dict[UUID, list[Alert]]:
        """Return the alerts of each report whose cases were read; `note` is called after each.

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
        wanted = {"limit": str(_PAGE), "sort": "newest"} | ({"cursor": cursor} if cursor else {})
        return _Page.model_validate_json(await self._get("/cases/api/v1/cases", wanted, reader))

    async def _alerts_of(self, report_id: UUID) -> list[Alert]:
        found: dict[UUID, Alert] = {}
        for reader in self._seen_by[report_id]:
            body = await self._get("/alerts/api/v1/alerts", {"report_id": str(report_id)}, reader)
            found |= {alert.alert_id: alert for alert in _ALERTS.validate_json(body)["items"]}
        return list(found.values())

    async def _get(self, path: str, wanted: Mapping[str, str], reader: Sender) -> bytes:
        headers = {"Authorization": await self._bearer(reader)}
        return (await self._client.get(path, params=dict(wanted), headers=headers)).raise_for_status().content


def _made_at(report_id: UUID) -> datetime:
    """Return when a UUIDv7 was made, by the clock of its maker (RFC 9562 §5.7)."""
    return datetime.fromtimestamp((report_id.int >> 80) / 1000, UTC)
