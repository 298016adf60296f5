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
from shared.events.intake import AbuseReportSubmitted
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


@pytest.mark.policy("C-h")
async def test_a_finding_is_taken_without_what_cannot_be_read_and_its_event_says_so(
    intake: Intake, sender: AsyncClient
) -> None:
    post_of = {"network": "x", "url": "at://a/b", "text": "Words", "published_at": "2026-01-05T09:30:00"}
    answer = await post(sender, structured(finding(post=post_of)))
    assert answer.status_code == 201
    async with intake.database.transaction() as session:
        (published,) = await session.scalars(text("select value from outbox where type is not null"))
    event = AbuseReportSubmitted.model_validate_json(published)
    assert (event.urls, event.occurred_at, event.not_readable) == ((), None, ("urls", "occurred_at"))


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
    empty = finding("f-2", post={"network": "x", "text": ["in", "parts"]})
    sent = batch(finding(), unknown, {"specversion": "1.0", "id": "n-1"}, empty, finding("f-3", "mention"))
    answer = await post(sender, sent)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    results = answer.json()["events"]
    assert [result["outcome"] for result in results] == ["report", "refused", "refused", "refused", "not_stored"]
    assert [result["problem"]["status"] for result in results[1:4]] == [422, 400, 422]
    assert results[3]["problem"]["errors"][0]["field"] == "narrative"
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
    "data twice": (400, STRUCTURED, GOOD | {"data": {}, "data_base64": "e30="}),
    "a week date": (400, STRUCTURED, GOOD | {"time": "2026-W02-1T09:30:00Z"}),
    "a space in a time": (400, STRUCTURED, GOOD | {"time": "2026-01-05 09:30:00Z"}),
    "no time": (400, STRUCTURED, GOOD | {"time": ""}),
    "base64 of a picture": (422, STRUCTURED, GOOD | {"data_base64": "iVBORw0KGgo="}),
    "base64 for addresses": (400, STRUCTURED, GOOD | {"data_base64": "-_8="}),
    "data that is a picture": (422, STRUCTURED, GOOD | {"datacontenttype": "image/png", "data": finding().get_data()}),
    "a content type that is none": (400, STRUCTURED, GOOD | {"datacontenttype": 1}),
    "no id": (400, STRUCTURED, {name: value for name, value in GOOD.items() if name != "id"}),
    "nothing": (400, STRUCTURED, ""),
    "plain JSON": (415, "application/json", GOOD),
    "too large": (413, STRUCTURED, GOOD | {"data": "x" * 1_100_000}),
}


async def test_what_is_no_event_is_refused_with_a_reason(intake: Intake, sender: AsyncClient) -> None:
    for kind, (status, content_type, sent) in MALFORMED.items():
        content = sent if isinstance(sent, str | bytes) else json.dumps(sent)
        answer = await sender.post(ADDRESS, content=content, headers={"content-type": content_type})
        assert (kind, answer.status_code) == (kind, status)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await rows(intake) == (0, 0, 0)


HEADERS: dict[str, tuple[dict[str, str], str | None]] = {
    "percent-encoded": ({"ce-id": "%C3%9F%201%25"}, "ß 1%"),
    "only what has to be": ({"ce-id": "a%2541"}, "a%41"),
    "more than has to be": ({"ce-id": "%61%62"}, "ab"),
    "no percent-encoding": ({"ce-id": "100%"}, "100%"),
    "UTF-8 as it is": ({"ce-id": "ß"}, "ß"),
    "a quoted source": ({"ce-source": '"/monitoring/social"'}, "f-1"),
    "all quoted": ({f"ce-{name}": f'"{value}"' for name, value in GOOD.items()}, "1"),
    "a quoted time": ({"ce-time": '"2026-01-05T09:30:00Z"'}, "f-1"),
    "escaped in quotes": ({"ce-id": r'"say \"yes\" \\ %C3%9F"'}, 'say "yes" \\ ß'),
    "quotes inside": ({"ce-id": 'a"b"'}, 'a"b"'),
    "quoted once only": ({"ce-id": "%22a%22"}, '"a"'),
    "quotes that do not end": ({"ce-id": '"a'}, None),
    "an end that is escaped": ({"ce-id": r'"a\"'}, None),
    "no UTF-8": ({"ce-id": "%ff"}, None),
    "UTF-8 that is too long": ({"ce-id": "%C0%A0"}, None),
    "a control character": ({"ce-id": "a%0Ab"}, None),
    "no version": ({"ce-specversion": '"1.1"'}, None),
}


async def test_binary_headers_are_unquoted_and_percent_decoded_once(intake: Intake, sender: AsyncClient) -> None:
    message = binary(finding())
    for kind, (headers, event_id) in HEADERS.items():
        sent = [(name.encode(), value.encode()) for name, value in {**message.headers, **headers}.items()]
        answer = await sender.post(ADDRESS, headers=sent, content=message.body)
        said = answer.json()["events"][0]["id"] if answer.status_code == 201 else None
        assert (kind, said) == (kind, event_id)
        assert answer.status_code in {201, 400}
    assert (await rows(intake))[0] == len({event_id for _, event_id in HEADERS.values()} - {None})


REASONS: dict[str, tuple[dict[str, object], str]] = {
    "nothing": ({}, "missing"),
    "null": ({"data": None}, "missing"),
    "a text": ({"data": "Wiper"}, "must be a JSON object"),
    "a list": ({"data": [{"title": "Wiper"}]}, "not a list"),
    "a number": ({"data": 7}, "must be a JSON object"),
    "a picture": ({"data_base64": "iVBORw0KGgo="}, "data_base64 must be JSON"),
    "another kind": ({"datacontenttype": "text/plain", "data": "{}"}, "content type"),
    "something else": ({"data": {"severity": 7}}, "Nothing in it"),
}


async def test_data_that_no_mapping_reads_is_refused_by_its_name(intake: Intake, sender: AsyncClient) -> None:
    alert = {"specversion": "1.0", "source": "/siem/core", "type": "org.example.siem.alert.v1"}
    entries = [alert | {"id": kind} | said for kind, (said, _) in REASONS.items()]
    answer = await sender.post(ADDRESS, headers={"content-type": BATCH}, content=json.dumps(entries))
    results = answer.json()["events"]
    assert [result["id"] for result in results] == list(REASONS)
    for result, (_, reason) in zip(results, REASONS.values(), strict=True):
        ((field, message),) = [(error["field"], error["message"]) for error in result["problem"]["errors"]]
        assert (result["problem"]["status"], field) == (422, "data")
        assert reason in message
    assert await rows(intake) == (0, 0, 0)


async def test_a_byte_order_mark_in_front_of_an_event_is_passed_over(sender: AsyncClient) -> None:
    for message in (structured(finding("s")), binary(finding("b")), batch(finding("l"))):
        marked = HTTPMessage(message.headers, b"\xef\xbb\xbf" + message.body)
        assert (await post(sender, marked)).status_code == 201
