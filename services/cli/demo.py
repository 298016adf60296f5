"""`signpost demo`: gives the demo a client, tokens and the ledger of the Signpost that it sends to."""

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError

from demo import mix, readers, results, run, tokens
from demo.reports import Sender
from services.cli.database import database_url
from services.cli.settings import settings_of
from services.intake.ledger.queries import reconcile
from services.intake.settings import IntakeSettings
from shared.auth.permissions import Role
from shared.auth.personas import issue_token
from shared.auth.provider import ProviderUnavailable
from shared.auth.provider_tokens import Provider
from shared.clock import Clock, SystemClock
from shared.db.database import Database
from shared.settings import InvalidSettings, has_secret

SECRET = "SIGNPOST_DEMO_CLIENT_SECRET"  # noqa: S105 - the name of the variable
TOKEN_URL = "SIGNPOST_DEMO_TOKEN_URL"  # noqa: S105 - the name of the variable
INTERRUPTED = 130
_PATIENCE = httpx.Timeout(30.0)
_EMBEDDED_LIFE_SECONDS = 3600.0
"""After this time a token of this machine is replaced; it is valid for eight hours."""

_console = Console(highlight=False)
_progress_console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Reached:
    """A Signpost to send to: how to sign in, and how to read its ledger."""

    client: httpx.AsyncClient
    bearer: tokens.Bearer
    ledger: readers.Ledger


def demo(
    url: Annotated[str | None, typer.Option(help="Its URL; default: port PORT, or 8000, of this machine")] = None,
    count: Annotated[int, typer.Option(help="How many reports", min=1)] = mix.ROUND,
    rate: Annotated[float, typer.Option(help="Reports per second; 0 means as fast as they are answered", min=0)] = 20,
    seed: Annotated[int, typer.Option(help="The same seed gives the same mix in the same order")] = 1,
    wait: Annotated[float, typer.Option(help="The most seconds to wait until every report is settled", min=0)] = 60,
    token_url: Annotated[
        str | None,
        typer.Option(envvar=TOKEN_URL, help=f"The token URL of an identity provider; needs {SECRET}"),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Send a realistic mix of reports, show what happened to each; exit code 1 when something does not add up."""
    result = asyncio.run(_run(url, token_url, count=count, rate=rate, seed=seed, wait=wait))
    if as_json:
        typer.echo(json.dumps(results.as_json(result)))
    else:
        results.show(result, _console)
    if any(True for _ in result.problems()):
        raise typer.Exit(1)
    raise typer.Exit(INTERRUPTED if result.interrupted else 0)


async def _run(
    url: str | None, token_url: str | None, *, count: int, rate: float, seed: int, wait: float
) -> results.DemoResult:
    async with _reached(url or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}", token_url) as signpost:
        reports = mix.plan(seed, count, at=SystemClock().now(), run=secrets.token_hex(4))
        with _progress() as step:
            return await run.Demo(signpost.client, signpost.bearer, signpost.ledger, step).run(
                reports, count=count, rate=rate, wait=wait
            )


class _DatabaseLedger:
    """The same figures as `signpost reconcile`, from intake's database."""

    source = "database"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def figures(self) -> readers.Figures:
        try:
            async with self._database.transaction() as session:
                found = await reconcile(session, self._clock.now())
        except (OSError, SQLAlchemyError) as error:
            raise readers.LedgerUnavailable from error
        return readers.Figures(
            accepted=found.accepted,
            dead_lettered=found.dead_lettered,
            unaccounted=found.unaccounted,
            published=found.published,
            cases=found.cases,
            alert_decisions=found.alert_decisions,
            in_flight=found.in_flight,
        )


def embedded_tokens(signing_key_file: Path, personas_file: Path, clock: Clock) -> tokens.Tokens:
    """Return tokens like those of `signpost token`."""

    async def ask(sender: Sender) -> tuple[str, float]:
        token = issue_token(
            sender.role or Role.REPORTER,
            sender.staff_id,
            signing_key_file=signing_key_file,
            now=clock.now(),
            personas_file=personas_file,
        )
        return token, _EMBEDDED_LIFE_SECONDS

    return tokens.Tokens(ask)


@asynccontextmanager
async def _reached(url: str, token_url: str | None) -> AsyncIterator[Reached]:
    """Find out how to sign in and where the ledger is, from an embedded Signpost or from settings.

    Raises:
        InvalidSettings: there is neither.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=_PATIENCE))
        secret = os.environ.get(SECRET)
        bearer = await _of_the_provider(client, token_url, SecretStr(secret)) if secret else _of_this_machine()
        if secret and "SIGNPOST_INTAKE_DATABASE_URL" not in os.environ:
            yield Reached(client, bearer, readers.OperationsLedger(client, bearer))
            return
        database = Database(database_url("intake"), application_name="signpost-demo", pool_size=1)
        stack.push_async_callback(database.close)
        yield Reached(client, bearer, _DatabaseLedger(database, SystemClock()))


def _of_this_machine() -> tokens.Bearer:
    settings = settings_of(IntakeSettings)
    if settings.personas_file is None or settings.signing_key_file is None:
        raise InvalidSettings(f"set {SECRET}: the secret of the demonstration's clients at your identity provider")
    return embedded_tokens(settings.signing_key_file, settings.personas_file, SystemClock())


async def _of_the_provider(client: httpx.AsyncClient, token_url: str | None, secret: SecretStr) -> tokens.Bearer:
    return tokens.client_credentials(client, token_url or await _discovered(), secret)


async def _discovered() -> str:
    """Ask the settings' identity provider for its token URL."""
    if not has_secret(os.environ):
        raise InvalidSettings(f"give the token URL, by --token-url or {TOKEN_URL}")
    config = settings_of(IntakeSettings).provider
    if config is None:
        raise InvalidSettings(f"{SECRET} is for an identity provider, and SIGNPOST_OIDC_ISSUER names none")
    try:
        return (await Provider(config).description(SystemClock().now())).token_endpoint
    except ProviderUnavailable as error:
        raise tokens.DemoCannotRun("the identity provider does not answer") from error


@contextmanager
def _progress() -> Iterator[run.ShowProgress]:
    """Show the progress, if standard error is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_progress_console, disable=not _progress_console.is_terminal) as progress:

        def step(name: str, parts: int) -> Callable[[], None]:
            task = progress.add_task(name, total=parts)
            return lambda: progress.advance(task)

        yield step
