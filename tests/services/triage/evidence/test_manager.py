"""The line manager who works on misuse has the same calls and the same list, and learns nothing of who reported it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from services.triage.cases.tables import CaseRow
from services.triage.evidence.domain import TIME_TO_ADD
from services.triage.managers.handlers import manager_assigned
from shared.audit import chain
from shared.auth.grants import PURPOSE, Grant, GrantedAction
from shared.auth.permissions import Role
from shared.events.envelope import Envelope
from shared.events.intake import EvidenceAdded
from shared.events.notifier import ManagerAssigned
from shared.web.limits import DEFAULT_LIMIT
from shared.web.problems import MEDIA_TYPE
from tests.services.triage.builders import IDS, WRITER, misuse, open_cases
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.evidence.pieces import LATER, announce, of_team, piece

SERVICE = "triage"
MANAGER = "S2001"
WHY = {"purpose": "To talk to the person about it"}
_GRANT = re.compile(r"/report/evidence/(?P<grant>[A-Za-z0-9_-]{100,})")


@pytest.fixture
async def grace(triage: Triage) -> AsyncIterator[AsyncClient]:
    """The manager's browser."""
    async with triage.client(Role.REPORTER, subject=MANAGER) as client:
        yield client


async def worked(triage: Triage) -> tuple[str, CaseRow, EvidenceAdded]:
    """Open a case of misuse that the manager works on, with a piece of evidence that the desk has opened."""
    told = misuse()
    await open_cases(triage.database, told)
    async with triage.database.transaction() as session:
        case = await session.scalar(select(CaseRow))
        assert case
        about = {"case_id": case.case_id, "report_id": told.report_id, "at": LATER}
        said = ManagerAssigned.model_validate({**about, "manager": MANAGER, "reason": "subjects_manager"})
        await manager_assigned(
            session,
            [Envelope(str(IDS.uuid()), "/signpost/notifier", str(case.case_id), None, LATER, said)],
            LATER,
            writer=WRITER,
        )
    one = piece(told, note="Look at the third line")
    await announce(triage.database, one, of_team(told, case.case_id, responder="S6001"))
    async with triage.client() as desk:
        opened = await desk.post(
            f"/cases/api/v1/cases/{case.case_id}/evidence/{one.evidence_id}/open",
            json={"purpose": "The desk’s own reason"},
            headers=triage.bearer(Role.TRIAGE_DESK, subject="S6001"),
        )
    assert opened.status_code == 200
    return f"/cases/for-manager/{told.reference}", case, one


def granted(triage: Triage, text: str, at: timedelta = timedelta(0)) -> Grant:
    found = _GRANT.search(text)
    assert found, text
    keys = triage.app.state.parts.settings.derive_keys(PURPOSE)
    return Grant.unseal(found["grant"], keys, triage.clock.now() + at)


@pytest.mark.policy("R-d")
async def test_the_manager_has_the_same_calls(triage: Triage, grace: AsyncClient) -> None:
    page, case, one = await worked(triage)
    items = (await grace.get(f"{page}/evidence", headers={"accept": "application/json"})).json()["items"]
    assert items[0]["evidence_id"] == str(one.evidence_id)
    assert [item["added_by"] for item in items] == ["reporter", "team"]
    assert [(done["action"], done["by"], done["purpose"]) for done in items[0]["custody"]] == [
        ("added", "reporter", None),
        ("opened", "team", None),
    ]
    bearer = triage.bearer(Role.REPORTER, subject=MANAGER)
    async with triage.client() as client:
        client.headers.update(bearer)
        opened = await client.post(f"{page}/evidence/{one.evidence_id}/open", json={**WHY, "form": "preview"})
        assert granted(triage, opened.json()["url"]).action is GrantedAction.PREVIEW
        allowed = await client.post(f"{page}/evidence", json=WHY)
        grant = granted(triage, allowed.json()["upload_url"], TIME_TO_ADD - timedelta(seconds=1))
        assert (grant.action, grant.responder, grant.case_id) == (GrantedAction.ADD, MANAGER, case.case_id)
        exported = (await client.post(f"{page}/evidence/export", json=WHY)).json()
        assert exported["manifest"]["items"][0]["custody"][-1]["by"] == MANAGER
        assert (await client.post(f"{page}/evidence/{one.evidence_id}/open", json={"purpose": ""})).status_code == 422
    async with triage.database.transaction() as session:
        done = [(did.action, did.actor) for did in await chain.read(session, case.case_id)]
    assert done[-4:] == [
        ("manager_looked", MANAGER),
        ("evidence_opened", MANAGER),
        ("evidence_upload_allowed", MANAGER),
        ("evidence_exported", MANAGER),
    ]


async def test_the_managers_page_lists_opens_and_adds_without_naming_anyone(triage: Triage, grace: AsyncClient) -> None:
    page, _, one = await worked(triage)
    seen = [(await grace.get(page)).text]
    assert "1. Picture" in seen[0]
    assert "Look at the third line" not in seen[0]
    shown = await press(grace, page, f"{page}/evidence/{one.evidence_id}/preview", **WHY)
    assert granted(triage, shown.text).action is GrantedAction.PREVIEW
    assert "Look at the third line" in shown.text
    assert "Download a copy" in seen[0]
    assert "Download the original" not in seen[0]
    for asked, action in ((f"{one.evidence_id}/original", GrantedAction.DOWNLOAD), ("copy", GrantedAction.EXPORT)):
        sent = await press(grace, page, f"{page}/evidence/{asked}", **WHY)
        grant = granted(triage, sent.headers["location"])
        assert (grant.action, grant.copies) == (action, True)
    assert "Copy opened by" in (await grace.get(page)).text
    record = await press(grace, page, f"{page}/evidence/copy", record="yes", **WHY)
    adding = await press(grace, page, f"{page}/evidence/add", **WHY)
    assert granted(triage, adding.text, TIME_TO_ADD - timedelta(seconds=1)).back == f"{page}?added=1"
    assert f'data-back="{page}?added=1"' in adding.text
    refused = await press(grace, page, f"{page}/evidence/add", purpose="")
    assert (refused.status_code, refused.text.count("Say what you add, and why")) == (422, 2)
    again = await grace.get(f"{page}/evidence/add")
    assert (again.status_code, again.headers["location"]) == (303, f"{page}#evidence")
    for text in (*seen, shown.text, record.text, adding.text, refused.text, (await grace.get(page)).text):
        for who in ("Priya", "S1001", "priya.shah", "S6001", "The desk’s own reason"):
            assert who not in text


async def test_an_email_is_shown_to_a_manager_and_not_handed_out(triage: Triage, grace: AsyncClient) -> None:
    page, _, one = await worked(triage)
    email = one.model_copy(update={"evidence_id": IDS.uuid(), "media_type": "message/rfc822"})
    await announce(triage.database, email)
    there = f"{page}/evidence/{email.evidence_id}"
    bearer = triage.bearer(Role.REPORTER, subject=MANAGER)
    async with triage.client() as client:
        opened = await client.post(f"{there}/open", json={**WHY, "form": "preview"}, headers=bearer)
        refused = await client.post(f"{there}/open", json=WHY, headers=bearer)
    assert granted(triage, opened.json()["url"]).action is GrantedAction.PREVIEW
    assert (refused.status_code, refused.json()["type"].endswith("evidence-withheld")) == (409, True)
    seen = (await grace.get(page)).text
    assert "Here you can read it without these lines; it cannot be downloaded." in seen
    assert seen.count("Download a copy") == 2, "of the other pieces"


async def test_no_one_else_has_the_managers_calls(triage: Triage) -> None:
    page, _, one = await worked(triage)
    for subject, role in (("S2002", Role.REPORTER), ("S6001", Role.TRIAGE_DESK), ("S1001", Role.REPORTER)):
        async with triage.client() as client:
            client.headers.update(triage.bearer(role, subject=subject))
            for call in ("", "/export", f"/{one.evidence_id}/open"):
                assert (await client.post(f"{page}/evidence{call}", json=WHY)).status_code == 404, (subject, call)
            for call in ("/add", "/copy", f"/{one.evidence_id}/original"):
                answer = await client.post(
                    f"{page}/evidence{call}", data=WHY, headers={"sec-fetch-site": "same-origin"}
                )
                assert answer.status_code == 404, (subject, call)
            assert (await client.get(f"{page}/evidence")).status_code == 404


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
async def test_a_program_that_is_refused_gets_problems_whatever_it_accepts(triage: Triage, accept: str) -> None:
    page, _, one = await worked(triage)
    calls = (("GET", ""), ("POST", ""), ("POST", "/export"), ("POST", f"/{one.evidence_id}/open"))
    manager, other = (triage.bearer(Role.REPORTER, subject=subject) for subject in (MANAGER, "S2002"))
    async with triage.client() as client:
        for method, call in calls:
            address = f"{page}/evidence{call}"
            unsigned = 401 if method == "GET" else 403  # which may be another site's
            refused: list[tuple[int, dict[str, str], bytes]] = [
                (unsigned, {}, b"{}"),
                (404, other, b'{"purpose": "x"}'),
            ]
            if method == "POST":
                refused += [(422, manager, b"{}"), (413, manager, b"x" * (DEFAULT_LIMIT + 1))]
            for status, signed, body in refused:
                headers = {"accept": accept, "content-type": "application/json", **signed}
                answer = await client.request(method, address, content=body, headers=headers)
                said = (answer.status_code, answer.headers["content-type"], answer.headers.get("location"))
                assert said == (status, MEDIA_TYPE, None), (method, call)
