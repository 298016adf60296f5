"""Loads the sample staff directory, accounts, training, operators and a request into a new data directory, once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.embedded.data_directory import SAMPLE, DataDirectory
from services.notifier.directory import handlers as directory_handlers
from services.registry.accounts import csv_file
from services.registry.accounts.queries import find_open
from services.registry.approvals.domain import Draft
from services.registry.approvals.handlers import request_account
from services.registry.context.dependencies import RegistryParts
from services.registry.context.domain import Periods
from services.registry.context.work import Observers, Work
from services.registry.eligibility.handlers import import_training
from services.registry.operators.domain import Device
from services.registry.operators.handlers import NewOperator, name_operator
from shared.auth.personas import load_personas
from shared.clock import SystemClock
from shared.events.vocabulary import AccountClass
from shared.ids import Ids, RandomIds, StaffId
from shared.messaging.outbox import Outbox
from shared.runtime import Service, parts_in

_ACTOR = "system:sample"
_COMMS, _OWNER = StaffId("S8003"), StaffId("S7001")
_OPERATORS = (
    (("x", "sampledept"), StaffId("S7004"), None),
    (("x", "sampledirector"), StaffId("S3001"), Device.OTHER),
)
_REQUEST = Draft(
    platform="instagram",
    handle="sample.department.careers",
    account_class=AccountClass.OFFICIAL,
    requirement="Reach people who look for their first job, where they are",
    purpose="Careers: vacancies and advice",
    owner=_OWNER,
    title="Sample Department careers",
)


async def load_once(directory: DataDirectory, running: Sequence[Service]) -> None:
    """Import the sample data, unless that was done before; what people have changed since stays."""
    done = directory.path / "sample-loaded"
    if done.exists():
        return
    by_name = {service.name: service for service in running}
    now, ids = SystemClock().now(), RandomIds()
    async with by_name["notifier"].database.transaction() as session:
        text = (SAMPLE / "directory.csv").read_text(encoding="utf-8")
        await directory_handlers.import_csv(
            session, text, accept_valid=False, now=now, ids=ids, outbox=Outbox("notifier", ids), actor=_ACTOR
        )
    registry = by_name["registry"]
    async with registry.database.transaction() as session:
        text = (SAMPLE / "accounts.csv").read_text(encoding="utf-8")
        await csv_file.import_csv(
            session, text, accept_valid=False, outbox=Outbox("registry", ids), now=now, ids=ids, actor=_ACTOR
        )
        parts = parts_in(registry.app, RegistryParts)
        await _load_gates(session, now, ids=ids, periods=parts.periods, observers=parts.observers)
    done.touch()


async def _load_gates(
    session: AsyncSession, now: datetime, *, ids: Ids, periods: Periods, observers: Observers
) -> None:
    """Record training, operators and a request of the sample people; the sample accounts are already registered."""
    by_id = {one.principal.staff_id: one.principal for one in load_personas(SAMPLE / "personas.yaml")}
    outbox = Outbox("registry", ids)
    owner = Work(session, _OWNER, now, ids, outbox, periods, observers, by_id[_OWNER])
    comms = Work(session, _COMMS, now, ids, outbox, periods, observers, by_id[_COMMS])
    await import_training(owner, (SAMPLE / "training.csv").read_text(encoding="utf-8"), accept_valid=False)
    for handle, staff_id, device in _OPERATORS:
        (account,) = await find_open(session, [handle])
        await name_operator(comms, NewOperator(account.id, staff_id, device))
    await request_account(comms, _REQUEST)
