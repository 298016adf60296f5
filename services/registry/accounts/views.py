"""Accounts and their history, as pages show them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.registry.accounts.domain import CLASS_LABELS, STATUS_LABELS, Account, Vetting
from services.registry.context.domain import uk_day
from shared.audit.chain import Activity
from shared.events.platforms import platform_label, profile_url
from shared.events.vocabulary import AccountStatus
from shared.people import Names
from shared.web.times import uk_date

VETTING_LABELS: Mapping[str, str] = {
    Vetting.BPSS: "Baseline Personnel Security Standard (BPSS)",
    Vetting.CTC: "Counter Terrorist Check (CTC)",
    Vetting.SC: "Security Check (SC)",
    Vetting.DV: "Developed Vetting (DV)",
}
_ACTIONS = {
    "registered": "Put on the register",
    "confirmed": "Confirmed to exist on the platform and to be ours",
    "status_changed": "Status changed",
    "details_changed": "Details changed",
    "closed": "Closed",
    "reviewed": "Reviewed",
    "checks_passed": "Checks passed",
    "compromise_confirmed": "Compromise confirmed by the Security Incident Response Team",
    "recovered": "Recovered",
    "requested": "Asked for",
    "request_resubmitted": "Request changed and sent again",
    "request_platform_cleared": "Platform cleared by the Security Advice Centre",
    "request_approved": "Request approved",
    "request_returned": "Request returned",
    "request_refused": "Request refused",
    "request_withdrawn": "Request withdrawn",
    "operator_named": "Operator named",
    "operator_withdrawn": "Operator withdrawn by decision",
    "operator_reinstated": "Operator reinstated",
    "device_recorded": "Device recorded",
    "authorisation_granted": "Authorisation granted",
    "authorisation_withdrawn": "Authorisation withdrawn",
    "access_removed": "Access removed from the platform",
    "exception_granted": "Security Policy Exception granted",
    "exception_ended": "Security Policy Exception ended",
    "exception_expired": "Security Policy Exception expired",
}
_FIELDS = {
    "operator": "Operator",
    "because": "Because",
    "device": "Device",
    "last_day": "Last day",
    "outcome": "Outcome",
    "case": "Case",
    "request": "Request",
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
    "vetting_required": "Vetting required",
    "declared_by": "Declared by",
    "requirement": "Strategic business requirement",
    "purpose": "Purpose",
    "relevance": "Why this approver",
    "on_behalf_of": "On behalf of",
    "evidence": "Evidence",
    "address": "Address",
    "how_known": "How it is known to be ours",
    "lookalikes": "Look-alikes found",
    "reason": "Reason",
}
_PEOPLE = ("operator", "owner", "approved_person", "declared_by", "on_behalf_of")
_TAGS = {
    AccountStatus.APPROVED: "govuk-tag--purple",
    AccountStatus.LIVE: "govuk-tag--green",
    AccountStatus.LEGACY: "govuk-tag--yellow",
    AccountStatus.FROZEN: "govuk-tag--blue",
    AccountStatus.CLOSED: "govuk-tag--grey",
}


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account, as a row or a page shows it."""

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
    vetting_required: str | None
    declared_by: str | None
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
        overdue=account.overdue(uk_day(now)),
        vetting_required=VETTING_LABELS[kept.vetting_required] if kept.vetting_required else None,
        declared_by=None if kept.vouched_for else kept.declared_by,
        version=account.version,
    )


def name_of(account: Account) -> str:
    """Return an account's name on a page."""
    return f"{account.registration.handle} on {platform_label(account.registration.platform)}"


def people_in(history: Iterable[Activity]) -> Iterator[str]:
    """Yield the staff ids that activities name."""
    for activity in history:
        yield activity.actor
        for texts in (activity.before, activity.after, activity.personal):
            yield from (texts[name] for name in _PEOPLE if name in texts)


def history_view(activity: Activity, names: Names) -> HistoryView:
    """Return an activity in words; what changed as `before → after`."""
    texts = {**activity.after, **activity.personal}
    details = [
        (label, f"{_value(name, activity.before[name], names)} → {new}" if name in activity.before else new)
        for name, label in _FIELDS.items()
        if name in texts and (new := _value(name, texts[name], names))
    ]
    return HistoryView(
        what=_ACTIONS.get(activity.action, activity.action),
        who="Signpost" if activity.actor.startswith("system:") else names(activity.actor),
        at=activity.at,
        details=tuple(details),
        erased=activity.erased,
    )


def _value(field: str, text: str, names: Names) -> str:
    if field in _PEOPLE:
        return names(text)
    match field:
        case "platform":
            return platform_label(text)
        case "account_class" | "status" | "because" | "request" | "outcome" | "device":
            return _words(text)
        case "vetting_required":
            return text.upper()
        case "next_review_on" | "checks_due_on" | "last_day":
            return uk_date(date.fromisoformat(text)) if text else "none"
        case _:
            return text


def _words(slug: str) -> str:
    return {"linkedin": "LinkedIn", "dwp_approved": "DWP approved"}.get(slug, slug.replace("_", " ").capitalize())
