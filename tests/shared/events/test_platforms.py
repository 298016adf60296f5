"""Handles and URLs: what people paste, and what an attacker would."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.events.platforms import (
    PLATFORMS,
    InvalidHandle,
    canonical_handle,
    from_url,
    platform_label,
    profile_url,
)


@pytest.mark.policy("O2")
def test_the_platforms_the_policy_names_come_first_and_other_last() -> None:
    slugs = list(PLATFORMS)
    assert slugs[:4] == ["bluesky", "facebook", "instagram", "x"]
    assert slugs[-1] == "other"
    assert platform_label("x") == "X (formerly Twitter)"
    assert platform_label("brand_new") == "brand_new"


@pytest.mark.parametrize(
    ("platform", "typed", "canonical"),
    [
        ("x", "@DWPgovuk", "dwpgovuk"),
        ("x", "  @@DWPgovuk ", "dwpgovuk"),
        ("x", "ＤＷＰgovuk", "dwpgovuk"),
        ("x", "dwp\u200bgovuk", "dwpgovuk"),
        ("x", "https://twitter.com/DWPgovuk/status/1?s=20", "dwpgovuk"),
        ("facebook", "John.Smith.5", "johnsmith5"),
        ("facebook", "facebook.com/profile.php?id=1000123", "1000123"),
        ("instagram", "@Some.Name_", "some.name_"),
        ("linkedin", "Jane-Doe-1", "in/jane-doe-1"),
        ("linkedin", "company/Some-Department", "company/some-department"),
        ("bluesky", "@Someone", "someone.bsky.social"),
        ("bluesky", "news.example.ORG", "news.example.org"),
        ("youtube", "@SomeChannel", "somechannel"),
        ("youtube", "Channel/UCabcdefghijklmnopqrstuV", "channel/UCabcdefghijklmnopqrstuV"),
        ("whatsapp", "07700 900123", "+447700900123"),
        ("whatsapp", "+44 (7700) 900-123", "+447700900123"),
        ("whatsapp", "0044 7700 900123", "+447700900123"),
        ("reddit", "/u/Some_One", "u/some_one"),
        ("reddit", "r/DWPhelp", "r/dwphelp"),
        ("mastodon", "@Some@Mastodon.Social", "some@mastodon.social"),
        ("glassdoor", "  A.  Reviewer ", "a. reviewer"),
        ("other", "Some Forum User", "some forum user"),
    ],
)
def test_what_people_type_becomes_one_handle(platform: str, typed: str, canonical: str) -> None:
    assert canonical_handle(platform, typed) == canonical
    assert canonical_handle(platform, canonical) == canonical


@pytest.mark.parametrize(
    ("platform", "typed"),
    [
        ("x", ""),
        ("x", "@"),
        ("x", "has space"),
        ("x", "a" * 16),
        ("x", "dwpgоvuk"),  # a Cyrillic o
        ("x", "nul\0"),
        ("other", "nul\0"),
        ("other", "lone\ud800surrogate"),
        ("other", "a" * 201),
        ("other", "\u202e\u200b"),
        ("facebook", "..."),
        ("x", "https://www.facebook.com/somebody"),
        ("myspace_2", "somebody"),
    ],
)
def test_what_is_no_handle_is_refused_without_being_shown(platform: str, typed: str) -> None:
    with pytest.raises(InvalidHandle) as refusal:
        canonical_handle(platform, typed)
    assert not typed.strip("@ ") or typed not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://x.com/Some_Account/status/1", ("x", "some_account")),
        ("http://mobile.twitter.com/Some_Account", ("x", "some_account")),
        ("x.com/@Some_Account", ("x", "some_account")),
        ("https://x.com/intent/user?screen_name=Some_Account", ("x", "some_account")),
        ("https://www.facebook.com/Job.Centre", ("facebook", "jobcentre")),
        ("https://en-gb.facebook.com/profile.php?id=100012345&sk=about", ("facebook", "100012345")),
        ("https://m.facebook.com/people/Some-Name/100012345/", ("facebook", "100012345")),
        ("https://facebook.com/pages/category/Some-Page/100012345", ("facebook", "100012345")),
        ("https://facebook.com/p/Some-Page-100012345/", ("facebook", "100012345")),
        ("https://facebook.com/Some-Page-100012345", ("facebook", "100012345")),
        ("https://facebook.com/groups/SomeGroup/posts/1", ("facebook", "groups/somegroup")),
        ("https://www.facebook.com/permalink.php?story_fbid=1&id=1000777", ("facebook", "1000777")),
        ("https://instagram.com/some.name/?hl=en", ("instagram", "some.name")),
        ("https://www.instagram.com/stories/some.name/123/", ("instagram", "some.name")),
        ("https://uk.linkedin.com/in/Jane-Doe/", ("linkedin", "in/jane-doe")),
        ("https://www.linkedin.com/company/some-department/posts/", ("linkedin", "company/some-department")),
        ("https://bsky.app/profile/some.example.org/post/3k", ("bluesky", "some.example.org")),
        ("https://someone.bsky.social", ("bluesky", "someone.bsky.social")),
        ("https://www.youtube.com/@SomeChannel/videos", ("youtube", "somechannel")),
        ("youtube.com/channel/UCabcdefghijklmnopqrstuV", ("youtube", "channel/UCabcdefghijklmnopqrstuV")),
        ("https://youtube.com/user/SomeOne", ("youtube", "user/someone")),
        ("https://www.tiktok.com/@some.one/video/1", ("tiktok", "some.one")),
        ("https://www.threads.net/@some.one", ("threads", "some.one")),
        ("https://old.reddit.com/user/Some_One/comments", ("reddit", "u/some_one")),
        ("https://www.reddit.com/r/SomeSub/comments/1/x", ("reddit", "r/somesub")),
        ("https://wa.me/447700900123", ("whatsapp", "+447700900123")),
        ("https://t.me/s/some_channel", ("telegram", "some_channel")),
        ("https://www.snapchat.com/add/some.one", ("snapchat", "some.one")),
        ("https://mastodon.social/@some", ("mastodon", "some@mastodon.social")),
        ("https://www.google.com/maps/contrib/1234567/reviews", ("google_reviews", "contrib/1234567")),
        ("https://uk.trustpilot.com/users/5f00", ("trustpilot", "users/5f00")),
        ("https://www.glassdoor.co.uk/Overview/Working-at-Some-EI_IE12345.11,15.htm", ("glassdoor", "employer/12345")),
    ],
)
def test_a_url_names_platform_and_handle(url: str, found: tuple[str, str]) -> None:
    assert from_url(url) == found
    assert canonical_handle(found[0], found[1]) == found[1]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "some words",
        "https://example.org/x.com/somebody",
        "https://x.com@evil.example/somebody",
        "https://evil.example\\@x.com/somebody",
        "https://x.com.evil.example/somebody",
        "https://notx.com/somebody",
        "javascript:alert(1)//x.com/somebody",
        "ftp://x.com/somebody",
        "https://x.com/",
        "https://x.com/home",
        "https://x.com/i/user/12",
        "https://www.instagram.com/p/Abc123/",
        "https://www.facebook.com/watch/?v=1",
        "https://www.facebook.com/profile.php",
        "https://x.com/%00somebody",
        "https://x.com/some%ffbody",
        "https://[x.com/somebody",
        "https://x.com:99999999/somebody",
        "https://t.me/+AbCdEf",
        "https://" + "x" * 5000 + "/somebody",
    ],
)
def test_an_address_that_names_no_account_gives_none(url: str) -> None:
    assert from_url(url) is None


def test_profile_pages_are_escaped() -> None:
    assert profile_url("x", "dwpgovuk") == "https://x.com/dwpgovuk"
    assert profile_url("youtube", "somechannel") == "https://www.youtube.com/@somechannel"
    assert profile_url("youtube", "channel/UC1") == "https://www.youtube.com/channel/UC1"
    assert profile_url("linkedin", "in/zoë?x=1") == "https://www.linkedin.com/in/zo%C3%AB%3Fx%3D1"
    assert profile_url("other", "somebody") is None
    assert profile_url("brand_new", "somebody") is None


_HOSTS = [
    "x.com",
    "facebook.com",
    "bsky.app",
    "youtube.com",
    "reddit.com",
    "someone.bsky.social",
    "t.me",
    "glaßdoor.com",
]


@given(st.sampled_from(list(PLATFORMS)), st.text(max_size=60) | st.from_regex(r"[a-zA-Z0-9@/._:-]{1,40}"))
@example("discord", "ｘ.com/somebody")
@example("glassdoor", "glaßdoor.com/Overview/a-E1.htm")
@example("other", "İ")
def test_canonical_handles_are_their_own_canonical_handles(platform: str, text: str) -> None:
    try:
        once = canonical_handle(platform, text)
    except InvalidHandle:
        return
    assert canonical_handle(platform, once) == once
    assert 0 < len(once) <= 220
    assert not once.startswith("@")


@given(st.text(max_size=80) | st.builds("https://{}/{}".format, st.sampled_from(_HOSTS), st.text(max_size=40)))
def test_any_text_gives_an_account_or_none(text: str) -> None:
    found = from_url(text)
    if found is not None:
        assert canonical_handle(*found) == found[1]
