"""Fixtures for notifier's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.notifier.environment import Notifier, notifier_on
from tests.services.notifier.mail_server import MailServerForTests, running_mail_server
from tests.services.notifier.web import NotifierWeb, notifier_web
from tests.support.postgres import PostgresForTests


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServerForTests]:
    async with running_mail_server() as server:
        yield server


@pytest.fixture
async def notifier(postgres: PostgresForTests, mail_server: MailServerForTests) -> AsyncIterator[Notifier]:
    """Notifier's use cases on a fresh database with the sample directory and a real email server."""
    async with postgres.database("notifier") as database, notifier_on(database, mail_server) as notifier:
        yield notifier


@pytest.fixture
def web(notifier: Notifier, tmp_path: Path) -> NotifierWeb:
    """Notifier's pages on the same database."""
    return notifier_web(notifier, tmp_path)
