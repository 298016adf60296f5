"""What makes cases alike, which campaign a case joins, and the words for why: pure rules."""

from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from random import Random
from uuid import UUID

import pytest

from services.triage.campaigns.domain import (
    MOST_REPORTS,
    PERSONAL_LINKS,
    Extent,
    Joined,
    Key,
    KeyKind,
    Shared,
    Sharer,
    in_words,
    place,
    reasons,
    text_keys,
    thresholds,
)
from shared.addresses import canonical_link

AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
LIMITS = thresholds(PERSONAL_LINKS)
STORY = (
    "This account has posted under every picture of our office for a week. It says that we lie to customers, that we "
    "laugh about them, and that people should come to the door on Friday and film whoever they see."
)


def alike(one: str, other: str) -> bool:
    return not set(text_keys(one)).isdisjoint(text_keys(other))


def test_a_text_is_like_itself_however_it_is_written() -> None:
    assert alike(STORY, STORY.upper().replace(" ", "\n  ").replace(".", "!!"))


def test_a_text_that_was_copied_and_changed_a_little_is_like_it() -> None:
    for changed in (
        STORY.replace("Friday", "Monday"),
        f"Please help. {STORY}",
        STORY.replace("our office", "the branch"),
    ):
        assert alike(STORY, changed)


def test_another_text_about_the_same_thing_is_not_like_it() -> None:
    other = (
        "Someone keeps writing below our photos that we lie and laugh about customers. Now they want people to come on "
        "Friday and film us at the door, and I am afraid of what will happen then."
    )
    assert not alike(STORY, other)


def test_short_texts_are_alike_by_chance_and_have_no_key() -> None:
    assert text_keys("He insults me every day") == ()
    assert text_keys("") == ()


def test_most_copies_with_a_few_words_changed_are_found_and_strangers_never() -> None:
    random = Random(14)
    texts = [[f"word{random.randrange(4000)}" for _ in range(100)] for _ in range(200)]
    copies = [" ".join("changed" if n in {20, 60} else word for n, word in enumerate(text)) for text in texts]
    assert sum(alike(" ".join(text), copy) for text, copy in zip(texts, copies, strict=True)) > 190
    assert not any(alike(" ".join(one), " ".join(other)) for one, other in pairwise(texts))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://x.com/some_account/status/17", "http://www.twitter.com/Some_Account/status/17?s=20&t=abc"),
        ("https://x.com/some_account/status/17", "x.com/i/web/status/17/photo/1"),
        ("https://www.youtube.com/watch?v=AbC&feature=share", "https://youtu.be/AbC?si=xyz"),
        ("https://www.facebook.com/groups/1/posts/2/", "https://m.facebook.com/groups/1/posts/2?fbclid=1"),
        ("https://example.com/a%7Eb?b=2&a=1#top", "HTTP://EXAMPLE.com//a~b/?a=1&b=2&utm_source=x"),
    ],
)
def test_links_to_one_page_have_one_spelling(one: str, other: str) -> None:
    assert canonical_link(one) == canonical_link(other) is not None


def test_links_to_different_pages_keep_apart() -> None:
    pages = [
        "https://x.com/a/status/17",
        "https://x.com/a/status/18",
        "https://youtu.be/AbC",
        "https://youtu.be/abc",
        "https://mastodon.social/@a/1",
        "https://mastodon.online/@a/1",
    ]
    assert len({canonical_link(page) for page in pages}) == len(pages)
    for nothing in ("https://www.example.com/", "x.com", "mailto:a@example.org", "no link", "https://[::1", "a\0b"):
        assert canonical_link(nothing) is None


# Which campaign a case joins.

LINK, ACCOUNT, PERSON = (Key(kind, "one") for kind in (KeyKind.LINK, KeyKind.ACCOUNT, KeyKind.PERSON))


def sharer(number: int, report: int | None = None, at: datetime = AT) -> Sharer:
    return Sharer(UUID(int=number), UUID(int=1000 + (report or number)), at)


def placed(
    fresh: dict[int, list[Key]], sharers: dict[Key, list[Sharer]], belong: dict[int, int] | None = None
) -> list[tuple[int, int, bool]]:
    ids = count(500)
    homes = {UUID(int=one): UUID(int=home) for one, home in (belong or {}).items()}
    everyone = {one.case_id.int: one for some in sharers.values() for one in some}
    wanted = {everyone.get(one, sharer(one)): set(keys) for one, keys in fresh.items()}
    joined = place(wanted, sharers, homes, LIMITS, lambda: UUID(int=next(ids)))
    return [(one.campaign_id.int, one.case_id.int, one.new) for one in joined]


def test_two_reports_of_one_post_are_a_campaign_and_one_report_is_not() -> None:
    assert placed({2: [LINK]}, {LINK: [sharer(2), sharer(1)]}) == [(500, 1, True), (500, 2, True)]
    assert placed({2: [LINK]}, {LINK: [sharer(2)]}) == []
    assert placed({2: [LINK]}, {LINK: [sharer(2, report=1), sharer(1)]}) == [], "both are cases of one report"


def test_reports_far_apart_in_time_are_not_a_campaign() -> None:
    before = AT - LIMITS[KeyKind.LINK].within - timedelta(seconds=1)
    assert placed({2: [LINK]}, {LINK: [sharer(2), sharer(1, at=before)]}) == []


def test_a_person_is_a_target_only_when_many_reports_come_within_hours() -> None:
    hours = [AT - timedelta(hours=n) for n in range(5)]
    burst = [sharer(n + 1, at=at) for n, at in enumerate(hours)]
    assert len(placed({1: [PERSON]}, {PERSON: burst})) == 5
    slow = [*burst[:4], sharer(5, at=AT - timedelta(hours=5))]
    assert placed({1: [PERSON]}, {PERSON: slow}) == []


def test_a_case_joins_the_campaign_that_its_strongest_key_has() -> None:
    sharers = {LINK: [sharer(3), sharer(1)], ACCOUNT: [sharer(3), sharer(2)]}
    assert placed({3: [ACCOUNT, LINK]}, sharers, {1: 10, 2: 20}) == [(10, 3, False)]


def test_cases_without_a_campaign_come_along_and_others_stay_where_they_are() -> None:
    sharers = {LINK: [sharer(3), sharer(1)], ACCOUNT: [sharer(3), sharer(2), sharer(4)]}
    assert placed({3: [LINK, ACCOUNT]}, sharers, {1: 10, 2: 20}) == [(10, 3, False), (10, 4, False)]


def test_a_case_that_is_not_among_the_newest_with_its_key_comes_along_all_the_same() -> None:
    newest = [sharer(n) for n in range(10, 60)]
    joined = placed({1: [LINK], 2: [LINK]}, {LINK: newest})
    assert {case for _, case, _ in joined} == {1, 2, *range(10, 60)}
    assert len({campaign for campaign, _, _ in joined}) == 1


def test_it_does_not_matter_how_cases_are_batched() -> None:
    keys = {1: [LINK], 2: [LINK, ACCOUNT], 3: [ACCOUNT], 4: [LINK]}
    every = {key: [sharer(n) for n, some in keys.items() if key in some] for key in (LINK, ACCOUNT)}
    at_once = placed({n: list(some) for n, some in keys.items()}, every)
    belong: dict[int, int] = {}
    for n, some in keys.items():
        known = {key: [one for one in sharers if one.case_id.int <= n] for key, sharers in every.items()}
        belong |= {case: campaign for campaign, case, _ in placed({n: list(some)}, known, belong)}
    assert {case for _, case, _ in at_once} == set(belong) == {1, 2, 3, 4}
    assert len({campaign for campaign, _, _ in at_once}) == len(set(belong.values())) == 1


# The words.


def extent(reports: int = 11, hours: float = 1.5, reporters: int = 3, anonymous: int = 0) -> Extent:
    return Extent(reports, AT - timedelta(hours=hours), AT, reporters, anonymous)


def shared(kind: KeyKind, reports: int) -> Shared:
    return Shared(kind, reports, AT - timedelta(hours=1.5), AT)


def test_reasons_are_said_plainly_the_strongest_first() -> None:
    found = [shared(KeyKind.PERSON, 11), shared(KeyKind.ACCOUNT, 4), shared(KeyKind.LINK, 2), shared(KeyKind.TEXT, 3)]
    assert reasons(found, extent()) == [
        "same link",
        "nearly the same text",
        "same account",
        "11 reports in 2 h about one person",
        "11 reports in 2 h by 3 reporters",
    ]
    assert reasons([shared(KeyKind.FILE, 2)], extent(2, reporters=1))[0] == "same file"
    assert reasons([shared(KeyKind.OURS, 5)], extent(5))[0] == "5 reports in 2 h about one account of ours"


def test_a_person_that_few_reports_are_about_is_no_reason() -> None:
    assert reasons([shared(KeyKind.PERSON, 4)], extent()) == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (extent(2, reporters=1), "2 reports in 2 h by 1 reporter"),
        (extent(5, reporters=2, anonymous=3), "5 reports in 2 h by 2 reporters, 3 anonymous"),
        (extent(5, reporters=0, anonymous=5), "5 reports in 2 h by 5 anonymous reporters"),
        (extent(2, reporters=0, anonymous=2, hours=0), "2 reports in 1 h by 2 anonymous reporters"),
        (extent(MOST_REPORTS, hours=49), "1000+ reports in 3 days by 3 reporters"),
    ],
)
def test_how_many_reporters_they_are_of_is_said(seen: Extent, said: str) -> None:
    assert reasons([shared(KeyKind.LINK, 2)], seen) == ["same link", said]


def test_a_span_is_said_in_whole_hours_and_then_in_days() -> None:
    assert [in_words(timedelta(minutes=n)) for n in (0, 60, 61, 47 * 60, 48 * 60)] == [
        "1 h",
        "1 h",
        "2 h",
        "47 h",
        "2 days",
    ]


def test_a_case_that_joins_a_new_campaign_says_so() -> None:
    assert Joined(UUID(int=1), UUID(int=2), new=True).new
