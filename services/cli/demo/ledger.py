"""What Signpost itself counts: the ledger, as `signpost reconcile` reads it, or as the operations page shows it."""

from dataclasses import dataclass
from typing import Protocol

import httpx
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from services.cli.demo.tokens import OVERSEER, Bearer
from services.intake.ledger.queries import reconcile
from shared.clock import Clock
from shared.db.database import Database


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
    """Neither database nor service answers."""


class Ledger(Protocol):
    """Where the figures come from."""

    source: str

    async def figures(self) -> Figures:
        """Return the figures of this moment.

        Raises:
            LedgerUnavailable: who keeps them does not answer.
        """
        ...


class DatabaseLedger:
    """The same figures as `signpost reconcile`, from intake's database."""

    source = "database"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def figures(self) -> Figures:
        try:
            async with self._database.transaction() as session:
                found = await reconcile(session, self._clock.now())
        except (OSError, SQLAlchemyError) as error:
            raise LedgerUnavailable from error
        return Figures(
            accepted=found.accepted,
            dead_lettered=found.dead_lettered,
            unaccounted=found.unaccounted,
            published=found.published,
            cases=found.cases,
            alert_decisions=found.alert_decisions,
            in_flight=found.in_flight,
        )


class _Summary(BaseModel):
    accepted_today: int
    dead_lettered: int
    unaccounted: int | None


class _Operations(BaseModel):
    summary: _Summary


class OperationsLedger:
    """What operations see, a second or two later; `accepted` begins anew at midnight in the United Kingdom."""

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
