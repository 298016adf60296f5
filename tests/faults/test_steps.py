"""The list of steps is complete: every commit, publish, offset and send is one that the kills know."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.notifier.delivery.loop import DeliveryLoop
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog
from shared.messaging.relay import Relay
from tests.architecture.source import parsed
from tests.authorisation.services import OPENING, settings_of
from tests.faults.steps import (
    CONSUMERS,
    DELIVERY,
    EVIDENCE_STEPS,
    NOT_KILLED_AT,
    ON_NO_WAY,
    READ_ONLY,
    RELAYS,
    SITES,
    STEPS,
    Act,
)
from tests.faults.test_file_ways import WAYS

ROOT = Path(__file__).resolve().parents[2]
ENDS_BY_ITSELF = ("services/cli", "services/embedded")
"""Commands and the start of the embedded mode: they promise nothing before they have ended."""
EDGES = {
    "append": {"Relay._publish_batch"},
    "commit": {"BatchConsumer._handle"},
    "send": {"DeliveryLoop._send"},
}
"""The callers of the log's writer, of its member, and of a channel: one place each."""
RECEIVERS = {"append": "appender", "commit": "member", "send": "channel"}


def test_every_transaction_of_a_running_service_is_an_act_of_the_list() -> None:
    found = {name for path in _running() for name in _transactions(path)}
    assert found == set(SITES) | set(READ_ONLY)


@pytest.mark.parametrize("edge", EDGES)
def test_the_log_and_the_mail_server_are_reached_from_one_place(edge: str) -> None:
    found = {name for path in _running() for name in _callers(path, edge, RECEIVERS[edge])}
    assert found == EDGES[edge]


def test_every_act_is_killed_at_or_says_why_not() -> None:
    killed_at = {step.act for step in (*STEPS, *EVIDENCE_STEPS)}
    assert killed_at | set(NOT_KILLED_AT) == set(Act)
    assert not killed_at & set(NOT_KILLED_AT)


def test_every_function_that_writes_while_a_file_comes_is_opened_or_goes_is_on_a_way_that_dies_there() -> None:
    intake = [ROOT / "services/intake" / name for name in ("conversation", "evidence", "forms")]
    found = {name for folder in intake for path in folder.rglob("*.py") for name in _transactions(path)}
    dies = {name for name in found & set(SITES) if SITES[name] not in NOT_KILLED_AT}
    assert dies <= {name for way in WAYS.values() for name in way.sites} | set(ON_NO_WAY)


@pytest.mark.parametrize("service", OPENING)
async def test_every_relay_consumer_and_delivery_that_is_wired_has_its_steps(
    service: str, event_log: EventLog, tmp_path: Path
) -> None:
    url = "postgresql+asyncpg://nobody@localhost/never-opened"
    async with OPENING[service](settings_of(service, url, tmp_path), log=event_log) as opened:
        wired = {kind: {role.name for role in opened.roles if isinstance(role, kind)} for kind in _KNOWN}
    for kind, known in _KNOWN.items():
        assert wired[kind] == {role for role, owner in known.items() if owner == service}


_KNOWN = {Relay: RELAYS, BatchConsumer: CONSUMERS, DeliveryLoop: DELIVERY}


def _running() -> Iterator[Path]:
    for top in ("services", "shared"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if not str(path.relative_to(ROOT)).startswith(ENDS_BY_ITSELF):
                yield path


def _transactions(path: Path) -> Iterator[str]:
    return _callers(path, "transaction", "database")


def _callers(path: Path, method: str, receiver: str) -> Iterator[str]:
    """Yield the functions of a module that call `….<receiver>.<method>()`, by qualified name."""
    yield from _calls_in(parsed(path.read_text()), method, receiver, "")


def _calls_in(node: ast.AST, method: str, receiver: str, within: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        name = f"{within}.{child.name}".lstrip(".") if named else within  # type: ignore[attr-defined]  # just asked
        if isinstance(child, ast.Call) and _is_call_of(child, method, receiver):
            yield name
        yield from _calls_in(child, method, receiver, name)


def _is_call_of(call: ast.Call, method: str, receiver: str) -> bool:
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == method):
        return False
    owner = call.func.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return name.lstrip("_") == receiver
