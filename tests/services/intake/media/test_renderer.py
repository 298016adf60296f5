"""Cleaned copies and previews, made by a real child process."""

import io
from tempfile import TemporaryFile

import pytest
from PIL import Image, ImageChops

from services.intake.media import media, renderer
from services.intake.media.media import MediaType, recognise_file
from services.intake.media.renderer import CannotClean, CannotRead
from tests.services.intake.media.samples import email, picture, sound, video

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


async def cleaned(content: bytes, media_type: MediaType) -> bytes:
    made = await renderer.clean(io.BytesIO(content), media_type)
    with made.file as file:
        assert recognise_file(file) is made.media_type
        return file.read()


async def previewed(content: bytes, media_type: MediaType, *, sharp: bool = True, colour: bool = True) -> Image.Image:
    made = await renderer.preview(io.BytesIO(content), media_type, sharp=sharp, colour=colour)
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
        "Signpost cannot remove from an email who sent it, who received it and when. "
        "If that could identify you, send a screenshot instead"
    )


async def test_what_is_damaged_cannot_be_read() -> None:
    with pytest.raises(CannotRead) as refused:
        await renderer.clean(io.BytesIO(picture("PNG")[:200]), media.PNG)
    assert refused.value.words == (
        "The file is damaged or not complete. Save a new copy of it and send that, or send a screenshot"
    )
    assert str(refused.value) == "damaged"
