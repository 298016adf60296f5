"""Telling the cancellation of a task from one that comes out of what the task waits for."""

import asyncio


def is_being_cancelled() -> bool:
    """Return whether this task itself is being cancelled, not one that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
