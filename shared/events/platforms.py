"""Platforms and the canonical form of a handle, so that every service means the same account. Pure.

An address names an account only if it has the known shape of a profile, or of something under one, on its platform.
Every other address names none, and is never taken for a handle.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from shared.events.platform_table import TABLE, Platform, Shape
from shared.text import is_invisible

OTHER = "other"
ON_ANY_SERVER = "mastodon"
"""The platform of which anyone can run a server."""
PLATFORMS: Mapping[str, str] = {slug: platform.label for slug, platform in TABLE.items()}
"""Slug → label, the policy's own platforms first, `other` last. A list to choose from, not a closed enum (O2)."""

MAX_HANDLE = 200
_MAX_URL = 2048
_SUBDOMAIN = re.compile(r"(?:www|m|mobile|web|old|new|np|amp|mbasic|touch|[a-z]{2}(?:-[a-z]{2})?)\.")
_SPACES = re.compile(r"\s+")
_SLASHES = re.compile(r"//+")
_NO_CHARACTER = frozenset({"Cc", "Cs", "Co", "Cn"})
_COMBINING = frozenset({"Mn", "Mc"})
_LETTER = "ª"
"""Stands for a combining mark when a shape is matched: a letter for `\\w`, but none of `[a-z]`."""
_ROUNDS = 8
_WEB_PORTS = frozenset({None, 80, 443})
_ADDRESS = re.compile(
    r"(?:acct|at|data|javascript|mailto|tg|whatsapp):\S.*|www\..*|[^\s/@:?#]+\.[a-z][a-z0-9-]+(?::[0-9]+)?[/?#]\S*",
    re.IGNORECASE | re.DOTALL,
)
_PHONE = re.compile(r"(?:tel:)?(?P<number>\(?\+?[\d\s().\-\u2010-\u2015\u2212]{6,40})")
_WITH_CODE = re.compile(r"\+[1-9](?:[\s().-]*[0-9]){6,14}")

_Pages = tuple[Platform, tuple[Shape, ...]]
_BY_HOST: Mapping[str, _Pages] = {
    host: (platform, pages)
    for platform in TABLE.values()
    for host, pages in {**dict.fromkeys(platform.hosts, platform.pages), **platform.other_hosts}.items()
}
_BY_OWN_HOST: Mapping[str, Platform] = {host: platform for platform in TABLE.values() for host in platform.own_hosts}
_Named = tuple[tuple[str, str] | None, bool]
"""The account that an address names, and whether its path ends with that."""
_NO_ONE: _Named = (None, False)
_URIS = tuple((platform, shape) for platform in TABLE.values() for shape in platform.uris)


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
    if "." not in plain and ":" not in plain:
        return _canonical(TABLE[platform], plain, folded)
    found = from_url(plain, platform) or (from_url(folded, platform) if plain.lower() != folded else None)
    if found is None:
        _refuse_address(platform, text.strip(), folded)
        return _canonical(TABLE[platform], plain, folded)
    if found[0] != platform:
        raise InvalidHandle("the address is of another platform")
    return found[1]


def from_url(url: str, said: str = "") -> tuple[str, str] | None:
    """Return platform and canonical handle of a profile's (or its post's) URL; None if it names no account.

    The scheme may be missing. An address that pretends (`https://x.com@elsewhere.example/…`) names no account.

    Args:
        url: the address.
        said: the platform that the address is said to be of, for platforms on which anyone can run a server.
    """
    return _named(url, said)[0]


def is_profile(url: str, said: str = "") -> bool:
    """Return whether an address, as `from_url` takes it, is that of an account itself, and of nothing below it."""
    account, ends_there = _named(url, said)
    return account is not None and ends_there


def is_address(text: str) -> bool:
    """Return whether the text is an address, known or not, rather than a name."""
    kept = text.strip()
    return _has_form_of_address(kept) or _is_host(kept.casefold())


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


def _named(url: str, said: str) -> _Named:
    parts = _split(url)
    if parts is None or not parts.hostname:
        return _from_uri(url.strip())
    host = parts.hostname.rstrip(".")
    bare = _SUBDOMAIN.sub("", host, count=1) if host.count(".") > 1 else host
    if known := _BY_HOST.get(host) or _BY_HOST.get(bare):
        platform, pages = known
        return _named_in(platform, pages, parts, bare)
    label, _, domain = host.partition(".")
    if owner := _BY_OWN_HOST.get(domain):
        return _found(owner, label), not parts.path.strip("/")
    server = TABLE.get(said)
    return _named_in(server, server.pages, parts, host) if server and server.on_any_host else _NO_ONE


def _from_uri(text: str) -> _Named:
    for platform, shape in _URIS:
        if match := shape.pattern.fullmatch(text):
            return _found(platform, match["h"]), match.end("h") == len(text)
    return _NO_ONE


def _refuse_address(platform: str, typed: str, folded: str) -> None:
    # A handle of Bluesky is a domain, and may be that of another platform.
    if _has_form_of_address(typed) or _has_form_of_address(folded) or (platform != "bluesky" and _is_host(folded)):
        raise InvalidHandle("this address is not the known address of a profile")


def _has_form_of_address(text: str) -> bool:
    return "://" in text or _ADDRESS.fullmatch(text) is not None


def _is_host(text: str) -> bool:
    return text in _BY_HOST or _SUBDOMAIN.sub("", text, count=1) in _BY_HOST


def _canonical(platform: Platform, plain: str, folded: str) -> str:
    if len(folded) > MAX_HANDLE:
        raise InvalidHandle("too long")
    for shape in platform.shapes:
        candidate = plain if shape.cased else folded
        kept = candidate.translate(str.maketrans("", "", platform.dropped)) if platform.dropped else candidate
        if match := shape.pattern.fullmatch(_letters(kept)):
            groups = {name: kept[slice(*match.span(name))] for name in shape.pattern.groupindex}
            _refuse_system_word(platform, groups["h"])
            return shape.template.format(**groups)
    if platform.phones and (number := _phone_number(folded)):
        return number
    if platform.shapes:
        raise InvalidHandle("no handle on that platform looks like this")
    _refuse_system_word(platform, folded.partition("/")[0])
    return folded


def _refuse_system_word(platform: Platform, name: str) -> None:
    if name in platform.system:
        raise InvalidHandle("this is a page of the platform itself, not an account")


def _letters(text: str) -> str:
    """Return the text, as long, with a letter for each combining mark that follows a letter or another such mark."""
    if text.isascii():
        return text
    letters, after_letter = [], False
    for character in text:
        if after_letter and unicodedata.category(character) in _COMBINING and not is_invisible(character):
            letters.append(_LETTER)
        else:
            letters.append(character)
            after_letter = character.isalnum()
    return "".join(letters)


def _phone_number(text: str) -> str | None:
    """Return the E.164 form of a telephone number; None if the text is none.

    A number without a country code is a UK one. One with a plus sign is kept even if its country has none like it.
    """
    match = _PHONE.fullmatch(text)
    if match is None:
        return None
    import phonenumbers  # noqa: PLC0415 - it takes 40 ms, and few reports name a telephone number

    given = match["number"].strip()
    readings = []
    for reading in (given,) if given.startswith(("+", "0", "(")) else (given, f"+{given}"):
        with suppress(phonenumbers.NumberParseException):
            readings.append(phonenumbers.parse(reading, "GB"))
    for fits in (phonenumbers.is_valid_number, phonenumbers.is_possible_number):
        for number in filter(fits, readings):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    digits = "".join(filter(str.isdigit, given))
    return f"+{digits}" if _WITH_CODE.fullmatch(given) and given.isascii() else None


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
        port = parts.port
    except ValueError:
        return None
    web = parts.scheme in {"http", "https"} and port in _WEB_PORTS
    return parts if web and "@" not in parts.netloc else None


def _named_in(platform: Platform, pages: tuple[Shape, ...], parts: SplitResult, host: str) -> _Named:
    try:
        path = _SLASHES.sub("/", unquote(parts.path, errors="strict").strip("/"))
        query = parse_qs(parts.query, max_num_fields=50) if platform.queries and parts.query else {}
    except ValueError:
        return _NO_ONE
    alone = True
    for page, parameter in platform.queries:
        if path.lower() == page and parameter in query:
            path, alone = f"{page}?{query[parameter][0]}", len(query) == 1
    for shape in pages:
        if match := shape.pattern.fullmatch(path):
            if match["h"].lower() in platform.system:
                return _NO_ONE
            account = _found(platform, shape.template.format(host=host, **match.groupdict()))
            return account, alone and match.end("h") == len(path)
    return _NO_ONE


def _found(platform: Platform, text: str) -> tuple[str, str] | None:
    try:
        return platform.slug, _canonical(platform, *_plain_and_folded(text))
    except InvalidHandle:
        return None
