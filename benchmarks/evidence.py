"""Row 9: seconds to clean and to show a file, each in a process of its own, beside the same work without one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from io import BytesIO

from PIL import Image

from benchmarks.findings import Figure, Findings, below
from services.intake.media import media, renderer
from services.intake.media.media import MediaType
from tests.services.intake.media.samples import pdf, picture, sound, video

ROW = "9 evidence"
_PAGES = 20
_MOST_TIMES = 3.0


def _files() -> dict[str, tuple[MediaType, bytes]]:
    photo = Image.effect_noise((4000, 3000), 40).convert("RGB")
    return {
        "a photo of 12 million pixels": (media.JPEG, picture("JPEG", photo, quality=85)),
        "a screenshot": (media.PNG, picture("PNG", photo.crop((0, 0, 1920, 1080)).quantize(64))),
        f"a PDF of {_PAGES} pages": (media.PDF, pdf(*("They wrote this to me",) * _PAGES)),
        "a short video": (media.MP4, video("mp4", "libx264")),
        "a short recording": (media.MP3, sound("mp3", "libmp3lame")),
    }


async def measure(runs: int, findings: Findings, advance: Callable[[], None]) -> None:
    """Clean and show each file once in every run."""
    files = await asyncio.to_thread(_files)
    cleaning: dict[str, list[float]] = {name: [] for name in files}
    showing: dict[str, list[float]] = {name: [] for name in files}
    bare: list[float] = []
    for _ in range(runs):
        for name, (media_type, content) in files.items():
            cleaning[name].append(await _seconds(renderer.clean(BytesIO(content), media_type)))
            showing[name].append(await _seconds(renderer.preview(BytesIO(content), media_type)))
        bare.append(await _seconds(asyncio.to_thread(_again, next(iter(files.values()))[1])))
        advance()
    findings.conditions["evidence"] = "one file at a time, from asking for a copy or a preview to having it"
    photo = next(iter(files))
    findings.figures += [
        *(Figure(ROW, f"clean {name}", "s", took) for name, took in cleaning.items()),
        *(Figure(ROW, f"show {name}", "s", took) for name, took in showing.items()),
        Figure(ROW, f"bare: {photo}, read and written again", "s", bare),
        below(
            ROW,
            f"clean {photo} ÷ bare",
            [a / b for a, b in zip(cleaning[photo], bare, strict=True)],
            _MOST_TIMES,
            unit="×",
        ),
    ]


async def _seconds(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    made = await work
    took = time.perf_counter() - began
    if isinstance(made, renderer.Cleaned):
        made.file.close()
    return took


def _again(content: bytes) -> None:
    with Image.open(BytesIO(content)) as picture_again:
        picture_again.save(BytesIO(), "JPEG", quality=92)
