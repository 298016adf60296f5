"""Files that a person sends: each says who made it, in places that no page shows."""

import io

from PIL import Image
from PIL.ExifTags import Base
from playwright.async_api import FilePayload

from tests.services.intake.media import samples

CANARY = "canary-in-a-file"
"""Whose device, place and name it is: nothing may show it, and of an anonymous reporter nothing may keep it."""
SAID = "They wrote: we know where you work."
SAID_AGAIN = "They wrote again: tonight."


def screenshot(name: str) -> FilePayload:
    """Return a photograph of a screen, as a telephone makes it."""
    exif, made = Image.Exif(), io.BytesIO()
    exif[Base.Artist], exif[Base.Model] = CANARY, CANARY
    samples.drawn((640, 400)).save(made, "JPEG", exif=exif, comment=CANARY)
    return {"name": name, "mimeType": "image/jpeg", "buffer": made.getvalue()}


def letter(name: str) -> FilePayload:
    """Return a PDF with an author."""
    content = samples.pdf(SAID, trailer=f"/Info << /Author ({CANARY}) >>")
    return {"name": name, "mimeType": "application/pdf", "buffer": content}


def words(name: str, said: str = SAID) -> FilePayload:
    """Return a text."""
    return {"name": name, "mimeType": "text/plain", "buffer": said.encode()}
