"""Links and email addresses: what is mended, what is refused and with which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import EMAIL, LINK, ONE_EMAIL, email_problem, link_problem, mended_email, mended_link
from shared.text import ControlCharacter, is_blank

POST = "https://x.com/a/status/1"
LINKS = [
    (POST, POST),
    ("HTTPS://X.COM/A", "HTTPS://X.COM/A"),
    ("\u200bhttps://x.com/a/status/1\u200b", POST),
    ("\ufeffhttps://x.com/a/status/1", POST),
    ("\u202ahttps://x.com/a/status/1\u202c", POST),
    ("\u00a0https://x.com/a/status/1\u3000", POST),
    ("https://x.com/a/st\u00adatus/1", POST),
    ("<https://x.com/a/status/1>", POST),
    ("< https://x.com/a/status/1 >\u200b", POST),
    ("<https://x.com/a/status/1", POST),
    ("x.com/a/status/1", POST),
    ("//x.com/a/status/1", POST),
    ("<x.com/a/status/1>", POST),
    ("www.facebook.com/some.page/posts/1", "https://www.facebook.com/some.page/posts/1"),
    ("x.com:443/a", "https://x.com:443/a"),
    ("x.com?q=a@b", "https://x.com?q=a@b"),
    ("https://my_blog.example.com/post/1", "https://my_blog.example.com/post/1"),
    ("https://-some-.example.com./", "https://-some-.example.com./"),
    ("https://bücher.example/ä?ö=ü#é", "https://bücher.example/ä?ö=ü#é"),
    ("https://bu\u0308cher.example", "https://bücher.example"),
    ("https://हिन्दी.example/", "https://हिन्दी.example/"),
    ("https://例え。テスト/", "https://例え。テスト/"),
    ("例え.テスト", "https://例え.テスト"),
    ("https://xn--e1afmkfd.xn--p1ai/", "https://xn--e1afmkfd.xn--p1ai/"),
    ("https://i❤.example/", "https://i❤.example/"),
    ("https://192.0.2.7:8080/a", "https://192.0.2.7:8080/a"),
    ("https://[2001:db8::7]/a", "https://[2001:db8::7]/a"),
    ("at://did:plc:abc/app.bsky.feed.post/3k", "https://bsky.app/profile/did:plc:abc/post/3k"),
    ("at://some.bsky.social", "https://bsky.app/profile/some.bsky.social"),
    ("at://some.bsky.social/app.bsky.graph.list/3k", "https://bsky.app/profile/some.bsky.social/lists/3k"),
]
NO_LINKS = [
    ("canary", LINK),
    ("not a link", LINK),
    ("https://x.com/a\u00a0b", f"{LINK}. Take out the character U+0020 SPACE"),
    ("x.com/a b", f"{LINK}. Take out the character U+0020 SPACE"),
    ("javascript:alert(1)", LINK),
    ("data:text/html,x.com", LINK),
    ("ftp://x.com/a", LINK),
    ("name@example.org", LINK),
    ("tel:07700900123", LINK),
    ("https://", LINK),
    ("https://x", LINK),
    ("https://1.2", LINK),
    ("https://x..com", LINK),
    ("https://x.com:99999/", LINK),
    ("https://[::1", LINK),
    ("https://a!b.example/", LINK),
    (f"https://{'a' * 64}.example/", LINK),
    ("at://did:plc:abc/com.example.unknown/3k", LINK),
    ("at://", LINK),
    ("<>", LINK),
    ("https://x\u2100.com", LINK),
]
EMAILS = [
    ("grace.okafor@example.org", "grace.okafor@example.org"),
    ("Grace.Okafor+signpost@Example.org", "Grace.Okafor+signpost@Example.org"),
    ("grace.o’kafor@example.org", "grace.o'kafor@example.org"),
    ("grace.o\uff07kafor@example.org", "grace.o'kafor@example.org"),
    ("mailto:grace.okafor@example.org", "grace.okafor@example.org"),
    ("MAILTO: grace.okafor@example.org?subject=Hello", "grace.okafor@example.org"),
    ("grace.okafor@example.org.", "grace.okafor@example.org"),
    ("grace.okafor@example.org; ", "grace.okafor@example.org"),
    ("\u200bgrace.okafor@example.org\ufeff", "grace.okafor@example.org"),
    ("\u00a0grace.okafor@exam\u00adple.org", "grace.okafor@example.org"),
    ("<grace.okafor@example.org>", "grace.okafor@example.org"),
    ("Okafor, Grace <grace.okafor@example.org>;", "grace.okafor@example.org"),
]
NO_EMAILS = [
    ("grace", EMAIL),
    ("@example.org", EMAIL),
    ("grace@", EMAIL),
    ("grace@example", EMAIL),
    ("grace@-example.org", EMAIL),
    ("grace@192.0.2.7", EMAIL),
    (f"{'g' * 65}@example.org", EMAIL),
    ("mailto:", EMAIL),
    ("grace..okafor@example.org", f"{EMAIL}. Take out one of the two dots that follow each other"),
    ("grace@example..org", f"{EMAIL}. Take out one of the two dots that follow each other"),
    (".grace@example.org", f"{EMAIL}. Take out the dot at the beginning or before the @"),
    ("grace.@example.org", f"{EMAIL}. Take out the dot at the beginning or before the @"),
    ("gra ce@example.org", f"{EMAIL}. Take out the character U+0020 SPACE"),
    ("grace@example.org, ann@example.org", ONE_EMAIL),
    (
        "grace@bücher.example",
        f"{EMAIL}. Take out the character U+00FC LATIN SMALL LETTER U WITH DIAERESIS",
    ),
    (
        "zoë@example.org",
        f"{EMAIL}. Take out the character U+00EB LATIN SMALL LETTER E WITH DIAERESIS",
    ),
    ("grace@my_host.example", f"{EMAIL}. Take out the character U+005F LOW LINE"),
]


@pytest.mark.parametrize(("typed", "kept"), LINKS)
def test_a_link_that_works_in_a_browser_is_taken(typed: str, kept: str) -> None:
    assert mended_link(typed) == kept
    assert link_problem(kept) is None


@pytest.mark.parametrize(("typed", "problem"), NO_LINKS)
def test_what_is_no_link_is_refused_with_what_to_do(typed: str, problem: str) -> None:
    assert link_problem(mended_link(typed)) == problem


@pytest.mark.parametrize(("typed", "kept"), EMAILS)
def test_an_address_is_taken_without_what_stands_around_it(typed: str, kept: str) -> None:
    assert mended_email(typed) == kept
    assert email_problem(kept) is None


@pytest.mark.parametrize(("typed", "problem"), NO_EMAILS)
def test_what_is_no_address_is_refused_with_what_to_do(typed: str, problem: str) -> None:
    assert email_problem(mended_email(typed)) == problem


PARTS = [
    "<",
    ">",
    "mailto:",
    "at://",
    "https://",
    "//",
    "x.com",
    "a",
    "@",
    "..",
    ".",
    "?",
    " ",
    "’",
    "\u200b",
    "\u0301",
]
ANYTHING = st.text() | st.lists(st.sampled_from(PARTS)).map("".join)


@given(ANYTHING)
def test_what_is_mended_is_mended_once_and_for_all_and_never_empty(typed: str) -> None:
    for mended, problem in ((mended_link, link_problem), (mended_email, email_problem)):
        try:
            kept = mended(typed)
        except ControlCharacter:
            continue
        assert mended(kept) == kept
        assert bool(kept) != is_blank(typed)
        assert problem(kept) != ""


def test_a_long_row_of_anything_takes_no_longer_than_other_characters() -> None:
    for part in PARTS:
        link_problem(mended_link(part * 50_000))
        email_problem(mended_email(part * 50_000))
