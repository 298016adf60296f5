"""Outlook's messages ([MS-OXMSG]) in compound files ([MS-CFB]): what a preview shows of one. Runs in the child process.

Whatever a file says of where its parts are may be wrong, or lead in a circle.
"""

import struct
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from services.intake.media.child import Ending, Refused

_HEADER = 512
"""Bytes."""
_LAST_SECTOR = 0xFFFFFFFA
"""Greater numbers are marks: the end of a chain, or a sector that is free."""
_IN_HEADER = 109
"""Sectors of the table that the header itself names."""
_MOST_BYTES = 16 * 1024 * 1024
"""Of one stream."""
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_SENT = 0x00390040
"""The property that says when a message was sent."""
_SHOWN = {"To": "0E04", "Cc": "0E03", "Subject": "0037"}
_SENDER, _ADDRESSES = "0C1A", ("5D01", "0C1F")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the directory."""

    name: str
    kind: int
    siblings: tuple[int, int]
    child: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Message:
    """What is shown of an Outlook message."""

    headers: Mapping[str, str]
    text: str
    page: bytes
    """Its text as HTML, if there is no other."""
    attached: tuple[str, ...]


def read(source: BinaryIO) -> Message:
    """Return what a message says.

    Raises:
        Refused: the file is damaged.
    """
    file = _CompoundFile(source)
    parts = dict(file.children(0))
    headers = {name: file.text(parts, tag) for name, tag in _SHOWN.items()}
    address = next(filter(None, (file.text(parts, tag) for tag in _ADDRESSES)), "")
    headers["From"] = f"{file.text(parts, _SENDER)} <{address}>" if address else file.text(parts, _SENDER)
    headers["Date"] = _sent(file.stream(parts.get("__properties_version1.0")))
    inside = (file.children(number) for name, number in parts.items() if name.startswith("__attach_version1.0_"))
    attached = tuple(file.text(of, "3707") or file.text(of, "3704") or "a file" for of in map(dict, inside))
    page = file.stream(parts.get("__substg1.0_10130102"))
    return Message(headers, file.text(parts, "1000"), page, attached)


def _sent(properties: bytes) -> str:
    """Return the time that the properties say: tenths of microseconds since 1601."""
    for place in range(32, len(properties) - 15, 16):
        if int.from_bytes(properties[place : place + 4], "little") == _SENT:
            since = int.from_bytes(properties[place + 8 : place + 16], "little") // 10
            try:
                return f"{datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=since):%a, %d %b %Y %H:%M:%S %z}"
            except OverflowError:
                return ""
    return ""


class _CompoundFile:
    """A file system in a file: chains of sectors, and of small sectors within one of those chains."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        header = source.read(_HEADER)
        if len(header) < _HEADER:
            raise Refused(Ending.DAMAGED)
        self._sector, self._small = (1 << min(shift, 16) for shift in struct.unpack_from("<HH", header, 30))
        directory, self._cutoff, small_table = (struct.unpack_from("<I", header, at)[0] for at in (48, 56, 60))
        self._table = self._numbers(self._sectors_of_table(header))
        self._entries = [*self._directory(directory)]
        if not self._entries:
            raise Refused(Ending.DAMAGED)
        self._small_table = self._numbers(self._chain(small_table))
        self._small_sectors = [*self._chain(self._entries[0].start)]

    def children(self, number: int) -> Iterator[tuple[str, int]]:
        """Yield the names and numbers of what is in a storage."""
        waiting, seen = [self._entries[number].child], set[int]()
        while waiting:
            if (one := waiting.pop()) < len(self._entries) and one not in seen:
                seen.add(one)
                waiting.extend(self._entries[one].siblings)
                yield self._entries[one].name, one

    def text(self, parts: Mapping[str, int], tag: str) -> str:
        """Return a property that is a text: in Unicode, or as older versions wrote it."""
        if wide := self.stream(parts.get(f"__substg1.0_{tag}001F")):
            return wide.decode("utf-16-le", "replace").strip("\0")
        return self.stream(parts.get(f"__substg1.0_{tag}001E")).decode("cp1252", "replace").strip("\0")

    def stream(self, number: int | None) -> bytes:
        """Return the bytes of a stream; none of what is no stream."""
        if number is None or self._entries[number].kind != _STREAM:
            return b""
        entry = self._entries[number]
        size = min(entry.size, _MOST_BYTES)
        if entry.size < self._cutoff:
            return b"".join(map(self._read_small, self._chain(entry.start, self._small_table)))[:size]
        return b"".join(map(self._read, self._chain(entry.start, most=size // self._sector + 1)))[:size]

    def _sectors_of_table(self, header: bytes) -> Iterator[int]:
        yield from struct.unpack_from(f"<{_IN_HEADER}I", header, 76)
        further, count = struct.unpack_from("<II", header, 68)
        for _ in range(count):
            if further > _LAST_SECTOR or not (numbers := self._numbers(iter((further,)))):
                return
            yield from numbers[:-1]
            further = numbers[-1]

    def _numbers(self, sectors: Iterator[int]) -> "array[int]":
        """Return the numbers in some sectors."""
        numbers = array("I")
        for sector in sectors:
            if sector <= _LAST_SECTOR:
                content = self._read(sector)
                numbers.frombytes(content[: len(content) // 4 * 4])
        return numbers

    def _chain(self, start: int, table: "array[int] | None" = None, most: int | None = None) -> Iterator[int]:
        """Yield the numbers of sectors from `start` on: no more than there are, so that a circle ends."""
        table = self._table if table is None else table
        for _ in range(len(table) if most is None else min(most, len(table))):
            if start >= len(table):
                return
            yield start
            start = table[start]

    def _read(self, sector: int) -> bytes:
        self._source.seek((sector + 1) * self._sector)
        return self._source.read(self._sector)

    def _read_small(self, number: int) -> bytes:
        place, within = divmod(number * self._small, self._sector)
        if place >= len(self._small_sectors):
            return b""
        return self._read(self._small_sectors[place])[within : within + self._small]

    def _directory(self, start: int) -> Iterator[_Entry]:
        for sector in self._chain(start):
            content = self._read(sector)
            for at in range(0, len(content) - 127, 128):
                length, kind, _, left, right, child = struct.unpack_from("<HBB3I", content, at + 64)
                first, size = struct.unpack_from("<II", content, at + 116)
                name = content[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
                yield _Entry(name, kind, (left, right), child, first, size)
