"""Other systems send their findings over HTTP; each event becomes one report, however often it is sent."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from cloudevents.core.bindings.http import HTTPMessage
from httpx import AsyncClient
from sqlalchemy import func, select, text

from services.intake.inbound.api import InboundParts
from services.intake.inbound.sources import Sources
from services.intake.inbound.tables import InboundEventRow
from services.intake.ledger.tables import LedgerRow
from services.intake.reports.tables import ReportRow
from shared.auth.permissions import Role
from shared.runtime import parts_in
from tests.services.intake.conftest import Intake
from tests.services.intake.inbound.events import (
    ADDRESS,
    BATCH,
    batch,
    binary,
    event,
    finding,
    post,
    siem_alert,
    structured,
)

Mode = Callable[..., HTTPMessage]


@pytest.fixture
async def sender(intake: Intake, client: AsyncClient) -> AsyncClient:
    client.headers.update(intake.token(Role.MONITORING, subject="monitoring-client"))
    return client


async def rows(intake: Intake) -> tuple[int, int, int]:
    """Return the number of reports, ledger rows and events, which are always the same."""
    async with intake.database.transaction() as session:
        counts = [await session.scalar(select(func.count()).select_from(kind)) for kind in (ReportRow, LedgerRow)]
        events = await session.scalar(text("select count(*) from outbox where type is not null"))
    return counts[0] or 0, counts[1] or 0, events or 0


@pytest.mark.policy("C-h")
@pytest.mark.parametrize("mode", [batch, binary, structured], ids=["batch", "binary", "structured"])
async def test_a_finding_becomes_a_report_of_abuse_in_every_mode(
    intake: Intake, sender: AsyncClient, mode: Mode
) -> None:
    answer = await post(sender, mode(finding()))
    assert answer.status_code == 201
    (taken,) = answer.json()["events"]
    assert (taken["id"], taken["outcome"]) == ("f-1", "report")
    assert taken["status_url"].endswith(f"/report/track/{taken['reference']}")
    async with intake.database.transaction() as session:
        row = (await session.scalars(select(ReportRow))).one()
    assert (row.report_type, row.platform, row.found_by) == ("abuse", "x", "monitoring")
    assert (row.behaviours, row.urls) == (["discrimination", "threat"], ["https://x.com/someone/status/1"])
    assert row.narrative == "Found today\n\nA made-up insult"
    assert (row.reporter_name, row.manager_alert) == ("Routine social media monitoring", "no")
    assert await rows(intake) == (1, 1, 1)


@pytest.mark.policy("C-h")
async def test_a_mention_that_is_neither_is_counted_and_not_stored(intake: Intake, sender: AsyncClient) -> None:
    answer = await post(sender, structured(finding(classification="mention")))
    assert (answer.status_code, answer.json()) == (202, {"events": [{"id": "f-1", "outcome": "not_stored"}]})
    assert await rows(intake) == (0, 0, 0)
    async with intake.database.transaction() as session:
        kept = (await session.scalars(select(InboundEventRow))).one()
    assert "f-1" not in str(vars(kept))
    exposed = (await sender.get("/report/metrics")).text
    assert 'signpost_inbound_events_total{outcome="not_stored",source="monitoring"}' in exposed


@pytest.mark.policy("C-h")
async def test_a_finding_of_misuse_becomes_a_report_of_misuse(intake: Intake, sender: AsyncClient) -> None:
    author = {"staff_id": "S2002"}
    answer = await post(sender, structured(finding(classification="misuse", labels=["leak"], author=author)))
    assert answer.status_code == 201
    async with intake.database.transaction() as session:
        row = (await session.scalars(select(ReportRow))).one()
    assert (row.report_type, row.found_by) == ("misuse", "monitoring")


@pytest.mark.policy("C-c")
async def test_an_alert_of_security_monitoring_becomes_a_security_incident(intake: Intake, sender: AsyncClient) -> None:
    assert (await post(sender, binary(siem_alert()))).status_code == 201
    async with intake.database.transaction() as session:
        row = (await session.scalars(select(ReportRow))).one()
    assert (row.report_type, row.narrative) == ("security_incident", "Password reset from abroad")


async def test_the_same_event_sent_again_gets_the_same_answer_and_no_second_report(
    intake: Intake, sender: AsyncClient
) -> None:
    first = (await post(sender, structured(finding()))).json()
    modes: list[Mode] = [binary, batch, structured]
    for mode in modes:
        assert (await post(sender, mode(finding()))).json() == first
    assert (await post(sender, batch(finding(), finding()))).json() == {"events": first["events"] * 2}
    assert await rows(intake) == (1, 1, 1)
    other = event("/monitoring/other", "org.example.monitoring.finding.v1", "f-1", finding().get_data())
    assert (await post(sender, structured(other))).json()["events"] != first["events"]


async def test_each_event_of_a_batch_stands_for_itself_and_none_is_lost_in_silence(
    intake: Intake, sender: AsyncClient
) -> None:
    unknown = event("/nobody", "org.example.nothing", "u-1", {})
    empty = finding("f-2", post={"network": "x", "url": "not a link"})
    sent = batch(finding(), unknown, {"specversion": "1.0", "id": "n-1"}, empty, finding("f-3", "mention"))
    answer = await post(sender, sent)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    results = answer.json()["events"]
    assert [result["outcome"] for result in results] == ["report", "refused", "refused", "refused", "not_stored"]
    assert [result["problem"]["status"] for result in results[1:4]] == [422, 400, 422]
    assert results[3]["problem"]["errors"][0]["field"] == "urls"
    assert await rows(intake) == (1, 1, 1)
    again = await post(sender, sent)
    assert again.json()["events"] == results
    assert await rows(intake) == (1, 1, 1)


async def test_an_empty_batch_is_fine(sender: AsyncClient) -> None:
    answer = await post(sender, batch())
    assert (answer.status_code, answer.json()) == (202, {"events": []})


async def test_what_nobody_mapped_is_refused_with_what_is_known(intake: Intake, sender: AsyncClient) -> None:
    for sent in (
        event("/nobody", "org.example.monitoring.finding.v1", "1", {}),
        event("/monitoring/social", "org.example.unheard-of.v1", "1", {}),
        finding(classification="something new"),
    ):
        answer = await post(sender, structured(sent))
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:signpost:problem:unknown-event")
        known = {entry["source"]: entry["types"] for entry in answer.json()["known"]}
        assert known["/monitoring/*"] == ["org.example.monitoring.finding.v1"]
    assert await rows(intake) == (0, 0, 0)


@pytest.mark.policy("C-h")
async def test_only_routine_monitoring_says_that_it_found_something(intake: Intake, sender: AsyncClient) -> None:
    supplier = intake.token(Role.SUPPLIER, subject="supplier-client")
    for sent in (finding(), finding(classification="mention"), siem_alert()):
        answer = await post(sender, structured(sent), **supplier)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:signpost:problem:source-not-yours")
    assert await rows(intake) == (0, 0, 0)
    theirs = event("/supplier/one", "org.example.siem.alert.v1", "1", siem_alert().get_data())
    assert (await post(sender, structured(theirs), **supplier)).status_code == 201


async def test_nobody_uses_up_an_event_of_a_source_that_is_not_theirs(intake: Intake, sender: AsyncClient) -> None:
    supplier = intake.token(Role.SUPPLIER, subject="supplier-client")
    await post(sender, structured(finding(classification="mention")), **supplier)
    taken = await post(sender, structured(finding()))
    assert taken.status_code == 201
    asked = await post(sender, structured(finding()), **supplier)
    assert asked.status_code == 403
    assert taken.json()["events"][0]["reference"] not in asked.text


async def test_only_clients_that_may_send_events_send_them(intake: Intake, client: AsyncClient) -> None:
    assert (await post(client, structured(finding()))).status_code == 401
    client.headers.update(intake.token(Role.SMART_RESPONDER, Role.OPERATIONS))
    assert (await post(client, structured(finding()))).status_code == 403


async def test_a_source_may_name_the_clients_that_speak_for_it(intake: Intake, sender: AsyncClient) -> None:
    monitoring, *others = parts_in(intake.app, InboundParts).sources.entries
    for clients, status in ((frozenset({"another-client"}), 403), (frozenset({"monitoring-client"}), 201)):
        named = replace(monitoring, clients=clients, roles=frozenset())
        parts = parts_in(intake.app, InboundParts)
        intake.app.state.parts = replace(parts, sources=Sources((named, *others)))
        assert (await post(sender, structured(finding()))).status_code == status


STRUCTURED = "application/cloudevents+json"
GOOD = {"specversion": "1.0", "id": "1", "source": "/monitoring/social", "type": "org.example.monitoring.finding.v1"}
MALFORMED: dict[str, tuple[int, str, object]] = {
    "a batch that is no list": (400, BATCH, GOOD),
    "a batch too long": (413, BATCH, [GOOD] * 101),
    "a form": (415, "application/x-www-form-urlencoded", "a=b"),
    "a list": (400, STRUCTURED, []),
    "a null character": (400, STRUCTURED, GOOD | {"id": "\0"}),
    "a number as id": (400, STRUCTURED, GOOD | {"id": 1}),
    "a time at hour 24": (400, STRUCTURED, GOOD | {"time": "2026-11-23T24:00:00Z"}),
    "a time without offset": (400, STRUCTURED, GOOD | {"time": "2026-11-23T10:00:00"}),
    "an endless id": (400, STRUCTURED, GOOD | {"id": "x" * 501}),
    "an old version": (400, STRUCTURED, GOOD | {"specversion": "0.3"}),
    "another format": (415, "application/cloudevents+avro", "{}"),
    "base64 beyond ASCII": (400, STRUCTURED, GOOD | {"data_base64": "é"}),
    "broken base64": (400, STRUCTURED, GOOD | {"data_base64": "?"}),
    "half of it": (400, STRUCTURED, '{"specversion": "1.'),
    "much too deep": (400, STRUCTURED, "[" * 5000),
    "no UTF-8": (400, STRUCTURED, b'{"id": "\xff"}'),
    "no data": (422, STRUCTURED, GOOD),
    "no id": (400, STRUCTURED, {name: value for name, value in GOOD.items() if name != "id"}),
    "nothing": (400, STRUCTURED, ""),
    "plain JSON": (415, "application/json", GOOD),
    "too large": (413, STRUCTURED, GOOD | {"data": "x" * 1_100_000}),
    "text with a null character": (
        422,
        STRUCTURED,
        GOOD | {"data": finding(post={"network": "x", "text": "\0"}).get_data()},
    ),
}


async def test_what_is_no_event_is_refused_with_a_reason(intake: Intake, sender: AsyncClient) -> None:
    for kind, (status, content_type, sent) in MALFORMED.items():
        content = sent if isinstance(sent, str | bytes) else json.dumps(sent)
        answer = await sender.post(ADDRESS, content=content, headers={"content-type": content_type})
        assert (kind, answer.status_code) == (kind, status)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await rows(intake) == (0, 0, 0)


async def test_binary_headers_are_percent_decoded(sender: AsyncClient) -> None:
    assert (await post(sender, binary(finding("ß 1%")))).json()["events"][0]["id"] == "ß 1%"
    assert (await post(sender, binary(finding()), **{"ce-id": "%ff"})).status_code == 400
