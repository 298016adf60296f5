"""Pasted texts, and names that look alike."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.accounts.domain import Account
from services.registry.lookup.domain import LookupResult, decide, read_question
from services.registry.lookup.queries import skeleton
from shared.ids import AccountId
from tests.services.registry.conftest import NOW, OFFICIAL


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
    answer = decide(question, [], [account("sampledept")], signed_in=False, skeleton=skeleton)
    assert answer.result in {LookupResult.UNKNOWN, LookupResult.UNREADABLE}


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
    ],
)
def test_a_slip_or_an_addition_resembles(asked: str, *, resembles: bool) -> None:
    answer = decide(read_question(f"tiktok {asked}"), [], [account("sampledept")], signed_in=False, skeleton=skeleton)
    assert bool(answer.resembles) is resembles
