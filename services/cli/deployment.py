"""Commands that prepare databases and topics for this version."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from services.cli.database import database_url
from services.cli.settings import ServiceName, settings_of
from services.intake.settings import IntakeSettings
from shared.db import migrations
from shared.events.topics import GROUPS, SERVICES
from shared.messaging import topics_admin
from shared.messaging.kafka.acls import AclDifference
from shared.messaging.open import open_acls, open_topics
from shared.messaging.topics_admin import Difference

_OURS = frozenset({*SERVICES, *GROUPS, "operations"})
"""The beginnings of our topics' names."""

_console = Console(soft_wrap=True, highlight=False)


def migrate(service: Annotated[ServiceName | None, typer.Argument(help="Default: all of them")] = None) -> None:
    """Bring databases to the newest revision."""
    for name in [service.value] if service else SERVICES:
        asyncio.run(migrations.upgrade(name, database_url(name)))
        _console.print(f"{name}: migrated")


Acls = Annotated[
    bool,
    typer.Option("--acls", help="Also Kafka's ACLs of the users intake, triage, registry, notifier and external"),
]


def apply(*, acls: Acls = False) -> None:
    """Create or alter the topics as declared; nothing is deleted or reduced.

    With --acls each service's user may write, read and watch what is declared, and loses every other ACL.
    """
    settings = settings_of(IntakeSettings)
    rights = open_acls(settings) if acls else None
    _show(asyncio.run(_apply(settings)))
    if rights:
        _show_acls(asyncio.run(rights.apply()))


def diff(*, acls: Acls = False) -> None:
    """List the topics that differ from their declaration; exit code 1 when there are any."""
    settings = settings_of(IntakeSettings)
    rights = open_acls(settings) if acls else None
    differences = asyncio.run(_diff(settings))
    _show(differences)
    differing = asyncio.run(rights.diff()) if rights else ()
    if rights:
        _show_acls(differing)
    raise typer.Exit(1 if differences or differing else 0)


async def _apply(settings: IntakeSettings) -> Sequence[Difference]:
    return of_signpost(await topics_admin.apply(await open_topics(settings)))


async def _diff(settings: IntakeSettings) -> Sequence[Difference]:
    return of_signpost(await topics_admin.diff(await open_topics(settings)))


def of_signpost(differences: Sequence[Difference]) -> Sequence[Difference]:
    """Leave out undeclared topics that are not ours by name: a cluster may have other tenants."""
    return [found for found in differences if found.what != "undeclared" or found.topic.split(".")[0] in _OURS]


def _show(differences: Sequence[Difference]) -> None:
    for difference in differences:
        change = f": {difference.found} → {difference.declared}" if difference.declared else ""
        _console.print(f"{difference.topic}: {difference.what}{change}", markup=False)
    if not differences:
        _console.print("All topics are as declared.")


def _show_acls(differences: Sequence[AclDifference]) -> None:
    for difference in differences:
        _console.print(str(difference), markup=False)
    if not differences:
        _console.print("All ACLs are as declared.")
