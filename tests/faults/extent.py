"""How much of the fault suite runs: all of it with `make faults`, a sample in every other run."""

import asyncio
import os
import random
import secrets
from collections.abc import Sequence

from tests.faults.steps import Act, Moment, Step

LONG = os.environ.get("FAULTS") == "long"
REPORTS = 5_000 if LONG else 100
"""How many reports are sent during each fault."""
PAUSE_SECONDS = 0 if LONG else 0.1
"""Between two reports of one client: with few reports, a machine of two cores is busier with restarts."""
LIMIT_SECONDS = 5_400 if LONG else 900
"""When a test is given up; no test depends on being faster than this."""


async def lasting(seconds: float) -> None:
    """Let a fault last: during this time a process hangs, so it is not a wait for something."""
    await asyncio.sleep(seconds)


def seed() -> int:
    """Return this run's seed (`FAULTS_SEED` repeats an earlier run) and print it."""
    chosen = int(os.environ.get("FAULTS_SEED") or secrets.randbits(32))
    print(f"FAULTS_SEED={chosen}")
    return chosen


def chosen(steps: Sequence[Step], run: int) -> list[Step]:
    """Return every step, or in the short form one moment of a third of the acts, in an order that the seed decides.

    An attempt that a dead process left open can be released only after a process died while sending: that comes last.
    """
    dice = random.Random(run)
    acts = _by_act(steps)
    order = list(steps) if LONG else [dice.choice(moments) for moments in dice.sample(acts, len(acts) // 3)]
    dice.shuffle(order)
    sending = Step("notifier-delivery", Act.SEND, Moment.BEFORE)
    releases = [step for step in order if step.act is Act.RELEASE]
    return [step for step in order if step.act is not Act.RELEASE] + [
        one for release in releases for one in (sending, release)
    ]


def half_of(steps: Sequence[str], run: int) -> list[str]:
    """Return every step, or in the short form half of them, which the seed chooses."""
    return list(steps) if LONG else random.Random(run).sample(list(steps), -(-len(steps) // 2))


def _by_act(steps: Sequence[Step]) -> list[list[Step]]:
    acts: dict[Act, list[Step]] = {}
    for step in steps:
        acts.setdefault(step.act, []).append(step)
    return list(acts.values())
