"""Addresses as people paste them, and the account that each names, from `tests/shared/events/addresses.yaml`."""

from pathlib import Path

import yaml

from shared.events.platforms import InvalidHandle, canonical_handle, from_url

_TABLE = yaml.safe_load((Path(__file__).parents[1] / "shared/events/addresses.yaml").read_text(encoding="utf-8"))
PLATFORMS_OF_TABLE = frozenset(_TABLE)

ACCOUNTS = tuple((slug, *pair) for slug, kinds in _TABLE.items() for pair in kinds.get("accounts", {}).items())
"""(platform, address, handle)."""
SAID = tuple((slug, *pair) for slug, kinds in _TABLE.items() for pair in kinds.get("said", {}).items())
"""(platform, address, handle) of addresses that name an account only if their platform is said."""
NOTHING = tuple((slug, address) for slug, kinds in _TABLE.items() for address in kinds.get("nothing", ()))
"""(platform, address) of addresses that name no account."""


def is_understood(platform: str, address: str) -> bool:
    """Return whether an address names an account, by itself or on `platform`."""
    try:
        canonical_handle(platform, address)
    except InvalidHandle:
        return from_url(address) is not None
    return True
