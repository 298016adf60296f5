"""Forms that machines read: AT Protocol `createReport`, ActivityPub `Flag`, and XARF 4. Pure.

Each is what the protocol's own schema says: the lexicon `com.atproto.moderation.createReport`, the activity `Flag` as
Mastodon sends and takes it (the account first, then the posts), and the types `content-phishing`,
`content-brand_infringement` and `content-exposed-data` of https://xarf.org/schemas/v4. XARF has no type for harassment,
so there is no such form. None of them says who reported the content.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import UUID

from services.triage.takedowns.domain import Form

XARF_VERSION = "4.2.0"
_XARF_DOMAIN = re.compile(r"([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}")
"""What `content-base` takes as a domain: no address of a machine, and no name that Punycode writes."""
LONGEST_REASON = 2_000
"""Characters of the reason of a `createReport`; its lexicon counts graphemes, which are not more."""
LONGEST_DESCRIPTION = 1_000
OTHER_REASON = "tools.ozone.report.defs#reasonOther"
"""Ozone takes it for a service that knows only older reasons too, but no older reason for one that knows newer ones."""
_REPO, _RECORD = "com.atproto.admin.defs#repoRef", "com.atproto.repo.strongRef"
_BLUESKY = re.compile(r"/profile/(?P<who>[\w.:%-]+)(?:/post/(?P<key>[\w.~-]+))?/?", re.ASCII)
_MASTODON = re.compile(r"/@(?P<who>\w+)(?:/(?P<key>\d+))?/?", re.ASCII)
_ADDRESS = re.compile(r"(?P<org>[^<>]{1,200}?)\s*<(?P<contact>[^<>@\s]+@(?P<domain>[A-Za-z0-9.-]+))>")


class XarfType(StrEnum):
    """The kinds of content that XARF has a type for and that we report."""

    PHISHING = "phishing"
    BRAND_INFRINGEMENT = "brand_infringement"
    EXPOSED_DATA = "exposed_data"


class NoSuchForm(Exception):
    """The link is none of that protocol's, or something that the form needs is not known."""


class NotSent(Exception):
    """An endpoint did not take a form; it is tried again unless that is `final`."""

    def __init__(self, because: str, *, final: bool) -> None:
        super().__init__(because)
        self.because = because
        self.final = final


class Sent(NamedTuple):
    """A form that an endpoint took: as it was sent, and the endpoint's own reference."""

    body: Form
    answer: str


@dataclass(frozen=True, slots=True)
class Contact:
    """Who sends reports: the organisation."""

    org: str
    contact: str
    """An email address."""
    domain: str

    @classmethod
    def parse(cls, text: str) -> "Contact":
        """Read `Organisation <address@domain>`.

        Raises:
            ValueError: it has another form.
        """
        found = _ADDRESS.fullmatch(text.strip())
        if found is None:
            message = "write it as: Organisation <address@example.org>"
            raise ValueError(message)
        return cls(**found.groupdict())


def create_report(link: str, reason_type: str | None, reason: str) -> Form:
    """Return the input of `com.atproto.moderation.createReport`.

    A link gives the account by its handle, and a post without its CID: `missing` says what the sender still has to ask
    the account's server for.

    Raises:
        NoSuchForm: it is no link to an account or a post of Bluesky.
    """
    parts = urlsplit(link)
    found = _BLUESKY.fullmatch(parts.path)
    if parts.hostname not in {"bsky.app", "www.bsky.app"} or found is None:
        raise NoSuchForm
    who, key = found["who"], found["key"]
    account = {"$type": _REPO, "did": who}
    post = {"$type": _RECORD, "uri": f"at://{who}/app.bsky.feed.post/{key}", "cid": ""}
    subject = post if key else account
    return {"reasonType": reason_type or OTHER_REASON, "reason": reason[:LONGEST_REASON], "subject": subject}


def missing(form: Form) -> bool:
    """Return whether a `createReport` lacks the DID or the CID that its schema needs."""
    subject = form["subject"]
    if not isinstance(subject, Mapping):
        return True
    if subject["$type"] == _REPO:
        return not str(subject["did"]).startswith("did:")
    return not subject["cid"] or not str(subject["uri"]).startswith("at://did:")


def flag(form_id: UUID, link: str, content: str, actor: str) -> Form:
    """Return the activity that a server of the Fediverse takes as a report.

    Raises:
        NoSuchForm: it is no link to an account or a post of Mastodon.
    """
    parts = urlsplit(link)
    found = _MASTODON.fullmatch(parts.path)
    if not parts.hostname or found is None:
        raise NoSuchForm
    account = f"https://{parts.netloc}/users/{found['who']}"
    posts = [f"{account}/statuses/{found['key']}"] if found["key"] else []
    return {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{actor}#flags/{form_id}",
        "type": "Flag",
        "actor": actor,
        "to": [account],
        "content": content,
        "object": [account, *posts],
    }


def xarf(
    form_id: UUID, kind: XarfType, link: str, contact: Contact, times: tuple[datetime, datetime], text: str
) -> Form:
    """Return a report of content by XARF 4.

    Args:
        form_id: becomes the report's id, in the shape of version 4 that XARF asks for.
        kind: which type.
        link: the content.
        contact: who reports and sends it; content that imitates it imitates the site of its domain.
        times: when it happened, and when a person last saw it.
        text: what it is, without personal data.

    Raises:
        NoSuchForm: the link has no host.
    """
    host = _in_ascii(urlsplit(link).hostname or "")
    who = {"org": contact.org, "contact": contact.contact, "domain": contact.domain}
    form: dict[str, object] = {
        "xarf_version": XARF_VERSION,
        "report_id": str(UUID(bytes=form_id.bytes, version=4)),
        "timestamp": _moment(times[0]),
        "reporter": who,
        "sender": who,
        "source_identifier": host,
        "category": "content",
        "type": str(kind),
        "url": _as_uri(link),
        "evidence_source": "user_report",
        "verified_at": _moment(times[1]),
        "verification_method": "manual",
        "description": text[:LONGEST_DESCRIPTION],
    }
    domain = {"domain": host} if _XARF_DOMAIN.fullmatch(host) else {}
    return {**form, **domain, **_of_type(kind, contact)}


def _as_uri(link: str) -> str:
    """Return a link as RFC 3986 writes it: the schema takes no other letters."""
    parts = urlsplit(link)
    host = parts.hostname or ""
    netloc = parts.netloc.replace(host, _in_ascii(host)) if host in parts.netloc else _in_ascii(host)
    rest = (quote(part, safe="%/:?#[]@!$&'()*+,;=-._~") for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, netloc, *rest))


def _in_ascii(host: str) -> str:
    try:
        domain = host.encode("idna").decode("ascii")
    except UnicodeError:
        raise NoSuchForm from None
    if not domain:
        raise NoSuchForm
    return domain


def _of_type(kind: XarfType, contact: Contact) -> Form:
    if kind is XarfType.BRAND_INFRINGEMENT:
        site = f"https://{contact.domain}/"
        return {"target_brand": contact.org, "infringement_type": "brand_impersonation", "legitimate_site": site}
    if kind is XarfType.EXPOSED_DATA:
        return {"data_types": ["personal_information"], "exposure_method": "other", "accessibility": "public"}
    return {"target_brand": contact.org}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
