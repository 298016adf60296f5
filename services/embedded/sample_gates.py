"""Sample training, operators who lack a gate, and a request that waits: so that a new user sees what there is."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.embedded.data_directory import SAMPLE
from services.registry.accounts.queries import find_open
from services.registry.approvals.asking import ask
from services.registry.approvals.domain import Draft
from services.registry.context.domain import Periods
from services.registry.context.work import Observers, Work
from services.registry.operators.domain import Device
from services.registry.operators.handlers import Naming, name_operator
from services.registry.training.importing import import_csv
from shared.auth.personas import load_personas
from shared.events.vocabulary import AccountClass
from shared.ids import Ids, StaffId
from shared.messaging.outbox import Outbox

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


async def load(session: AsyncSession, now: datetime, *, ids: Ids, periods: Periods, observers: Observers) -> None:
    """Record what the sample people would have; the sample accounts are on the register already."""
    by_id = {one.principal.staff_id: one.principal for one in load_personas(SAMPLE / "personas.yaml")}
    outbox = Outbox("registry", ids)
    owner = Work(session, _OWNER, now, ids, outbox, periods, observers, by_id[_OWNER])
    comms = Work(session, _COMMS, now, ids, outbox, periods, observers, by_id[_COMMS])
    await import_csv(owner, (SAMPLE / "training.csv").read_text(encoding="utf-8"), accept_valid=False)
    for handle, staff_id, device in _OPERATORS:
        (account,) = await find_open(session, [handle])
        await name_operator(comms, Naming(account.id, staff_id, device))
    await ask(comms, _REQUEST)
