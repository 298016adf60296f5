"""Each platform: its name, the form of its handles, and the addresses of its profile pages.

Shapes are tried in order against the whole handle; the first that matches gives the canonical handle by its template.
Pages are tried in order against the decoded path of a URL; the first that matches gives a handle in the same way.
Regular expressions are anchored, and no repetition is nested in another that matches the same text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern with named groups, and the template that the groups fill."""

    pattern: re.Pattern[str]
    template: str = "{h}"
    cased: bool = False
    """True if the platform distinguishes capital and small letters."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform."""

    slug: str
    label: str
    hosts: tuple[str, ...] = ()
    shapes: tuple[Shape, ...] = ()
    """None: any text up to 200 characters, as on sites that use display names."""
    pages: tuple[Shape, ...] = ()
    queries: tuple[tuple[str, str], ...] = ()
    """(path, parameter) of pages that name the account in their query."""
    reserved: frozenset[str] = frozenset()
    """First path segments of the platform's own pages."""
    dropped: str = ""
    """Characters that the platform ignores in a handle."""
    profile: str | None = None
    """Template of the public page, if a canonical handle is enough to find it (`at_handle`: with its `@`)."""


def _shape(pattern: str, template: str = "{h}", *, cased: bool = False) -> Shape:
    return Shape(re.compile(pattern), template, cased)


def _page(pattern: str, template: str = "{h}") -> Shape:
    return Shape(re.compile(pattern, re.IGNORECASE), template)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FIRST = _page(r"@?(?P<h>[^/]+)(?:/.*)?")
_AT = _page(r"@(?P<h>[^/]+)(?:/.*)?")
_DOMAIN = r"(?:[a-z0-9-]{1,63}\.){1,8}[a-z][a-z0-9-]{0,61}[a-z0-9]"

_X = Platform(
    "x",
    "X (formerly Twitter)",
    hosts=("x.com", "twitter.com"),
    shapes=(_shape(r"(?P<h>[a-z0-9_]{1,15})"),),
    pages=(_FIRST,),
    queries=(("intent/user", "screen_name"), ("intent/follow", "screen_name")),
    reserved=_words("compose explore hashtag home i intent jobs login messages notifications search settings tos"),
    profile="https://x.com/{handle}",
)
_FACEBOOK = Platform(
    "facebook",
    "Facebook",
    hosts=("facebook.com", "fb.com", "fb.me"),
    shapes=(
        _shape(r"(?P<k>groups)/(?P<h>[a-z0-9]{1,64})", "{k}/{h}"),
        _shape(r"(?P<h>[a-z0-9]{1,64})"),
        _shape(r"[\w-]{1,150}-(?P<h>[0-9]{6,20})"),
    ),
    pages=(
        _page(r"(?:people|pages)/(?:[^/]+/){0,3}(?P<h>[0-9]+)/?"),
        _page(r"p/(?:[^/]*-)?(?P<h>[0-9]+)/?"),
        _page(r"groups/(?P<h>[^/]+)(?:/.*)?", "groups/{h}"),
        _FIRST,
    ),
    queries=(("profile.php", "id"), ("permalink.php", "id"), ("story.php", "id")),
    reserved=_words(
        "dialog events gaming groups hashtag help l.php login marketplace media messages notifications p pages people "
        "permalink.php photo photo.php photos plugins policies privacy profile.php reel search settings share sharer "
        "sharer.php stories story.php watch"
    ),
    dropped=".",
    profile="https://www.facebook.com/{handle}",
)
_INSTAGRAM = Platform(
    "instagram",
    "Instagram",
    hosts=("instagram.com", "instagr.am"),
    shapes=(_shape(r"(?P<h>[a-z0-9._]{1,30})"),),
    pages=(_page(r"stories/(?P<h>[^/]+)(?:/.*)?"), _FIRST),
    reserved=_words("about accounts direct explore legal p reel reels stories tv"),
    profile="https://www.instagram.com/{handle}/",
)
_LINKEDIN = Platform(
    "linkedin",
    "LinkedIn",
    hosts=("linkedin.com",),
    shapes=(
        _shape(r"(?P<k>in|company|school|showcase)/(?P<h>[\w.&-]{1,100})", "{k}/{h}"),
        _shape(r"(?P<h>[\w.&-]{1,100})", "in/{h}"),
    ),
    pages=(_page(r"(?P<k>in|company|school|showcase)/(?P<h>[^/]+)(?:/.*)?", "{k}/{h}"),),
    profile="https://www.linkedin.com/{handle}",
)
_BLUESKY = Platform(
    "bluesky",
    "Bluesky",
    hosts=("bsky.app",),
    shapes=(
        _shape(r"(?P<h>did:plc:[a-z2-7]{24})"),
        _shape(rf"(?P<h>{_DOMAIN})"),
        _shape(r"(?P<h>[a-z0-9-]{1,63})", "{h}.bsky.social"),
    ),
    pages=(_page(r"profile/(?P<h>[^/]+)(?:/.*)?"),),
    profile="https://bsky.app/profile/{handle}",
)
_YOUTUBE = Platform(
    "youtube",
    "YouTube",
    hosts=("youtube.com",),
    shapes=(
        _shape(r"(?i:channel)/(?P<h>UC[A-Za-z0-9_-]{22})", "channel/{h}", cased=True),
        _shape(r"(?P<k>c|user)/(?P<h>[\w.·-]{1,100})", "{k}/{h}"),
        _shape(r"(?P<h>[\w.·-]{1,30})"),
    ),
    pages=(
        _page(r"@(?P<h>[^/]+)(?:/.*)?"),
        _page(r"(?P<k>channel|c|user)/(?P<h>[^/]+)(?:/.*)?", "{k}/{h}"),
    ),
    profile="https://www.youtube.com/{at_handle}",
)
_WHATSAPP = Platform(
    "whatsapp",
    "WhatsApp",
    hosts=("wa.me", "whatsapp.com"),
    shapes=(
        _shape(r"(?i:channel)/(?P<h>[A-Za-z0-9]{8,60})", "channel/{h}", cased=True),
        _shape(r"(?:\+|00)(?P<h>[1-9][0-9]{6,14})", "+{h}"),
        _shape(r"0(?P<h>[1-9][0-9]{8,9})", "+44{h}"),
        _shape(r"(?P<h>[1-9][0-9]{6,14})", "+{h}"),
        _shape(r"(?P<h>[a-z][a-z0-9._]{2,34})"),
    ),
    pages=(_page(r"channel/(?P<h>[^/]+)(?:/.*)?", "channel/{h}"), _page(r"(?P<h>[0-9]+)/?")),
    queries=(("send", "phone"),),
    dropped=" ()-",
)
_REDDIT = Platform(
    "reddit",
    "Reddit",
    hosts=("reddit.com",),
    shapes=(
        _shape(r"(?:u|user)/(?P<h>[a-z0-9_-]{2,21})", "u/{h}"),
        _shape(r"r/(?P<h>[a-z0-9_-]{2,21})", "r/{h}"),
        _shape(r"(?P<h>[a-z0-9_-]{2,21})", "u/{h}"),
    ),
    pages=(_page(r"(?:u|user)/(?P<h>[^/]+)(?:/.*)?", "u/{h}"), _page(r"r/(?P<h>[^/]+)(?:/.*)?", "r/{h}")),
    profile="https://www.reddit.com/{handle}",
)
_TELEGRAM = Platform(
    "telegram",
    "Telegram",
    hosts=("t.me", "telegram.me"),
    shapes=(_shape(r"(?P<h>[a-z][a-z0-9_]{3,31})"),),
    pages=(_page(r"s/(?P<h>[^/]+)(?:/.*)?"), _FIRST),
    reserved=_words("addstickers c iv joinchat login proxy s share"),
    profile="https://t.me/{handle}",
)
_MASTODON = Platform(
    "mastodon",
    "Mastodon",
    hosts=("mastodon.social", "mastodon.online"),
    shapes=(_shape(rf"(?P<h>[a-z0-9_.-]{{1,64}}@{_DOMAIN})"), _shape(r"(?P<h>[a-z0-9_.-]{1,64})")),
    pages=(_page(r"@(?P<h>[^/@]+@[^/@]+)(?:/.*)?"), _page(r"@(?P<h>[^/@]+)(?:/.*)?", "{h}@{host}")),
)
_GOOGLE = Platform(
    "google_reviews",
    "Google reviews",
    hosts=("google.com", "google.co.uk"),
    pages=(_page(r"maps/contrib/(?P<h>[0-9]+)(?:/.*)?", "contrib/{h}"),),
)
_TRUSTPILOT = Platform(
    "trustpilot",
    "Trustpilot",
    hosts=("trustpilot.com",),
    pages=(_page(r"(?P<k>review|users)/(?P<h>[^/]+)(?:/.*)?", "{k}/{h}"),),
)
_GLASSDOOR = Platform(
    "glassdoor",
    "Glassdoor",
    hosts=("glassdoor.com", "glassdoor.co.uk"),
    pages=(_page(r"[^/]+/[^/]*-(?:EI_I)?E(?P<h>[0-9]+)[^/]*\.htm", "employer/{h}"),),
)
_NEXTDOOR = Platform(
    "nextdoor",
    "Nextdoor",
    hosts=("nextdoor.com", "nextdoor.co.uk"),
    pages=(_page(r"(?P<k>profile|pages?|agency)/(?P<h>[^/]+)(?:/.*)?", "{k}/{h}"),),
)


def _at(slug: str, label: str, host: str, handle: str, *more_hosts: str) -> Platform:
    """Return a platform whose profiles are at `/@handle`."""
    return Platform(slug, label, (host, *more_hosts), (_shape(handle),), (_AT,), profile=f"https://{host}/@{{handle}}")


def _by_slug(platforms: Iterable[Platform]) -> Mapping[str, Platform]:
    return {platform.slug: platform for platform in platforms}


TABLE: Mapping[str, Platform] = _by_slug(
    (
        _BLUESKY,
        _FACEBOOK,
        _INSTAGRAM,
        _X,
        _LINKEDIN,
        _at("tiktok", "TikTok", "www.tiktok.com", r"(?P<h>[a-z0-9._]{1,24})", "tiktok.com"),
        _YOUTUBE,
        _WHATSAPP,
        _REDDIT,
        Platform(
            "snapchat",
            "Snapchat",
            ("snapchat.com",),
            (_shape(r"(?P<h>[a-z0-9][a-z0-9._-]{1,29})"),),
            (_page(r"(?:add/|@)(?P<h>[^/]+)(?:/.*)?"),),
            profile="https://www.snapchat.com/add/{handle}",
        ),
        _at("threads", "Threads", "www.threads.com", r"(?P<h>[a-z0-9._]{1,30})", "threads.com", "threads.net"),
        _TELEGRAM,
        _NEXTDOOR,
        _GOOGLE,
        _GLASSDOOR,
        _TRUSTPILOT,
        _MASTODON,
        Platform("discord", "Discord"),
        Platform("twitch", "Twitch", ("twitch.tv",), (_shape(r"(?P<h>[a-z0-9_]{1,25})"),), (_FIRST,)),
        Platform("pinterest", "Pinterest", ("pinterest.com", "pinterest.co.uk"), (), (_FIRST,), reserved=_words("pin")),
        Platform("tumblr", "Tumblr", ("tumblr.com",), (_shape(r"(?P<h>[a-z0-9-]{1,32})"),), (_FIRST,)),
        Platform("indeed", "Indeed reviews"),
        Platform("mumsnet", "Mumsnet"),
        Platform("other", "Another site or app"),
    )
)
