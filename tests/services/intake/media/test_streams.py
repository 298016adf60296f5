"""What streams may say beside what is heard and seen is left out, and what a decoder needs stays."""

from collections.abc import Sequence

import pytest
from PIL import Image

from services.intake.media import streams
from tests.services.intake.media.samples import picture

CANARY = b"canary"
SETS_OF_H264 = [b"\x67\x64\x00\x0a\x01", b"\x68\xeb\xe3"]
SETS_OF_HEVC = [b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc0"]
NOTES_OF_H264, NOTES_OF_HEVC = b"\x06\x05\x06" + CANARY, b"\x4e\x01\x05\x06" + CANARY
OPUS, SURROUND = b"OpusHead\1\2" + bytes(9), b"OpusHead\1\6" + bytes(8) + b"\1\4\2\0\4\1\2\3\5"
XIPH = {
    "vorbis": (b"\x01vorbis" + bytes(23), b"\x03vorbis%s\x01", b"\x05vorbis" + bytes(300)),
    "theora": (b"\x80theora" + bytes(35), b"\x81theora%s", b"\x82theora" + bytes(300)),
}


def counted(units: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2) + unit for unit in units)


def started(units: Sequence[bytes]) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def avcc() -> bytes:
    sets, pictures = [SETS_OF_H264[0], NOTES_OF_H264], [NOTES_OF_H264, SETS_OF_H264[1]]
    return b"\1\x64\0\x0a\xff\xe2" + counted(sets) + b"\2" + counted(pictures) + b"\xfd\xf8\xf8\0" + CANARY


def hvcc() -> bytes:
    arrays = [(32, [SETS_OF_HEVC[0]]), (39, [NOTES_OF_HEVC] * 2), (33, [SETS_OF_HEVC[1]]), (34, [SETS_OF_HEVC[2]])]
    return b"\1" + bytes(21) + b"\4" + b"".join(bytes((kind, 0, len(units))) + counted(units) for kind, units in arrays)


def laced(codec: str, comment: bytes) -> bytes:
    first, second, third = XIPH[codec]
    second %= comment
    sizes = b"".join(b"\xff" * (len(header) // 255) + bytes((len(header) % 255,)) for header in (first, second))
    return b"\2" + sizes + first + second + third


GIVEN = {
    "H.264 in MP4": ("h264", avcc(), started(SETS_OF_H264)),
    "H.264 in AVI": ("h264", started([SETS_OF_H264[0], NOTES_OF_H264, SETS_OF_H264[1]]), started(SETS_OF_H264)),
    "HEVC in MP4": ("hevc", hvcc(), started(SETS_OF_HEVC)),
    "HEVC behind start codes": ("hevc", started([NOTES_OF_HEVC, *SETS_OF_HEVC]), started(SETS_OF_HEVC)),
    "MPEG-4 Visual": ("mpeg4", b"\0\0\1\xb0\1\0\0\1\xb2" + CANARY + b"\0\0\1\0", b"\0\0\1\xb0\1\0\0\1\0"),
    "Vorbis": ("vorbis", laced("vorbis", CANARY * 50), laced("vorbis", bytes(8))),
    "Theora": ("theora", laced("theora", CANARY * 50), laced("theora", bytes(8))),
    "Opus": ("opus", OPUS + CANARY, OPUS),
    "Opus of many channels": ("opus", SURROUND + CANARY, SURROUND),
    "AAC": ("aac", b"\x14\x08\x56\xe5\0\0\0\0\0\0", b"\x14\x08\x56\xe5\0\0\0\0"),
    **{codec: (codec, CANARY, None) for codec in ("vp8", "vp9", "h263", "mp3", "ac3", "amr_nb", "pcm_s16le", "mjpeg")},
}


@pytest.mark.parametrize("name", GIVEN)
def test_of_a_configuration_is_kept_what_a_decoder_needs(name: str) -> None:
    codec, given, needed = GIVEN[name]
    assert streams.copies(codec)
    assert streams.configuration(codec, given) == needed


@pytest.mark.parametrize(
    ("codec", "given"),
    [
        *(("aac", b"\x14\x08\x56\xe5\0\0\0\0" + CANARY), ("flac", bytes(34) + CANARY), ("alac", bytes(36) + CANARY)),
        *(("vorbis", b"\x00\x1e" + CANARY), ("theora", b"\2\xff\xff"), ("opus", b"OpusHead"), ("h264", b"\1")),
    ],
)
def test_a_configuration_that_may_say_anything_is_refused(codec: str, given: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        streams.configuration(codec, given)


def test_a_stream_of_another_codec_is_not_copied() -> None:
    assert not streams.copies("prores")


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2) + content


def test_motion_jpeg_has_no_notes_before_and_between_its_scans() -> None:
    plain = picture("JPEG", Image.effect_noise((64, 64), 50), progressive=True)
    told = plain
    for scan in range(plain.count(b"\xff\xda") - 1, -1, -1):
        place = [at for at in range(len(plain)) if plain[at : at + 2] == b"\xff\xda"][scan]
        told = told[:place] + segment(0xFE, CANARY) + told[place:]
    about = segment(0xE0, b"JFIF\0" + CANARY) + segment(0xE0, CANARY) + segment(0xF3, CANARY) + b"\xff"
    field = segment(0xE0, b"AVI1\1" + bytes(9))
    copy = streams.PACKETS["mjpeg"](told[:2] + field + about + told[2:] + CANARY + plain + CANARY)
    assert CANARY not in copy
    assert copy == plain[:2] + field + plain[2:] + plain
