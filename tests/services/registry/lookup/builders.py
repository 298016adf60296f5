"""Accounts for tests without a database."""

from dataclasses import replace
from uuid import uuid4

from services.registry.accounts.domain import Account
from shared.ids import AccountId
from tests.services.registry.conftest import NOW, OFFICIAL


def account(handle: str) -> Account:
    """Return an official account on X."""
    return Account(AccountId(uuid4()), replace(OFFICIAL, handle=handle), 1, NOW, NOW)
