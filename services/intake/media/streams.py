"""What streams of sound and pictures may say of who made them, beside what is heard and seen, and how it is left out.

Streams of other codecs than these are not copied. Of a configuration only what a decoder needs is kept: containers
hand it on as it is, so all that is not read here would come along.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

Change: TypeAlias = Callable[[bytes], bytes]

FILTERS: Mapping[str, str] = {
    "h264": "filter_units=pass_types=1-5|7-11|13-16|19-21",
    "hevc": "filter_units=pass_types=0-9|16-21|32-37",
}
"""FFmpeg's filters for what has notes of any text between its pictures, in units of other types than these."""


def copies(codec: str) -> bool:
    """Return whether a stream can be copied without what it may say of who made it."""
    return codec in _CONFIGURED or codec in _NOT_CONFIGURED or codec in PACKETS or codec.startswith("pcm_")


def configuration(codec: str, given: bytes | None) -> bytes | None:
    """Return what a decoder needs of a configuration.

    Raises:
        ValueError, IndexError: it is not as it should be, and may say anything.
    """
    return _CONFIGURED[codec](given) or None if given and codec in _CONFIGURED else None


_NOT_CONFIGURED = frozenset({"vp8", "vp9", "h263", "mp3", "ac3", "eac3", "amr_nb", "amr_wb"})
"""They have no room for notes, beside those that raw sound (`pcm_…`) cannot have either, and need no configuration."""


# MPEG-4 Visual (ISO/IEC 14496-2) and Motion JPEG (ITU-T T.81) ---------------------------------------------------------

_USER_DATA = re.compile(rb"\x00\x00\x01\xb2.*?(?=\x00\x00\x01|\Z)", re.DOTALL)
"""Notes end where the next start code begins (6.2.1). No filter knows them."""
_START, _SCAN, _END, _FILL, _APP0 = 0xD8, 0xDA, 0xD9, 0xFF, 0xE0
_OF_PICTURE = frozenset({_START, _SCAN, _END, *range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD})
"""Frames, tables and scans (table B.1)."""
_APP0_SIZE = 18
"""With its marker, of an application segment that says how the picture is shown, without a thumbnail."""
_MARKER = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])")
"""What ends a scan; within it are only stuffed bytes and restarts."""


def _plain_visual(content: bytes) -> bytes:
    return _USER_DATA.sub(b"", content)


def _plain_jpeg(content: bytes) -> bytes:
    """Return one picture of Motion JPEG, or its two halves, without notes."""
    return b"".join(segment for segment in _segments(content) if _is_of_picture(segment))


def _segments(content: bytes) -> Iterator[bytes]:
    place = 0
    while content[place : place + 1] == b"\xff" and place + 1 < len(content):
        kind, size = content[place + 1], 2
        if kind == _SCAN:
            end = _MARKER.search(content, place + 2)
            size = (end.start() if end else len(content)) - place
        elif kind == _FILL:
            size = 1
        elif kind not in (_START, _END):
            size += int.from_bytes(content[place + 2 : place + 4])
        yield content[place : place + size]
        place = content.find(b"\xff\xd8", place + size) if kind == _END else place + size
        if place < 0:
            return


def _is_of_picture(segment: bytes) -> bool:
    if segment[1:2] == bytes((_APP0,)):
        return len(segment) == _APP0_SIZE and segment[4:].startswith((b"AVI1", b"JFIF\0"))
    return len(segment) > 1 and segment[1] in _OF_PICTURE


PACKETS: Mapping[str, Change] = {"mpeg4": _plain_visual, "mjpeg": _plain_jpeg}
"""What takes notes out of the packets of a stream, where no filter does."""


# H.264 and HEVC (ISO/IEC 14496-15) ------------------------------------------------------------------------------------

_START_CODE = re.compile(rb"\x00*\x00\x00\x01")
_AVCC_LISTS, _HVCC_ARRAYS = 5, 22
"""Where configurations say how many units, or arrays of them, follow (5.3.3.1, 8.3.3.1)."""


def _plain_h264(given: bytes) -> bytes:
    """Return the parameter sets alone, behind start codes, as the filter writes its packets: all muxers know that."""
    if given[:1] != b"\x01":
        units = _START_CODE.split(given)
    else:
        sets, end = _units(given, _AVCC_LISTS + 1, given[_AVCC_LISTS] & 0x1F)
        units = [*sets, *_units(given, end + 1, given[end])[0]]
    return _started(unit for unit in units if unit and unit[0] & 0x1F in (7, 8, 13))


def _plain_hevc(given: bytes) -> bytes:
    """As `_plain_h264`."""
    units = _START_CODE.split(given) if given[:1] != b"\x01" else _in_arrays(given)
    return _started(unit for unit in units if unit and unit[0] >> 1 & 0x3F in (32, 33, 34))


def _in_arrays(given: bytes) -> Iterator[bytes]:
    place = _HVCC_ARRAYS + 1
    for _ in range(given[_HVCC_ARRAYS]):
        units, place = _units(given, place + 3, int.from_bytes(given[place + 1 : place + 3]))
        yield from units


def _units(given: bytes, place: int, count: int) -> tuple[list[bytes], int]:
    """Return so many units, each of which has its length before it, and where they end."""
    units = []
    for _ in range(count):
        begins = place + 2
        place = begins + int.from_bytes(given[place:begins])
        units.append(given[begins:place])
    return units, place


def _started(units: Iterable[bytes]) -> bytes:
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in units)


# Sound, and Theora ----------------------------------------------------------------------------------------------------

_LACED = 0xFF
"""In the size of a header: more follows."""
_NO_COMMENTS = b"\0\0\0\0\0\0\0\0"
"""A vendor without a name, and no comment."""


def _plain_xiph(comment: bytes) -> Change:
    """Return what puts an empty header in the place of the one with comments, which is the second of three."""

    def change(given: bytes) -> bytes:
        if given[:1] != b"\x02":
            raise ValueError
        sizes, place = [], 1
        for _ in range(2):
            size = 0
            while given[place] == _LACED:
                size, place = size + _LACED, place + 1
            sizes.append(size + given[place])
            place += 1
        first, third = given[place : place + sizes[0]], given[place + sum(sizes) :]
        if len(first) >= _LACED:
            raise ValueError
        return bytes((2, len(first), len(comment))) + first + comment + third

    return change


def _plain_opus(given: bytes) -> bytes:
    """Return the header with its table of channels, if there is one (RFC 7845, 5.1)."""
    return given[: 21 + given[9] if given[18] else 19]


def _beginning(size: int) -> Change:
    """Return what keeps so many bytes, which are all that a decoder needs; more than zeros behind them is unknown."""

    def change(given: bytes) -> bytes:
        if given[size:].strip(b"\0"):
            raise ValueError
        return given[:size]

    return change


_CONFIGURED: Mapping[str, Change] = {
    "h264": _plain_h264,
    "hevc": _plain_hevc,
    "mpeg4": _plain_visual,
    "theora": _plain_xiph(b"\x81theora" + _NO_COMMENTS),
    "vorbis": _plain_xiph(b"\x03vorbis" + _NO_COMMENTS + b"\1"),
    "opus": _plain_opus,
    "aac": _beginning(8),
    "flac": _beginning(34),
    "alac": _beginning(36),
}
