"""Who reports and is reported (people of `deploy/sample/directory.csv`), and the accounts that it is about. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from demo.reports import Sender
from shared.auth.permissions import Role


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff, and the address of their manager."""

    staff_id: str
    name: str
    manager_email: str | None

    @property
    def as_reporter(self) -> Sender:
        return Sender(Role.REPORTER, self.staff_id)


_HARBOUR_STREET = "grace.okafor@example.org"
_MILL_LANE = "daniel.price@example.org"
_NORTH = "fatima.noor@example.org"

STAFF = (
    Staff("S1001", "Priya Shah", _HARBOUR_STREET),
    Staff("S1002", "Tom Evans", _HARBOUR_STREET),
    Staff("S1003", "Chloe Baxter", _HARBOUR_STREET),
    Staff("S1004", "Yusuf Demir", _HARBOUR_STREET),
    Staff("S1005", "Siân Rowlands", _MILL_LANE),
    Staff("S1006", "Callum Fraser", _MILL_LANE),
    Staff("S1007", "Mei Lin", _MILL_LANE),
    Staff("S1008", "Joseph Adeyemi", _NORTH),
    Staff("S1009", "Hannah Weiss", _MILL_LANE),
    Staff("S1010", "Rory O'Neill", _NORTH),
    Staff("S1011", "Anita Desai", _NORTH),
)
"""They report, and others report them."""
CONTRACTOR = Staff("S1012", "Luca Moretti", None)
"""In the directory, without a manager."""
STRANGER = Staff("S1999", "Robin Unlisted", None)
"""Signed in, and in no directory."""
MONITORING = Sender(Role.MONITORING, "S8004")
SUPPLIER = Sender(Role.SUPPLIER, "S8005")


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
