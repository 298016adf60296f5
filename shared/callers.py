"""Who sends a request, as far as counting goes: an address, also behind proxies that we trust."""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_ONE_CALLER_V6 = 64
"""Bits: a caller who has one IPv6 address usually has all 2^64 of its network."""


def read_address(text: str) -> Address | None:
    """Return the address that a header or a socket names, without a port; None if it is none."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def counted_as(address: str) -> str:
    """Return the name under which `address` is counted: the address, or its /64 network for IPv6."""
    found = read_address(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, _ONE_CALLER_V6), strict=False))
    return str(found or address)


class TrustedProxies:
    """The networks whose `X-Forwarded-For` we believe; no one else's is read."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    @classmethod
    def of(cls, *networks: str) -> Self:
        """Return proxies in `networks`, such as `10.0.0.0/8`."""
        return cls(map(ip_network, networks))

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Return whether `address` is one of the proxies."""
        found = read_address(address)
        return found is not None and self._has(found)

    def sender(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return who sent a request that came from `peer`.

        That is the right-most address of `X-Forwarded-For` that is not a trusted proxy: a proxy appends what it saw,
        and a client can invent only what stands further left.

        Args:
            peer: the other end of the connection.
            forwarded: the values of the header, in order.
        """
        if not self.trusts(peer):
            return peer
        nearest = peer
        for address in _from_the_right(forwarded):
            if address is None:
                break
            nearest = str(address)
            if not self._has(address):
                break
        return nearest

    def _has(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _from_the_right(forwarded: Sequence[str]) -> Iterator[Address | None]:
    for part in reversed(",".join(forwarded).split(",")):
        yield read_address(part)
