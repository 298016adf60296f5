"""Files of each kind, made here by the libraries that read them, or by hand where a library makes none so bad."""

import io
import math
import struct
import zipfile
import zlib
from array import array
from collections.abc import Callable
from email.message import EmailMessage
from fractions import Fraction
from functools import cache
from typing import Any

import av
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
av.logging.set_level(av.logging.PANIC)

RATE = 16000


def drawn(size: tuple[int, int] = (160, 120), mode: str = "RGB") -> Image.Image:
    """Return a picture with a red, a green and a blue part, so that each corner is known again."""
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1] // 2))
    picture.paste("lime", (size[0] // 2, 0, size[0], size[1] // 2))
    return picture.convert(mode)


def picture(form: str, image: Image.Image | None = None, **options: Any) -> bytes:  # noqa: ANN401  # Pillow's own
    """Return a picture in one of Pillow's formats."""
    made = io.BytesIO()
    (image or drawn()).save(made, form, **options)
    return made.getvalue()


def frames(form: str, count: int = 3, **options: Any) -> bytes:  # noqa: ANN401  # Pillow's own
    """Return a picture that moves."""
    pictures = [Image.new("RGB", (40, 30), (80 * number % 256, 20, 200)) for number in range(count)]
    return picture(form, pictures[0], save_all=True, append_images=pictures[1:], duration=100, loop=0, **options)


@cache
def sound(form: str, codec: str, rate: int = RATE, layout: str = "mono", **tags: str) -> bytes:
    """Return a second of a tone."""
    made = io.BytesIO()
    with av.open(made, "w", format=form) as container:
        container.metadata.update(tags)
        stream = container.add_stream(codec, rate=rate, layout=layout, options={"strict": "-2"})
        assert isinstance(stream, av.AudioStream)
        tone = array("h", (int(9000 * math.sin(place / 5)) for place in range(1000)))
        for number in range(rate // 1000):
            frame = av.AudioFrame("s16", "mono", 1000)
            frame.planes[0].update(tone.tobytes())
            frame.sample_rate, frame.pts, frame.time_base = rate, number * 1000, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return made.getvalue()


@cache
def video(form: str, codec: str, **tags: str) -> bytes:
    """Return a second of a picture that changes."""
    made = io.BytesIO()
    options = {"movflags": "use_metadata_tags"} if form == "mov" else {}  # as phones write them
    with av.open(made, "w", format=form, options=options) as container:
        container.metadata.update(tags)
        stream = container.add_stream(codec, rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        frame = av.VideoFrame.from_image(drawn())  # type: ignore[no-untyped-call]  # the library's types leave it out
        for _ in range(10):
            frame.pts = None
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return made.getvalue()


def configured(form: str, content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return a recording whose configuration was changed: what other programs write and FFmpeg does not."""
    made = io.BytesIO()
    with av.open(io.BytesIO(content), "r") as source, av.open(made, "w", format=form) as container:
        stream = container.add_stream_from_template(source.streams[0], opaque=True)
        configuration = source.streams[0].codec_context.extradata
        assert configuration
        stream.codec_context.extradata = change(configuration)
        for packet in source.demux(source.streams[0]):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    return made.getvalue()


def webm(author: str) -> bytes:
    """Return sound in WebM as recorders write it: its codec, Vorbis, says who made it, and the container does not."""
    comment = f"ARTIST={author}".encode()
    header = b"\x03vorbis\4\0\0\0Xiph\1\0\0\0" + struct.pack("<I", len(comment)) + comment + b"\1"

    def told(configuration: bytes) -> bytes:
        first, second = configuration[1], configuration[2]
        ident, codebooks = configuration[3 : 3 + first], configuration[3 + first + second :]
        return bytes((2, first, len(header))) + ident + header + codebooks

    return configured("webm", sound("webm", "vorbis", layout="stereo"), told)


def email(*attachments: tuple[str, bytes], html: str | None = None) -> bytes:
    """Return an email with what is attached to it."""
    message = EmailMessage()
    message["From"], message["To"] = "Robin Example <robin@example.org>", "casey@example.org"
    message["Subject"], message["Date"] = "Your post", "Mon, 30 Nov 2026 07:00:00 +0000"
    message.set_content("We know where you live.\n")
    if html:
        message.add_alternative(html, subtype="html")
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def archive(*names: str) -> bytes:
    """Return a ZIP file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in names or ("letter.txt",):
            zipped.writestr(name, "x" * 1000)
    return made.getvalue()


ANNOTATED = """\
<< /Type /Metadata /Subtype /XML /Length 38 >>
stream
<dc:creator>{canary}-xmp</dc:creator>..
endstream

<< /Type /Filespec /F ({canary}.txt) /EF << /F 102 0 R >> >>

<< /Type /EmbeddedFile /Length 15 >>
stream
{canary}-attached
endstream

<< /Type /Annot /Subtype /Text /Rect [20 20 40 40] /T ({canary}-annotator) /Contents ({canary}-said) >>
"""
"""What a PDF says beside its pages: metadata, an attachment's entry and bytes, and a note (objects 100 to 103)."""


def pdf(
    *pages: str, size: tuple[float, float] = (595, 842), more: str = "", trailer: str = "", resources: str = ""
) -> bytes:
    """Return a PDF with a page for each text.

    `more`: objects as in `ANNOTATED`.
    """
    count = len(pages)
    about = "/Metadata 100 0 R /Names << /EmbeddedFiles << /Names [(a) 101 0 R] >> >>" if more else ""
    kids = " ".join(f"{10 + number} 0 R" for number in range(count))
    objects = {
        1: f"<< /Type /Catalog /Pages 2 0 R {about} >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    for number, text in enumerate(pages):
        content = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET"
        objects[10 + number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents {50 + number} 0 R "
            f"/Resources << /Font << /F1 3 0 R >> {resources} >> {'/Annots [103 0 R]' if more else ''} >>"
        )
        objects[50 + number] = f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"
    objects |= {100 + number: text for number, text in enumerate(filter(None, more.split("\n\n")))}
    return _numbered(objects, trailer)


def _numbered(objects: dict[int, str], trailer: str) -> bytes:
    made, places = b"%PDF-1.7\n", {}
    for number, text in sorted(objects.items()):
        places[number] = len(made)
        made += f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1")
    start = len(made)
    made += b"xref\n0 1\n0000000000 65535 f \n"
    made += b"".join(f"{number} 1\n{place:010} 00000 n \n".encode() for number, place in places.items())
    return made + f"trailer\n<< /Size {max(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()


def png_of(width: int, height: int, *chunks: tuple[bytes, bytes], rows: int = 0) -> bytes:
    """Return a PNG that says it is so large, with more chunks, and so many rows of black in it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compressobj(9)
    black = b"".join(packed.compress(bytes(3 * width + 1)) for _ in range(rows)) + packed.flush()
    parts = ((b"IHDR", header), *chunks, (b"IDAT", black), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )
