"""Imports training records from CSV: everything or nothing, unless the caller takes the valid rows."""

from dataclasses import dataclass

from services.registry.context.csv_rows import RowError
from services.registry.context.work import Work
from services.registry.training import csv_file
from services.registry.training.handlers import record, recorder


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, or why it did nothing."""

    recorded: int
    unchanged: int
    """Rows that say what is recorded already."""
    errors: tuple[RowError, ...]
    applied: bool


async def import_csv(work: Work, text: str, *, accept_valid: bool) -> ImportResult:
    """Record the training in a CSV file. With any error nothing is changed, unless `accept_valid` and a row is valid.

    A row is recorded whole or not at all. Importing a file twice changes nothing the second time.
    """
    file = csv_file.read(text, work.today, recorder(work))
    if file.errors and not (accept_valid and file.rows):
        return ImportResult(0, 0, file.errors, applied=False)
    recorded = await record(work, [completion for _, completion in file.rows])
    return ImportResult(recorded, len(file.rows) - recorded, file.errors, applied=True)
