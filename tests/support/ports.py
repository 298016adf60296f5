"""Free ports for servers that need to be given one."""

import socket
from contextlib import ExitStack, closing


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
