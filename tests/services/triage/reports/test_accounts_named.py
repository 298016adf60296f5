"""The accounts that a report names: what counts as a repeat or a campaign."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.triage.reports.domain import accounts_named, subject_keys
from services.triage.reports.normalise import normalise
from shared.events.platforms import PLATFORMS, is_address
from tests.services.triage.builders import misuse, report
from tests.support.addresses import ACCOUNTS, NOTHING, SAID, is_understood


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_address_that_is_not_understood_names_no_account(platform: str) -> None:
    for slug, address in NOTHING:
        if not is_address(address) or (platform, slug) == ("mastodon", "other"):
            continue
        named = accounts_named(normalise(report(platform=platform, urls=(address,), handles=(address,))))
        assert (address, named) == (address, ())
        accused = normalise(misuse(platform=platform, subject={"handle": address}))
        assert (address, accounts_named(accused), subject_keys(accused)) == (address, (), ())


@given(st.sampled_from(list(PLATFORMS)), st.sampled_from(NOTHING), st.text(max_size=5))
def test_whatever_follows_an_address_that_is_not_understood_is_no_repeat(
    platform: str, nothing: tuple[str, str], more: str
) -> None:
    address = f"{nothing[1]}{more}"
    assume(is_address(address) and not is_understood(platform, address))
    assert accounts_named(normalise(report(platform=platform, urls=(address,), handles=(address,)))) == ()


def test_an_address_and_a_handle_of_one_account_name_it_once() -> None:
    for platform, address, handle in (*ACCOUNTS, *SAID):
        named = accounts_named(normalise(report(platform=platform, urls=(address,), handles=(handle, address))))
        assert named == ((platform, handle),)
