"""What a preview shows of an email: who, to whom, when, what about, what is attached, and its text."""

import io
from contextlib import suppress

import pytest

from services.intake.media import media, outlook, renderer
from services.intake.media.child import Refused
from services.intake.media.renderer import CannotRead
from tests.services.intake.media.compound import compound, message
from tests.services.intake.media.samples import archive, email

TEXTS = {
    "0C1A": "Robin Example",
    "5D01": "robin@example.org",
    "0E04": "casey@example.org",
    "0037": "Your post",
    "1000": "We know where you live.\n",
}
PLAIN = """\
From: Robin Example <robin@example.org>
To: casey@example.org
Date: Mon, 30 Nov 2026 07:00:00 +0000
Subject: Your post
Attached: all.zip, note.txt

We know where you live.
"""
SHOWN = {
    "an email": (media.EML, email(("all.zip", archive()), ("note.txt", b"x"))),
    "an Outlook message": (
        media.MSG,
        message(TEXTS, ("all.zip", "note.txt")),
    ),
    "an Outlook message of many sectors": (
        media.MSG,
        message(TEXTS, ("all.zip", "note.txt"), filler=3000),
    ),
}


@pytest.mark.parametrize("name", SHOWN)
async def test_an_email_is_shown_as_text(name: str) -> None:
    media_type, content = SHOWN[name]
    assert media.recognise_file(io.BytesIO(content)) is media_type
    shown = await renderer.preview(io.BytesIO(content), media_type)
    assert shown.content_type == "text/plain; charset=utf-8"
    assert shown.content.decode() == PLAIN


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        (media.EML, email(html="<style>p {}</style><p>We know where you <b>live</b>.</p><script>alert(1)</script>")),
        (media.MSG, message(page=b"<p>We know where you live.</p><script>alert(1)</script>")),
    ],
    ids=["an email", "an Outlook message"],
)
async def test_only_words_are_shown_of_a_page(media_type: media.MediaType, content: bytes) -> None:
    content = content.replace(b"Content-Type: text/plain", b"Content-Type: text/other")
    shown = (await renderer.preview(io.BytesIO(content), media_type)).content.decode()
    assert shown.endswith("We know where you live.")
    assert "alert" not in shown
    assert "<" not in shown.partition("\n\n")[2]


async def test_a_long_email_is_shown_in_part() -> None:
    content = email() + "Täuschung ".encode() * 20_000
    shown = await renderer.preview(io.BytesIO(content), media.EML)
    assert renderer.LONGEST_TEXT - 1 <= len(shown.content) <= renderer.LONGEST_TEXT


async def test_an_email_in_another_alphabet_is_shown() -> None:
    content = email().replace(b'charset="utf-8"', b'charset="koi8-r"').replace(b"7bit", b"8bit")
    content = content.replace(b"live.", "live. Мы знаем".encode("koi8-r"))
    assert "Мы знаем" in (await renderer.preview(io.BytesIO(content), media.EML)).content.decode()


async def test_a_message_that_leads_in_a_circle_is_shown() -> None:
    whole = message(TEXTS, ("all.zip", "note.txt"))
    last = whole.index("__attach_version1.0_#00000001".encode("utf-16-le"))
    circle = whole[: last + 72] + b"\1\0\0\0" + whole[last + 76 :]
    assert circle != whole
    assert (await renderer.preview(io.BytesIO(circle), media.MSG)).content.decode() == PLAIN


def test_a_message_that_is_damaged_anywhere_is_read_or_refused() -> None:
    whole = message(TEXTS, ("a",))
    for place in range(24, len(whole) - 4, 4):
        damaged = whole[:place] + b"\0\0\0\0" + whole[place + 4 :]
        with suppress(Refused):
            assert outlook.read(io.BytesIO(damaged)).headers


@pytest.mark.parametrize("content", [b"", compound({})[:600], compound({})[:100]], ids=len)
async def test_a_damaged_message_has_words(content: bytes) -> None:
    with pytest.raises(CannotRead) as refused:
        await renderer.preview(io.BytesIO(content), media.MSG)
    assert refused.value.words_for_team == (
        "There is no preview, because the file is damaged or not complete. You can download the original"
    )
