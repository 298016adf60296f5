"""What says who made a file, where and with what is in no cleaned copy and no preview, however it is written."""

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator

import av
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

from services.intake.media import media, renderer
from services.intake.media.child import Look
from services.intake.media.media import MediaType
from tests.services.intake.media.samples import (
    ANNOTATED,
    configured,
    drawn,
    frames,
    pdf,
    picture,
    sound,
    video,
    webm,
)

CANARY = "canary"
PLACE = struct.pack(">6I", 51, 1, 30, 1, 2649, 100)
"""Degrees, minutes and seconds."""
ENCODERS = (b"x264 - core", b"x265 (build")
"""What encoders write between the pictures of a video."""
XMP = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:creator>{CANARY}-xmp</dc:creator></x:xmpmeta>".encode()
TAGS = {
    **dict.fromkeys(
        ("title", "artist", "author", "comment", "copyright", "description", "encoded_by"), f"{CANARY}-tag"
    ),
    "make": f"{CANARY}-make",
    "model": f"{CANARY}-model",
    "location": f"+51.5+000.1/{CANARY}",
}


def exif(*, xmp: bool = False) -> Image.Exif:
    written = Image.Exif()
    if xmp:
        written[Base.XMLPacket] = XMP
    for tag in (Base.Make, Base.Model, Base.Artist, Base.Copyright, Base.Software, Base.ImageDescription):
        written[tag] = f"{CANARY}-{tag.name}"
    written[Base.XPAuthor] = f"{CANARY}-XPAuthor".encode("utf-16-le")
    written.get_ifd(IFD.Exif).update(
        {
            Base.BodySerialNumber: f"{CANARY}-serial",
            Base.LensModel: f"{CANARY}-lens",
            Base.DateTimeOriginal: "2026:11:30 07:00:00",
            Base.MakerNote: f"{CANARY}-note".encode(),
            Base.UserComment: b"ASCII\0\0\0" + f"{CANARY}-comment".encode(),
        }
    )
    written.get_ifd(IFD.GPSInfo).update(
        {GPS.GPSLatitude: (51.0, 30.0, 26.49), GPS.GPSAreaInformation: f"{CANARY}-area".encode()}
    )
    return written


def profile() -> bytes:
    """Return a colour profile that names a device."""
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    named = "sRGB built-in"
    return plain.replace(named.encode("utf-16-be"), f"{CANARY}-{named}"[: len(named)].encode("utf-16-be"))


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def of_a_phone() -> bytes:
    """Return a JPEG with everything in it that phones and programs write beside a picture."""
    made = picture("JPEG", exif=exif(), xmp=XMP, icc_profile=profile(), comment=f"{CANARY}-comment")
    iptc = b"\x1c\x02\x50" + struct.pack(">H", 12) + f"{CANARY}-iptc ".encode()
    photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc
    thumbnail = picture("JPEG", drawn((16, 12)), comment=f"{CANARY}-thumbnail")
    more = segment(0xED, photoshop) + segment(0xE5, thumbnail) + segment(0xEE, f"{CANARY}-app".encode())
    return made[:2] + more + made[2:] + thumbnail + video("mp4", "libx264", **TAGS)


def of_a_screen() -> bytes:
    written = PngInfo()
    written.add_text("Author", f"{CANARY}-text")
    written.add_text("Comment", f"{CANARY}-packed" * 20, zip=True)
    written.add_itxt("Title", f"{CANARY}-international", zip=True)
    written.add_itxt("XML:com.adobe.xmp", XMP.decode())
    written.add(b"prVt", f"{CANARY}-private".encode())
    return picture("PNG", pnginfo=written, exif=exif(), icc_profile=profile()) + f"{CANARY}-behind".encode()


def of_an_office() -> bytes:
    return pdf("one", "two", more=ANNOTATED.format(canary=CANARY), trailer=f"/Info << /Author ({CANARY}-author) >>")


def moving_gif() -> bytes:
    made = frames("GIF", comment=f"{CANARY}-gif".encode())
    application = b"!\xff\x0bXMP DataXMP" + bytes((len(XMP),)) + XMP + b"\0"
    return made[:-1] + application + b";"


def music() -> bytes:
    cover = b"\0image/jpeg\0\3\0" + picture("JPEG", drawn((16, 12)), comment=f"{CANARY}-cover")
    frame = b"APIC" + struct.pack(">I", len(cover)) + b"\0\0" + cover
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    old = b"TAG" + f"{CANARY}-old".encode().ljust(125, b"\0")
    return b"ID3\x03\0\0" + size + frame + sound("mp3", "libmp3lame", **TAGS) + old


def boxed() -> bytes:
    private = f"{CANARY}-box".encode()
    box = struct.pack(">I4s", len(private) + 8, b"free") + private
    return video("mp4", "libx264", **TAGS) + box


def packed(form: str, codec: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return a second of video whose encoded pictures were changed: what cameras write and FFmpeg does not."""
    made = io.BytesIO()
    with av.open(io.BytesIO(video("avi", codec)), "r") as source, av.open(made, "w", format=form) as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                changed = av.Packet(change(bytes(packet)))
                changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
                changed.stream, changed.is_keyframe = stream, packet.is_keyframe
                container.mux(changed)
    return made.getvalue()


def photographed(frame: bytes) -> bytes:
    """Return a JPEG with a camera's notes in front."""
    notes = exif().tobytes()
    return frame[:2] + b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes + frame[2:]


def signed(frame: bytes) -> bytes:
    """Return a picture of MPEG-4 Visual with a camera's notes in front."""
    return b"\x00\x00\x01\xb2" + CANARY.encode() + frame


def annotated(configuration: bytes) -> bytes:
    """Return the configuration of H.264 with a note behind its only picture's parameters."""
    note = b"\x06\x05" + bytes((16 + len(CANARY),)) + bytes(16) + CANARY.encode() + b"\x80"
    end = 8 + int.from_bytes(configuration[6:8])
    return (
        configuration[:5] + b"\xe2" + configuration[6:end] + struct.pack(">H", len(note)) + note + configuration[end:]
    )


MADE: dict[str, tuple[MediaType, Callable[[], bytes]]] = {
    "a phone's picture": (media.JPEG, of_a_phone),
    "a screenshot": (media.PNG, of_a_screen),
    "a PNG that moves": (media.PNG, lambda: frames("PNG", exif=exif())),
    "a GIF that moves": (media.GIF, moving_gif),
    "a WebP": (media.WEBP, lambda: picture("WEBP", exif=exif(), xmp=XMP, icc_profile=profile())),
    "a WebP that moves": (media.WEBP, lambda: frames("WEBP", exif=exif(), xmp=XMP)),
    "an AVIF": (media.AVIF, lambda: picture("AVIF", exif=exif(), xmp=XMP, icc_profile=profile())),
    "a HEIC": (media.HEIC, lambda: picture("HEIF", exif=exif(), xmp=XMP, icc_profile=profile())),
    "a TIFF": (media.TIFF, lambda: picture("TIFF", exif=exif(xmp=True), icc_profile=profile())),
    "a TIFF of pages": (media.TIFF, lambda: frames("TIFF", exif=exif())),
    "a BMP": (media.BMP, lambda: picture("BMP") + f"{CANARY}-behind".encode()),
    "a PDF": (media.PDF, of_an_office),
    "an MP3": (media.MP3, music),
    "a voice memo": (media.M4A, lambda: sound("ipod", "aac", **TAGS)),
    "an Ogg with Opus": (media.OGG, lambda: sound("ogg", "libopus", **TAGS)),
    "an Ogg with Vorbis": (media.OGG, lambda: sound("ogg", "vorbis", layout="stereo", **TAGS)),
    "an Ogg with FLAC": (media.OGG, lambda: sound("ogg", "flac", **TAGS)),
    "a WAV": (media.WAV, lambda: sound("wav", "pcm_s16le", **TAGS)),
    "a FLAC": (media.FLAC, lambda: sound("flac", "flac", **TAGS)),
    "an MP4": (media.MP4, boxed),
    "an MP4 with HEVC": (media.MP4, lambda: video("mp4", "libx265", **TAGS)),
    "a MOV": (media.MOV, lambda: video("mov", "libx264", **TAGS)),
    "a 3GP": (media.THREE_GP, lambda: video("3gp", "mpeg4", **TAGS)),
    "a WebM": (media.WEBM, lambda: video("webm", "libvpx-vp9", **TAGS)),
    "a WebM with Vorbis": (media.WEBM, lambda: webm(CANARY)),
    "a Matroska": (media.MKV, lambda: video("matroska", "libx264", **TAGS)),
    "a Matroska with notes in H.264": (
        media.MKV,
        lambda: configured("matroska", video("matroska", "libx264"), annotated),
    ),
    "an AVI": (media.AVI, lambda: packed("avi", "mpeg4", signed)),
    "an AVI of a camera": (media.AVI, lambda: packed("avi", "mjpeg", photographed)),
    "a MOV of a camera": (media.MOV, lambda: packed("mov", "mjpeg", photographed)),
}


def readings(content: bytes) -> Iterator[bytes]:
    """Yield a file as it is, and what its packed streams hold."""
    yield content
    for place in re.finditer(b"\x78[\x01\x5e\x9c\xda]", content):
        try:
            yield zlib.decompressobj().decompress(content[place.start() :], 1_000_000)
        except zlib.error:
            continue


def traces(content: bytes) -> set[bytes]:
    wanted = (CANARY.encode(), CANARY.encode("utf-16-le"), CANARY.encode("utf-16-be"), PLACE, *ENCODERS, b"2026:11:30")
    return {trace for reading in readings(content) for trace in wanted if trace in reading}


@pytest.mark.parametrize("name", MADE)
async def test_a_cleaned_copy_and_a_preview_have_no_trace(name: str) -> None:
    media_type, made = MADE[name]
    content = made()
    assert traces(content), "the test put them in"
    copy = await renderer.clean(io.BytesIO(content), media_type)
    shown = await renderer.preview(io.BytesIO(content), media_type, Look(sharp=True, colour=True))
    with copy.file as file:
        assert traces(file.read()) == set()
    assert traces(shown.content) == set()
