"""How PostgreSQL would run the statements of a read, if it looked through no whole table where it need not."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.database import Database


async def plans_of(
    database: Database, read: Callable[[AsyncSession], Awaitable[object]], *, without: str = "seqscan"
) -> list[str]:
    """Return the plan of each statement of `read`, made without a kind of scan that is only good for small tables."""
    statements: list[tuple[str, Any]] = []
    note = lambda *said: statements.append((said[2], said[3]))  # noqa: E731 - to be taken away again
    async with database.transaction() as session:
        await session.execute(text(f"set local enable_{without} = off"))
        event.listen(database.engine.sync_engine, "before_cursor_execute", note)
        await read(session)
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
        connection = await session.connection()
        plans = [await connection.exec_driver_sql(f"explain {said}", given) for said, given in statements]
        return ["\n".join(plan.scalars()) for plan in plans]
