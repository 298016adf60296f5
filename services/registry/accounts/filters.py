"""The register's filter, which is also its address."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query

from services.registry.accounts.domain import CLASS_LABELS, STATUS_LABELS
from services.registry.accounts.queries import AccountFilter
from services.registry.context.domain import uk_day
from shared.events.platforms import PLATFORMS, platform_label
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.web.bodies import Text
from shared.web.dependencies import Now

_REGISTER = "/accounts"
_MOST = 30


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of the filter, and the address without it."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class FilterInUrl:
    """What was asked for, in the order of the address."""

    pairs: tuple[tuple[str, str], ...]
    wanted: AccountFilter

    def has(self, name: str, value: str) -> bool:
        """Say whether the address asks for this."""
        return (name, value) in self.pairs

    def address(self, path: str = _REGISTER, *, cursor: UUID | None = None) -> str:
        """Return the address of `path` with this filter."""
        pairs = [*self.pairs, *([("cursor", str(cursor))] if cursor else [])]
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def chips(self) -> Iterator[Chip]:
        """Give each part with the address that leaves it out."""
        for pair in self.pairs:
            rest = [other for other in self.pairs if other != pair]
            yield Chip(_label(*pair), f"{_REGISTER}?{urlencode(rest)}" if rest else _REGISTER)


async def _read(
    now: Now,
    account_class: Annotated[Sequence[Text], Query(alias="class", max_length=_MOST)] = (),
    platform: Annotated[Sequence[Text], Query(max_length=_MOST)] = (),
    status: Annotated[Sequence[Text], Query(max_length=_MOST)] = (),
    overdue: Text | None = None,
) -> FilterInUrl:
    """Read a filter from an address. What is not known there is left out, so that an old bookmark still opens."""
    classes = tuple(value for value in AccountClass if value in account_class)
    platforms = tuple(slug for slug in PLATFORMS if slug in platform)
    statuses = tuple(value for value in AccountStatus if value in status)
    late: date | None = uk_day(now) if overdue == "yes" else None
    pairs = (
        *(("class", str(value)) for value in classes),
        *(("platform", slug) for slug in platforms),
        *(("status", str(value)) for value in statuses),
        *((("overdue", "yes"),) if late else ()),
    )
    return FilterInUrl(pairs, AccountFilter(classes, platforms, statuses, late))


FilterDep = Annotated[FilterInUrl, Depends(_read)]


def _label(name: str, value: str) -> str:
    match name:
        case "class":
            return CLASS_LABELS[AccountClass(value)]
        case "status":
            return STATUS_LABELS[AccountStatus(value)]
        case "platform":
            return platform_label(value)
        case _:
            return "Overdue"
