"""Accounts in words, for pages."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.registry.accounts.domain import CLASS_LABELS, STATUS_LABELS, Account
from shared.audit.chain import Activity
from shared.events.platforms import platform_label, profile_url
from shared.events.vocabulary import AccountStatus
from shared.web.times import uk_date

_ACTIONS = {"registered": "Put on the register", "status_changed": "Status changed"}
_FIELDS = {
    "handle": "Handle",
    "platform": "Platform",
    "title": "Title",
    "account_class": "Class",
    "status": "Status",
    "official_use": "Official use",
    "owner": "Owner",
    "approved_person": "Approved person",
    "next_review_on": "Next review",
    "checks_due_on": "Checks due",
    "reason": "Reason",
}
_TAGS = {
    AccountStatus.LIVE: "govuk-tag--green",
    AccountStatus.LEGACY: "govuk-tag--yellow",
    AccountStatus.FROZEN: "govuk-tag--blue",
    AccountStatus.CLOSED: "govuk-tag--grey",
}


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account as a row or a page shows it."""

    id: UUID
    platform: str
    handle: str
    profile: str | None
    account_class: str
    short_class: str
    status: str
    short_status: str
    tag: str
    official_use: str
    title: str | None
    owner: str | None
    approved_person: str | None
    next_review_on: date | None
    checks_due_on: date | None
    overdue: bool
    version: int


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One activity of an account, in words."""

    what: str
    who: str
    at: datetime
    details: tuple[tuple[str, str], ...]
    erased: bool


def account_view(account: Account, now: datetime) -> AccountView:
    """Return an account in words."""
    kept = account.registration
    return AccountView(
        id=account.id,
        platform=platform_label(kept.platform),
        handle=kept.handle,
        profile=profile_url(kept.platform, kept.handle),
        account_class=CLASS_LABELS[kept.account_class],
        short_class=_words(kept.account_class),
        status=STATUS_LABELS[kept.status],
        short_status=_words(kept.status),
        tag=_TAGS[kept.status],
        official_use="Yes" if kept.official_use else "No",
        title=kept.title,
        owner=kept.owner,
        approved_person=kept.approved_person,
        next_review_on=kept.next_review_on,
        checks_due_on=kept.checks_due_on,
        overdue=account.overdue(now.date()),
        version=account.version,
    )


def history_view(activity: Activity) -> HistoryView:
    """Return an activity in words; what changed as `before → after`."""
    texts = {**activity.after, **activity.personal}
    details = [
        (label, f"{_value(name, activity.before[name])} → {new}" if name in activity.before else new)
        for name, label in _FIELDS.items()
        if name in texts and (new := _value(name, texts[name]))
    ]
    return HistoryView(
        what=_ACTIONS.get(activity.action, activity.action),
        who=activity.actor,
        at=activity.at,
        details=tuple(details),
        erased=activity.erased,
    )


def _value(field: str, text: str) -> str:
    match field:
        case "platform":
            return platform_label(text)
        case "account_class" | "status":
            return _words(text)
        case "next_review_on" | "checks_due_on":
            return uk_date(date.fromisoformat(text))
        case _:
            return text


def _words(slug: str) -> str:
    return "LinkedIn" if slug == "linkedin" else slug.replace("_", " ").capitalize()
