"""Handles and URLs: what people paste, and what an attacker would."""

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.events.platform_table import TABLE, Platform
from shared.events.platforms import (
    PLATFORMS,
    InvalidHandle,
    canonical_handle,
    from_url,
    is_address,
    platform_label,
    profile_url,
)
from tests.support.addresses import ACCOUNTS, NOTHING, PLATFORMS_OF_TABLE, SAID


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
    ("written", "number"),
    [
        ("+44 (0)7700 900123", "+447700900123"),
        ("0044 (0)7700 900123", "+447700900123"),
        ("44 (0)7700 900123", "+447700900123"),
        ("+4407700900123", "+447700900123"),
        ("+44 7700-900.123", "+447700900123"),
        ("+44\u00a07700\u2011900\u2013123", "+447700900123"),
        ("(+44) 7700 900123", "+447700900123"),
        ("447700900123", "+447700900123"),
        ("07700\u200b900123", "+447700900123"),
        ("(07700) 900123", "+447700900123"),
        ("7700 900123", "+447700900123"),
        ("tel:+447700900123", "+447700900123"),
        ("٠٧٧٠٠ ٩٠٠١٢٣", "+447700900123"),
        ("020 7946 0018", "+442079460018"),
        ("+44 (0) 20 7946 0018", "+442079460018"),
        ("+49 (0)30 901820", "+4930901820"),
        ("00 33 1 42 68 53 00", "+33142685300"),
        ("33142685300", "+33142685300"),
        ("+39 06 6982", "+39066982"),
        ("+1 (555) 010-0123", "+15550100123"),
        ("+999 123 456 789", "+999123456789"),
    ],
)
def test_a_telephone_number_is_one_account_however_it_is_written(written: str, number: str) -> None:
    assert canonical_handle("whatsapp", written) == number
    assert canonical_handle("whatsapp", number) == number


@pytest.mark.parametrize(
    "text", ["0123", "07700 900123 ext 5", "07700 900123 / 07700 900456", "++447700900123", "1-2-3"]
)
def test_what_is_no_telephone_number_is_no_account(text: str) -> None:
    with pytest.raises(InvalidHandle):
        canonical_handle("whatsapp", text)


@pytest.mark.parametrize(
    "written", ["हिन्दी", "தமிழ்", "ภาษาไทย", "العربيَّة", "עִברִית", "বাংলা", "မြန်မာ", "日本語チャンネル"]
)
@pytest.mark.parametrize(("platform", "before"), [("youtube", ""), ("youtube", "c/"), ("linkedin", "in/")])
def test_handles_in_every_script_keep_their_combining_marks(platform: str, before: str, written: str) -> None:
    handle = unicodedata.normalize("NFKC", f"{before}{written}")
    assert canonical_handle(platform, f"@{handle}") == handle
    assert from_url(f"{_PROFILES[platform, before]}{written}/about") == (platform, handle)


_PROFILES = {
    ("youtube", ""): "https://www.youtube.com/@",
    ("youtube", "c/"): "https://www.youtube.com/c/",
    ("linkedin", "in/"): "https://uk.linkedin.com/in/",
}


@pytest.mark.parametrize("marks", ["\u0301", "\u0941\u093f", "x\ufe0f"])
def test_marks_alone_and_invisible_ones_are_no_handle(marks: str) -> None:
    with pytest.raises(InvalidHandle):
        canonical_handle("youtube", marks)


def test_the_table_of_addresses_covers_every_platform() -> None:
    assert set(PLATFORMS) == PLATFORMS_OF_TABLE
    assert len(ACCOUNTS) + len(SAID) + len(NOTHING) >= 600
    assert {slug for slug, _ in NOTHING} == set(PLATFORMS)
    assert {slug for slug, *_ in ACCOUNTS} == set(PLATFORMS) - {"mumsnet", "other"}


@pytest.mark.parametrize("slug", PLATFORMS)
def test_the_address_of_a_profile_names_its_account(slug: str) -> None:
    for platform, address, handle in ACCOUNTS:
        if platform == slug:
            assert (address, from_url(address)) == (address, (slug, handle))
            assert canonical_handle(slug, address) == handle
            assert canonical_handle(slug, handle) == handle
            assert _refused(platforms=set(PLATFORMS) - {slug}, text=address)


@pytest.mark.parametrize("slug", PLATFORMS)
def test_every_other_address_of_a_platform_names_no_account(slug: str) -> None:
    for platform, address in NOTHING:
        if platform == slug:
            assert (address, from_url(address, slug)) == (address, None)
            anywhere = {"mastodon"} if platform == "other" else set()
            assert not is_address(address) or _refused(platforms=set(PLATFORMS) - anywhere, text=address)


def test_an_address_on_a_server_of_its_own_names_an_account_if_its_platform_is_said() -> None:
    for platform, address, handle in SAID:
        assert (address, from_url(address)) == (address, None)
        assert (address, from_url(address, platform)) == (address, (platform, handle))
        assert canonical_handle(platform, address) == handle
        assert _refused(platforms=set(PLATFORMS) - {platform}, text=address)


def _refused(platforms: set[str], text: str) -> bool:
    for platform in platforms:
        with pytest.raises(InvalidHandle):
            canonical_handle(platform, text)
    return True


@pytest.mark.parametrize("platform", [platform for platform in TABLE.values() if platform.system])
def test_a_name_that_a_platform_keeps_for_itself_is_no_account(platform: Platform) -> None:
    for word in platform.system:
        for text in (word, f"@{word.upper()}", f"{word}/"):
            assert _refused({platform.slug}, text)
        for host in platform.hosts:
            assert from_url(f"https://{host}/{word}") is None
            assert from_url(f"https://www.{host}/{word.upper()}/") is None


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
    "social.example.net",
]
_SEGMENTS = st.sampled_from(
    sorted(
        {part for _, address in NOTHING for part in address.split("/")[3:]} | {"pg", "share", "p", "@a", "x.y", "%2F"}
    )
)
_PATHS = st.lists(_SEGMENTS | st.text(max_size=8), max_size=4).map("/".join)
_ADDRESSES = st.builds(
    "{}{}/{}".format,
    st.sampled_from(["https://", "http://www.", "https://m.", ""]),
    st.sampled_from(
        [host for platform in TABLE.values() for host in (*platform.hosts, *platform.other_hosts)] + _HOSTS
    ),
    _PATHS,
)


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


@given(st.sampled_from(list(PLATFORMS)), _ADDRESSES)
@example("other", "https://forum.example.org/u/some_one")
@example("glassdoor", "https://www.glassdoor.co.uk/Reviews/index.htm")
@example("instagram", "instagram.com")
def test_an_address_that_is_not_understood_is_no_handle_of_any_platform(platform: str, address: str) -> None:
    domain = platform == "bluesky" and "/" not in address.strip("/")  # which is a handle there
    assume(is_address(address) and from_url(address, platform) is None and not domain)
    try:
        handle = canonical_handle(platform, address)
    except InvalidHandle:
        return
    assert from_url(unicodedata.normalize("NFKC", address).casefold(), platform) == (platform, handle)
