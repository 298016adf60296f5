"""Compound files ([MS-CFB]), as Outlook and old office programs write them."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from typing import TypeAlias

Tree: TypeAlias = Mapping[str, "bytes | Tree"]
"""Streams, shorter than 4096 bytes, and folders of them."""
FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR, SMALL = 512, 64


@dataclass
class Line:
    """A line of a directory."""

    name: str
    kind: int
    right: int = FREE
    child: int = FREE
    start: int = END
    size: int = 0

    def written(self) -> bytes:
        called = self.name.encode("utf-16-le")
        line = called.ljust(64, b"\0") + struct.pack("<HBB", len(called) + 2, self.kind, 1)
        line += struct.pack("<3I", FREE, self.right, self.child)
        return line.ljust(116, b"\0") + struct.pack("<IQ", self.start, self.size)


class Directory:
    """The lines of a directory, the small stream, and the chains in it."""

    def __init__(self, tree: Tree) -> None:
        self.small, self.chains, self.lines = b"", list[int](), list[Line]()
        self._add("Root Entry", tree, 5)
        self.lines[0].size = len(self.small)

    def _add(self, name: str, what: "bytes | Tree", kind: int) -> int:
        """Add a line, and below it what a folder holds; each is the right sibling of the one before."""
        number, line = len(self.lines), Line(name, kind)
        self.lines.append(line)
        if isinstance(what, bytes):
            length = -(-len(what) // SMALL)
            line.start, line.size = len(self.chains), len(what)
            self.chains += chain(len(self.chains), length)
            self.small += what.ljust(length * SMALL, b"\0")
        else:
            inside = [self._add(*one, 2 if isinstance(one[1], bytes) else 1) for one in what.items()]
            line.child = inside[0] if inside else FREE
            for before, after in pairwise(inside):
                self.lines[before].right = after
        return number

    def written(self, small_at: int) -> bytes:
        self.lines[0].start = small_at
        return b"".join(line.written() for line in self.lines)


def chain(start: int, length: int) -> list[int]:
    """Return the numbers of a chain: each sector is followed by the next."""
    return [*range(start + 1, start + length), END] if length else []


def compound(tree: Tree, filler: int = 0) -> bytes:
    """Return a compound file with so many sectors of filler before its directory."""
    directory = Directory(tree)
    small_table = struct.pack(f"<{len(directory.chains)}I", *directory.chains)
    parts = [small_table, directory.small, b"\x55" * SECTOR * filler, directory.written(0)]
    lengths = [-(-len(part) // SECTOR) for part in parts]
    tables = -(-(sum(lengths) + 2 + sum(lengths) // 100) // 128)
    starts = [*accumulate(lengths, initial=tables)]
    parts[3] = directory.written(starts[1])
    chains = [number for start, length in zip(starts, lengths, strict=False) for number in chain(start, length)]
    numbers = [TABLE] * tables + chains + [FREE] * (tables * 128 - tables - len(chains))
    header = struct.pack("<8s16x5H6x", bytes.fromhex("d0cf11e0a1b11ae1"), 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, tables, starts[3], 0, 4096, starts[0], lengths[0], END, 0)
    header += struct.pack("<109I", *range(tables), *[FREE] * (109 - tables))
    table = struct.pack(f"<{len(numbers)}I", *numbers)
    body = (part.ljust(length * SECTOR, b"\0") for part, length in zip(parts, lengths, strict=True))
    return header + table + b"".join(body)


def message(
    texts: Mapping[str, str] | None = None, attached: Sequence[str] = (), *, page: bytes | None = None, filler: int = 0
) -> bytes:
    """Return an Outlook message ([MS-OXMSG]): texts by their tag, such as `0037` for the subject."""
    sent = (datetime(2026, 11, 30, 7, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    tree: dict[str, bytes | Tree] = {
        "__nameid_version1.0": {},
        "__properties_version1.0": bytes(32) + struct.pack("<IIQ", 0x00390040, 6, sent),
    }
    for tag, text in (texts or {}).items():
        tree[f"__substg1.0_{tag}001F"] = text.encode("utf-16-le")
    if page:
        tree["__substg1.0_10130102"] = page
    for number, name in enumerate(attached):
        tree[f"__attach_version1.0_#{number:08}"] = {"__substg1.0_3707001F": name.encode("utf-16-le")}
    return compound(tree, filler)
