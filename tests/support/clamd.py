"""Debian's own clamd, with one signature of ours: EICAR's test file, which every scanner calls infected."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from clamav_client.clamd import ClamdError, ClamdNetworkSocket, ClamdUnixSocket

from tests.support.eventually import eventually

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE" + b"!$H+H*"
"""In parts, or scanners would find it in this file."""
STREAM_LIMIT = 1024 * 1024
FILE_LIMIT = 512 * 1024
"""Of what clamd looks at; what is larger is in its answer, and not clean."""
_HOW_TO_GET_ONE = "virus scans need clamd: install `clamav-daemon` (neither its service nor its database is needed)"


def _program() -> str:
    found = shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found:
        return found
    if os.environ.get("REQUIRE_CLAMD") == "1":
        pytest.fail(_HOW_TO_GET_ONE)
    pytest.skip(_HOW_TO_GET_ONE)


@asynccontextmanager
async def clamd(folder: Path, port: int | None = None) -> AsyncIterator[str]:
    """Run clamd until the block ends, and yield its address: a socket's path in `folder`, or host and port."""
    signatures, configuration, socket = folder / "signatures", folder / "clamd.conf", folder / "clamd"
    signatures.mkdir(exist_ok=True)
    (signatures / "local.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
    listens = f"TCPAddr 127.0.0.1\nTCPSocket {port}" if port else f"LocalSocket {socket}"
    configuration.write_text(
        f"Foreground yes\n{listens}\nDatabaseDirectory {signatures}\nTemporaryDirectory {folder}\nMaxThreads 2\n"
        f"StreamMaxLength {STREAM_LIMIT}\nMaxFileSize {FILE_LIMIT}\nAlertExceedsMax yes\n"
    )
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            _program(), f"--config-file={configuration}", stdout=log, stderr=log
        )
    try:
        client = ClamdNetworkSocket("127.0.0.1", port, 5) if port else ClamdUnixSocket(str(socket), 5)
        await eventually(lambda: _answers(client, process))
        yield f"127.0.0.1:{port}" if port else str(socket)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(client: ClamdNetworkSocket, process: asyncio.subprocess.Process) -> bool | None:
    if process.returncode is not None:
        pytest.fail("clamd ended instead of starting")
    try:
        return await asyncio.to_thread(client.ping) == "PONG" or None
    except ClamdError:
        return None
