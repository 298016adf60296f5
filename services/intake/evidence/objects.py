"""The object store, by obstore: a folder, or a bucket of a service that speaks S3 (decision 0053)."""

import asyncio
import errno
import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

if TYPE_CHECKING:
    from obstore import ReadableFile  # not there at run time
    from obstore.store import ClientConfig

UPLOADS = "uploads/"
EVIDENCE = "evidence/"
_READ = 256 * 1024
"""Bytes that are read at a time."""
_WRITE = 5 * 1024 * 1024
"""Bytes that are written at a time to a bucket: the least that S3 takes as a part."""
_WRITE_FILE = 1024 * 1024
"""The same of a file."""
_RETRIES = timedelta(seconds=15)
_FULL = (
    *("no space left", "quota exceeded", "os error 28", "os error 122"),
    *("insufficientstorage", "insufficient storage"),
)

_DISK_FAILS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})


class StoreUnavailable(Exception):
    """The store does not answer, or not as it should."""


class StoreFull(StoreUnavailable):
    """The store has no room."""


class ObjectMissing(Exception):
    """The store has no such object."""


class Found(NamedTuple):
    """An object in the store."""

    name: str
    changed_at: datetime


class Objects:
    """Writes, reads and deletes objects. Each is whole or not there; none is ever changed."""

    def __init__(self, address: str) -> None:
        """Take where the store is: a folder, or an address that obstore knows, such as `s3://bucket/prefix`.

        The folder is made when it is first used.
        """
        self._address = address
        self._folder = None if "://" in address else Path(address).absolute()
        self._opened: ObjectStore | None = None

    async def put(self, name: str, content: bytes | bytearray) -> None:
        """Write a small object.

        Raises:
            StoreUnavailable, StoreFull: nothing was written.
        """
        with _explained():
            await obstore.put_async(self._store(), name, content, use_multipart=False)

    async def write(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        """Write an object as it comes. If `chunks` raises, nothing is written; a folder's object is on its disk then.

        Raises:
            StoreUnavailable, StoreFull: nothing was written.
        """
        store, size = self._store(), _WRITE_FILE if self._folder else _WRITE
        with _explained():
            await obstore.put_async(store, name, chunks, use_multipart=True, chunk_size=size, max_concurrency=1)
        if self._folder:
            with _explained():
                await asyncio.to_thread(_flush, self._folder / name)

    async def get(self, name: str) -> bytes:
        """Return a small object.

        Raises:
            ObjectMissing: there is none.
            StoreUnavailable: it cannot be read now.
        """
        with _explained():
            found = await obstore.get_async(self._store(), name)
            return bytes(await found.bytes_async())

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield an object piece by piece; raises as `get` does."""
        with _explained():
            found = await obstore.get_async(self._store(), name)
            async for chunk in found.stream(min_chunk_size=_READ):
                yield bytes(chunk)

    async def open(self, name: str) -> BinaryIO:
        """Open an object for who reads in a thread of their own; this and each read raise as `get` does."""
        with _explained():
            opened = await asyncio.to_thread(obstore.open_reader, self._store(), name, buffer_size=_READ)
        return io.BufferedReader(_Raw(opened), _READ)

    async def delete(self, names: Iterable[str]) -> None:
        """Delete objects; one that is not there is no error.

        Raises:
            StoreUnavailable: some may be left.
        """
        for name in names:
            with suppress(ObjectMissing), _explained():
                await obstore.delete_async(self._store(), name)

    async def found(self, prefix: str) -> AsyncIterator[list[Found]]:
        """Yield what is below `prefix`, some hundreds at a time.

        Raises:
            StoreUnavailable: it cannot be listed now.
        """
        with _explained():
            async for page in obstore.list(self._store(), prefix=prefix.rstrip("/"), chunk_size=500):
                yield [Found(str(one["path"]), one["last_modified"]) for one in page]

    async def delete_unfinished(self, before: datetime) -> None:
        """Delete what a killed process left half written in a folder; a bucket has a rule of its own for that."""
        if self._folder:
            with _explained():
                await asyncio.to_thread(_delete_unfinished, self._folder, before.timestamp())

    def _store(self) -> ObjectStore:
        if self._opened is None:
            with _explained():
                self._opened = self._open()
        return self._opened

    def _open(self) -> ObjectStore:
        if self._folder is None:
            return from_url(
                self._address,
                client_options=_options(),
                retry_config={"max_retries": 3, "retry_timeout": _RETRIES},
            )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(self._folder)


def _options() -> "ClientConfig":
    """Return how a bucket is asked. What is said here replaces what obstore would read from the environment."""
    return {
        "timeout": timedelta(seconds=30),
        "connect_timeout": timedelta(seconds=5),
        "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true",
    }


class _Raw(io.RawIOBase):
    """An object as Python's own readers want it."""

    def __init__(self, opened: "ReadableFile") -> None:
        self._opened = opened

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _explained():
            return self._opened.seek(offset, whence)

    def tell(self) -> int:
        return self._opened.tell()

    def readinto(self, into: Any) -> int:  # noqa: ANN401 - a buffer, which 3.11 has no name for
        with _explained():
            read = self._opened.read(len(into))
        into[: len(read)] = read
        return len(read)


@contextmanager
def temporary_file() -> Iterator[BinaryIO]:
    """Give a file without a name, for a copy of an object that is opened meanwhile. It is gone at the end.

    Raises:
        StoreUnavailable, StoreFull: the disk of temporary files does not work or has no room, for this file or another.
    """
    try:
        file = TemporaryFile()  # noqa: SIM115  # it is closed below
    except OSError as error:
        raise _explanation(error) from None
    try:
        with file:
            yield file
    except OSError as error:
        if error.errno not in _DISK_FAILS:  # it is not of the disk, but of a process that cannot be started, say
            raise
        raise _explanation(error) from None


@contextmanager
def _explained() -> Iterator[None]:
    """Raise the store's errors as ours, without a word of the library: it repeats addresses."""
    try:
        yield
    except (FileNotFoundError, NotFoundError) as error:
        raise (StoreUnavailable if "nosuchbucket" in str(error).lower() else ObjectMissing) from None
    except (BaseError, OSError) as error:
        raise _explanation(error) from None


def _explanation(error: BaseError | OSError) -> StoreUnavailable:
    text = str(error).lower()
    return StoreFull() if any(sign in text for sign in _FULL) else StoreUnavailable()


def _delete_unfinished(folder: Path, before: float) -> None:
    for path in folder.glob("*/*#*"):
        with suppress(FileNotFoundError):  # it is finished, or deleted, meanwhile
            if path.stat().st_mtime < before:
                path.unlink()


def _flush(path: Path) -> None:
    """Wait until a file and its name are on the disk."""
    for opened in (path, path.parent):
        descriptor = os.open(opened, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
