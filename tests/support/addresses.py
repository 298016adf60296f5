"""Addresses as people paste them, and the account that each names, from `tests/shared/events/addresses.yaml`."""

from pathlib import Path

import yaml

_TABLE = yaml.safe_load((Path(__file__).parents[1] / "shared/events/addresses.yaml").read_text(encoding="utf-8"))
PLATFORMS_OF_TABLE = frozenset(_TABLE)

ACCOUNTS = tuple((slug, *pair) for slug, kinds in _TABLE.items() for pair in kinds.get("accounts", {}).items())
"""(platform, address, handle)."""
SAID = tuple((slug, *pair) for slug, kinds in _TABLE.items() for pair in kinds.get("said", {}).items())
"""(platform, address, handle) of addresses that name an account only if their platform is said."""
NOTHING = tuple((slug, address) for slug, kinds in _TABLE.items() for address in kinds.get("nothing", ()))
"""(platform, address) of addresses that name no account."""
