"""The rows that the product wrote for each report, so that others can write as many, as large, into the same tables."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from benchmarks.stage import plain

_REPORT, _CASE, _REFERENCE, _EVENT = "report", "case", "reference", "event"
_KEYS: Mapping[str, Mapping[str, str]] = {
    "report": {"report_id": _REPORT, "reference": _REFERENCE},
    "named_account": {"report_id": _REPORT},
    "case": {"case_id": _CASE, "report_id": _REPORT, "reference": _REFERENCE},
    "decision": {"case_id": _CASE},
    "deadline": {"case_id": _CASE},
    "activity": {"chain_id": _CASE, "id": _CASE},
    "chain_head": {"chain_id": _CASE},
    "inbox": {"event_id": _EVENT, "subject": _EVENT},
    "outbox": {"subject": _CASE},
}
"""Table → its columns that are another one's for each report; a parent stands before what refers to it."""
_NOT_WRITTEN = {"outbox": {"id"}, "case": {"facets"}}
"""Columns that the database fills."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What makes the rows of one report differ from those of another."""

    report: UUID
    case: UUID
    reference: str
    event: str


@dataclass(frozen=True, slots=True)
class TableRows:
    """What the product wrote into one table, report by report."""

    table: str
    columns: tuple[str, ...]
    per_report: tuple[tuple[tuple[object, ...], ...], ...]
    keys: tuple[tuple[int, str], ...]
    """Place of a column → the key that goes there."""
    bytes_each: float

    def of(self, number: int, keys: Keys) -> Iterable[list[object]]:
        """Yield rows like those of the product's report `number`, under `keys`."""
        for template in self.per_report[number % len(self.per_report)]:
            row = list(template)
            for place, key in self.keys:
                row[place] = getattr(keys, key)
            yield row


class SomethingElseWasWritten(Exception):
    """The product wrote to a table that is not in the list, or several cases a report: others would be let off."""


async def written(url: str) -> list[TableRows]:
    """Read what the product wrote into the database at `url`: every row of every table.

    Raises:
        SomethingElseWasWritten: the rows are not the expected ones.
    """
    connection = await asyncpg.connect(plain(url))
    try:
        await _refuse_others(connection)
        cases = {row["case_id"]: row["report_id"] for row in await connection.fetch('select * from "case"')}
        if len(set(cases.values())) != len(cases):
            raise SomethingElseWasWritten("several cases of one report")
        return [await _of_table(connection, table, cases) for table in _KEYS]
    finally:
        await connection.close()


async def _refuse_others(connection: asyncpg.Connection) -> None:
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    for name in {row["tablename"] for row in tables} - _KEYS.keys() - {"alembic_version"}:
        if await connection.fetchval(f'select exists (select from "{name}")'):  # noqa: S608 -- the product's own tables
            raise SomethingElseWasWritten(name)


async def _of_table(connection: asyncpg.Connection, table: str, cases: Mapping[UUID, UUID]) -> TableRows:
    found = await connection.fetch(f'select * from "{table}"')  # noqa: S608 -- the product's own tables
    size = await connection.fetchval(f'select avg(pg_column_size(t)) from "{table}" t')  # noqa: S608 -- as above
    columns = tuple(name for name in found[0].keys() if name not in _NOT_WRITTEN.get(table, set()))  # noqa: SIM118
    grouped: dict[UUID, list[tuple[object, ...]]] = {report: [] for report in cases.values()}
    for row in found:
        grouped[_report_of(row, table, cases)].append(tuple(row[name] for name in columns))
    keys = tuple((columns.index(name), key) for name, key in _KEYS[table].items())
    return TableRows(table, columns, tuple(map(tuple, grouped.values())), keys, float(size))


def _report_of(row: asyncpg.Record, table: str, cases: Mapping[UUID, UUID]) -> UUID:
    name, key = next(iter(_KEYS[table].items()))
    if key == _EVENT:
        return UUID(row["subject"])
    value: UUID = row[name]
    return cases[value] if key == _CASE else value


def as_objects(row: Sequence[object], json_places: Sequence[int]) -> list[object]:
    """Return a row as an ORM takes it: JSON as objects, not as text."""
    return [json.loads(str(value)) if place in json_places and value else value for place, value in enumerate(row)]
