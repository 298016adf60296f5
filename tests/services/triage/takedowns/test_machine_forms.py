"""Forms that machines read: as their protocols' schemas say, sent where an endpoint is set, and tried again."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock
from uuid import UUID

import httpx
import pytest
import xarf
from httpx import AsyncClient
from sqlalchemy import text

from services.triage import app
from services.triage.settings import TriageSettings
from services.triage.takedowns import domain, endpoints, handlers, protocols, queries
from services.triage.takedowns.domain import Protocol
from services.triage.takedowns.endpoints import Endpoints
from services.triage.takedowns.handlers import Machines
from services.triage.takedowns.protocols import Contact, XarfType
from services.triage.takedowns.sweeps import send_form
from shared.audit import chain
from tests.services.triage.builders import NOW, WRITER, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.takedowns import schemas
from tests.services.triage.takedowns.test_takedowns import asked, followed, one_case, post, tasks_about

SERVICE = "triage"
POST = "https://bsky.app/profile/some.example.org/post/3kabc"
TOOT = "https://social.example/@some_account/1234"
FORM = UUID("0193a000-0000-7000-8000-000000000001")
CONTACT = Contact.parse("Department <abuse@department.example>")
DID, CID = "did:plc:abc123", "bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae"
ADDRESSES = {
    Protocol.AT_PROTOCOL: "https://pds.example",
    Protocol.ACTIVITYPUB: "https://social.example/outbox",
    Protocol.XARF: "https://xarf.example/in",
}


def test_a_report_by_at_protocol_is_what_its_lexicon_says() -> None:
    reason = "tools.ozone.report.defs#reasonHarassmentTargeted"
    made = protocols.create_report(POST, reason, "x" * 3_000)
    assert made["reasonType"] == reason
    assert len(str(made["reason"])) == 2_000
    record = "com.atproto.repo.strongRef"
    handle = "at://some.example.org/app.bsky.feed.post/3kabc"
    assert made["subject"] == {"$type": record, "uri": handle, "cid": ""}
    assert protocols.missing(made)
    account = protocols.create_report(f"https://bsky.app/profile/{DID}", None, "Why")
    assert account["subject"] == {"$type": "com.atproto.admin.defs#repoRef", "did": DID}
    assert schemas.wrong(schemas.CREATE_REPORT, account) == []
    assert schemas.wrong(schemas.CREATE_REPORT, made), "it has no DID and no CID yet"
    assert (account["reasonType"], protocols.missing(account)) == ("tools.ozone.report.defs#reasonOther", False)
    for other in (TOOT, "https://bsky.app/search", "https://bsky.app.example.org/profile/x"):
        with pytest.raises(protocols.NoSuchForm):
            protocols.create_report(other, None, "Why")


def test_a_flag_names_the_account_first_and_then_the_post() -> None:
    made = protocols.flag(FORM, TOOT, "Why", "https://signpost.example")
    user = "https://social.example/users/some_account"
    assert made["object"] == [user, f"{user}/statuses/1234"]
    assert schemas.wrong(schemas.FLAG, made) == []
    assert (made["type"], made["actor"], made["to"]) == ("Flag", "https://signpost.example", [user])
    assert protocols.flag(FORM, "https://social.example/@some_account", "Why", "https://s.example")["object"] == [user]
    with pytest.raises(protocols.NoSuchForm):
        protocols.flag(FORM, "https://social.example/about", "Why", "https://s.example")


@pytest.mark.parametrize("kind", list(XarfType))
def test_a_report_by_xarf_is_read_by_the_package_of_its_authors(kind: XarfType) -> None:
    made = protocols.xarf(FORM, kind, "https://some-site.example/café?q=a%20b", CONTACT, (NOW, NOW), "y" * 2_000)
    read = xarf.parse(dict(made))
    assert (read.errors, read.warnings) == ([], []), "a field that is not published is a warning"
    assert read.report is not None
    assert read.report.model_dump(exclude_none=True) == made
    assert xarf.parse({**made, "url": "https://some-site.example/café"}).errors
    assert (made["url"], made["domain"]) == ("https://some-site.example/caf%C3%A9?q=a%20b", "some-site.example")
    assert UUID(str(made["report_id"])).version == 4
    assert made["sender"] == {
        "org": "Department",
        "contact": "abuse@department.example",
        "domain": "department.example",
    }
    assert len(str(made["description"])) == 1_000


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://bücher.example/login", "xn--bcher-kva.example"),
        ("https://пример.рф/login", "xn--e1afmkfd.xn--p1ai"),
        ("https://192.0.2.7/login", "192.0.2.7"),
        ("https://[2001:db8::1]:8080/login", "2001:db8::1"),
        ("https://some_site.example/login", "some_site.example"),
    ],
)
def test_a_host_that_xarf_takes_as_no_domain_is_named_as_the_source_alone(link: str, host: str) -> None:
    made = protocols.xarf(FORM, XarfType.PHISHING, link, CONTACT, (NOW, NOW), "Why")
    assert xarf.parse(dict(made)).errors == []
    assert (made["source_identifier"], made.get("domain")) == (host, None)
    assert [one.field for one in xarf.parse({**made, "domain": host}).errors] == ["domain"]


def test_xarf_has_no_type_for_harassment() -> None:
    published = xarf.schema_registry.get_types_for_category("content")
    assert set(XarfType) <= published
    assert not {"harassment", "abuse", "hate_speech", "doxxing"} & published


def machines(triage: Triage, *sent: Protocol, contact: Contact | None = CONTACT) -> None:
    """Set endpoints of the application."""
    parts = triage.app.state.parts
    triage.app.state.parts = replace(parts, machines=Machines(contact, "https://signpost.example", frozenset(sent)))


async def made(triage: Triage, takedown: dict[str, Any], protocol: str, kind: str | None = None) -> dict[str, Any]:
    body: dict[str, object] = {"protocol": protocol, **({"kind": kind} if kind else {})}
    answer = await post(triage, body, f"/{takedown['takedown_id']}/forms")
    assert answer.status_code == 200, answer.text
    [found] = [one for one in answer.json()["takedowns"] if one["takedown_id"] == takedown["takedown_id"]]
    return dict(found["forms"][-1])


async def sweep(triage: Triage, answer: Callable[[httpx.Request], httpx.Response]) -> int:
    """Let the sweep send one form to endpoints that answer so."""
    there = Endpoints(ADDRESSES, {Protocol.XARF: "a-token"}, httpx.MockTransport(answer))
    async with triage.database.transaction() as session:
        now = triage.clock.now()
        return await send_form(session, now, database=triage.database, writer=WRITER, send=there.send)


async def forms(triage: Triage) -> list[domain.MachineForm]:
    case = await one_case(triage)
    async with triage.database.transaction() as session:
        return (await queries.forms_of_cases(session, [case.case_id]))[case.case_id]


async def test_a_form_without_an_endpoint_is_made_and_shown_on_request(triage: Triage, sam: AsyncClient) -> None:
    told = report(urls=(POST,), platform="bluesky")
    await open_cases(triage.database, told)
    machines(triage)
    kept = await asked(triage, category="targeted")
    assert (await made(triage, kept, "at_protocol"))["state"] == "made"
    page = f"/cases/{told.reference}/takedowns"
    assert "3kabc" not in (await sam.get(page)).text
    assert "3kabc" in (await press(sam, page, f"{page}/show")).text
    there = f"{page}/{kept['takedown_id']}/form"
    wrong = await press(sam, page, there, form="activitypub")
    assert (wrong.status_code, "No such form can be made of this link" in wrong.text) == (422, True)
    assert (await press(sam, page, there, form="")).status_code == 422
    assert (await press(sam, page, there, form="xarf:exposed_data")).status_code == 303
    machines(triage, contact=None)
    assert (await press(sam, page, there, form="xarf:phishing")).status_code == 422, "no contact is set"
    assert [one.protocol for one in await forms(triage)] == ["at_protocol", "xarf"]
    assert await sweep(triage, lambda _request: httpx.Response(200)) == 0


async def test_a_report_to_bluesky_is_completed_and_sent(triage: Triage) -> None:
    await open_cases(triage.database, report(urls=(POST,), platform="bluesky"))
    machines(triage, Protocol.AT_PROTOCOL)
    kept = await asked(triage, category="doxxing")
    assert (await made(triage, kept, "at_protocol"))["state"] == "queued"
    twice = await post(triage, {"protocol": "at_protocol"}, f"/{kept['takedown_id']}/forms")
    assert twice.json()["type"].endswith("form-exists")
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        called = request.url.path.rpartition(".")[2]
        known = {"resolveHandle": {"did": DID}, "getRecord": {"cid": CID}, "createReport": {"id": 77}}
        return httpx.Response(200, json=known[called])

    assert await sweep(triage, answer) == 1
    assert await sweep(triage, answer) == 0
    sent = json.loads(calls[-1].content)
    assert schemas.wrong(schemas.CREATE_REPORT, sent) == []
    assert sent["subject"]["uri"] == f"at://{DID}/app.bsky.feed.post/3kabc"
    assert (sent["subject"]["cid"], sent["reasonType"]) == (CID, "tools.ozone.report.defs#reasonHarassmentDoxxing")
    [form] = await forms(triage)
    assert (form.state, form.answer, protocols.missing(form.body)) == ("sent", "77", False)


async def test_a_form_is_tried_again_and_then_becomes_a_task(triage: Triage) -> None:
    await open_cases(triage.database, report(urls=("https://social.example/@some_account/1234",), platform="mastodon"))
    machines(triage, Protocol.XARF, Protocol.ACTIVITYPUB)
    kept = await asked(triage)
    await made(triage, kept, "xarf", "exposed_data")

    def down(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer a-token"
        raise httpx.ConnectError("down", request=request)

    assert await sweep(triage, down) == 1
    assert await sweep(triage, down) == 0, "not at once"
    triage.clock.move(domain.FIRST_WAIT)
    assert await sweep(triage, lambda _request: httpx.Response(202)) == 1
    [form] = await forms(triage)
    assert (form.state, form.attempts, form.answer) == ("sent", 2, "HTTP 202")
    await made(triage, kept, "activitypub")
    assert await sweep(triage, lambda _request: httpx.Response(403)) == 1
    assert [one.state for one in await forms(triage)] == ["sent", "failed"]
    assert await tasks_about(triage, kept) == {"send_by_hand": False}
    case = await one_case(triage)
    async with triage.database.transaction() as session:
        done = [one.action for one in await chain.read(session, case.case_id)]
    assert [one for one in done if one.startswith("takedown_form")] == [
        *("takedown_form_made", "takedown_form_waits", "takedown_form_sent", "takedown_form_made"),
        "takedown_form_failed",
    ]


@pytest.mark.parametrize("told", ["a\u0000b", "a\ud800b"], ids=["null", "surrogate"])
async def test_whatever_an_endpoint_answers_a_form_is_sent_once(triage: Triage, told: str) -> None:
    await open_cases(triage.database, report(urls=(POST,), platform="bluesky"))
    machines(triage, Protocol.AT_PROTOCOL)
    await made(triage, await asked(triage), "at_protocol")
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path.rpartition(".")[2])
        return httpx.Response(200, content=json.dumps({"did": f"did:plc:{told}", "cid": told, "id": told}))

    assert await sweep(triage, answer) == 1
    triage.clock.move(domain.LONGEST_WAIT)
    assert await sweep(triage, answer) == 0
    assert calls == ["resolveHandle", "getRecord", "createReport"]
    [form] = await forms(triage)
    assert (form.state, form.answer) == ("sent", "ab")
    assert json.dumps(form.body["subject"]).count("did:plc:ab/") == 1


async def test_an_attempt_counts_even_if_what_came_of_it_cannot_be_stored(
    triage: Triage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_cases(triage.database, report(urls=(POST,), platform="bluesky"))
    machines(triage, Protocol.XARF)
    takedown = await asked(triage)
    await made(triage, takedown, "xarf", "phishing")
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(202)

    with monkeypatch.context() as broken:
        broken.setattr(chain, "append", AsyncMock(side_effect=TimeoutError))
        for attempts in range(1, domain.MOST_ATTEMPTS + 1):
            with pytest.raises(TimeoutError):
                await sweep(triage, answer)
            assert await sweep(triage, answer) == 0, "not before its next time"
            assert [(one.state, one.attempts) for one in await forms(triage)] == [("queued", attempts)]
            triage.clock.move(domain.LONGEST_WAIT)
    assert await sweep(triage, answer) == 1
    assert len(calls) == domain.MOST_ATTEMPTS
    assert [(one.state, one.answer) for one in await forms(triage)] == [("failed", "no answer")]
    assert await tasks_about(triage, takedown) == {"send_by_hand": False}


async def test_no_row_is_locked_while_an_endpoint_answers_and_the_newest_attempt_counts(triage: Triage) -> None:
    await open_cases(triage.database, report(urls=(POST,), platform="bluesky"))
    machines(triage, Protocol.XARF)
    await made(triage, await asked(triage), "xarf", "phishing")
    now = triage.clock.now()

    async def slow(_protocol: Protocol, _body: domain.Form) -> protocols.Sent:
        async with triage.database.transaction() as session:
            await session.execute(text("select 1 from machine_form for update nowait"))
        async with triage.database.transaction() as session:
            [form] = await forms(triage)
            again = await handlers.attempt_form(session, now + domain.FIRST_WAIT)
            assert again == domain.attempted(form, now + domain.FIRST_WAIT), "another process goes on meanwhile"
        because = "ReadTimeout"
        raise protocols.NotSent(because, final=True)

    async with triage.database.transaction() as session:
        assert await send_form(session, now, database=triage.database, writer=WRITER, send=slow) == 1
    assert [(one.state, one.attempts, one.answer) for one in await forms(triage)] == [("queued", 2, None)]


@pytest.mark.parametrize("state", ["removed", "refused"])
async def test_nothing_is_sent_and_no_task_is_left_once_the_platform_has_answered(triage: Triage, state: str) -> None:
    await open_cases(triage.database, report(urls=(TOOT,), platform="mastodon"))
    machines(triage, Protocol.XARF, Protocol.ACTIVITYPUB)
    takedown = await asked(triage)
    await made(triage, takedown, "activitypub")
    assert await sweep(triage, lambda _request: httpx.Response(403)) == 1
    await made(triage, takedown, "xarf", "phishing")
    await followed(triage, takedown, "chased")
    assert [one.state for one in await forms(triage)] == ["failed", "queued"]
    assert await tasks_about(triage, takedown) == {"send_by_hand": False}

    async def answered_meanwhile(_protocol: Protocol, _body: domain.Form) -> protocols.Sent:
        await followed(triage, takedown, state)
        because = "HTTP 403"
        raise protocols.NotSent(because, final=True)

    now = triage.clock.now()
    async with triage.database.transaction() as session:
        await send_form(session, now, database=triage.database, writer=WRITER, send=answered_meanwhile)
    triage.clock.move(domain.LONGEST_WAIT)
    assert await sweep(triage, lambda _request: httpx.Response(200)) == 0
    assert [one.state for one in await forms(triage)] == ["failed", "not_needed"]
    assert await tasks_about(triage, takedown) == {"send_by_hand": True}
    if state == "removed":
        await followed(triage, takedown, "restored")
        assert (await made(triage, takedown, "xarf", "phishing"))["state"] == "queued"


async def test_an_endpoint_that_drips_is_left_after_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "_PATIENCE_OVERALL", 0.01)

    async def drip(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(protocols.NotSent, match="TimeoutError") as refused:
        await Endpoints(ADDRESSES, transport=httpx.MockTransport(drip)).send(Protocol.XARF, {})
    assert not refused.value.final


def test_attempts_become_rare_and_end() -> None:
    form = domain.MachineForm(FORM, FORM, FORM, Protocol.XARF, {}, NOW, "S4001", domain.FormState.QUEUED, next_at=NOW)
    waits: list[timedelta] = []
    while form.next_at:
        form = domain.not_sent(domain.attempted(form, NOW), "ConnectError", final=False)
        waits += [form.next_at - NOW] if form.next_at else []
    assert (form.state, len(waits) + 1, waits == sorted(waits)) == ("failed", domain.MOST_ATTEMPTS, True)
    assert waits[0] == domain.FIRST_WAIT
    assert max(waits) == domain.LONGEST_WAIT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("triage_takedown_contact", "abuse@department.example"),
        ("triage_takedown_endpoints", "xarf=not a link"),
        ("triage_takedown_endpoints", "fax=https://example.org/"),
        ("triage_takedown_actor", "not a link"),
    ],
)
def test_a_setting_that_cannot_be_read_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        TriageSettings.model_validate({"triage_database_url": "x", "verify_key_file": "x", name: value})


def test_a_flag_names_the_actor_whose_outbox_it_is_sent_to() -> None:
    """Mastodon drops an activity whose `actor` is not the account that signed it, and answers 202 all the same."""
    known = {"triage_database_url": "x", "verify_key_file": "x", "public_url": "https://s.example"}
    known |= {"secret_key": "a secret that only tests have, no more", "event_log": "postgres"}
    outbox = {"triage_takedown_endpoints": "activitypub=https://social.example/users/reports/outbox"}
    with pytest.raises(ValueError, match="triage_takedown_actor"):
        TriageSettings.model_validate({**known, **outbox})
    actor = "https://social.example/users/reports"
    sets = TriageSettings.model_validate({**known, **outbox, "triage_takedown_actor": actor})
    assert app._machines(sets).actor == actor
    assert app._machines(TriageSettings.model_validate(known)).actor == "https://s.example"
