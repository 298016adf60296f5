"""Who is counted as one caller, behind proxies of ours and of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.callers import TrustedProxies, counted_as

PROXIES = TrustedProxies.of("172.31.250.0/24", "10.0.0.1/32", "fd00::/8")
PROXY = "172.31.250.2"


@pytest.mark.parametrize(
    ("peer", "forwarded", "sender"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # not a proxy of ours
        (PROXY, [], PROXY),
        (PROXY, ["198.51.100.1"], "198.51.100.1"),
        (PROXY, ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),  # the client made up what stands further left
        (PROXY, ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
        (PROXY, ["1.2.3.4, 198.51.100.1, 10.0.0.1"], "198.51.100.1"),  # two proxies of ours
        (PROXY, ["1.2.3.4, 198.51.100.1, 10.0.0.2"], "10.0.0.2"),
        (PROXY, ["10.0.0.1, 172.31.250.7"], "10.0.0.1"),  # a health check from our own network
        (PROXY, ["1.2.3.4, nonsense"], PROXY),
        (PROXY, ["1.2.3.4, nonsense, 10.0.0.1"], "10.0.0.1"),
        (PROXY, ["1.2.3.4,"], PROXY),
        (PROXY, ["198.51.100.1:4711"], "198.51.100.1"),
        (PROXY, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (PROXY, ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:172.31.250.2", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("fd00::2", ["198.51.100.1"], "198.51.100.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_sender_is_the_right_most_address_that_is_no_proxy_of_ours(
    peer: str, forwarded: list[str], sender: str
) -> None:
    assert PROXIES.sender(peer, forwarded) == sender


@given(st.text(max_size=40), st.ip_addresses())
def test_what_a_client_writes_never_changes_whom_the_proxy_names(written: str, client: object) -> None:
    named = PROXIES.sender(PROXY, [str(client)])
    if not PROXIES.trusts(str(client)):
        assert PROXIES.sender(PROXY, [f"{written}, {client}"]) == named


def test_an_ipv6_network_is_one_caller() -> None:
    assert counted_as("2001:db8:1:2::1") == counted_as("2001:db8:1:2:ffff::9") != counted_as("2001:db8:1:3::1")
    assert counted_as("198.51.100.1") == counted_as("::ffff:198.51.100.1") != counted_as("198.51.100.2")
    assert counted_as("unknown") == "unknown"
