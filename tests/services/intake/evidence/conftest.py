"""Intake with small limits for files."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.intake.conftest import Intake, opened_intake
from tests.support.postgres import PostgresForTests


@pytest.fixture
async def intake_small(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[Intake]:
    limits = {"intake_evidence_max_bytes": 100_000, "intake_evidence_most_files": 3}
    async with opened_intake(postgres, tmp_path, **limits) as opened:
        yield opened
