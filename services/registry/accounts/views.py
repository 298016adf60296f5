"""Accounts in words, for pages."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.registry.accounts.domain import CLASS_LABELS, STATUS_LABELS, Account
from shared.audit.chain import Activity
from shared.events.platforms import platform_label, profile_url
from shared.events.vocabulary import AccountStatus

_ACTIONS = {"registered": "Put on the register", "status_changed": "Status changed"}
_FIELDS = {
    "platform": "Platform",
    "account_class": "Class",
    "status": "Status",
    "official_use": "Official use",
    "next_review_on": "Next review",
    "checks_due_on": "Checks due",
    "handle": "Handle",
    "title": "Title",
    "owner": "Owner",
    "approved_person": "Approved person",
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
    status: str
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
        status=STATUS_LABELS[kept.status],
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
    changed = [
        (_FIELDS.get(name, name), f"{activity.before[name]} → {text}" if name in activity.before else text)
        for name, text in activity.after.items()
    ]
    private = [(_FIELDS.get(name, name), text) for name, text in activity.personal.items()]
    return HistoryView(
        what=_ACTIONS.get(activity.action, activity.action),
        who=activity.actor,
        at=activity.at,
        details=(*changed, *private),
        erased=activity.erased,
    )
