"""What the service navigation offers: entries are shown to whoever may open them."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.auth.permissions import Permission, Principal


@dataclass(frozen=True, slots=True)
class Entry:
    """One link. `needs` is any one of the permissions; empty means that everybody sees it."""

    text: str
    href: str
    needs: frozenset[Permission] = frozenset()


_QUEUES = frozenset(
    {
        Permission.SMART_QUEUE,
        Permission.SIRT_QUEUE,
        Permission.TRIAGE_DESK_QUEUE,
        Permission.ADVICE_QUEUE,
        Permission.POLICY_STANDARDS_QUEUE,
    }
)

ENTRIES = (
    Entry("Report", "/"),
    Entry("Queue", "/cases", _QUEUES),
    Entry("Operations", "/cases/operations", frozenset({Permission.SEE_OPERATIONS})),
    Entry("Rules", "/cases/rules", frozenset({Permission.SEE_RULES})),
    Entry("Accounts", "/accounts", frozenset({Permission.SEE_REGISTER})),
    Entry("My team", "/alerts/my-team", frozenset({Permission.REPORT})),
    Entry("Is it official?", "/accounts/lookup"),
)


def navigation(principal: Principal | None, path: str) -> Sequence[dict[str, object]]:
    """Return the `navigation` parameter of the GOV.UK service navigation for the page at `path`."""
    shown = [entry for entry in ENTRIES if not entry.needs or (principal and any(map(principal.may, entry.needs)))]
    here = max((entry for entry in shown if _covers(entry, path)), key=lambda entry: len(entry.href), default=None)
    return [
        {
            "text": e.text,
            "href": e.href,
            "current": e is here and e.href == path,
            "active": e is here and e.href != path,
        }
        for e in shown
    ]


def _covers(entry: Entry, path: str) -> bool:
    if entry.href == "/":
        return path == "/" or path.startswith("/report")
    if entry.href == "/cases/operations" and "/operations/dead-letters" in path:
        return True
    return path == entry.href or path.startswith(f"{entry.href}/")
