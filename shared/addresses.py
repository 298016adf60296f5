"""Links and email addresses, and where a reporter may be emailed. Pure.

What people cannot see or get wrong alike is mended; for the rest there are words.

`mended_…` returns a line (`shared.text`), and leaves alone what it cannot mend: `…_problem` then says what to do.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from shared.events.platform_table import TABLE
from shared.events.vocabulary import Confidentiality
from shared.text import called, line

LINK = "Enter links like https://www.example.com/post/123, one on each line"
EMAIL = "Enter an email address, like name@example.org"
ONE_EMAIL = "Enter one email address only, like name@example.org"
_LONGEST_LABEL = 63
"""Characters between the dots of a host name (RFC 1035)."""
_LONGEST_LOCAL = 64
"""Characters before the @ (RFC 5321)."""
_DOTS = re.compile("[.。．｡]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d+(?:[/?#]|$))")
"""A scheme, not a host with a port."""
_AT_URI = re.compile(r"at://(?P<who>[\w.:%-]+)(?:/(?P<kind>[\w.]+)/(?P<key>[\w.:~-]+))?/?", re.ASCII)
_AT_PAGES = {
    None: "",
    "app.bsky.actor.profile": "",
    "app.bsky.feed.post": "/post/{}",
    "app.bsky.feed.generator": "/feed/{}",
    "app.bsky.graph.list": "/lists/{}",
}
"""Kinds of record of the AT Protocol that have a page at bsky.app, and its path below the profile."""
_MAILTO = re.compile(r"(?:mailto:\s*)+", re.IGNORECASE)
_NOT_IN_DOMAIN = re.compile(r"[\s_]|[^\x00-\x7F]")
_APOSTROPHES = dict.fromkeys(map(ord, "‘’ʼ＇"), "'")
_NOT_IN_LOCAL = re.compile(r"[^A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]")
"""RFC 5322 atext; GOV.UK Notify takes no more."""

_PREFIX = re.compile(r"(?:www|m|mobile|old|new|np|amp|mbasic|touch)\.")
_TRACKING = re.compile(r"utm_\w+|(?:fb|g|tt)clid|igsh(?:id)?|mibextid|si|s|t|ref_src|ref_url|feature|share_id|lang|hl")
"""Parameters that say how someone came to a page, and not which page it is."""
_SLASHES = re.compile("//+")
_X_POST = re.compile(r"/(?:i/web|[^/]+)/status(?:es)?/(?P<id>[0-9]+)(?:/.*)?")
_MAIN_HOSTS = {host: one.hosts[0] for one in TABLE.values() if not one.on_any_host for host in one.hosts}
"""The first of the hosts at which a platform has the same pages; servers of Mastodon each have their own."""


def mended_link(given: str) -> str:
    """Return a link without what stands around it, and with `https://` if it has no scheme.

    An `at://` URI of Bluesky becomes the page that shows the same record, because people have to open it.

    Raises:
        ControlCharacter: it holds one.
    """
    plain = line(given)
    plain = line(plain.strip("<> ")) or plain
    if (at := _AT_URI.fullmatch(plain)) and at["kind"] in _AT_PAGES:
        return f"https://bsky.app/profile/{at['who']}{_AT_PAGES[at['kind']].format(at['key'])}"
    host = re.split(r"[/?#]", plain.removeprefix("//"), maxsplit=1)[0]
    if _SCHEME.match(plain) or not _DOTS.search(host) or "@" in host or " " in host:
        return plain
    return f"https://{plain.removeprefix('//')}"


def link_problem(link: str) -> str | None:
    """Return what is wrong with a link; None for the http or https address of a named host."""
    if found := re.search(r"\s", link):
        return link_problem(re.sub(r"\s", "", link)) or f"{LINK}. Take out the character {called(found[0])}"
    try:
        parts = urlsplit(link)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return LINK
    return None if parts.scheme in {"http", "https"} and (_is_ip(host) or _is_host(host)) else LINK


def canonical_link(link: str) -> str | None:
    """Return a link in the spelling that all links to the same page share; None if it names no page of a site.

    Without the scheme, `www.` and the like, the fragment, and parameters that only follow people; `twitter.com` is
    `x.com`, and `youtu.be/ID` a video of `youtube.com`.
    """
    try:
        parts = urlsplit(mended_link(link))
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or "." not in host:
        return None
    host = _PREFIX.sub("", host, count=1) if host.count(".") > 1 else host
    path = quote(unquote(_SLASHES.sub("/", parts.path)).rstrip("/"), safe="/@:!$&'()*+,;=~")
    query = sorted((name, value) for name, value in parse_qsl(parts.query) if not _TRACKING.fullmatch(name.lower()))
    host = _MAIN_HOSTS.get(host, host)
    if host == "youtu.be":
        host, path, query = "youtube.com", "/watch", [("v", path.strip("/")), *query]
    if host == "x.com" and (post := _X_POST.fullmatch(path)):
        path = f"/i/status/{post['id']}"
    return f"{host}{path}{'?' + urlencode(query) if query else ''}" if path or query else None


def mended_email(given: str) -> str:
    """Return an address without what stands around it: a name, `<>`, `mailto:`, a dot at the end; and with a plain '.

    Raises:
        ControlCharacter: it holds one.
    """
    plain = line(given)
    bare = plain.rpartition("<")[2].partition(">")[0].strip()
    if start := _MAILTO.match(bare):
        bare = bare[start.end() :].partition("?")[0]
    return line(bare.translate(_APOSTROPHES).rstrip(".,; ")) or plain


def email_problem(email: str) -> str | None:
    """Return what is wrong with an address; None if email can be sent to one like it."""
    local, at, domain = email.rpartition("@")
    if not at or not local or len(local) > _LONGEST_LOCAL:
        return EMAIL
    if "@" in local:
        return ONE_EMAIL
    if found := _NOT_IN_LOCAL.search(local) or _NOT_IN_DOMAIN.search(domain):
        return f"{EMAIL}. Take out the character {called(found[0])}"
    if ".." in email:
        return f"{EMAIL}. Take out one of the two dots that follow each other"
    if local.startswith(".") or local.endswith("."):
        return f"{EMAIL}. Take out the dot at the beginning or before the @"
    labels = domain.split(".")
    hyphens = any(label.startswith("-") or label.endswith("-") for label in labels)
    return EMAIL if hyphens or not _is_host(domain) else None


def address_in(text: str | None) -> str | None:
    """Return `text` if it is one email address and nothing else."""
    said = (text or "").strip()
    return None if email_problem(said) else said.lower()


@dataclass(frozen=True, slots=True)
class SafeWay:
    """Where a reporter may be emailed; nowhere, if neither is set."""

    address: str | None = None
    staff_id: str | None = None
    """Whose address in the staff directory is used, if `address` is not set."""

    @property
    def by_email(self) -> bool:
        """Return whether they may be emailed; else they read on their report's page what a team wrote."""
        return self.address is not None or self.staff_id is not None


def safe_way(confidentiality: str, *, safe_contact: str | None, email: str | None, staff_id: str | None) -> SafeWay:
    """Return where a reporter may be emailed: where they called it safe, or said nothing and are named.

    An address beside the way that they called safe is never used: it may be read by the person they fear.
    """
    if confidentiality not in {Confidentiality.NAMED, Confidentiality.CONFIDENTIAL}:
        return SafeWay()
    if safe_contact and safe_contact.strip():
        return SafeWay(address_in(safe_contact))
    if confidentiality == Confidentiality.CONFIDENTIAL:
        return SafeWay()
    return SafeWay(address_in(email), staff_id)


def _is_host(host: str) -> bool:
    labels = _DOTS.split(host.removesuffix("."))
    return (
        len(labels) > 1
        and not labels[-1].isdigit()
        and all(0 < len(label) <= _LONGEST_LABEL and all(map(_is_in_label, label)) for label in labels)
    )


def _is_in_label(character: str) -> bool:
    """Return whether browsers take a character in a host name: an underscore, and whatever is visible beyond ASCII."""
    if character.isascii():
        return character.isalnum() or character in "-_"
    return character.isprintable() and unicodedata.category(character) not in {"Pi", "Pf"}


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
