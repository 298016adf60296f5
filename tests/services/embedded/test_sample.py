"""The sample data that a new user sees."""

import pytest

import services.registry.accounts.csv_file
from services.embedded import sample
from services.embedded.data_directory import SAMPLE
from services.registry.accounts.queries import find_open
from services.registry.app import OBSERVERS
from services.registry.approvals.domain import RequestState
from services.registry.approvals.queries import RequestFilter, list_requests
from services.registry.context.domain import Periods
from services.registry.operators.queries import operators_of
from shared.clock import SystemClock
from shared.db.database import Database
from shared.ids import RandomIds
from shared.messaging.outbox import Outbox

SERVICE = "registry"
PERIODS = Periods(training_months=120, review_months=12)


@pytest.mark.policy("S5")
async def test_the_sample_shows_a_waiting_request_and_operators_who_lack_a_gate(database: Database) -> None:
    now, ids = SystemClock().now(), RandomIds()
    accounts = (SAMPLE / "accounts.csv").read_text(encoding="utf-8")
    async with database.transaction() as session:
        await services.registry.accounts.csv_file.import_csv(
            session, accounts, accept_valid=False, outbox=Outbox("registry", ids), now=now, ids=ids, actor="system:test"
        )
        await sample._load_gates(session, now, ids=ids, periods=PERIODS, observers=OBSERVERS)
    async with database.transaction() as session:
        (request,) = (await list_requests(session, RequestFilter())).items
        found = [await find_open(session, [("x", handle)]) for handle in ("sampledept", "sampledirector")]
        operators = [await operators_of(session, one, PERIODS, now.date()) for (one,) in found]
    assert request.state is RequestState.REQUESTED
    assert [[gate.name for gate in one.gates if not gate.passed] for (one,) in operators] == [["training"], ["device"]]
