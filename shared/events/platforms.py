"""Platforms and the canonical form of a handle, so that every service means the same account. Pure."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from shared.events.platform_table import TABLE, Platform

OTHER = "other"
PLATFORMS: Mapping[str, str] = {slug: platform.label for slug, platform in TABLE.items()}
"""Slug → label, the policy's own platforms first, `other` last. A list to choose from, not a closed enum (O2)."""

MAX_HANDLE = 200
_MAX_URL = 2048
_SUBDOMAIN = re.compile(r"(?:www|m|mobile|web|old|new|np|api|maps|mbasic|touch|[a-z]{2}(?:-[a-z]{2})?)\.")
_SPACES = re.compile(r"\s+")
_NO_CHARACTER = frozenset({"Cc", "Cs", "Co", "Cn"})
_ROUNDS = 8
_BY_HOST: Mapping[str, Platform] = {host: platform for platform in TABLE.values() for host in platform.hosts}


class InvalidHandle(ValueError):
    """The text is not a handle of that platform. The message says why, without the text."""


def canonical_handle(platform: str, text: str) -> str:
    """Return the canonical form of a handle: no `@`, no invisible characters, lower case if the platform ignores case.

    Accepts what people paste: `@Name`, `u/name`, a profile's URL. A canonical handle stays as it is.

    Raises:
        InvalidHandle: the platform is unknown, or the text cannot be one of its handles.
    """
    if platform not in TABLE:
        raise InvalidHandle("unknown platform")
    plain, folded = _plain_and_folded(text)
    found = None if platform == OTHER else from_url(plain) or from_url(folded)
    if found is None:
        return _canonical(TABLE[platform], plain, folded)
    if found[0] != platform:
        raise InvalidHandle("the address is of another platform")
    return found[1]


def from_url(url: str) -> tuple[str, str] | None:
    """Return platform and canonical handle of a profile's (or its post's) URL; None if it names no account.

    The scheme may be missing. An address that pretends (`https://x.com@elsewhere.example/…`) names no account.
    """
    parts = _split(url)
    if parts is None or not parts.hostname:
        return None
    host = parts.hostname.rstrip(".")
    if host.endswith(".bsky.social"):
        return _found(TABLE["bluesky"], host)
    bare = _SUBDOMAIN.sub("", host, count=1) if host.count(".") > 1 else host
    platform = _BY_HOST.get(host) or _BY_HOST.get(bare)
    text = _named_in(platform, parts, bare) if platform else None
    return _found(platform, text) if platform and text is not None else None


def profile_url(platform: str, handle: str) -> str | None:
    """Return the public page of a canonical handle; None if the handle is not enough to find it."""
    known = TABLE.get(platform)
    if known is None or known.profile is None:
        return None
    path = quote(handle, safe="/:@.")
    return known.profile.format(handle=path, at_handle=path if "/" in path else f"@{path}")


def platform_label(platform: str) -> str:
    """Return the platform's label, or the slug itself for an unknown platform."""
    return PLATFORMS.get(platform, platform)


def _canonical(platform: Platform, plain: str, folded: str) -> str:
    if len(folded) > MAX_HANDLE:
        raise InvalidHandle("too long")
    for shape in platform.shapes:
        candidate = plain if shape.cased else folded
        kept = candidate.translate(dict.fromkeys(map(ord, platform.dropped)))
        if match := shape.pattern.fullmatch(kept):
            return shape.template.format(**match.groupdict())
    if platform.shapes:
        raise InvalidHandle("not the shape of a handle on that platform")
    return folded


def _plain_and_folded(text: str) -> tuple[str, str]:
    """Normalise, remove invisible characters and what people add around a handle; return it plain and case-folded."""
    if len(text) > _MAX_URL:
        raise InvalidHandle("too long")
    plain = _stable(text, _tidied)
    if not plain:
        raise InvalidHandle("empty")
    if not plain.isprintable() and any(unicodedata.category(character) in _NO_CHARACTER for character in plain):
        raise InvalidHandle("characters that no handle has")
    return plain, _stable(plain, lambda kept: _tidied(kept.casefold()))


def _tidied(text: str) -> str:
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return _SPACES.sub(" ", text.strip(" \t\r\n@/"))


def _stable(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` until the text stays the same, so that a canonical handle is its own canonical form."""
    for _ in range(_ROUNDS):
        changed = change(text)
        if changed == text:
            return text
        text = changed
    raise InvalidHandle("cannot be normalised")


def _split(url: str) -> SplitResult | None:
    text = url.strip()
    if not text or len(text) > _MAX_URL or "\\" in text or " " in text or not text.isprintable():
        return None
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return None if parts.scheme not in {"http", "https"} or "@" in parts.netloc else parts


def _named_in(platform: Platform, parts: SplitResult, host: str) -> str | None:
    try:
        path = unquote(parts.path, errors="strict").strip("/")
        query = parse_qs(parts.query, max_num_fields=50)
    except ValueError:
        return None
    for page, parameter in platform.queries:
        if path.lower() == page and parameter in query:
            return query[parameter][0]
    for page_shape in platform.pages:
        if match := page_shape.pattern.fullmatch(path):
            reserved = match["h"].lower() in platform.reserved
            return None if reserved else page_shape.template.format(host=host, **match.groupdict())
    return None


def _found(platform: Platform, text: str) -> tuple[str, str] | None:
    try:
        return platform.slug, _canonical(platform, *_plain_and_folded(text))
    except InvalidHandle:
        return None
