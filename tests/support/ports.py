"""Free ports for servers that need to be given one."""

import secrets
import socket
from contextlib import ExitStack, closing, suppress

_OWN = range(20_000, 32_768)
"""Below those that Linux gives to connections by default."""


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def own_ports(count: int) -> list[int]:
    """Return ports as `free_ports` does that no connection is given: a server may end and have them again."""
    found: set[int] = set()
    while len(found) < count:
        port = secrets.choice(_OWN)  # `random` starts alike in all processes of a test run
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return [*found]
