"""What one message about several alerts lists, as the delivery keeps it. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.notifier.messages.domain import Notice
from shared.ids import AlertId


@dataclass(frozen=True, slots=True)
class Item:
    """One alert of a summary."""

    alert_id: AlertId
    notice: Notice


def stored_items(items: Sequence[Item]) -> dict[str, str]:
    """Return `items` as a delivery's notice."""
    return {"items": json.dumps([[str(item.alert_id), item.notice.stored()] for item in items])}


def read_items(stored: Mapping[str, str]) -> list[Item]:
    """Read what `stored_items` gave."""
    return [Item(AlertId(UUID(alert_id)), Notice.read(notice)) for alert_id, notice in json.loads(stored["items"])]
