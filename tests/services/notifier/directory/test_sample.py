"""The sample directory that comes with the product."""

from datetime import date
from pathlib import Path

from services.notifier.directory.handlers import import_csv
from services.notifier.directory.queries import whole_directory
from shared.db.database import Database
from shared.ids import RandomIds, StaffId
from tests.services.notifier.building import NOW

SERVICE = "notifier"
SAMPLE = Path(__file__).resolve().parents[4] / "deploy" / "sample" / "directory.csv"


async def test_the_sample_directory_imports_without_an_error(database: Database) -> None:
    async with database.transaction() as session:
        result = await import_csv(
            session, SAMPLE.read_text(encoding="utf-8"), accept_valid=False, now=NOW, ids=RandomIds(), actor="sample"
        )
        directory = await whole_directory(session)
    assert result.errors == ()
    assert [m.name for m in directory.chain_above(StaffId("S1001"), date(2026, 11, 23))][:2] == [
        "Grace Okafor",
        "Helen Marsh",
    ]
