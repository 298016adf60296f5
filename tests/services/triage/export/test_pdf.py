"""The PDF of a case: PDF/UA-1, and what people wrote is text in it and nothing else."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from structlog.testing import capture_logs

from services.triage.export import pdf
from services.triage.export.domain import CannotBePrinted
from tests.services.triage.builders import NOW

MARKUP = (
    '#panic("run") #read("/etc/passwd") #eval("1+1") *bold* $x^2$ <label> @label\n= Heading\n- item // comment\n\\u{41}'
)


def document(text: str, **more: str) -> dict[str, object]:
    sections = [{"title": "What was reported", "rows": [["Where", text]], "entries": [["In their words", text]]}]
    return {"title": "Case SP-1234-5678", "sections": sections, **more}


def read(content: bytes) -> str:
    """Return what a reader finds in a PDF."""
    opened = pypdfium2.PdfDocument(content)
    pages = [opened[number].get_textpage().get_text_range() for number in range(len(opened))]
    opened.close()
    return re.sub(r"\s+", " ", " ".join(pages))


async def test_it_is_tagged_with_a_title_and_a_language() -> None:
    content = await pdf.made(document("They keep writing to me."), NOW, asyncio.Semaphore())
    said = (b"/StructTreeRoot", b"/Marked true", b"/Lang(en-GB)", b"/DisplayDocTitle true", b"<pdfuaid:part>1<")
    tags = (b"/S/Title", b"/S/H1", b"/S/H2", b"/S/Table", b"/S/TH", b"/S/P")
    assert [part for part in (*said, *tags) if part not in content] == []
    assert "They keep writing to me." in read(content)
    opened = pypdfium2.PdfDocument(content)
    assert opened.get_metadata_dict()["Title"] == "Case SP-1234-5678"
    opened.close()


async def test_markup_in_what_people_wrote_is_text() -> None:
    shown = read(await pdf.made(document(MARKUP), NOW, asyncio.Semaphore()))
    for line in MARKUP.splitlines():
        assert shown.count(line) == 2, line


async def test_a_character_without_a_glyph_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_FONTS", pdf._TEMPLATE.parent / "none")
    assert "(U+1F600) (U+4E2D)(U+6587) Ελληνικά" in read(pdf.typeset(document("😀 中文 Ελληνικά"), NOW))
    assert "a(U+FEFF)b" in read(pdf.typeset(document("a\ufeffb"), NOW))


def test_a_missing_font_is_said_at_the_start_and_ends_the_build_of_the_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    image = Path("deploy/Dockerfile").read_text("utf-8").replace(" \\\n", "\n")
    monkeypatch.setattr(pdf, "_FONTS", tmp_path)
    missing = [*pdf.FONTS]
    for package, file in pdf.FONTS.items():
        with capture_logs() as logged:
            pdf.places()
        assert [one["reason"] for one in logged] == [f"{one}_is_not_installed" for one in missing]
        assert {one["event"] for one in logged} == {"pdf_font_missing"}
        assert re.search(rf"install .* {package}\b", image)
        assert f"test -s /usr/share/{file}\n" in image
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()
        missing.remove(package)
    with capture_logs() as logged:
        pdf.places()
    assert not logged


WRITTEN = (
    "Łukašević Ελληνικά Русский العربية עברית हिन्दी বাংলা தமிழ் తెలుగు ਪੰਜਾਬੀ ગુજરાતી ไทย አማርኛ Հայերեն ქართული ភាសាខ្មែរ ᐃᓄᒃ "
    "中文简体，繁體字。 日本語カタカナ 한국어 😀 👍🏽 ❤️ 👩‍💻 🇬🇧 1️⃣ ✅ → ★ € 𝗪𝗢"
)


def test_what_people_write_is_not_shown_by_unifont() -> None:
    """PDF/UA does not accept the widths of its glyphs."""
    if missing := [package for package, file in pdf.FONTS.items() if not (pdf._FONTS / file).is_file()]:
        pytest.skip(f"NOT TESTED: that PDFs in most scripts are PDF/UA. Not installed: {', '.join(missing)}")
    assert b"Unifont" not in pdf.typeset(document(WRITTEN), NOW)
    assert b"Unifont" in pdf.typeset(document("🫠"), NOW), "what no other font has"


async def test_a_long_case_is_made_beside_other_work() -> None:
    long = document("word " * 10_000)
    entry = ["The reporter wrote, 9:30am", "They wrote this to me again. " * 20]
    long["sections"] = [*long["sections"], {"title": "Conversation", "rows": [], "entries": [entry] * 1_000}]  # type: ignore[misc]  # a list, as `document` made it
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    counting = asyncio.create_task(count())
    content = await pdf.made(long, NOW, asyncio.Semaphore())
    counting.cancel()
    assert turns > 3, "the event loop was free meanwhile"
    assert content.startswith(b"%PDF")


@pytest.mark.parametrize(("limit", "ended"), [("time", "too_long"), ("failure", "not_typeset"), ("places", "too_long")])
async def test_what_cannot_be_made_is_refused_and_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, limit: str, ended: str
) -> None:
    if limit != "failure":
        monkeypatch.setattr(pdf, "LONGEST", 0.01)
    monkeypatch.setenv("SIGNPOST_SECRET", "of the service")
    children: list[tuple[asyncio.subprocess.Process, Mapping[str, str]]] = []
    start = asyncio.create_subprocess_exec

    async def started(*command: str, env: Mapping[str, str], **more: Any) -> asyncio.subprocess.Process:  # noqa: ANN401 - as it is called
        children.append((await start(*command, env=env, **more), env))
        return children[-1][0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", started)
    places = asyncio.Semaphore(0 if limit == "places" else 1)
    with pytest.raises(CannotBePrinted), capture_logs() as logged:
        await pdf.made({"title": "no sections"} if limit == "failure" else document("x"), NOW, places)
    assert [(one["event"], one["reason"]) for one in logged] == [("pdf_failed", ended)]
    for child, environment in children:
        assert child.returncode
        assert not [name for name in environment if name.startswith("SIGNPOST_")]
    assert len(children) == (limit == "failure") or limit == "time"
