"""Cleaned copies and previews, made by a real child process."""

import io
import struct
from tempfile import TemporaryFile

import av
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageFilter, ImageSequence
from PIL.ExifTags import Base

from services.intake.media import media, renderer
from services.intake.media.child import Look
from services.intake.media.media import MediaType, recognise_file
from services.intake.media.renderer import CannotClean, CannotRead
from tests.services.intake.media.samples import drawn, email, frames, pdf, picture, sound, video

MADE = {
    media.JPEG: lambda: picture("JPEG"),
    media.PNG: lambda: picture("PNG"),
    media.GIF: lambda: picture("GIF"),
    media.WEBP: lambda: picture("WEBP"),
    media.AVIF: lambda: picture("AVIF"),
    media.HEIC: lambda: picture("HEIF"),
    media.BMP: lambda: picture("BMP"),
    media.TIFF: lambda: picture("TIFF"),
    media.PDF: lambda: picture("PDF"),
    media.MP3: lambda: sound("mp3", "libmp3lame"),
    media.M4A: lambda: sound("ipod", "aac"),
    media.AAC: lambda: sound("adts", "aac"),
    media.OGG: lambda: sound("ogg", "libopus"),
    media.WAV: lambda: sound("wav", "pcm_s16le"),
    media.FLAC: lambda: sound("flac", "flac"),
    media.AMR: lambda: sound("amr", "libopencore_amrnb", 8000),
    media.MP4: lambda: video("mp4", "libx264"),
    media.MOV: lambda: video("mov", "libx264"),
    media.THREE_GP: lambda: video("3gp", "mpeg4"),
    media.WEBM: lambda: video("webm", "libvpx-vp9"),
    media.MKV: lambda: video("matroska", "libx264"),
    media.AVI: lambda: video("avi", "mpeg4"),
}
"""Of each type that a child opens, but Theora, which no one can write here, and emails."""
UPRIGHT = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
QUARTER_TURN = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
"""The matrices of a track."""


async def cleaned(content: bytes, media_type: MediaType) -> bytes:
    made = await renderer.clean(io.BytesIO(content), media_type)
    with made.file as file:
        assert recognise_file(file) is made.media_type
        return file.read()


async def previewed(content: bytes, media_type: MediaType, *, sharp: bool = True, colour: bool = True) -> Image.Image:
    made = await renderer.preview(io.BytesIO(content), media_type, Look(sharp, colour))
    assert made.content_type == "image/jpeg"
    return Image.open(io.BytesIO(made.content))


@pytest.mark.parametrize("media_type", MADE, ids=str)
async def test_each_type_is_cleaned_and_shows_the_same(media_type: MediaType) -> None:
    content = MADE[media_type]()
    copy = await cleaned(content, media_type)
    before = await previewed(content, media_type)
    after = await previewed(copy, renderer.CLEANED_AS.get(media_type, media_type))
    assert after.size == before.size
    assert alike(before, after)


def alike(one: Image.Image, other: Image.Image) -> bool:
    small = [picture.convert("RGB").resize((16, 16)) for picture in (one, other)]
    return not any(ImageChops.difference(*small).convert("L").histogram()[48:])


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
async def test_a_picture_is_turned_as_its_camera_says(form: str) -> None:
    upright = drawn()
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    content = picture(form, lying, exif=exif.tobytes())
    media_type = recognise_file(io.BytesIO(content))
    assert alike(Image.open(io.BytesIO(await cleaned(content, media_type))), upright)
    assert alike(await previewed(content, media_type), upright)


@pytest.mark.parametrize(
    ("form", "media_type"), [("GIF", media.GIF), ("WEBP", media.WEBP), ("PNG", media.PNG), ("TIFF", media.TIFF)]
)
async def test_what_moves_still_moves(form: str, media_type: MediaType) -> None:
    before = Image.open(io.BytesIO(frames(form)))
    after = Image.open(io.BytesIO(await cleaned(frames(form), media_type)))
    for number in range(3):
        before.seek(number)
        after.seek(number)
        assert alike(after, before)  # which also loads them: some formats say only then how long they are seen
        assert after.info.get("duration") == before.info.get("duration")
    assert len(list(ImageSequence.Iterator(after))) == 3
    assert after.info.get("loop") == before.info.get("loop")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
async def test_a_picture_of_any_kind_of_colours_is_cleaned(mode: str) -> None:
    content = picture("PNG", drawn(mode=mode))
    after = Image.open(io.BytesIO(await cleaned(content, media.PNG)))
    assert after.mode == Image.open(io.BytesIO(content)).mode
    assert (await previewed(content, media.PNG)).size == (160, 120)


@pytest.mark.parametrize(("form", "media_type"), [("PNG", media.PNG), ("WEBP", media.WEBP), ("GIF", media.GIF)])
async def test_what_is_seen_through_lies_on_white(form: str, media_type: MediaType) -> None:
    shown = await previewed(picture(form, Image.new("RGBA", (9, 9), (0, 0, 0, 0))), media_type)
    assert shown.convert("L").getextrema() == (255, 255)


async def test_colours_of_another_profile_are_counted_over() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert alike(Image.open(io.BytesIO(await cleaned(picture("JPEG", icc_profile=lab), media.JPEG))), drawn())
    broken = await cleaned(picture("JPEG", icc_profile=lab[:200]), media.JPEG)
    assert alike(Image.open(io.BytesIO(broken)), drawn())
    inks = await cleaned(picture("JPEG", drawn(mode="CMYK")), media.JPEG)
    assert alike(Image.open(io.BytesIO(inks)), drawn())


@pytest.mark.parametrize("sharp", [False, True])
@pytest.mark.parametrize("colour", [False, True])
async def test_a_preview_is_blurred_and_grey_unless_asked_for_otherwise(sharp: bool, colour: bool) -> None:
    letters = Image.new("RGB", (800, 600), "red")
    ImageDraw.Draw(letters).text((100, 200), "You know who I am", fill="white", font_size=40)
    for content, media_type in (
        (picture("PNG", letters), media.PNG),
        (picture("PDF", letters), media.PDF),
        (video("mp4", "libx264"), media.MP4),
    ):
        shown = await previewed(content, media_type, sharp=sharp, colour=colour)
        assert (shown.mode == "RGB") is colour
        edges = shown.convert("L").filter(ImageFilter.FIND_EDGES).crop((8, 8, shown.width - 8, shown.height - 8))
        steepest = edges.getextrema()[1]
        assert isinstance(steepest, float | int)
        assert (steepest > 90) is sharp, media_type


async def test_a_preview_is_no_larger_than_a_page() -> None:
    assert (await previewed(picture("PNG", drawn((4000, 1000))), media.PNG)).size == (1280, 320)


async def test_a_video_is_shown_upright() -> None:
    content = video("mp4", "libx264")
    turned = QUARTER_TURN.join(content.rsplit(UPRIGHT, 1))
    assert alike(await previewed(turned, media.MP4), drawn().transpose(Image.Transpose.ROTATE_270))
    assert alike(
        await previewed(await cleaned(turned, media.MP4), media.MP4), drawn().transpose(Image.Transpose.ROTATE_270)
    )


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("form", ["mp4", "mov", "matroska"])
async def test_a_cleaned_video_is_written_as_its_container_wants_it(form: str, codec: str) -> None:
    """Each unit has its length before it: FFmpeg plays start codes in such containers, and browsers do not."""
    media_type = {"mp4": media.MP4, "mov": media.MOV, "matroska": media.MKV}[form]
    content = await cleaned(video(form, codec), media_type)
    with av.open(io.BytesIO(content), "r") as copy:
        packets = [bytes(packet) for packet in copy.demux() if packet.size]
    for packet in packets:
        place = 0
        while place < len(packet):
            place += 4 + int.from_bytes(packet[place : place + 4])
        assert place == len(packet)
    with av.open(io.BytesIO(content), "r") as copy:
        assert len(list(copy.decode())) == len(packets) == 10


async def test_a_pdf_keeps_its_pages_and_their_sizes() -> None:
    copy = pypdfium2.PdfDocument(await cleaned(pdf("one", "two", size=(300, 500)), media.PDF))
    assert [page.get_size() for page in copy] == [(300, 500), (300, 500)]
    assert copy.get_metadata_dict(skip_empty=True).keys() <= {"Creator", "CreationDate"}, "PDFium, today"


async def test_a_pdf_with_a_giant_page_is_drawn_small() -> None:
    content = pdf("one", size=(10_000_000, 10_000_000))
    assert (await previewed(content, media.PDF)).size == (1280, 1280)
    assert len(await cleaned(content, media.PDF)) < 1_000_000


async def test_text_is_kept_as_it_is_and_previewed_as_text() -> None:
    content = ("Täuschung " * 5000).encode("cp1252")
    with TemporaryFile() as source:
        source.write(content)
        copy = await renderer.clean(source, media.TEXT)
        shown = await renderer.preview(source, media.TEXT)
    with copy.file as file:
        assert file.read() == content
    assert shown.content_type == "text/plain; charset=utf-8"
    assert shown.content.decode() == content[: renderer.LONGEST_TEXT].decode("cp1252")


@pytest.mark.parametrize("media_type", [media.EML, media.MSG], ids=str)
async def test_emails_cannot_be_cleaned(media_type: MediaType) -> None:
    assert not renderer.can_be_cleaned(media_type)
    with pytest.raises(CannotClean) as refused:
        await renderer.clean(io.BytesIO(email()), media_type)
    assert refused.value.words == (
        "An email cannot be sent anonymously, because it says who sent it, who received it and when. "
        "Send a screenshot of it"
    )


async def test_what_is_damaged_cannot_be_read() -> None:
    with pytest.raises(CannotRead) as refused:
        await renderer.clean(io.BytesIO(picture("PNG")[:200]), media.PNG)
    assert refused.value.words == (
        "The file is damaged or not complete. Save a new copy of it and send that, or send a screenshot"
    )
    assert str(refused.value) == "damaged"
