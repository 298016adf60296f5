"""What triage reads from a report: the accounts it names, in one spelling."""

from services.triage.accounts.domain import Handle
from shared.events import platforms
from shared.events.intake import AbuseReportSubmitted

HISTORY_DAYS = 30
"""How far back earlier reports about the same account are counted. Our choice."""
HISTORY_LIMIT = 10
"""Where counting stops."""


def accounts_named(report: AbuseReportSubmitted) -> tuple[Handle, ...]:
    """Return the accounts that links, handles and suspected persons name; what cannot be read names none."""
    texts = (*report.handles, *(person.handle for person in report.suspected if person.handle))
    found = [_from_text(report.platform, text) for text in texts]
    found += [Handle(*pair) if (pair := platforms.from_url(url)) else None for url in report.urls]
    return tuple(dict.fromkeys(handle for handle in found if handle))


def _from_text(platform: str, text: str) -> Handle | None:
    try:
        return Handle(platform, platforms.canonical_handle(platform, text))
    except platforms.InvalidHandle:
        return None
