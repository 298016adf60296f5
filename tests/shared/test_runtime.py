"""A process's parts stay, and none of its roles ends in silence."""

import asyncio
import subprocess
import sys

import pytest
from fastapi import FastAPI

from shared.runtime import PartsMissing, RoleEnded, WebParts, parts_in, run_roles

PROGRAM = """
import gc, weakref
from shared.runtime import keep_what_is_wired

class Node:
    pass

kept, lost = Node(), Node()
lost.itself = lost
was = weakref.ref(lost)
del lost
keep_what_is_wired()
walked = {id(one) for one in gc.get_objects()}
print(was() is None, gc.get_freeze_count() > 10_000, id(kept) in walked, gc.isenabled())
"""


def test_what_is_there_is_not_walked_again_and_what_was_garbage_is_gone() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "False", "True"]


class _Waiting:
    """A role that waits for a task until the end, or until that task is cancelled."""

    kind = "consumer"
    name = "test-role"
    unready_because: str | None = None

    def __init__(self) -> None:
        self.task: asyncio.Task[bool] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        self.task = asyncio.create_task(stop.wait())
        await self.task


async def _cancelled(role: _Waiting) -> None:
    while not role.task:
        await asyncio.sleep(0)
    role.task.cancel()


async def test_a_role_that_ends_by_a_cancellation_of_something_else_is_an_error() -> None:
    role = _Waiting()
    with pytest.RaisesGroup(RoleEnded):
        await asyncio.gather(run_roles([role], asyncio.Event()), _cancelled(role))


async def test_a_role_that_is_cancelled_is_none() -> None:
    role = _Waiting()
    running = asyncio.create_task(run_roles([role], asyncio.Event()))
    while not role.task:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_an_application_wired_without_what_a_route_needs_says_what_is_missing() -> None:
    app = FastAPI()
    app.state.parts = object()
    with pytest.raises(PartsMissing, match="WebParts"):
        parts_in(app, WebParts)
