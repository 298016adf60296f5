"""Intake in a process of its own, to be measured or killed: `python -m tests…served DATABASE_URL FOLDER`.

`FAULT_STEP` and `FAULT_PASSES` say where it dies, as in `tests.faults.killed`.
"""

import asyncio
import sys
from pathlib import Path
from unittest.mock import AsyncMock

from services.intake.app import open_service
from services.intake.settings import IntakeSettings
from shared.auth.tokens import ensure_key_files
from shared.server import listening, serve
from tests.faults.killed import Fate, arm


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
            "log_level": "error",
        }
    )
    with listening("127.0.0.1", 0) as listener:
        async with open_service(settings, log=AsyncMock()) as service:
            print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - the parent reads it
            await serve(service.app, listener, (), asyncio.Event())


if __name__ == "__main__":
    arm(Fate())
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
