"""Exporting a case: nothing of other people leaves unless someone ticks it, and the case's chain proves what left."""

import asyncio
import base64
import html
import io
import json
import re
import threading
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID
from zipfile import ZipFile

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import event, insert, select
from sqlalchemy.pool import QueuePool

from services.triage.cases.activities import ACTIONS
from services.triage.cases.tables import CaseRow
from services.triage.export import domain, handlers, pdf, views
from services.triage.exposure import domain as exposure
from shared.audit import chain, exports
from shared.auth.grants import PURPOSE, Grant, GrantedAction
from shared.events.intake import Person
from shared.events.vocabulary import Relation
from shared.people import known_person
from tests.services.triage.builders import IDS, NOW, Submitted, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.evidence.pieces import announce, piece, scanned
from tests.services.triage.export.test_pdf import read

SERVICE = "triage"
MOST_STATEMENTS = 60
_GRANT = re.compile(r'action="/report/evidence/([A-Za-z0-9_-]+)/case"')
_DOCUMENTS = re.compile(r'name="documents" value="([A-Za-z0-9+/=]+)"')
_HIDDEN = re.compile(r'name="(version|seen)" value="(\w+)"')
CAMPAIGN = UUID("01890000-bbbb-7000-8000-000000000000")
OF_CAMPAIGNS = ("campaign_joined", "campaign_left")
OTHERS = ("Zebedee", "Quillfeather", "zq_handle", "zq.mail@example.net", "zq_link", "zq_noted", "Oxenholme")
"""Words of other people, and a place."""
ASKED = {"purpose": "police", "reason": "Their request of Monday", "reference": "CAD 12"}


def told() -> Submitted:
    return report(
        affected=(Person(relation=Relation.COLLEAGUE, name="Ada Pike", handle="@adapike"),),
        suspected=(Person(relation=Relation.PUBLIC, name="Zebedee Quillfeather", handle="@zq_handle"),),
        narrative="Zebedee met Ada Pike at Oxenholme. Write to zq.mail@example.net. #panic()",
        urls=("https://x.com/zq_link/status/1",),
    )


async def opened(triage: Triage) -> tuple[str, Submitted]:
    one = told()
    await open_cases(triage.database, one)
    return f"/cases/{one.reference}/export", one


async def made(client: AsyncClient, page: str, **more: str | list[str]) -> Response:
    """Preview the export, then make it as the page's form does."""
    seen = await previewed(client, page)
    return await press(client, page, page, **{**ASKED, **seen, "step": "make", **more})


async def previewed(client: AsyncClient, page: str) -> dict[str, str]:
    """Preview the export; return what the page's form says of what was seen."""
    preview = await press(client, page, page, **ASKED)
    seen = dict(_HIDDEN.findall(preview.text))
    assert seen.keys() == {"version", "seen"}, preview.text
    return seen


def documents(triage: Triage, answer: Response) -> tuple[Grant, dict[str, bytes]]:
    """Return the grant that the page has, and the documents that go with it."""
    grant, packed = _GRANT.search(answer.text), _DOCUMENTS.search(html.unescape(answer.text))
    assert grant, answer.text
    assert packed
    keys = triage.app.state.parts.settings.derive_keys(PURPOSE)
    with ZipFile(io.BytesIO(base64.b64decode(packed[1]))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return Grant.unseal(grant[1], keys, triage.clock.now()), files


async def links(triage: Triage) -> list[chain.Activity]:
    async with triage.database.transaction() as session:
        [case_id] = await session.scalars(select(CaseRow.case_id))
        return await chain.read(session, case_id)


async def test_words_of_other_people_are_nowhere_in_an_export(triage: Triage, sam: AsyncClient) -> None:
    page, one = await opened(triage)
    about = f"/cases/{one.reference}"
    assert (await press(sam, about, f"{about}/claim")).status_code == 303
    note = await press(sam, about, f"{about}/note", text="Quillfeather is @zq_noted")
    assert note.status_code == 303, note.text
    answer = await made(sam, page, more="Oxenholme", internal="yes", visible=["Ada Pike", "@adapike"])
    _, files = documents(triage, answer)
    read_by_people = read(files["case.pdf"])
    everything = read_by_people + "".join(content.decode(errors="replace") for content in files.values())
    for word in OTHERS:
        assert word.lower() not in everything.lower(), word
    assert "[name n] met Ada Pike at [word n]. Write to [email n]. #panic()" in re.sub(
        r"(?<= )\d\]", "n]", read_by_people
    )
    assert "Ada Pike" in files["case.json"].decode()
    notes = [one["texts"]["note"] for one in json.loads(files["timeline.json"]) if "note" in one["texts"]]
    assert [re.sub(r"\d", "n", note) for note in notes] == ["[name n] is [account n]"]
    masks = {one["who"]: one["times"] for one in json.loads(files["statement.json"])["masked"]}
    assert masks["as the team chose"] == 1


async def test_without_what_is_internal_no_document_says_any_of_it(triage: Triage, sam: AsyncClient) -> None:
    page, _ = await opened(triage)
    triage.by_hand.add("case")
    hidden = ACTIONS.keys() - views.OUTSIDE - {"erased"}
    async with triage.database.transaction() as session:
        [case_id] = await session.scalars(select(CaseRow.case_id).with_for_update())
        facts = {"merged": "01890000-aaaa", "campaign": str(CAMPAIGN), "assignee": "S4007", "threat": "yes"}
        changes = [(case_id, chain.Change(action, "S4007", "It hurts her", after=facts)) for action in sorted(hidden)]
        await chain.append(session, changes, triage.clock.now(), IDS)
    _, files = documents(triage, await made(sam, page))
    text = read(files.pop("case.pdf")) + "".join(content.decode() for content in files.values())
    for said in ("S4007", "01890000-aaaa", str(CAMPAIGN), "hurts", "threat_answered", "Support", "threat to life"):
        assert said not in text, said
    happened = json.loads(files["timeline.json"])
    assert [one["action"] for one in happened] == ["opened"]
    assert json.loads(files["chain.json"])["action"] == exports.EXPORTED
    _, files = documents(triage, await made(sam, page, internal="yes"))
    unknown = {one for one in hidden if one in OF_CAMPAIGNS or one.startswith("second_review_")}
    told_of = {one["action"] for one in json.loads(files["timeline.json"])}
    assert (told_of >= hidden - unknown, told_of & unknown) == (True, set())


async def test_a_campaign_that_the_person_may_not_know_of_is_in_no_document(triage: Triage, sam: AsyncClient) -> None:
    page, _ = await opened(triage)
    triage.by_hand.add("case")
    async with triage.database.transaction() as session:
        [case_id] = await session.scalars(select(CaseRow.case_id).with_for_update())
        joined = [chain.Change(action, "S4007", after={"campaign": str(CAMPAIGN)}) for action in sorted(OF_CAMPAIGNS)]
        shown = chain.Change("content_shown", "S4007", after={"campaign": str(CAMPAIGN)})
        await chain.append(session, [(case_id, one) for one in (*joined, shown)], triage.clock.now(), IDS)
    _, files = documents(triage, await made(sam, page, internal="yes"))
    read_by_people = read(files["case.pdf"])
    everything = read_by_people + "".join(content.decode(errors="replace") for content in files.values())
    for said in (str(CAMPAIGN), "ampaign"):
        assert said not in everything, said
    positions = [one["position"] for one in json.loads(files["timeline.json"])]
    assert positions == list(range(1, len(positions) + 1)), "no gap says that something is left out"
    assert f"{len(positions)} entries when this was made" in read_by_people
    assert "position" not in json.loads(files["chain.json"])
    statement = json.loads(files.pop("statement.json"))
    assert [one.partition(" but")[0] for one in statement["withheld"]] == ["the activity record"]


async def test_who_worked_on_it_is_masked_and_who_is_known_by_number_alone(triage: Triage, sam: AsyncClient) -> None:
    triage.by_hand.add("case")
    suspect = Person(relation=Relation.COLLEAGUE, staff_id="S2002")
    one = report(suspected=(suspect,), narrative="Zebedee Quillfeather did it")
    await open_cases(triage.database, one)
    async with triage.database.transaction() as session:
        await session.execute(insert(known_person).values(staff_id="s2002", name="Zebedee Quillfeather", listed_at=NOW))
    about = f"/cases/{one.reference}"
    assert (await press(sam, about, f"{about}/claim")).status_code == 303
    async with triage.database.transaction() as session:
        [case_id] = await session.scalars(select(CaseRow.case_id).with_for_update())
        facts, manager = {"outcome": "upheld"}, {"manager": "S9009"}
        acted = chain.Change("manager_acted", "system:notifier", after=facts, personal=manager)
        await chain.append(session, [(case_id, acted)], triage.clock.now(), IDS)
    _, files = documents(triage, await made(sam, f"{about}/export", internal="yes"))
    text = read(files["case.pdf"])
    assert (text.count("S4001"), "Made by Staff number S4001" in text) == (1, True)
    for said in ("S9009", "S2002", "Zebedee", "Quillfeather"):
        assert said not in text + files["case.json"].decode() + files["timeline.json"].decode(), said
    assert "S4001" not in files["timeline.json"].decode()
    whose = {mask["who"] for mask in json.loads(files["statement.json"])["masked"]}
    assert {"a colleague who worked on it", "the line manager", "someone who may have done it"} <= whose


async def test_nothing_that_people_write_changes_a_date_or_a_code(triage: Triage, sam: AsyncClient) -> None:
    one = report(narrative="@2026 @claimed @smart @opened @case @The @November")
    await open_cases(triage.database, one)
    about = f"/cases/{one.reference}"
    assert (await press(sam, about, f"{about}/claim")).status_code == 303
    _, files = documents(triage, await made(sam, f"{about}/export", internal="yes"))
    timeline = json.loads(files["timeline.json"])
    assert all(datetime.fromisoformat(done["at"]) for done in timeline)
    assert {done["action"] for done in timeline} <= ACTIONS.keys()
    assert timeline[0]["after"]["team"] == "smart"
    sections = {part["title"]: part for part in json.loads(files["case.json"])["sections"]}
    assert "[account" not in json.dumps([sections["The case"], sections["What happened"]])
    assert "[account 1] [account 2]" in json.dumps(sections["What was reported"])


async def test_what_is_ticked_is_shown_and_the_rest_is_not(triage: Triage, sam: AsyncClient) -> None:
    page, _ = await opened(triage)
    answer = await made(sam, page, visible=["Zebedee Quillfeather"])
    _, files = documents(triage, answer)
    text = files["case.json"].decode()
    assert "Zebedee met [name" in text
    assert "Ada Pike" not in text, "it was not ticked this time"
    assert "zq_handle" not in text


async def test_the_preview_shows_the_masked_text_and_counts_as_shown(triage: Triage, sam: AsyncClient) -> None:
    page, _ = await opened(triage)
    first = (await sam.get(page)).text
    assert not [word for word in OTHERS if word in first], "nothing that people wrote is shown before it is asked for"
    preview = (await press(sam, page, page, **ASKED)).text
    shown = preview.partition("Preview of the PDF")[2]
    assert "met Ada Pike at Oxenholme" in shown
    assert "Zebedee" not in shown
    assert [one.action for one in await links(triage)][-1] == "content_shown"


async def test_an_export_is_shown_once_and_made_at_the_limit_of_a_day(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposure, "MOST_ITEMS", 1)
    page, _ = await opened(triage)
    assert (await press(sam, page, page, **ASKED)).status_code == 200
    documents(triage, await made(sam, page))
    assert [one.action for one in await links(triage)].count("content_shown") == 1
    triage.clock.move(timedelta(minutes=11))
    refused = await press(sam, page, page, **ASKED)
    assert (refused.status_code, "as much today as is good for you" in refused.text) == (409, True)
    assert [one.action for one in await links(triage)].count("content_shown") == 1, "nothing was shown"


async def test_the_chain_proves_what_left_for_whom_and_why(triage: Triage, sam: AsyncClient) -> None:
    page, one = await opened(triage)
    clean, bad = piece(one), piece(one)
    await announce(triage.database, clean, bad)
    await announce(triage.database, scanned(bad, "infected"))
    grant, files = documents(triage, await made(sam, page, evidence=str(clean.evidence_id)))
    assert (grant.action, grant.evidence_ids) == (GrantedAction.EXPORT, (clean.evidence_id,))
    done = {activity.action: activity for activity in await links(triage)}
    exported = done[exports.EXPORTED]
    assert (exported.actor, exported.reason, exported.personal["reference"]) == ("S4001", ASKED["reason"], "CAD 12")
    statement = json.loads(files.pop("statement.json"))
    assert exported.after == {"for": "police", "statement": exports.digest(statement)}
    assert [piece["evidence_id"] for piece in statement["evidence"]] == [str(clean.evidence_id)]
    assert [(piece["evidence_id"], piece["why"]) for piece in statement["evidence_left_out"]] == [
        (str(bad.evidence_id), "infected")
    ]
    assert done["evidence_exported"].after == {"evidence": str(clean.evidence_id)}, "its custody says so"
    assert exports.problems(archive(statement, files, clean.evidence_id)) == []
    for name in ("case.pdf", "timeline.json", "README.txt"):
        changed = {**files, name: files[name][:-9] + b"?" + files[name][-8:]}
        assert exports.problems(archive(statement, changed, clean.evidence_id)), name
    for said in (b"S4001", b"case_exported", exported.after["statement"].encode(), statement["case_id"].encode()):
        changed = {**files, "chain.json": files["chain.json"].replace(said, said[::-1])}
        assert exports.problems(archive(statement, changed, clean.evidence_id)), said


def archive(statement: Mapping[str, object], files: Mapping[str, bytes], left_out: UUID) -> io.BytesIO:
    """Return the archive as intake makes it when the one piece is damaged."""
    listed = [
        {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()} for name, content in files.items()
    ]
    evidence = [{"evidence_id": str(left_out), "file": None, "left_out": "damaged"}]
    made = io.BytesIO()
    with ZipFile(made, "w") as written:
        written.writestr(exports.MANIFEST, exports.manifest(statement, evidence, listed))
        for name, content in files.items():
            written.writestr(name, content)
    return made


@pytest.mark.parametrize(
    ("more", "status", "message"),
    [
        ({"purpose": "print"}, 422, "Choose who gets the export"),
        ({"reason": " "}, 422, "Say why they get it"),
        ({"evidence": "01890000-0000-7000-8000-000000000000"}, 404, ""),
        ({"version": "99"}, 412, ""),
    ],
)
async def test_what_is_wrong_makes_no_export(
    triage: Triage, sam: AsyncClient, more: Mapping[str, str], status: int, message: str
) -> None:
    page, _ = await opened(triage)
    answer = await made(sam, page, **more)
    assert (answer.status_code, message in answer.text) == (status, True), answer.text
    assert not _GRANT.search(answer.text)
    assert exports.EXPORTED not in {one.action for one in await links(triage)}


async def test_what_changed_since_the_preview_is_previewed_again(triage: Triage, sam: AsyncClient) -> None:
    page, one = await opened(triage)
    seen = await previewed(sam, page)
    about = f"/cases/{one.reference}"
    assert (await press(sam, about, f"{about}/claim")).status_code == 303
    answer = await press(sam, page, page, **{**ASKED, **seen, "step": "make"})
    assert answer.status_code == 412
    assert not _GRANT.search(answer.text)


async def test_what_a_form_has_no_room_for_is_said_to_be_not_offered(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MOST_PIECES", 1)
    page, one = await opened(triage)
    older, newer = piece(one), piece(one, at=NOW + timedelta(minutes=1))
    await announce(triage.database, older, newer)
    preview = (await press(sam, page, page, **ASKED)).text
    assert "1 older file is not offered here" in preview
    assert (str(newer.evidence_id) in preview, f'value="{older.evidence_id}"' in preview) == (True, False)
    _, files = documents(triage, await made(sam, page))
    left_out = json.loads(files["statement.json"])["evidence_left_out"]
    assert {piece["evidence_id"]: piece["why"] for piece in left_out} == {
        str(older.evidence_id): "not offered",
        str(newer.evidence_id): "not chosen",
    }


@pytest.mark.parametrize("when", ["before it is made", "while its PDF is made"])
async def test_what_came_without_a_new_version_is_previewed_too(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    page, one = await opened(triage)
    seen = await previewed(sam, page)
    added = piece(one, note="Her sister Jane Roe took this")
    make = pdf.made

    async def meanwhile(document: object, at: datetime, places: asyncio.Semaphore) -> bytes:
        await announce(triage.database, added)
        return await make(document, at, places)

    if when == "before it is made":
        await announce(triage.database, added)
    else:
        monkeypatch.setattr(pdf, "made", meanwhile)
    answer = await press(sam, page, page, **{**ASKED, **seen, "step": "make"})
    assert answer.status_code == 412
    assert not _GRANT.search(answer.text)
    monkeypatch.setattr(pdf, "made", make)
    documents(triage, await made(sam, page))


async def test_a_preview_takes_as_many_statements_however_much_was_written(triage: Triage, sam: AsyncClient) -> None:
    page, one = await opened(triage)
    about = f"/cases/{one.reference}"
    taken = [await statements(triage, press(sam, page, page, **ASKED))]
    assert (await press(sam, about, f"{about}/claim")).status_code == 303
    for number in range(5):
        assert (await press(sam, about, f"{about}/note", text=f"Note {number}")).status_code == 303
    await announce(triage.database, *(piece(one) for _ in range(5)))
    taken.append(await statements(triage, press(sam, page, page, **ASKED)))
    assert taken[1] <= taken[0] <= MOST_STATEMENTS, taken


async def statements(triage: Triage, answer: Awaitable[Response]) -> int:
    """Return how many statements an answer takes."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    engine = triage.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    assert (await answer).status_code == 200
    event.remove(engine, "before_cursor_execute", note)
    return len(seen)


async def test_documents_are_made_beside_other_work_while_no_transaction_is_open(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, _ = await opened(triage)
    pool = triage.database.engine.sync_engine.pool
    assert isinstance(pool, QueuePool)
    seen: list[tuple[str, bool, int]] = []

    def noted(name: str) -> None:
        make = getattr(handlers, name)

        def beside(*given: object) -> object:
            seen.append((name, threading.current_thread() is threading.main_thread(), pool.checkedout()))
            return make(*given)

        monkeypatch.setattr(handlers, name, beside)

    for name in ("prepare", "pack"):
        noted(name)
    documents(triage, await made(sam, page))
    assert seen == [("prepare", False, 0), ("prepare", False, 0), ("pack", False, 0)]


async def test_too_many_bytes_are_refused_before_they_are_packed(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, _ = await opened(triage)
    monkeypatch.setattr(handlers, "MOST_UNPACKED", 1_000)
    answer = await made(sam, page)
    assert (answer.status_code, "too large for one export" in answer.text) == (409, True)
    assert exports.EXPORTED not in {one.action for one in await links(triage)}


async def test_a_print_is_the_pdf_with_other_people_masked(triage: Triage, sam: AsyncClient) -> None:
    page, one = await opened(triage)
    answer = await press(sam, page, f"/cases/{one.reference}/print")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    text = read(answer.content)
    assert "met Ada Pike at Oxenholme" in text
    assert "Zebedee" not in text
    assert [one.action for one in await links(triage)][-1] == "case_printed"
