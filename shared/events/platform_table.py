"""Each platform: its name, the form of its handles, and the addresses of its profiles.

Shapes are tried in order against the whole handle; the first that matches gives the canonical handle by its template.
Pages are tried in order against the decoded path of a URL; the first that matches gives a handle in the same way. An
address that no page matches names no account, so a page is listed only if it is known to be a profile, or to lie under
one. Regular expressions are anchored, and no repetition is nested in another that matches the same text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


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
    """A page that names the account in its query is matched as `path?value`."""
    queries: tuple[tuple[str, str], ...] = ()
    """(path, parameter) of such pages."""
    other_hosts: Mapping[str, tuple[Shape, ...]] = field(default_factory=dict)
    """Hosts with pages of their own; without pages, all their addresses name no account, as those of short links."""
    own_hosts: tuple[str, ...] = ()
    """`NAME.host` is the profile of NAME."""
    on_any_host: bool = False
    """True if anyone can run a server: where this platform is said, its pages are known on every other host."""
    uris: tuple[Shape, ...] = ()
    """Addresses of the platform that are not web pages."""
    system: frozenset[str] = frozenset()
    """Names that the platform keeps for its own pages: never an account, not even one without an address."""
    dropped: str = ""
    """Characters that the platform ignores in a handle."""
    phones: bool = False
    """True if an account can be a telephone number."""
    profile: str | None = None
    """Template of the public page, if a canonical handle is enough to find it (`at_handle`: with its `@`)."""


def _shape(pattern: str, template: str = "{h}", *, cased: bool = False) -> Shape:
    return Shape(re.compile(pattern), template, cased)


def _page(pattern: str, template: str = "{h}") -> Shape:
    return Shape(re.compile(pattern, re.IGNORECASE), template)


def _named(*tabs: str, name: str = "[^/]+") -> Shape:
    """Return the page `/NAME`, and what lies in one of these tabs below it."""
    return _page(rf"@?(?P<h>{name})(?:/(?:{'|'.join(tabs)})(?:/.*)?)?" if tabs else rf"@?(?P<h>{name})")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _without_full_stops(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word.replace(".", "") for word in words)


_SYSTEM = _words(
    "about abuse account accounts ad admin ads advertise advertisers advertising api app apps auth badges blog brand "
    "brands business businesses careers community-guidelines contact cookie cookies copyright create dashboard "
    "developer developers directory discover docs download downloads embed explore faq favicon.ico feed feedback "
    "guidelines help home index index.html index.php intl invite invites jobs legal login logout manifest.json me "
    "messages network notifications oauth oembed password policies policy premium press privacy profile profiles "
    "redirect register report reset robots.txt rules safety search security session settings share sharer shop sign-in "
    "signin signout signup site sitemap sitemap.xml static status store support sw.js tag tags terms tos trending "
    "upload user users verify welcome widgets"
)
"""What the platforms whose profiles are at `/NAME` keep for themselves, on nearly all of them."""
_AT = _page(r"@(?P<h>[^/]+)(?:/.*)?")
_DOMAIN = r"(?:[a-z0-9-]{1,63}\.){1,8}[a-z][a-z0-9-]{0,61}[a-z0-9]"

_X = Platform(
    "x",
    "X (formerly Twitter)",
    hosts=("x.com", "twitter.com"),
    shapes=(_shape(r"(?P<h>[a-z0-9_]{1,15})"),),
    pages=(
        _page(r"intent/(?:user|follow)\?(?P<h>.+)"),
        _named(
            "status(?:es)?",
            "with_replies|media|likes|highlights|articles?|photo|header_photo|about|communities",
            r"followers|following|verified_followers|followers_you_follow|affiliates|[\w-]*subscriptions|superfollows",
            "lists|moments|topics|timelines|favorites",
        ),
    ),
    queries=(("intent/user", "screen_name"), ("intent/follow", "screen_name")),
    other_hosts={"t.co": (), "pic.twitter.com": ()},
    system=_SYSTEM
    | _words(
        "404 articles bookmarks broadcasts communities compose connect_people events follower_requests followers "
        "following go grok hashtag i intent keyboard_shortcuts lists live logged_out mentions moments newtwitter "
        "personalization premium_sign_up search-advanced search-home spaces topics twitterblue webview who_to_follow "
        "widget your_twitter_data"
    ),
    profile="https://x.com/{handle}",
)
_FACEBOOK_TABS = (
    r"about\w*|posts|photos\w*|albums|videos\w*|video|reels\w*|reel|live\w*|stories|story|media|events|reviews",
    r"community|followers|following|friends\w*|likes|mentions|services|shop|offers|jobs|groups|fundraisers|menu",
    r"notes|music|sports|books|movies|tv|map|map-check-ins|check-?ins|info|timeline|wall|home|feed|directory|milestones",
    r"questions|apps?|app_\w+|activity|allactivity|search|tagged|channels|past_hosted_events|upcoming_hosted_events",
    r"page|page_internal|grid|watch|did_you_know|ads|insights",
)
_FACEBOOK_GROUP = (
    r"groups/(?!(?:feed|discover|joins|create|search|browse|notifications|categories|requests|explore|invites|your|"
    r"you_should_join|membership)(?:/|$))"
)
_FACEBOOK = Platform(
    "facebook",
    "Facebook",
    hosts=("facebook.com", "fb.com"),
    shapes=(
        _shape(r"(?P<k>groups)/(?P<h>[a-z0-9]{1,64})", "{k}/{h}"),
        _shape(r"(?P<h>[a-z0-9]{1,64})"),
        _shape(r"[\w-]{1,150}-(?P<h>[0-9]{6,20})"),
    ),
    pages=(
        _page(r"(?:profile|permalink|story)\.php\?(?P<h>[0-9]+)"),
        _page(r"people/[^/]+/(?P<h>[0-9]+)(?:/.*)?"),
        _page(r"pages/(?:[^/]+/){0,3}(?P<h>[0-9]+)/?"),
        _page(r"(?:p|pages/category/[^/]+)/(?:[^/]*-)?(?P<h>[0-9]+)(?:/.*)?"),
        _page(r"groups/[^/]+/user/(?P<h>[0-9]+)"),
        _page(rf"{_FACEBOOK_GROUP}(?P<h>[^/]+)(?:/.*)?", "groups/{h}"),
        _page(r"pg/(?P<h>[^/]+)(?:/.*)?"),
        _named(*_FACEBOOK_TABS),
    ),
    queries=(("profile.php", "id"), ("permalink.php", "id"), ("story.php", "id")),
    other_hosts={
        "m.me": (_page(r"(?!(?:j|ch|s|cm|g)(?:/|$))(?P<h>[^/]+)"),),
        "fb.me": (),
        "fb.watch": (),
        "fb.gg": (),
        "l.facebook.com": (),
        "lm.facebook.com": (),
    },
    system=_without_full_stops(
        _SYSTEM
        | _words(
            "adsmanager ajax all allactivity bookmarks business campusnote careers checkin checkpoint "
            "codeofconduct commerce communitystandards composer cookies coronavirusinfo crisisresponse deviceid "
            "dialog directory donate dyi events facebook feeds flx friends fundraisers gameroom games gaming "
            "graphql groups hashtag home.php index.php instantgames invites.php jobs l.php live livemap login.php "
            "marketplace media memories messages messenger mobile nearby news notes ns oauth offers onthisday p "
            "page pages pagesmanager pay payments people permalink.php pg photo photo.php photos places plugins "
            "poke pokes profile.php public questions r recover recover.php reel reels reg.php requests saved "
            "sem_campaigns settings share.php sharer.php shops stories story story.php submit subscribe "
            "suggestions topic topics tr translations unifiedinbox v video video.php videos watch wearesocial "
            "weather whitehat work workplace zero"
        )
    ),
    dropped=".",
    profile="https://www.facebook.com/{handle}",
)
_INSTAGRAM = Platform(
    "instagram",
    "Instagram",
    hosts=("instagram.com", "instagr.am"),
    shapes=(_shape(r"(?P<h>[a-z0-9._]{1,30})"),),
    pages=(
        _page(r"stories/(?!highlights(?:/|$))(?P<h>[^/]+)(?:/.*)?"),
        _page(r"_u/(?P<h>[^/]+)"),
        _named(
            "p|reels?|tv|tagged|followers|following|channel|guides?|saved|feed|live|collections|highlights|profilecard",
            "embed|similar_accounts|mutualOnly|mutualFirst|reposts",
        ),
    ),
    other_hosts={"ig.me": (_page(r"m/(?P<h>[^/]+)"),), "l.instagram.com": ()},
    system=_SYSTEM
    | _words(
        "_n _u ar archive challenge consent data developer direct emails fragment fxcal graphql instagram lite "
        "location locations media nametag p publicapi qr reel reels s saved stories topic topics tv upload_cdn web "
        "your_activity"
    ),
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
    pages=(_page(r"(?:mwlite/|m/)?(?P<k>in|company|school|showcase)/(?P<h>[^/]+)(?:/.*)?", "{k}/{h}"),),
    other_hosts={"lnkd.in": ()},
    system=_words("edit me setup unavailable"),
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
    own_hosts=("bsky.social",),
    uris=(_page(r"at://(?P<h>[^/]+)(?:/.*)?"),),
    profile="https://bsky.app/profile/{handle}",
)
_YOUTUBE_TABS = (
    "videos|shorts|streams|playlists|community|about|featured|channels|releases|podcasts|courses|store|live|posts",
    "membership|join|search|discussion|feed|music|null",
)
_YOUTUBE = Platform(
    "youtube",
    "YouTube",
    hosts=("youtube.com", "music.youtube.com", "gaming.youtube.com"),
    shapes=(
        _shape(r"(?i:channel)/(?P<h>UC[A-Za-z0-9_-]{22})", "channel/{h}", cased=True),
        _shape(r"(?P<k>c|user)/(?P<h>[\w.·-]{1,100})", "{k}/{h}"),
        _shape(r"(?P<h>[\w.·-]{1,30})"),
    ),
    pages=(
        _AT,
        _page(r"profile\?(?P<h>.+)", "user/{h}"),
        _page(r"(?P<k>channel|c|user)/(?P<h>[^/]+)(?:/.*)?", "{k}/{h}"),
        # The old vanity address. YouTube leads it, as `/@NAME`, to the channel that has the handle NAME.
        _named(*_YOUTUBE_TABS, name=r"[^/?.=]{3,30}"),
    ),
    queries=(("profile", "user"),),
    other_hosts={"youtu.be": (), "studio.youtube.com": (), "tv.youtube.com": (), "youtube-nocookie.com": ()},
    system=_SYSTEM
    | _words(
        "activate ads attribution_link c channel channel_switcher channels charts clip creator-academy creators "
        "culture edit education embed error fashion feed for gaming get_video_info get_video_metadata getpremium "
        "handle hashtag howyoutubeworks iframe_api jump kids learning live live_chat live_dashboard money movies music "
        "musicpremium my_videos new news originals paid_memberships pair partners playables playlist playlists "
        "podcasts post results s select_site shopping shorts show shows signin_prompt source sports student "
        "subscription_center subscription_manager subscriptions t testtube timedtext trends tv unsupported_browser "
        "user v vi video videos view_play_list virtual watch watch_popup watch_videos youtubei youtubetv yt"
    ),
    profile="https://www.youtube.com/{at_handle}",
)
_WHATSAPP = Platform(
    "whatsapp",
    "WhatsApp",
    hosts=("wa.me", "whatsapp.com", "api.whatsapp.com"),
    shapes=(
        _shape(r"(?i:channel)/(?P<h>[A-Za-z0-9]{8,60})", "channel/{h}", cased=True),
        _shape(r"(?:\+44|0044|0)(?P<h>7[0-9]{9})", "+44{h}"),
        _shape(r"(?P<h>[a-z][a-z0-9._]{2,34})"),
    ),
    pages=(
        _page(r"channel/(?P<h>[^/]+)(?:/.*)?", "channel/{h}"),
        # A number in an address has its country code; people add a plus sign, or leave the code out and keep the zero.
        _page(r"(?:send/?\?|c/|catalog/|p/[0-9]+/)?\s?\+?(?P<h>[1-9][0-9]{6,14})", "+{h}"),
        _page(r"(?:send/?\?)?(?P<h>0[0-9]{6,16})"),
    ),
    queries=(("send", "phone"),),
    other_hosts={"chat.whatsapp.com": (), "call.whatsapp.com": (), "faq.whatsapp.com": ()},
    dropped=" ()-",
    phones=True,
)
_REDDIT = Platform(
    "reddit",
    "Reddit",
    hosts=("reddit.com", "sh.reddit.com"),
    shapes=(
        _shape(r"(?:(?:u|user)/|r/u_)(?P<h>[a-z0-9_-]{2,21})", "u/{h}"),
        _shape(r"r/(?P<h>[a-z0-9_-]{2,21})", "r/{h}"),
        _shape(r"(?P<h>[a-z0-9_-]{2,21})", "u/{h}"),
    ),
    pages=(_page(r"(?:u|user)/(?P<h>[^/]+)(?:/.*)?", "u/{h}"), _page(r"r/(?P<h>[^/]+)(?:/.*)?", "r/{h}")),
    other_hosts={"redd.it": (), "i.redd.it": (), "v.redd.it": ()},
    system=_words("all friends me mod myrandom popular random randnsfw subreddits"),
    profile="https://www.reddit.com/{handle}",
)
_TELEGRAM = Platform(
    "telegram",
    "Telegram",
    hosts=("t.me", "telegram.me", "telegram.dog"),
    shapes=(_shape(r"(?P<h>[a-z][a-z0-9_]{3,31})"),),
    pages=(_page(r"s/(?P<h>[^/]+)(?:/[0-9]+)?"), _named(r"[0-9]+", r"s/[0-9]+", name="[^/+]+")),
    other_hosts={"telegram.org": (), "web.telegram.org": ()},
    own_hosts=("t.me",),
    system=_SYSTEM
    | _words(
        "addemoji addlist addstickers addstyle addtheme bg boost c confirm confirmphone contact giftcode invoice iv "
        "joinchat m nft passport proxy s setlanguage share socks stars stickers theme url"
    ),
    profile="https://t.me/{handle}",
)
_MASTODON = Platform(
    "mastodon",
    "Mastodon",
    hosts=("mastodon.social", "mastodon.online"),
    shapes=(_shape(rf"(?P<h>[a-z0-9_.-]{{1,64}}@{_DOMAIN})"), _shape(r"(?P<h>[a-z0-9_.-]{1,64})")),
    pages=(
        _page(r"(?:web/|deck/)?@(?P<h>[^/@]+@[^/@]+)(?:/.*)?"),
        _page(r"(?:web/|deck/)?@(?P<h>[^/@]+)(?:/.*)?", "{h}@{host}"),
        _page(
            r"users/(?!(?:sign_in|sign_up|sign_out|password|auth|confirmation|edit)(?:/|$))(?P<h>[^/@.]+)(?:/.*)?",
            "{h}@{host}",
        ),
    ),
    on_any_host=True,
    uris=(_page(r"acct:@?(?P<h>[^@/]+@[^@/]+)"),),
)
_GOOGLE = Platform(
    "google_reviews",
    "Google reviews",
    hosts=("google.com", "google.co.uk", "google.ie", "maps.google.com", "maps.google.co.uk"),
    pages=(_page(r"maps/contrib/(?P<h>[0-9]+)(?:/.*)?", "contrib/{h}"),),
    other_hosts={"goo.gl": (), "maps.app.goo.gl": (), "g.page": (), "g.co": ()},
)
_TRUSTPILOT = Platform(
    "trustpilot",
    "Trustpilot",
    hosts=("trustpilot.com",),
    pages=(_page(r"(?P<k>review|users)/(?!(?:connect|settings|login|signup)(?:/|$))(?P<h>[^/]+)(?:/.*)?", "{k}/{h}"),),
)
_GLASSDOOR = Platform(
    "glassdoor",
    "Glassdoor",
    hosts=("glassdoor.com", "glassdoor.co.uk", "glassdoor.ie"),
    pages=(
        _page(
            r"(?:Overview|Reviews|Jobs|Salary|Salaries|Interview|Benefits|Photos|FAQ|Culture|Location)/"
            r"[^/]*-(?:EI_I)?E(?P<h>[0-9]+)[^/]*\.htm",
            "employer/{h}",
        ),
    ),
)
_NEXTDOOR = Platform(
    "nextdoor",
    "Nextdoor",
    hosts=("nextdoor.com", "nextdoor.co.uk"),
    pages=(
        _page(r"(?P<k>profile|pages?|agency)/(?!(?:create|new|edit|search)(?:/|$))(?P<h>[^/]+)(?:/.*)?", "{k}/{h}"),
    ),
)
_DISCORD = Platform(
    "discord",
    "Discord",
    hosts=("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com"),
    pages=(_page(r"users/(?P<h>[0-9]{15,21})", "users/{h}"),),
    other_hosts={"discord.gg": (), "discord.gift": (), "dis.gd": ()},
)
_TWITCH = Platform(
    "twitch",
    "Twitch",
    hosts=("twitch.tv", "go.twitch.tv"),
    shapes=(_shape(r"(?P<h>[a-z0-9_]{1,25})"),),
    pages=(
        _page(r"(?:popout|moderator|embed)/(?P<h>[^/]+)(?:/.*)?"),
        _named("videos?|clips?|about|schedule|v|followers|following|profile|home|squad|collections|chat|events|b"),
    ),
    other_hosts={"clips.twitch.tv": (), "player.twitch.tv": (), "dashboard.twitch.tv": ()},
    system=_SYSTEM
    | _words(
        "annual-recap bits broadcast browse bundles clips collections communities creatorcamp directory drops event "
        "followers following friends gaming inventory moderator music p payments popout prime products redeem s stream "
        "stream-manager subs subscriptions team teams turbo video videos wallet"
    ),
)
_PINTEREST = Platform(
    "pinterest",
    "Pinterest",
    hosts=(
        "pinterest.com",
        *map("pinterest.{}".format, ("co.uk", "ie", "de", "fr", "es", "it", "ca", "at", "ch", "pt", "se", "dk", "jp")),
        *map("pinterest.{}".format, ("com.au", "com.mx", "co.kr", "cl", "nz", "ph")),
    ),
    # Below a profile lie boards, which may have any name, and their sections.
    pages=(_page(r"(?P<h>[a-z0-9_]{3,30})(?:/[^/]+){0,2}"),),
    other_hosts={"pin.it": ()},
    system=_SYSTEM
    | _words(
        "_ board boards categories convert following homefeed ideas news_hub offsite pin pins resource shopping source "
        "today topics tv video videos watch"
    ),
)
_TUMBLR = Platform(
    "tumblr",
    "Tumblr",
    hosts=("tumblr.com",),
    shapes=(_shape(r"(?P<h>[a-z0-9-]{1,32})"),),
    pages=(
        _page(r"(?:dashboard/blog|blog/view)/(?P<h>[^/]+)(?:/.*)?"),
        _page(r"blog/(?P<h>[^/]+)"),
        _named(r"[0-9]+", "archive|likes|following|tagged|about|ask|submit"),
    ),
    own_hosts=("tumblr.com",),
    other_hosts={"tmblr.co": ()},
    system=_SYSTEM
    | _words(
        "activity assets changes communities customize domains following inbox likes live logo media mega new post px "
        "reblog secure spotlight srvcs tagged themes tips tumblrmart video view www"
    ),
)
_INDEED = Platform(
    "indeed",
    "Indeed reviews",
    hosts=("indeed.com", "indeed.co.uk"),
    pages=(_page(r"cmp/(?!_(?:/|$))(?P<h>[^/]+)(?:/.*)?", "cmp/{h}"),),
)
_SNAPCHAT = Platform(
    "snapchat",
    "Snapchat",
    hosts=("snapchat.com", "story.snapchat.com"),
    shapes=(_shape(r"(?P<h>[a-z0-9][a-z0-9._-]{1,29})"),),
    pages=(_page(r"(?:add/|@)(?P<h>[^/]+)(?:/.*)?"),),
    profile="https://www.snapchat.com/add/{handle}",
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
        _SNAPCHAT,
        _at("threads", "Threads", "www.threads.com", r"(?P<h>[a-z0-9._]{1,30})", "threads.com", "threads.net"),
        _TELEGRAM,
        _NEXTDOOR,
        _GOOGLE,
        _GLASSDOOR,
        _TRUSTPILOT,
        _MASTODON,
        _DISCORD,
        _TWITCH,
        _PINTEREST,
        _TUMBLR,
        _INDEED,
        Platform("mumsnet", "Mumsnet", ("mumsnet.com",)),
        Platform("other", "Another site or app"),
    )
)
