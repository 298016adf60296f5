"""The Evidence tab: nothing is shown until someone asks and says why; it works without scripts."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import event, select

from services.triage.cases.tables import CaseRow
from services.triage.evidence.domain import TIME_TO_ADD
from shared.audit import chain
from shared.auth.grants import PURPOSE, Grant, GrantedAction
from shared.auth.permissions import Role
from shared.events.intake import EvidenceAdded
from tests.services.triage.builders import Submitted, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.evidence.pieces import announce, of_team, piece, scanned, taken_back

SERVICE = "triage"
_GRANT = re.compile(r"/report/evidence/(?P<grant>[A-Za-z0-9_-]{100,})")
_COUNT = re.compile(r'Evidence <span class="signpost-count">(\d+)<')
WHY = "To see whether it is a threat"
REMINDER = "Capture it before it disappears"


async def opened(triage: Triage, *pieces: EvidenceAdded, told: Submitted | None = None) -> tuple[str, Submitted]:
    """Open a case; return the address of its tab."""
    told = told or report(content_state="online")
    await open_cases(triage.database, told)
    await announce(triage.database, *pieces)
    return f"/cases/{told.reference}/evidence", told


async def a_piece(triage: Triage, **changes: object) -> tuple[str, EvidenceAdded]:
    tab, told = await opened(triage)
    one = piece(told, **changes)
    await announce(triage.database, one)
    return tab, one


def granted(triage: Triage, text: str, at: timedelta = timedelta(0)) -> list[Grant]:
    keys = triage.app.state.parts.settings.derive_keys(PURPOSE)
    return [Grant.unseal(found["grant"], keys, triage.clock.now() + at) for found in _GRANT.finditer(text)]


async def purposes(triage: Triage) -> list[tuple[str, str | None, str | None]]:
    """Return what was done with evidence, in which form and why."""
    async with triage.database.transaction() as session:
        [case_id] = await session.scalars(select(CaseRow.case_id))
        found = await chain.read(session, case_id)
    return [
        (one.action.removeprefix("evidence_"), one.after.get("shown") or one.after.get("form"), one.personal["purpose"])
        for one in found
        if "purpose" in one.personal
    ]


async def test_the_list_shows_nothing_of_what_it_lists(triage: Triage, sam: AsyncClient) -> None:
    tab, one = await a_piece(triage, note="CANARY of the reporter", link=1, cleaned=True)
    page = (await sam.get(tab)).text
    assert "1. Picture" in page
    assert "PNG, 123 kB. From the reporter" in page
    assert "It shows link 2 of the report." in page
    assert "A copy without place, device and author." in page
    assert one.sha256 in page
    assert "<img" not in page.partition("<main")[2]
    assert granted(triage, page) == []
    assert "CANARY" not in page
    assert await purposes(triage) == []


async def test_a_preview_is_blurred_and_grey_until_someone_asks_otherwise(triage: Triage, sam: AsyncClient) -> None:
    tab, one = await a_piece(triage, note="They sent it twice")
    there = f"{tab}/{one.evidence_id}/preview"
    for chosen, shown, more in (
        ({}, "blurred, grey", {"Sharpen", "In colour"}),
        ({"sharp": "yes"}, "sharp, grey", {"In colour"}),
        ({"colour": "yes"}, "blurred, in colour", {"Sharpen"}),
        ({"sharp": "yes", "colour": "yes"}, "sharp, in colour", set()),
    ):
        page = (await press(sam, tab, there, purpose=WHY, **chosen)).text
        [grant] = granted(triage, page)
        assert (grant.action, grant.sharp, grant.colour) == (
            GrantedAction.PREVIEW,
            "sharp" in chosen,
            "colour" in chosen,
        )
        assert f"Preview, {shown}" in page
        assert {text for text in ("Sharpen", "In colour") if f"{text}\n" in page} == more
        assert "They sent it twice" in page
        assert page.count(f'value="{WHY}"') >= 2, "the purpose is asked once, and stays in the form"
    assert await purposes(triage) == [
        ("opened", "blurred, grey", WHY),
        ("opened", "sharp", WHY),
        ("opened", "colour", WHY),
        ("opened", "sharp, colour", WHY),
    ]


@pytest.mark.parametrize(
    ("media_type", "form", "goes_there"),
    [
        ("image/png", "original", True),
        ("image/png", "preview", False),
        ("application/pdf", "preview", False),
        ("video/mp4", "preview", False),
        ("text/plain", "preview", True),
        ("message/rfc822", "preview", True),
        ("application/vnd.ms-outlook", "preview", True),
        ("message/rfc822", "original", True),
    ],
)
async def test_originals_and_texts_are_read_at_intake(
    triage: Triage, sam: AsyncClient, media_type: str, form: str, *, goes_there: bool
) -> None:
    tab, one = await a_piece(triage, media_type=media_type)
    answer = await press(sam, tab, f"{tab}/{one.evidence_id}/{form}", purpose=WHY)
    assert answer.status_code == (303 if goes_there else 200)
    [grant] = granted(triage, answer.headers["location"] if goes_there else answer.text)
    assert grant.action is (GrantedAction.DOWNLOAD if form == "original" else GrantedAction.PREVIEW)
    assert not grant.sharp


@pytest.mark.parametrize(
    ("what", "purpose", "message"),
    [
        ("{piece}/preview", "", "Say why you open it"),
        ("{piece}/original", " \u200b", "Say why you open it"),
        ("{piece}/preview", "x" * 201, "Use at most 200 characters"),
        ("{piece}/preview", "a\0b", "A hidden character"),
        ("add", "", "Say what you add, and why"),
        ("copy", "", "Say why you take a copy"),
    ],
)
async def test_without_a_purpose_nothing_is_opened(
    triage: Triage, sam: AsyncClient, what: str, purpose: str, message: str
) -> None:
    tab, one = await a_piece(triage)
    answer = await press(sam, tab, f"{tab}/{what.format(piece=one.evidence_id)}", purpose=purpose)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert answer.text.count(message) == 2, "in the summary and beside the field"
    assert granted(triage, answer.text) == []
    assert await purposes(triage) == []


async def test_what_cannot_be_opened_says_why(triage: Triage, sam: AsyncClient) -> None:
    tab, one = await a_piece(triage, scan="not_scanned")
    there = f"{tab}/{one.evidence_id}/original"
    page = (await sam.get(tab)).text
    assert page.count("ot scanned for viruses") == 1
    assert "has not been scanned for viruses. Open the original only on a device" in page
    await announce(triage.database, scanned(one, "infected"))
    refused = await press(sam, tab, there, purpose=WHY)
    assert (refused.status_code, refused.text.count("The virus scanner found something in this file")) == (409, 1)
    assert "Virus found" in refused.text
    await announce(triage.database, taken_back(one))
    gone = await press(sam, tab, there, purpose=WHY)
    assert (gone.status_code, gone.text.count("The reporter took this evidence back")) == (410, 1)
    assert "Download the original" not in gone.text
    assert await purposes(triage) == []


async def test_a_file_is_added_at_intake_and_the_browser_comes_back(triage: Triage, sam: AsyncClient) -> None:
    tab, _ = await opened(triage)
    page = (await press(sam, tab, f"{tab}/add", purpose="The platform’s reply")).text
    [grant] = granted(triage, page, at=TIME_TO_ADD - timedelta(seconds=1))
    assert (grant.action, grant.responder, grant.back) == (GrantedAction.ADD, "S4001", f"{tab}?added=1")
    form = page[page.index('<form method="post" action="/report/evidence/') :]
    assert 'enctype="multipart/form-data"' in form
    assert 'name="file"' in form
    assert f'data-back="{tab}?added=1"' in form, "a script goes where the browser would be sent"
    assert ("uploads" in page.partition("<body")[0], "uploads" in (await sam.get(tab)).text) == (True, False)
    assert "The file was added" in (await sam.get(f"{tab}?added=1")).text
    assert await purposes(triage) == [("upload_allowed", None, "The platform’s reply")]
    for came, back in (("view%3Dunclaimed", "added=1&from=view%3Dunclaimed"), ("who%3D" + "x" * 2_000, "added=1")):
        page = (await press(sam, tab, f"{tab}/add?from={came}", purpose="The platform’s reply")).text
        assert granted(triage, page, TIME_TO_ADD - timedelta(seconds=1))[0].back == f"{tab}?{back}"


async def test_everything_is_exported_as_files_or_as_a_record(triage: Triage, sam: AsyncClient) -> None:
    tab, one = await a_piece(triage)
    files = await press(sam, tab, f"{tab}/copy", purpose=WHY)
    [grant] = granted(triage, files.headers["location"])
    assert (files.status_code, grant.action, grant.evidence_ids) == (303, GrantedAction.EXPORT, (one.evidence_id,))
    record = await press(sam, tab, f"{tab}/copy", purpose=WHY, record="yes")
    assert record.headers["content-disposition"].startswith("attachment; filename=")
    assert [item["sha256"] for item in record.json()["items"]] == [one.sha256]


async def test_a_responder_is_reminded_to_capture_what_may_disappear(triage: Triage, sam: AsyncClient) -> None:
    for state, reminded in (("online", True), ("deleted", False), ("unsure", False)):
        tab, told = await opened(triage, told=report(content_state=state))
        for address in (tab, tab.removesuffix("/evidence")):
            assert (REMINDER in (await sam.get(address)).text) is reminded, (state, address)
        await announce(triage.database, piece(told))
        assert REMINDER not in (await sam.get(tab)).text


async def test_the_address_of_a_form_leads_back_to_the_tab(triage: Triage, sam: AsyncClient) -> None:
    tab, one = await a_piece(triage)
    for asked in ("add", "copy", f"{one.evidence_id}/preview"):
        again = await sam.get(f"{tab}/{asked}")
        assert (again.status_code, again.headers["location"]) == (303, tab)
    assert (await sam.get("/cases/SP-0000-0000/evidence/add")).status_code == 404


async def test_what_a_responder_added_elsewhere_is_shown_to_those_who_may_see_that_case(triage: Triage) -> None:
    tab, told = await opened(triage, told=report(also_affects=("dwp_information",), content_state="online"))
    async with triage.database.transaction() as session:
        linked: UUID | None = await session.scalar(select(CaseRow.case_id).where(CaseRow.link_number == 2))
    assert linked
    await announce(triage.database, of_team(told, linked, responder="S5001"))
    both = (Role.SMART_RESPONDER, Role.SIRT_RESPONDER)
    for roles, seen in (((Role.SMART_RESPONDER,), False), (both, True)):
        async with triage.client(*roles, subject="S4009") as someone:
            page, summary = (await someone.get(tab)).text, (await someone.get(tab.removesuffix("/evidence"))).text
            assert ("1. Picture" in page) is seen
            assert ("S5001" in page) is seen
            assert [REMINDER in text for text in (page, summary)] == [not seen] * 2, "evidence that is not shown"
            assert _COUNT.findall(page) == (["1"] if seen else [])
            queue = (await someone.get("/cases", params={"team": "smart"})).text
            assert ("Evidence" in queue.partition("<tbody")[2]) is seen
    async with triage.client(Role.SMART_RESPONDER) as sam:
        assert "S5001" not in (await sam.get(f"/cases/{told.reference}/audit")).text


async def test_the_tab_counts_what_is_there_and_the_queue_marks_the_case(triage: Triage, sam: AsyncClient) -> None:
    tab, told = await opened(triage)
    bare = report()
    await open_cases(triage.database, bare)
    assert _COUNT.findall((await sam.get(tab)).text) == []
    async with triage.database.transaction() as session:
        case_id = await session.scalar(select(CaseRow.case_id).where(CaseRow.reference == told.reference))
    assert case_id
    back = piece(told)
    await announce(triage.database, piece(told), back, taken_back(back), of_team(told, case_id))
    for page in (tab, f"/cases/{told.reference}"):
        assert _COUNT.findall((await sam.get(page)).text) == ["2"]
    statements: list[str] = []
    engine = triage.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    rows = (await sam.get("/cases")).text.partition("<tbody")[2].split("<tr")[1:]
    assert len([one for one in statements if "evidence_item" in one]) == 1
    marked = {found[0] for row in rows if "Evidence" in row and (found := re.search(r"SP-\w{4}-\w{4}", row))}
    assert (marked, len(rows)) == ({told.reference}, 2)


async def test_the_timeline_says_who_opened_what_and_why(triage: Triage, sam: AsyncClient) -> None:
    tab, one = await a_piece(triage)
    await press(sam, tab, f"{tab}/{one.evidence_id}/preview", purpose=WHY)
    page: Response = await sam.get(f"/cases/{one.reference}/timeline", params={"kind": "evidence"})
    assert "Evidence was opened" in page.text
    assert f"Why: {WHY}" in page.text
    assert "Evidence was added" in page.text
    assert "Case opened" not in page.text
    looks = (await sam.get(f"/cases/{one.reference}/timeline", params={"kind": "looks"})).text
    assert "Evidence was opened" in looks
