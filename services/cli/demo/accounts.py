"""Invented accounts on many platforms; few on each, so that one is reported again and history matters. Pure."""

from collections.abc import Mapping

ACCOUNTS: Mapping[str, tuple[str, ...]] = {
    "x": ("grumpy_teapot", "cross_kettle", "sour_lemons_77", "notyourclerk"),
    "facebook": ("grumpy.teapot.page", "queue.critics", "angryspoons"),
    "instagram": ("grumpy_teapot", "spilled.milk.daily", "deskcritic"),
    "bluesky": ("grumpy-teapot.bsky.social", "rainy-day.bsky.social"),
    "tiktok": ("grumpyteapot", "office.windows"),
    "youtube": ("@GrumpyTeapotFilms", "@WindowWatcherExample"),
    "linkedin": ("in/an-invented-person", "in/another-invented-person"),
    "reddit": ("u/grumpy_teapot", "u/throwaway_example"),
    "threads": ("grumpy.teapot",),
    "telegram": ("grumpyteapot_channel",),
    "mastodon": ("grumpy@mastodon.social",),
    "whatsapp": ("+447700900123", "+447700900456"),
    "discord": ("grumpyteapot#0042",),
    "other": ("grumpy teapot",),
}
"""Platform → handles as people type them. The numbers are of those that the regulator keeps for fiction."""
CAMPAIGN = "x", "grumpy_teapot"
"""The account that most reports are about."""
OFFICIAL = "x", "@SampleDept"
PROFESSIONAL = "x", "SampleDirector"
UNION = "x", "SampleUnionNE"
"""Three of `deploy/sample/accounts.csv`."""

_POSTS: Mapping[str, str] = {
    "x": "https://x.com/{handle}/status/{number}",
    "facebook": "https://www.facebook.com/{handle}/posts/{number}",
    "bluesky": "https://bsky.app/profile/{handle}/post/{number}",
    "tiktok": "https://www.tiktok.com/@{handle}/video/{number}",
    "youtube": "https://www.youtube.com/{handle}",
    "linkedin": "https://www.linkedin.com/{handle}/recent-activity",
    "reddit": "https://www.reddit.com/{handle}/comments/{number}",
    "threads": "https://www.threads.com/@{handle}/post/{number}",
    "other": "https://forum.example.org/threads/{number}",
}


def post_url(platform: str, handle: str, number: int) -> str | None:
    """Return the address of a post of that account; None where posts have none."""
    if platform not in _POSTS:
        return None
    return _POSTS[platform].format(handle=handle.removeprefix("@") if platform == "x" else handle, number=number)
