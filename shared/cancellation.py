"""Telling the cancellation of a task from one that comes out of what the task waits for."""

import asyncio


def is_being_cancelled() -> bool:
    """Say whether it is this very task that somebody cancels, not one that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
