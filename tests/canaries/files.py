"""Files that say who made them, with what and where: sent without a name by the API and on the form, and with one.

Of the first, nothing may be found anywhere; the second show that the search reads what such files hold.
"""

import io
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import text

from services.intake.evidence.dependencies import EvidenceParts
from shared.auth.permissions import Role
from tests.authorisation.world import World
from tests.canaries.sender import Sender
from tests.services.intake.forms.browser import fill_abuse, send_abuse
from tests.services.intake.forms.test_files import add
from tests.services.intake.media.samples import ANNOTATED, pdf, picture, video, webm
from tests.services.intake.media.test_traces import readings
from tests.support.eventually import eventually

HIDDEN, NAMED = "a file without a name", "a file with a name"
_REPORTS = "/report/api/v1"
_BODY = {"platform": "x", "behaviours": ["threat"], "affected": [{"relation": "self"}], "narrative": "Posts"}
_CASE = text('select case_id from "case" where reference = :reference')
_COPIES = text("select count(*) from evidence where cleaned")
Word = Callable[[str], str]


@dataclass
class Told:
    """What became of the files."""

    seen: list[bytes] = field(default_factory=list)
    """What the team was given of those without a name."""
    stored: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    """Each object of the store, and what its packed parts hold."""


def telling_files(word: Word) -> Iterator[tuple[str, bytes]]:
    """Yield pictures, a PDF and recordings under names, each with words where programs write them."""
    yield f"photo-{word('name of a photograph')}.jpg", _photograph(word)
    yield f"screen-{word('name of a screenshot')}.png", _screenshot(word)
    about = f"/Info << /Author ({word('author of a PDF')}) /Title ({word('title of a PDF')}) >>"
    letter = pdf("They wrote this.", more=ANNOTATED.format(canary=word("XMP and notes of a PDF")), trailer=about)
    yield f"letter-{word('name of a PDF')}.pdf", letter
    tags = {tag: word(f"{tag} of a video") for tag in ("artist", "comment", "title")}
    yield f"clip-{word('name of a video')}.mp4", video("mp4", "libx264", **tags)
    yield f"voice-{word('name of a recording')}.webm", webm(word("artist of a recording"))


def _photograph(word: Word) -> bytes:
    written = Image.Exif()
    for tag in (Base.Make, Base.Model, Base.Artist, Base.Copyright, Base.Software):
        written[tag] = word(f"EXIF {tag.name}")
    written[Base.XPAuthor] = word("EXIF XPAuthor").encode("utf-16-le")
    written.get_ifd(IFD.Exif)[Base.BodySerialNumber] = word("EXIF serial number")
    written.get_ifd(IFD.GPSInfo).update(
        {GPS.GPSLatitude: (51.0, 30.0, 26.49), GPS.GPSAreaInformation: word("EXIF place").encode()}
    )
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:creator>{word('XMP')}</dc:creator></x:xmpmeta>".encode()
    return picture("JPEG", exif=written, xmp=xmp, comment=word("comment of a JPEG"))


def _screenshot(word: Word) -> bytes:
    written = PngInfo()
    written.add_text("Author", word("text of a PNG"))
    written.add_text("Comment", word("packed text of a PNG") * 20, zip=True)
    return picture("PNG", pnginfo=written)


async def send_telling_files(sender: Sender) -> Told:
    """Send the files in each way, let the team open all that was sent without a name, and read the store."""
    world = sender.world
    async with sender.client() as client:
        with_name = world.bearer(Role.REPORTER, "S1002")
        await _by_the_api(sender, client, NAMED, with_name)
        without = [await _by_the_api(sender, client, HIDDEN, {}), await _on_the_form(sender, client)]
        await world.settle()
        told = Told()
        for reference in without:
            told.seen += [one async for one in _opened(sender, client, reference)]
    told.stored = await _stored(world)
    return told


def _words(sender: Sender, kind: str) -> Word:
    return lambda where: sender.canaries.new(f"{kind}: {where}")


async def _by_the_api(sender: Sender, client: httpx.AsyncClient, kind: str, headers: Mapping[str, str]) -> str:
    sent = (await client.post(f"{_REPORTS}/abuse-reports", json=_BODY, headers=dict(headers))).json()
    mine = dict(headers) or {"receipt-code": sent["receipt_code"]}
    for name, content in telling_files(_words(sender, kind)):
        address = f"{_REPORTS}/reports/{sent['reference']}/evidence"
        answer = await sender.send(client, kind, "POST", address, files={"file": (name, content)}, headers=mine)
        assert answer.status_code == httpx.codes.CREATED, answer.text
    return str(sent["reference"])


async def _on_the_form(sender: Sender, client: httpx.AsyncClient) -> str:
    before = await _copies(sender.world)
    await fill_abuse(client)
    files = list(telling_files(_words(sender, HIDDEN)))
    added = await add(client, *files)
    assert added.is_redirect, added.text
    sent = await send_abuse(client)

    async def all_there() -> bool | None:
        return await _copies(sender.world) == before + len(files) or None

    await eventually(all_there)
    return sent.text.partition("/report/track/")[2].partition('"')[0]


async def _copies(world: World) -> int:
    async with world.services["intake"].database.transaction() as session:
        return int(await session.scalar(_COPIES) or 0)


async def _opened(sender: Sender, client: httpx.AsyncClient, reference: str) -> AsyncIterator[bytes]:
    """Yield what a responder is given of a report: its pages, lists, previews, originals and export."""
    sam, cases = sender.world.bearer(Role.SMART_RESPONDER, "S2001"), "/cases/api/v1/cases"
    because = {"purpose": "To see it"}
    async with sender.world.services["triage"].database.transaction() as session:
        case_id = await session.scalar(_CASE, {"reference": reference})
    evidence = f"{cases}/{case_id}/evidence"
    listed = await client.get(evidence, headers=sam)
    yield listed.content
    for page in ("", "/evidence", "/conversation", "/audit"):
        shown = await client.get(f"/cases/{reference}{page}", headers={"accept": "text/html", **sam})
        assert shown.status_code == httpx.codes.OK, page
        yield shown.content
    asked = [
        (f"{evidence}/{item['evidence_id']}/open", {**because, "form": form})
        for item in listed.json()["items"]
        for form in ("preview", "original")
    ]
    for address, body in (*asked, (f"{evidence}/export", because)):
        grant = (await client.post(address, json=body, headers=sam)).json()
        given = await client.get(grant["url"])
        assert given.status_code == httpx.codes.OK, given.text
        yield repr(sorted(given.headers.items())).encode()
        for reading in all_readings(given.content):
            yield reading


async def _stored(world: World) -> Mapping[str, Sequence[bytes]]:
    parts = world.services["intake"].parts
    assert isinstance(parts, EvidenceParts)
    names = [one.name async for page in parts.objects.found("") for one in page]
    return {name: list(all_readings(await parts.objects.get(name))) for name in names}


def all_readings(content: bytes) -> Iterator[bytes]:
    """Yield a file as it is, what its packed streams hold, and both without the zeros that two-byte letters have."""
    for reading in readings(content):
        yield reading
        yield reading.replace(b"\0", b"")
    try:
        with Image.open(io.BytesIO(content)) as image:
            yield repr([image.info, dict(image.getexif()), image.getexif().get_ifd(IFD.GPSInfo)]).encode()
    except OSError:  # it is no picture
        return
