"""What a file is by its content, what is refused, and the words for it."""

import io
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.media import media
from services.intake.media.media import NotTaken, Reason, recognise, recognise_file, safe_name
from tests.services.intake.media.compound import compound, message
from tests.services.intake.media.samples import (
    archive,
    email,
    frames,
    pdf,
    picture,
    png_of,
    sound,
    video,
)

TAKEN: dict[str, tuple[Callable[[], bytes], media.MediaType]] = {
    "a JPEG": (lambda: picture("JPEG"), media.JPEG),
    "a phone's motion photo": (lambda: picture("JPEG") + video("mp4", "libx264"), media.JPEG),
    "a PNG": (lambda: picture("PNG"), media.PNG),
    "a GIF": (lambda: picture("GIF"), media.GIF),
    "a GIF that moves": (lambda: frames("GIF"), media.GIF),
    "a WebP": (lambda: picture("WEBP"), media.WEBP),
    "an AVIF": (lambda: picture("AVIF"), media.AVIF),
    "a HEIC": (lambda: picture("HEIF"), media.HEIC),
    "a BMP": (lambda: picture("BMP"), media.BMP),
    "a TIFF": (lambda: picture("TIFF"), media.TIFF),
    "a PDF of several pages": (lambda: pdf("one", "two", "three"), media.PDF),
    "a PDF made by Pillow": (lambda: picture("PDF"), media.PDF),
    "a PDF that quotes markup": (lambda: pdf("<script>alert</script>"), media.PDF),
    "an email": (email, media.EML),
    "an email with an archive attached": (lambda: email(("all.zip", archive())), media.EML),
    "an email after an envelope line": (lambda: b"From robin Mon Nov 30\n" + email(), media.EML),
    "an Outlook message": (message, media.MSG),
    "an Outlook message whose directory is in its middle": (
        lambda: message(filler=200) + b"\x55" * 100_000,
        media.MSG,
    ),
    "an Outlook message with an archive in it": (lambda: message() + archive(), media.MSG),
    "text in UTF-8": (lambda: "Täuschung – naïve 🙂\r\n".encode() * 20_000, media.TEXT),
    "text in UTF-8 with its mark": (lambda: "Täuschung".encode("utf-8-sig"), media.TEXT),
    "text in UTF-16": (lambda: ("Täuschung 🙂\n" * 20_000).encode("utf-16"), media.TEXT),
    "text in UTF-16, the other way round": (lambda: b"\xfe\xff" + "Täuschung".encode("utf-16-be"), media.TEXT),
    "text in Windows-1252": (lambda: ("Täuschung – “naïve” £5\n" * 20_000).encode("cp1252"), media.TEXT),
    "text that begins as a BMP does": (lambda: b"BMW and MZ are not programs", media.TEXT),
    "text that quotes markup": (lambda: b"They wrote: <script>alert(1)</script>", media.TEXT),
    "text that talks of a subject": (lambda: b"Subject: what they said\nTo: me\n\nWell", media.TEXT),
    "an MP3": (lambda: sound("mp3", "libmp3lame"), media.MP3),
    "an MP3 without tags": (lambda: b"\xff\xf3" + sound("mp3", "libmp3lame").partition(b"\xff\xf3")[2], media.MP3),
    "a voice memo": (lambda: sound("ipod", "aac"), media.M4A),
    "a voice memo in a video's container": (lambda: sound("mp4", "aac"), media.M4A),
    "an AAC": (lambda: sound("adts", "aac"), media.AAC),
    "an Ogg with Opus": (lambda: sound("ogg", "libopus"), media.OGG),
    "a WAV": (lambda: sound("wav", "pcm_s16le"), media.WAV),
    "a FLAC": (lambda: sound("flac", "flac"), media.FLAC),
    "an AMR": (lambda: sound("amr", "libopencore_amrnb", 8000), media.AMR),
    "an MP4": (lambda: video("mp4", "libx264"), media.MP4),
    "a MOV": (lambda: video("mov", "libx264"), media.MOV),
    "a 3GP": (lambda: video("3gp", "mpeg4"), media.THREE_GP),
    "a WebM": (lambda: video("webm", "libvpx-vp9"), media.WEBM),
    "a Matroska": (lambda: video("matroska", "libx264"), media.MKV),
    "an AVI": (lambda: video("avi", "mpeg4"), media.AVI),
}

EXECUTABLE = b"MZ\x90\x00\x03" + bytes(58) + b"PE\0\0" + bytes(400)
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
JPEG_AND_SCRIPT = b"\xff\xd8\xff\xe0/*" + b"JFIF\0" + bytes(0x2F2A - 7) + b"*/=alert(1)/*" + picture("JPEG")[20:]
GIF_AND_SCRIPT = b"GIF89a/*" + picture("GIF")[8:] + b"*/=1;alert(1)"

REFUSED: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "no bytes": (lambda: b"", Reason.EMPTY),
    "a ZIP": (archive, Reason.ARCHIVE),
    "an empty ZIP": (lambda: b"PK\x05\x06" + bytes(18), Reason.ARCHIVE),
    "a 7z": (lambda: b"7z\xbc\xaf\x27\x1c\0\4" + bytes(60), Reason.ARCHIVE),
    "a RAR": (lambda: b"Rar!\x1a\x07\x01\0" + bytes(60), Reason.ARCHIVE),
    "a gzip": (lambda: b"\x1f\x8b\x08\0" + bytes(60), Reason.ARCHIVE),
    "a tar": (lambda: b"letter.txt".ljust(257, b"\0") + b"ustar\0" + b"00" + bytes(300), Reason.ARCHIVE),
    "a Word document": (lambda: archive("[Content_Types].xml", "word/document.xml"), Reason.OFFICE),
    "a spreadsheet": (lambda: archive("xl/workbook.xml"), Reason.OFFICE),
    "an old Word document": (lambda: compound({"WordDocument": b"", "1Table": b"x"}), Reason.OFFICE),
    "a rich text": (lambda: rb"{\rtf1\ansi hello}", Reason.OFFICE),
    "HTML": (lambda: HTML, Reason.WEB_PAGE),
    "HTML after spaces and comments": (lambda: b" \n<!-- hello -->\n<b>bold</b>" + HTML, Reason.WEB_PAGE),
    "HTML in UTF-16": (lambda: HTML.decode().encode("utf-16"), Reason.WEB_PAGE),
    "HTML with binary in it": (lambda: HTML + bytes(100), Reason.WEB_PAGE),
    "an SVG": (lambda: SVG, Reason.DRAWING),
    "a program for Windows": (lambda: EXECUTABLE, Reason.PROGRAM),
    "a program for Linux": (lambda: b"\x7fELF\x02\x01\x01" + bytes(60), Reason.PROGRAM),
    "a program for macOS": (lambda: b"\xcf\xfa\xed\xfe\x07\0\0\x01" + bytes(60), Reason.PROGRAM),
    "a script": (lambda: b"#!/bin/sh\nrm -rf /\n", Reason.PROGRAM),
    "a shortcut": (lambda: bytes.fromhex("4c0000000114020000000000c000000000000046") + bytes(60), Reason.PROGRAM),
    "a Java archive": (lambda: archive("META-INF/MANIFEST.MF", "A.class"), Reason.PROGRAM),
    "a GIF and a ZIP": (lambda: picture("GIF") + archive(), Reason.MIXED),
    "a JPEG and a ZIP": (lambda: picture("JPEG") + archive(), Reason.MIXED),
    "a JPEG and a ZIP with a long comment": (lambda: picture("JPEG") + archive() + b"c" * 60_000, Reason.MIXED),
    "a PDF and a ZIP": (lambda: pdf("one") + archive(), Reason.MIXED),
    "an MP4 and a ZIP": (lambda: video("mp4", "libx264") + archive(), Reason.MIXED),
    "a JPEG and a 7z": (lambda: picture("JPEG") + b"7z\xbc\xaf\x27\x1c" + bytes(60), Reason.MIXED),
    "a PNG with HTML in its head": (lambda: png_of(1, 1, (b"tEXt", b"Comment\0" + HTML), rows=1), Reason.MIXED),
    "a GIF with HTML at its end": (lambda: picture("GIF") + HTML, Reason.MIXED),
    "a JPEG that is a PDF, too": (lambda: picture("JPEG", comment=pdf("one")), Reason.MIXED),
    "a JPEG that is a script, too": (lambda: JPEG_AND_SCRIPT, Reason.MIXED),
    "a GIF that is a script, too": (lambda: GIF_AND_SCRIPT, Reason.MIXED),
    "a GIF that gives itself a value": (lambda: b"GIF89a=1;/" + picture("GIF")[10:], Reason.MIXED),
    "a raw picture of a camera": (lambda: b"II*\0\x10\0\0\0CR\x02\0" + bytes(60), Reason.UNKNOWN),
    "PostScript": (lambda: b"%!PS-Adobe-3.0\nshowpage\n", Reason.UNKNOWN),
    "text with NUL": (lambda: b"hello\0world", Reason.UNKNOWN),
    "noise": (lambda: bytes(range(256)), Reason.UNKNOWN),
}

WORDS = {
    Reason.EMPTY: "The file is empty. Check that it opens on your device, then choose it again",
    Reason.ARCHIVE: "Archives, such as ZIP files, cannot be sent. Send the files inside it one by one",
    Reason.OFFICE: "Office documents cannot be sent. Save the document as a PDF and send the PDF",
    Reason.WEB_PAGE: "Web pages cannot be sent, because they can run programs. "
    "Send a screenshot, or save the page as a PDF",
    Reason.DRAWING: "SVG drawings cannot be sent, because they can run programs. Send a screenshot of the drawing",
    Reason.PROGRAM: "Programs cannot be sent. Send a screenshot of what you saw, or describe the program in words",
    Reason.MIXED: "The file is two types of file in one, which can be used to hide programs. Send a screenshot of it",
    Reason.UNKNOWN: "This type of file cannot be sent. "
    "You can send pictures, PDFs, emails (.eml or .msg), text, audio and video",
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_file_is_what_its_content_is(name: str) -> None:
    made, expected = TAKEN[name]
    assert recognise_file(io.BytesIO(made())) is expected


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_what_to_do(name: str) -> None:
    made, reason = REFUSED[name]
    with pytest.raises(NotTaken) as refused:
        recognise_file(io.BytesIO(made()))
    assert refused.value.reason is reason
    assert refused.value.words == WORDS[reason]
    assert str(refused.value) == reason.value, "a log line of it quotes nothing of the file"


def test_each_type_that_is_taken_is_recognised_by_a_test() -> None:
    assert {media_type for _, media_type in TAKEN.values()} | {media.OGV} == set(media.TAKEN)  # no encoder for Theora


def test_each_reason_has_words_and_a_test() -> None:
    assert set(media.WORDS) == set(Reason) == {reason for _, reason in REFUSED.values()}


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(head: bytes, tail: bytes) -> None:
    for begins in (b"", b"\xff\xfe", b"PK\x03\x04", b"MZ", bytes.fromhex("d0cf11e0a1b11ae1"), b"RIFF", b"\xff\xfb"):
        with suppress(NotTaken):
            assert recognise(begins + head, tail, len(begins + head + tail)) in media.TAKEN


NAMES = {
    "letter.png": "letter.png",
    "Letter.PNG": "Letter.png",
    "letter.pdf": "letter.pdf.png",
    "letter.png.exe": "letter.png.exe.png",
    "../../etc/passwd": "passwd.png",
    r"C:\Users\robin\screen shot.png": "screen shot.png",
    "a\0b.png": "ab.png",
    "photo\u202egnp.exe": "photognp.exe.png",
    "\u200b\u2066hidden\u2069.png": "hidden.png",
    "line\r\nbreak.png": "linebreak.png",
    'a"b;c=d%2f.png': "ab;c=d2f.png",
    "con.png": "_con.png",
    "NUL": "_NUL.png",
    "": "picture.png",
    "..": "picture.png",
    ".png": "png.png",
    "/": "picture.png",
    "Zoë 🙂.png": "Zoë 🙂.png",
    "x" * 300 + ".png": "x" * 96 + ".png",
    "写" * 300 + ".png": "写" * 65 + ".png",
}


@pytest.mark.parametrize("given_name", NAMES)
def test_a_name_harms_no_one(given_name: str) -> None:
    assert safe_name(given_name, media.PNG) == NAMES[given_name]


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_every_system_keeps(given_name: str) -> None:
    name = safe_name(given_name, media.JPEG)
    assert name.endswith(media.JPEG.suffixes)
    assert len(name) <= media.LONGEST_NAME + 1
    assert len(name.encode()) <= 255
    assert not set('/\\<>:"|?*%\0\u202e\u2066') & set(name)
    assert safe_name(name, media.JPEG) == name


HOSTILE = {
    "headers without an end": b"From: a\r\n" * (media.HEAD // 9 + 1),
    "headers that go on": b"From: a\r\n" + b" \t b\r\n" * 20_000,
    "an archive's entries without an end": b"GIF89a" + b"PK\x01\x02" * 40_000,
    "an archive's ends without entries": b"GIF89a" + b"PK\x05\x06" * 40_000,
    "comments that do not end": b"<!--" * 40_000,
    "comments, and comments in them": b"<!-- <!-- -->" * 10_000,
    "spaces": b"<!doctype" + b" " * 200_000,
    "beginnings": b"GIF89a" + b"<!doctype " * 20_000,
    "boxes": b"\0\0\0\x18ftypmif1" + b"hdlr" * 40_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_takes_long_to_recognise(name: str) -> None:
    began = time.process_time()
    with suppress(NotTaken):
        recognise_file(io.BytesIO(HOSTILE[name]))
    assert time.process_time() - began < 2, "milliseconds, where no pattern tries everything again"
