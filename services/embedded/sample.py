"""Loads the sample staff directory, accounts, training, operators and a request into a new data directory, once."""

from collections.abc import Sequence

import services.notifier.directory.handlers
import services.registry.accounts.importing
from services.embedded import sample_gates
from services.embedded.data_directory import SAMPLE, DataDirectory
from shared.clock import SystemClock
from shared.ids import RandomIds
from shared.messaging.outbox import Outbox
from shared.runtime import Service

_ACTOR = "system:sample"


async def load_once(directory: DataDirectory, running: Sequence[Service]) -> None:
    """Import both files, unless that was done before; what people changed since then stays."""
    done = directory.path / "sample-loaded"
    if done.exists():
        return
    by_name = {service.name: service for service in running}
    now, ids = SystemClock().now(), RandomIds()
    async with by_name["notifier"].database.transaction() as session:
        text = (SAMPLE / "directory.csv").read_text(encoding="utf-8")
        await services.notifier.directory.handlers.import_csv(
            session, text, accept_valid=False, now=now, ids=ids, actor=_ACTOR
        )
    registry = by_name["registry"]
    async with registry.database.transaction() as session:
        text = (SAMPLE / "accounts.csv").read_text(encoding="utf-8")
        await services.registry.accounts.importing.import_csv(
            session, text, accept_valid=False, outbox=Outbox("registry", ids), now=now, ids=ids, actor=_ACTOR
        )
        state = registry.app.state
        await sample_gates.load(session, now, ids=ids, periods=state.periods, observers=state.observers)
    done.touch()
