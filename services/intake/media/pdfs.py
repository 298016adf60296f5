"""PDFs, by PDFium: cleaned copies and previews. Runs in the child process alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from services.intake.media import pictures
from services.intake.media.child import Ending, Job, Refused

MOST_PAGES = 200
DOTS_PER_POINT = 150 / 72
"""Small print can be read."""
LONGEST_SIDE = 2400
"""Of a page, in pixels: a page may say that it is as large as a field."""
LONGEST_PAGE = 14_400.0
"""In points: more, and readers do not show a page."""


def clean(job: Job) -> None:
    """Write a PDF of pictures of the pages: what can be seen is there, and nothing else.

    Raises:
        Refused: it has too many pages, or asks for a password.
    """
    with _opened(job.source) as document, pypdfium2.PdfDocument.new() as made:
        if len(document) > MOST_PAGES:
            raise Refused(Ending.TOO_LONG)
        for number in range(len(document)):
            _add(made, _size(document, number), _drawn(document, number))
        made.save(job.output)


def preview(job: Job) -> None:
    """Write the first page as a small JPEG.

    Raises:
        Refused: it has no page, or asks for a password.
    """
    with _opened(job.source) as document:
        pictures.show(_drawn(document, 0), job.output, job.look)


@contextmanager
def _opened(source: BinaryIO) -> Iterator[pypdfium2.PdfDocument]:
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code == raw.FPDF_ERR_PASSWORD
        raise Refused(Ending.LOCKED if locked else Ending.DAMAGED) from None
    with document:
        document.init_forms()  # answers in a form's fields are drawn, too
        if not len(document):
            raise Refused(Ending.DAMAGED)
        yield document


def _size(document: pypdfium2.PdfDocument, number: int) -> tuple[float, float]:
    width, height = document.get_page_size(number)
    return min(max(width, 1), LONGEST_PAGE), min(max(height, 1), LONGEST_PAGE)


def _drawn(document: pypdfium2.PdfDocument, number: int) -> Image.Image:
    page = document[number]
    try:
        scale = min(DOTS_PER_POINT, LONGEST_SIDE / max(page.get_size()))
        drawn: Image.Image = page.render(scale=scale).to_pil()
        return drawn.convert("RGB")
    finally:
        page.close()


def _add(made: pypdfium2.PdfDocument, size: tuple[float, float], drawn: Image.Image) -> None:
    jpeg = BytesIO()
    drawn.save(jpeg, "JPEG", quality=85)
    image = pypdfium2.PdfImage.new(made)
    image.load_jpeg(jpeg, inline=True)
    image.set_matrix(pypdfium2.PdfMatrix().scale(*size))
    page = made.new_page(*size)
    page.insert_obj(image)
    page.gen_content()
    page.close()
