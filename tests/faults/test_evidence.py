"""Intake's process is killed while a file becomes evidence: nothing is half kept, nothing referenced is missing.

`test_file_ways.py` lets intake die at every step of each way, without a process.
"""

import asyncio
import io
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from unittest.mock import AsyncMock

import httpx
import pytest
from PIL import Image
from sqlalchemy import text

from services.intake.app import open_service
from services.intake.evidence import sweeps
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.settings import IntakeSettings
from shared.auth.tokens import ensure_key_files
from shared.clock import SystemClock
from shared.runtime import Service
from tests.faults.steps import EVIDENCE_STEPS, Act, Moment, Step
from tests.services.intake.conftest import small_body
from tests.services.intake.reports.test_api import ADDRESS
from tests.support.postgres import PostgresForTests

KILLED_AT = [
    step for step in EVIDENCE_STEPS if step.act is Act.ATTACH or step == Step("intake-web", Act.PART, Moment.AFTER)
]


def picture() -> bytes:
    """Return a picture of more than one part."""
    made = io.BytesIO()
    Image.effect_noise((1600, 1600), 90).save(made, "PNG")
    return made.getvalue()


@asynccontextmanager
async def served(url: str, folder: Path, step: Step | None = None) -> AsyncIterator[tuple[Process, str]]:
    """Start intake, which dies at `step`."""
    armed = {"FAULT_STEP": str(step)}
    command = (sys.executable, "-m", "tests.services.intake.evidence.served", url, str(folder))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env={**os.environ, **armed})
    try:
        assert process.stdout is not None
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Service]:
    """Open the same intake here, to look at what is left."""
    private, public = ensure_key_files(folder)
    settings = IntakeSettings.model_validate(
        {
            "secret_key": "a secret that only tests have, no more",
            "signing_key_file": private,
            "verify_key_file": public,
            "event_log": "postgres",
            "intake_database_url": url,
            "intake_evidence_store": str(folder / "evidence"),
        }
    )
    async with open_service(settings, log=AsyncMock()) as service:
        yield service


async def report(address: str) -> tuple[str, dict[str, str]]:
    """Send a report, and return where its evidence is, with what allows to add to it."""
    async with httpx.AsyncClient(base_url=address) as client:
        body = (await client.post(ADDRESS, json=small_body(manager_email=None))).json()
    return f"/report/api/v1/reports/{body['reference']}/evidence", {"receipt-code": body["receipt_code"]}


async def whole(service: Service) -> int:
    """Return how many pieces of evidence there are; each is whole, has one event, and nothing else is left."""
    parts = service.parts
    assert isinstance(parts, EvidenceParts)
    later = SystemClock().now() + timedelta(hours=2)
    while await sweeps.forget_uploads(parts, later):
        pass
    await sweeps.delete_orphans(parts, later)
    async with service.database.transaction() as session:
        rows = (await session.execute(text("select object_name, sha256, sha256_sent from evidence"))).all()
        events = await session.scalar(text("select count(*) from outbox where type = 'evidence.added.v1'"))
        uploads = await session.scalar(text("select count(*) from upload"))
    for row in rows:
        assert sha256(await parts.objects.get(row.object_name)).hexdigest() == row.sha256
    kept = [one.name async for page in parts.objects.found("evidence/") for one in page]
    waiting = [one.name async for page in parts.objects.found("uploads/") for one in page]
    assert sorted(kept) == sorted(row.object_name for row in rows)
    assert (waiting, uploads, events) == ([], 0, len(rows))
    return len(rows)


@pytest.mark.parametrize("step", KILLED_AT, ids=str)
async def test_a_kill_leaves_a_whole_piece_or_none(postgres: PostgresForTests, tmp_path: Path, step: Step) -> None:
    async with postgres.fresh("intake") as url:
        files = {"file": ("screen.png", picture())}
        async with served(url, tmp_path, step) as (process, address):
            where, code = await report(address)
            async with httpx.AsyncClient(base_url=address, timeout=60) as client:
                with pytest.raises(httpx.HTTPError):
                    await client.post(where, files=files, headers=code)
            assert await process.wait() == -signal.SIGKILL
        async with opened(url, tmp_path) as service:
            assert await whole(service) == (1 if step == EVIDENCE_STEPS[-1] else 0)
            transport = httpx.ASGITransport(service.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                again = await client.post(where, files=files, headers=code)
            assert again.status_code == 201, again.text
