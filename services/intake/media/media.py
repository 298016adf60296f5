"""What is taken as evidence, and what a file is by its content: a name is only what someone typed. Pure.

What is taken matches a strict pattern. `puremagic` knows a thousand signatures, many of two bytes, and names what is
refused. A file that is two kinds at once is refused, whichever of them it says it is.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

import puremagic

from shared import text as text_rule

HEAD = 64 * 1024
"""Bytes of a file's beginning that `recognise` needs."""
TAIL = 22 + 65_535 + 1_024
"""Bytes of its end: an archive's directory may lie below a comment of 65,535 bytes."""

Reader = Callable[[int, int], bytes]
"""Returns so many bytes of the file from an offset: `(offset, length)`."""


class Kind(StrEnum):
    """How a file is looked at."""

    PICTURE = "picture"
    PDF = "PDF"
    EMAIL = "email"
    TEXT = "text"
    AUDIO = "audio"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A type of file that is taken."""

    name: str
    """As in `Content-Type`."""
    kind: Kind
    suffixes: tuple[str, ...]
    """The first is given to a file whose name ends in none of them."""

    @property
    def suffix(self) -> str:
        """Return what a file's name should end in."""
        return self.suffixes[0]

    def __str__(self) -> str:
        return self.name


JPEG = MediaType("image/jpeg", Kind.PICTURE, (".jpg", ".jpeg", ".jpe", ".jfif"))
PNG = MediaType("image/png", Kind.PICTURE, (".png",))
GIF = MediaType("image/gif", Kind.PICTURE, (".gif",))
WEBP = MediaType("image/webp", Kind.PICTURE, (".webp",))
AVIF = MediaType("image/avif", Kind.PICTURE, (".avif",))
HEIC = MediaType("image/heic", Kind.PICTURE, (".heic", ".heif", ".hif"))
BMP = MediaType("image/bmp", Kind.PICTURE, (".bmp", ".dib"))
TIFF = MediaType("image/tiff", Kind.PICTURE, (".tiff", ".tif"))
PDF = MediaType("application/pdf", Kind.PDF, (".pdf",))
EML = MediaType("message/rfc822", Kind.EMAIL, (".eml",))
MSG = MediaType("application/vnd.ms-outlook", Kind.EMAIL, (".msg",))
TEXT = MediaType("text/plain", Kind.TEXT, (".txt", ".text", ".log", ".md"))
MP3 = MediaType("audio/mpeg", Kind.AUDIO, (".mp3",))
M4A = MediaType("audio/mp4", Kind.AUDIO, (".m4a", ".m4b"))
AAC = MediaType("audio/aac", Kind.AUDIO, (".aac",))
OGG = MediaType("audio/ogg", Kind.AUDIO, (".ogg", ".oga", ".opus"))
WAV = MediaType("audio/wav", Kind.AUDIO, (".wav",))
FLAC = MediaType("audio/flac", Kind.AUDIO, (".flac",))
AMR = MediaType("audio/amr", Kind.AUDIO, (".amr", ".awb"))
MP4 = MediaType("video/mp4", Kind.VIDEO, (".mp4", ".m4v"))
MOV = MediaType("video/quicktime", Kind.VIDEO, (".mov", ".qt"))
THREE_GP = MediaType("video/3gpp", Kind.VIDEO, (".3gp", ".3g2"))
WEBM = MediaType("video/webm", Kind.VIDEO, (".webm",))
MKV = MediaType("video/x-matroska", Kind.VIDEO, (".mkv",))
OGV = MediaType("video/ogg", Kind.VIDEO, (".ogv",))
AVI = MediaType("video/x-msvideo", Kind.VIDEO, (".avi",))

TAKEN: tuple[MediaType, ...] = (
    *(JPEG, PNG, GIF, WEBP, AVIF, HEIC, BMP, TIFF, PDF, EML, MSG, TEXT),
    *(MP3, M4A, AAC, OGG, WAV, FLAC, AMR, MP4, MOV, THREE_GP, WEBM, MKV, OGV, AVI),
)
"""The one list of what is taken."""
BY_NAME: Mapping[str, MediaType] = {taken.name: taken for taken in TAKEN}
ACCEPT = ",".join(suffix for taken in TAKEN for suffix in taken.suffixes)
"""The `accept` attribute of a file field: a help for who chooses, and no check."""
IN_WORDS = "pictures, PDFs, emails (.eml or .msg), text, audio and video"


class Reason(StrEnum):
    """Why a file is not taken."""

    EMPTY = "empty"
    ARCHIVE = "archive"
    OFFICE = "office"
    WEB_PAGE = "web_page"
    DRAWING = "drawing"
    PROGRAM = "program"
    MIXED = "mixed"
    UNKNOWN = "unknown"


WORDS: Mapping[Reason, str] = {
    Reason.EMPTY: "The file is empty. Check that it opens on your device, then choose it again",
    Reason.ARCHIVE: "Archives, such as ZIP files, cannot be sent. Send the files inside it one by one",
    Reason.OFFICE: "Office documents cannot be sent. Save the document as a PDF and send the PDF",
    Reason.WEB_PAGE: "Web pages cannot be sent, because they can run programs. "
    "Send a screenshot, or save the page as a PDF",
    Reason.DRAWING: "SVG drawings cannot be sent, because they can run programs. Send a screenshot of the drawing",
    Reason.PROGRAM: "Programs cannot be sent. Send a screenshot of what you saw, or describe the program in words",
    Reason.MIXED: "The file is two types of file in one, which can be used to hide programs. Send a screenshot of it",
    Reason.UNKNOWN: f"This type of file cannot be sent. You can send {IN_WORDS}",
}
"""What a person reads. Each says what to do."""


class NotTaken(ValueError):
    """A file is of no type that is taken."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason

    @property
    def words(self) -> str:
        """Return what a person reads."""
        return WORDS[self.reason]


def recognise(head: bytes, tail: bytes, size: int, read: Reader | None = None) -> MediaType:
    """Return what a file is by its first `HEAD` and last `TAIL` bytes (or more, or all of a shorter one).

    An Outlook message is told from an office document by a table that may lie anywhere: without `read` it is looked
    for in `head` and `tail` alone.

    Raises:
        NotTaken: it is of a type that is not taken, or of two types.
    """
    if not size:
        raise NotTaken(Reason.EMPTY)
    if head.startswith(_OLE):
        return _message_or_document(head, tail, size, read)
    if found := _by_pattern(head, tail):
        return _unmixed(found, head, tail)
    if (text := text_of(head, tail if size > len(head) else b"", whole=size <= len(head))) is not None:
        return _kind_of_text(text)
    raise NotTaken(_what_is_refused(head))


def recognise_file(source: BinaryIO) -> MediaType:
    """Return what a file that can be sought is; it is left at its beginning.

    Raises:
        NotTaken: it is of a type that is not taken, or of two types.
    """

    def read(offset: int, length: int) -> bytes:
        source.seek(offset)
        return source.read(length)

    size = source.seek(0, 2)
    try:
        return recognise(read(0, HEAD), read(max(0, size - TAIL), TAIL), size, read)
    finally:
        source.seek(0)


# Signatures -----------------------------------------------------------------------------------------------------------

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_FTYP = rb".{4}ftyp"
_PATTERNS: tuple[tuple[re.Pattern[bytes], MediaType], ...] = tuple(
    (re.compile(pattern, re.DOTALL), media_type)
    for pattern, media_type in (
        (rb"\xff\xd8\xff[\xc0-\xfe]", JPEG),
        (rb"\x89PNG\r\n\x1a\n.{4}IHDR", PNG),
        (rb"GIF8[79]a", GIF),
        (rb"RIFF.{4}WEBPVP8", WEBP),
        (rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", BMP),
        (rb"(?:II\*\0|MM\0\*)(?!.{4}CR\x02)", TIFF),
        (_FTYP + rb"(?:avif|avis)", AVIF),
        (_FTYP + rb"(?:mif1|msf1).{4}(?:.{4}){0,15}?(?:avif|avis)", AVIF),
        (_FTYP + rb"(?:hei[cxms]|hev[cx]|mif1|msf1)", HEIC),
        (_FTYP + rb"M4[ABP] ", M4A),
        (_FTYP + rb"qt  ", MOV),
        (_FTYP + rb"3g[a-z0-9]{2}", THREE_GP),
        (_FTYP + rb"(?!crx )[A-Za-z0-9 ]{4}", MP4),
        (rb".{4}(?:moov|mdat|wide)", MOV),
        (rb"\s{0,16}%PDF-\d", PDF),
        (rb"\xef\xbb\xbf%PDF-\d", PDF),
        (rb"\x1aE\xdf\xa3.{0,60}?\x42\x82.webm", WEBM),
        (rb"\x1aE\xdf\xa3.{0,60}?\x42\x82.matroska", MKV),
        (rb"OggS\0.{22}.{1,255}?\x80theora", OGV),
        (rb"OggS\0", OGG),
        (rb"RIFF.{4}WAVE", WAV),
        (rb"RIFF.{4}AVI ", AVI),
        (rb"fLaC", FLAC),
        (rb"#!AMR(?:-WB)?(?:_MC1\.0)?\n", AMR),
        (rb"ID3[\x02-\x04].[\x00-\xf0][\x00-\x7f]{4}", MP3),
        (
            rb"\xff[\xf2\xf3\xfa\xfb][" + b"".join(b"%c-%c" % (rate, rate + 11) for rate in range(16, 240, 16)) + rb"]",
            MP3,
        ),
        (rb"\xff[\xf0\xf1\xf8\xf9]", AAC),
    )
)
_TRACK = re.compile(rb"hdlr.{8}(vide|soun)", re.DOTALL)
_RECORDED = {MP4: M4A, MOV: M4A, THREE_GP: M4A}
"""A voice recorder's file has a video's container and a track of sound alone."""


def _by_pattern(head: bytes, tail: bytes) -> MediaType | None:
    for pattern, media_type in _PATTERNS:
        if pattern.match(head):
            sound_alone = media_type in _RECORDED and {*_TRACK.findall(head), *_TRACK.findall(tail)} == {b"soun"}
            return _RECORDED[media_type] if sound_alone else media_type
    return None


# Two in one -----------------------------------------------------------------------------------------------------------

_ARCHIVE_END = re.compile(rb"PK\x05\x06(?:\0{4}|\xff{4})")
_END_OF_ARCHIVE, _ENTRY_OF_ARCHIVE = b"PK\x05\x06", b"PK\x01\x02"
_OTHER_ARCHIVE = re.compile(rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07")
_MARKUP = re.compile(rb"<(?:!doctype\s+html|(?:html|script|body|iframe|svg)[\s>/]|\?php)", re.IGNORECASE)
_SCRIPT = re.compile(rb"(?:\xff\xd8\xff.|GIF8[79]a|BM|RIFF)/\*|GIF8[79]a[ -~]{4}", re.DOTALL)
"""A signature that is also the beginning of a program: a comment opens, or a name is given a value, where sizes are."""
_PDF_READERS_LOOK = 1024
"""They take a file as a PDF if its mark is in so many of the first bytes."""


def _unmixed(found: MediaType, head: bytes, tail: bytes) -> MediaType:
    """Return `found`.

    Raises:
        NotTaken: the file is of another type as well.
    """
    archive = _ARCHIVE_END.search(tail) or (_END_OF_ARCHIVE in tail and _ENTRY_OF_ARCHIVE in tail)
    if archive or _OTHER_ARCHIVE.search(tail) or _SCRIPT.match(head):
        raise NotTaken(Reason.MIXED)
    if found is PDF:  # it may quote markup, and is read as a PDF from its first byte
        return found
    if _MARKUP.search(head) or _MARKUP.search(tail) or b"%PDF-" in head[:_PDF_READERS_LOOK]:
        raise NotTaken(Reason.MIXED)
    return found


# Text -----------------------------------------------------------------------------------------------------------------

_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffe\uffff]")
_ORDERS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_COMMENTS = re.compile(r"\s*(?:<!--.*?-->\s*)*", re.DOTALL)
_LINE = r"[^\r\n]*\r?\n"
_HEADERS = re.compile(rf"(?:From {_LINE})?((?:[!-9;-~]+:{_LINE}(?:[ \t]+\S{_LINE})*){{2,}})\r?\n")
"""A line is matched in one way alone: else a file without an end of its headers would be tried in all ways."""
_OF_AN_EMAIL = re.compile(
    r"^(?:from|to|cc|subject|date|received|message-id|return-path|delivered-to|mime-version|content-type):",
    re.IGNORECASE | re.MULTILINE,
)
_LEAST_HEADERS = 3


def text_of(head: bytes, tail: bytes = b"", *, whole: bool = False) -> str | None:
    """Return the beginning of a file as text (UTF-8, UTF-16 with its mark, or Windows-1252), or nothing if it is none.

    The end of `head` and the beginning of `tail` may be in the middle of a character, unless `head` is the whole file.
    """
    for encoding in (_ORDERS[head[:2]],) if head[:2] in _ORDERS else ("utf-8", "cp1252"):
        with suppress(UnicodeDecodeError):
            text = codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
            if not _NOT_TEXT.search(text + _end_of_text(tail, encoding)):
                return text.removeprefix("\ufeff")
    return None


def _end_of_text(tail: bytes, encoding: str) -> str:
    """Return `tail` as text, from its first whole character."""
    if encoding == "utf-8":
        return tail.lstrip(bytes(range(0x80, 0xC0))).decode(encoding)
    return tail[len(tail) % 2 :].decode(encoding, "ignore") if encoding.startswith("utf-16") else tail.decode(encoding)


def _kind_of_text(text: str) -> MediaType:
    """Return whether a text is an email or any other.

    Raises:
        NotTaken: it is a page, a drawing, a document or a program that is written as text.
    """
    start = _COMMENTS.sub("", text, count=1)[:1024].lower()
    for begins, reason in _WRITTEN:
        if begins.match(start):
            drawing = reason is Reason.WEB_PAGE and re.search(r"<svg[\s>/]", text, re.IGNORECASE)
            raise NotTaken(Reason.DRAWING if drawing else reason)
    headers = _HEADERS.match(text)
    is_email = headers and len({found.lower() for found in _OF_AN_EMAIL.findall(headers[1])}) >= _LEAST_HEADERS
    return EML if is_email else TEXT


_WRITTEN = (
    (re.compile(r"<[a-z!?/]"), Reason.WEB_PAGE),
    (re.compile(r"\{\\rtf"), Reason.OFFICE),
    (re.compile(r"#!\s*/"), Reason.PROGRAM),
    (re.compile(r"%!ps"), Reason.UNKNOWN),
)


# Outlook's messages ---------------------------------------------------------------------------------------------------

_OF_A_MESSAGE = re.compile(
    b"|".join(
        re.escape(name.encode("utf-16-le"))
        for name in ("__properties_version1.0", "__nameid_version1.0", "__substg1.0_")
    )
)
_SMALL_SECTOR, _LARGE_SECTOR = 512, 4096


def _message_or_document(head: bytes, tail: bytes, size: int, read: Reader | None) -> MediaType:
    """Return that a compound file ([MS-CFB]) is an Outlook message, by the first sector of its directory ([MS-OXMSG]).

    Raises:
        NotTaken: it is another document.
    """
    sector = _LARGE_SECTOR if head[30:31] == b"\x0c" else _SMALL_SECTOR
    at = (int.from_bytes(head[48:52], "little") + 1) * sector
    directory = read(at, sector) if read and at < size else b""
    if any(_OF_A_MESSAGE.search(part) for part in (directory, head, tail)):
        return MSG
    raise NotTaken(Reason.OFFICE)


# What is refused ------------------------------------------------------------------------------------------------------

_OFFICE_PARTS = re.compile(rb"\[Content_Types\]\.xml|(?:word|xl|ppt)/|mimetypeapplication/vnd\.oasis")
_PROGRAM = re.compile(rb"MZ|\x7fELF|#!|\xca\xfe\xba\xbe|\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe")
_PROGRAM_PARTS = re.compile(rb"META-INF/|AndroidManifest|classes\.dex")
_NAMED = {
    Reason.ARCHIVE: frozenset(
        {".zip", ".rar", ".7z", ".gz", ".tgz", ".bz2", ".xz", ".tar", ".zst", ".lzh", ".cab", ".iso"}
    ),
    Reason.PROGRAM: frozenset(
        {".exe", ".dll", ".com", ".elf", ".so", ".class", ".lnk", ".swf", ".wasm", ".dex", ".msi"}
    ),
}
"""What `puremagic` calls files of a kind that has words of its own."""


def _what_is_refused(head: bytes) -> Reason:
    if head.startswith(b"PK\x03\x04"):
        program = Reason.PROGRAM if _PROGRAM_PARTS.search(head) else Reason.ARCHIVE
        return Reason.OFFICE if _OFFICE_PARTS.search(head) else program
    if _MARKUP.match(head.lstrip()):
        return Reason.WEB_PAGE
    if _PROGRAM.match(head):
        return Reason.PROGRAM
    suffixes = _suffixes(head)
    return next((reason for reason, named in _NAMED.items() if named & suffixes), Reason.UNKNOWN)


_SURE = 3
"""Bytes of a signature: shorter ones are in many files by chance."""


def _suffixes(head: bytes) -> frozenset[str]:
    try:
        return frozenset(match.extension for match in puremagic.magic_string(head) if len(match.byte_match) >= _SURE)
    except (puremagic.PureError, ValueError):  # nothing is known, or there is nothing
        return frozenset()


# Names ----------------------------------------------------------------------------------------------------------------

LONGEST_NAME = 100
"""Characters."""
_MOST_BYTES_OF_NAME = 200
"""In UTF-8: file systems take 255."""
_NOT_IN_NAMES = re.compile(r'[<>:"|?*%\x00-\x1f\x7f-\x9f\ud800-\udfff]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\.|$)", re.IGNORECASE)


def plain_name(given: str) -> str:
    """Return a file's name without folders, and without signs that are invisible, turn text or that no system takes."""
    last = re.split(r"[/\\]", given)[-1]
    plain = "".join(sign for sign in _NOT_IN_NAMES.sub("", last) if sign == " " or not text_rule.is_invisible(sign))
    return unicodedata.normalize("NFC", plain).strip(" .")


def safe_name(given: str, media_type: MediaType) -> str:
    """Return a file's name that harms no one who keeps the file, from its `plain_name`.

    It ends in what the content is: `letter.pdf.exe` that is a picture becomes `letter.pdf.exe.jpg`.
    """
    stem, suffix = _parts(plain_name(given), media_type)
    fits = stem[: LONGEST_NAME - len(suffix)].encode()[: _MOST_BYTES_OF_NAME - len(suffix)].decode(errors="ignore")
    stem = fits.strip(" .") or media_type.kind.lower()
    return f"_{stem}{suffix}" if _DEVICES.match(stem) else f"{stem}{suffix}"


def _parts(name: str, media_type: MediaType) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    if dot and stem and f".{suffix.lower()}" in media_type.suffixes:
        return stem, f".{suffix.lower()}"
    return name, media_type.suffix
