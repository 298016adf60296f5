"""Makes the PDF of a case with typst: PDF/UA-1, in a child process, so that no text can hold up or exhaust a service.

The child is given the document as JSON on its standard input, and nothing of its parent's environment. It reads its
template and fonts, and nothing else.
"""

import asyncio
import json
import re
import resource
import sys
from asyncio.subprocess import DEVNULL, PIPE
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, cast

import structlog
import typst

from services.triage.export.domain import CannotBePrinted

LONGEST = 60.0
"""Seconds."""
_MEMORY = 2 * 1024 * 1024 * 1024
"""Bytes of address space of the child. Our choice."""
_TEMPLATE = Path(__file__).with_name("case.typ")
_FONTS = Path("/usr/share")
FONTS = {
    "fonts-noto-core": Path("fonts/truetype/noto/NotoSans-Regular.ttf"),
    "fonts-droid-fallback": Path("fonts-droid-fallback/truetype/DroidSansFallback.ttf"),
    "fonts-symbola": Path("fonts/truetype/ancient-scripts/Symbola_hint.ttf"),
    "fonts-unifont": Path("fonts/opentype/unifont/unifont.otf"),
}
"""A file of each of Debian's packages of fonts. The image has them; elsewhere they may be missing."""
_NOT_SHOWN = re.compile(r'the text `(".*?")` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_ROUNDS = 4
AT_ONCE = 2
"""Documents that one process makes beside one another. Our choice."""
_log = structlog.get_logger()


def places() -> asyncio.Semaphore:
    """Return how many PDFs a process may make at once; say in the log which packages of fonts are missing."""
    for package, file in FONTS.items():
        if not (_FONTS / file).is_file():
            _log.warning("pdf_font_missing", folder=str((_FONTS / file).parent), reason=f"{package}_is_not_installed")
    return asyncio.Semaphore(AT_ONCE)


class Ending(IntEnum):
    """How the child ends: its exit status."""

    DONE = 0
    NO_GLYPH = 80
    """It has characters that no font has, also after they were named by their numbers."""
    NOT_TYPESET = 81
    """Typst refused it."""
    NO_MEMORY = 82


async def made(document: object, at: datetime, places: asyncio.Semaphore) -> bytes:
    """Return the PDF of a document.

    Args:
        document: as JSON.
        at: when it is made.
        places: how many may be made at once; to find one takes of the same time.

    Raises:
        CannotBePrinted: it takes too long or too much.
    """
    try:
        async with asyncio.timeout(LONGEST), places:
            content, ended = await _in_child(await asyncio.to_thread(_given, document, at))
    except TimeoutError:
        _log.error("pdf_failed", reason="too_long")
        raise CannotBePrinted from None
    if ended:
        _log.error("pdf_failed", reason={one.value: one.name.lower() for one in Ending}.get(ended, ended))
        raise CannotBePrinted
    return content


def _given(document: object, at: datetime) -> bytes:
    return json.dumps({"document": document, "at": at.isoformat()}).encode()


async def _in_child(given: bytes) -> tuple[bytes, int]:
    """Return what a child made, and how it ended; it knows no secret of the service."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", __name__), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/"
    )
    try:
        content, _ = await child.communicate(given)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return content, child.returncode or 0


def main() -> Ending:
    """Write the PDF of the document that standard input gives; return how that ended, without a word of it."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(LONGEST), int(LONGEST)))
    try:
        given = json.load(sys.stdin)
        sys.stdout.buffer.write(typeset(given["document"], datetime.fromisoformat(given["at"])))
    except CannotBePrinted:
        return Ending.NO_GLYPH
    except typst.TypstError:
        return Ending.NOT_TYPESET
    except MemoryError:
        return Ending.NO_MEMORY
    return Ending.DONE


def typeset(document: Any, at: datetime) -> bytes:  # noqa: ANN401 - JSON
    """Return the PDF of a document. A character for which no font has a glyph is named by its number.

    PDF/UA needs a glyph for each, so typst names those that it has not. It takes no byte order mark inside a text.
    """
    folders = [folder for one in FONTS.values() if (folder := _FONTS / one.parent).is_dir()]
    fonts = typst.Fonts(include_system_fonts=False, font_paths=folders)
    compiler, template = typst.Compiler(font_paths=fonts, ignore_system_fonts=True), _TEMPLATE.read_bytes()
    written = at.replace(microsecond=0)
    text = json.dumps(document, ensure_ascii=False).replace("\ufeff", "(U+FEFF)")
    for _ in range(_ROUNDS):
        try:
            content = compiler.compile(
                template, format="pdf", sys_inputs={"document": text}, pdf_standards=["ua-1"], timestamp=written
            )
        except typst.TypstError as error:
            if not (missing := _missing(error.diagnostic)):
                raise
            text = "".join(f"(U+{ord(one):04X})" if one in missing else one for one in text)
        else:
            return cast(bytes, content)  # one file, because it is a PDF
    raise CannotBePrinted


def _missing(diagnostic: str) -> set[str]:
    """Return the characters that no font has, as typst says."""
    found: set[str] = set()
    for quoted in _NOT_SHOWN.findall(diagnostic):
        found.update(_ESCAPED.sub(lambda code: chr(int(code[1], 16)), quoted[1:-1]))
    return {one for one in found if not one.isascii()}


if __name__ == "__main__":
    sys.exit(main())
