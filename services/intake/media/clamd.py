"""The virus scanner, by clamd's protocol: what it says of a file, and nothing when it does not answer."""

import asyncio
from typing import BinaryIO

from clamav_client.clamd import ClamdError, ClamdNetworkSocket, ClamdUnixSocket

from shared.events.vocabulary import Scan

SECONDS = 60.0
"""That a scanner may be silent."""
_LIMIT = "Heuristics.Limits."
"""So begins what it has found when it has not looked at all of a file (`AlertExceedsMax`)."""
_SAID = {"OK": Scan.CLEAN, "FOUND": Scan.INFECTED}


class Scanner:
    """A clamd at `host:port`, or at the path of its socket; without an address, nothing is scanned."""

    def __init__(self, address: str | None, seconds: float = SECONDS) -> None:
        self._address = address
        self._seconds = seconds

    @property
    def is_set_up(self) -> bool:
        """Whether there is one to ask."""
        return self._address is not None

    async def scan(self, stream: BinaryIO) -> Scan:
        """Return what clamd says of a file, read from its beginning.

        A file that is larger than clamd takes, or a clamd that is down or in trouble, is `NOT_SCANNED`.
        """
        return await asyncio.to_thread(self._scan, stream) if self._address else Scan.NOT_SCANNED

    def _scan(self, stream: BinaryIO) -> Scan:
        stream.seek(0)
        try:
            [(said, found)] = self._clamd().instream(stream).values()
        except (ClamdError, OSError, ValueError):
            return Scan.NOT_SCANNED
        return Scan.NOT_SCANNED if (found or "").startswith(_LIMIT) else _SAID.get(said, Scan.NOT_SCANNED)

    def _clamd(self) -> ClamdNetworkSocket:
        address = self._address or ""
        if address.startswith("/"):
            return ClamdUnixSocket(address, int(self._seconds))
        host, _, port = address.rpartition(":")
        return ClamdNetworkSocket(host.strip("[]"), int(port), self._seconds)
