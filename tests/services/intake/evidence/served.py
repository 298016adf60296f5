"""Intake in a process of its own, to be measured or killed: `python -m tests…served DATABASE_URL FOLDER`.

`FAULT_STEP` and `FAULT_PASSES` say where it dies, as in `tests.faults.killed`.
"""

import asyncio
import sys
import time
from pathlib import Path
from unittest.mock import AsyncMock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.intake.app import open_service
from services.intake.settings import IntakeSettings
from shared.auth.tokens import ensure_key_files
from shared.server import listening, serve
from tests.faults.killed import Fate, arm

WORKED = b"x-worked"


def timed(app: ASGIApp) -> ASGIApp:
    """Say in each answer how long the server's loop worked from the request to it, on this and whatever came between.

    That clock stands still while other programs have the processor.
    """

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.thread_time()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                took = str(time.thread_time() - began).encode()
                message["headers"] = [*message["headers"], (WORKED, took)]
            await send(message)

        await app(scope, receive, sending)

    return answering


async def main(database_url: str, folder: Path) -> None:
    """Serve until the process is ended; the first line says where."""
    private, public = ensure_key_files(folder)
    settings = IntakeSettings.model_validate(
        {
            "secret_key": "a secret that only tests have, no more",
            "signing_key_file": private,
            "verify_key_file": public,
            "event_log": "postgres",
            "intake_database_url": database_url,
            "intake_evidence_store": str(folder / "evidence"),
            "intake_evidence_waiting_bytes": 10**12,
            "rate_limit_reads": "100000/minute",
            "log_level": "error",
        }
    )
    with listening("127.0.0.1", 0) as listener:
        async with open_service(settings, log=AsyncMock()) as service:
            print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - the parent reads it
            await serve(timed(service.app), listener, (), asyncio.Event())


if __name__ == "__main__":
    arm(Fate())
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
