"""Pasted texts, and names that look alike."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.accounts.domain import Account
from services.registry.lookup.domain import (
    Answer,
    LookupResult,
    LookupStatus,
    decide,
    handles_on,
    read_question,
    sentence_of,
)
from services.registry.lookup.queries import LOOKS, skeleton
from shared.events.platforms import PLATFORMS, from_url, is_address
from shared.events.vocabulary import AccountStatus
from shared.ids import AccountId
from tests.services.registry.conftest import NOW, OFFICIAL
from tests.support.addresses import NOTHING


def account(handle: str) -> Account:
    """Return an official account on X."""
    return Account(AccountId(uuid4()), replace(OFFICIAL, handle=handle), 1, NOW, NOW)


@pytest.mark.parametrize(
    ("typed", "handles"),
    [
        ("https://www.instagram.com/some.name/", {("instagram", "some.name")}),
        ("@some on X", {("x", "some")}),
        ("instagram some", {("instagram", "some")}),
        ("https://example.org/some", set()),
        ("https://social.example.net/@some", {("mastodon", "some@social.example.net")}),
        ("acct:some@social.example.net", {("mastodon", "some@social.example.net")}),
        ("https://x.com/privacy", set()),
        ("x.com", set()),
    ],
)
def test_a_platform_that_was_named_is_meant(typed: str, handles: set[tuple[str, str]]) -> None:
    assert set(read_question(typed).handles) == handles


def test_a_bare_name_is_meant_on_every_platform() -> None:
    handles = read_question("@Some_Name").handles
    assert {("x", "some_name"), ("instagram", "some_name"), ("linkedin", "company/some_name")} <= set(handles)
    assert ("snapchat", "some_name") in handles
    assert not any(platform == "other" for platform, _ in handles)


@given(st.text(max_size=80))
def test_any_text_is_a_question(typed: str) -> None:
    question = read_question(typed)
    answer = decide(question, [], [account("sampledept")], signed_in=False, looks=LOOKS)
    assert answer.result in {LookupResult.UNKNOWN, LookupResult.UNREADABLE}
    assert sentence_of(answer).sanctioned is not True
    assert not is_address(typed) or question.handles or answer.result is LookupResult.UNREADABLE


@given(st.sampled_from([*PLATFORMS, None]), st.sampled_from(NOTHING), st.text(max_size=5))
def test_an_address_that_is_not_understood_is_never_answered_with_no(
    platform: str | None, nothing: tuple[str, str], more: str
) -> None:
    address = f"{nothing[1]}{more}"
    understood = from_url(address) or (platform and handles_on(platform, address))
    if is_address(address) and not understood:
        answer = decide(read_question(address, platform), [], [], signed_in=True, looks=LOOKS)
        assert (sentence_of(answer).sanctioned, sentence_of(answer).status) == (None, LookupStatus.UNKNOWN)


def test_every_answer_has_its_sentence_and_only_a_no_is_false() -> None:
    for result in LookupResult:
        said = sentence_of(Answer(result))
        expected = {LookupStatus.OFFICIAL: True, LookupStatus.NOT_LISTED: False}.get(said.status)
        assert (result, said.sanctioned) == (result, expected)
        begins = {True: ("Yes, ",), False: ("No, ",), None: ("We cannot tell", "Do not rely")}[expected]
        assert said.title.startswith(begins)


def test_a_name_that_is_official_on_one_platform_and_frozen_on_another_must_be_said_exactly() -> None:
    live, elsewhere = account("sampledept"), account("sampledept")
    frozen = replace(elsewhere, registration=replace(elsewhere.registration, status=AccountStatus.FROZEN))
    both = decide(read_question("sampledept"), [live, frozen], [live], signed_in=False, looks=LOOKS)
    assert both == Answer(LookupResult.UNREADABLE)


@pytest.mark.parametrize(
    "lookalike", ["sampIedept", "sаmplеdept", "sample_dept", "5ampledept", "sarnpledept", "sämpledept", "ｓampledept"]
)
def test_names_that_look_alike_have_one_skeleton(lookalike: str) -> None:
    assert skeleton(lookalike) == skeleton("sampledept")


@pytest.mark.parametrize("other", ["sampledepth2o", "simplydept", "weather", "", "s"])
def test_other_names_do_not(other: str) -> None:
    assert skeleton(other) != skeleton("sampledept")


@pytest.mark.parametrize(
    ("asked", "resembles"),
    [
        ("sampledept", True),
        ("sampeldept", True),
        ("sampledep", True),
        ("sampledeptt", True),
        ("sampledept_support", True),
        ("realsampledept", True),
        ("simpleduty", False),
        ("sam", False),
        ("samplexdeptt", True),
        ("departmentofsample", False),
        ("sampledepartmnt", True),
        ("weather", False),
    ],
)
def test_a_slip_or_an_addition_resembles(asked: str, *, resembles: bool) -> None:
    answer = decide(read_question(f"tiktok {asked}"), [], [account("sampledept")], signed_in=False, looks=LOOKS)
    assert bool(answer.resembles) is resembles
