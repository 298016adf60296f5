"""The same path through the API: with `signpost token`, JSON and a link in an email."""

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import httpx
import pytest
import pytest_asyncio

from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually
from tests.support.mails import caught_alerts
from tests.support.web import csrf_token

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]

REPORTS = "/report/api/v1/abuse-reports"
CASES = "/cases/api/v1/cases"
REPORT: Mapping[str, object] = {
    "platform": "instagram",
    "content_kind": "message",
    "urls": ["https://www.instagram.com/p/C1a2B3c4D5e/"],
    "behaviours": ["harassment", "threat"],
    "affected": [{"relation": "self"}],
    "narrative": "They wrote that they know where I live.",
}
CANARY = "value-that-nobody-repeats"


class Client(Protocol):
    """Opens the API for a person in a role."""

    async def __call__(self, role: str, subject: str) -> httpx.AsyncClient: ...


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(signpost: EmbeddedSignpost) -> AsyncIterator[Client]:
    opened: dict[str, httpx.AsyncClient] = {}

    async def open_client(role: str, subject: str) -> httpx.AsyncClient:
        if role not in opened:
            headers = {"authorization": f"Bearer {await signpost.token(role, subject)}"}
            opened[role] = httpx.AsyncClient(base_url=signpost.url, headers=headers, timeout=60)
        return opened[role]

    yield open_client
    for one in opened.values():
        await one.aclose()


async def case_of(responder: httpx.AsyncClient, report_id: str) -> tuple[str, str]:
    """Wait for the case of a report; return its URL and its version."""

    async def found() -> str | None:
        page = (await responder.get(CASES, params={"report_id": report_id})).raise_for_status().json()
        return next((f"{CASES}/{case['case_id']}" for case in page["items"]), None)

    address = await eventually(found)
    return address, (await responder.get(address)).raise_for_status().headers["etag"]


async def follow(reporter: httpx.AsyncClient, reference: str, *, status: str, manager: str) -> None:
    """Wait until the status of a report is `status`, and its manager's `manager`."""

    async def there() -> bool | None:
        body = (await reporter.get(f"/report/api/v1/reports/{reference}")).raise_for_status().json()
        return True if (body["status"], body["manager"]["state"]) == (status, manager) else None

    await eventually(there)


async def link_in_mail(signpost: EmbeddedSignpost, reference: str) -> str:
    """Wait for the email about a report, and return its link."""

    async def mailed() -> str | None:
        mails = caught_alerts(signpost.data_dir)
        return next((mail.link for mail in mails if mail.reference == reference), None)

    return await eventually(mailed)


async def acknowledge(link: str) -> None:
    """Open the link, which acknowledges nothing, and then acknowledge."""
    async with httpx.AsyncClient(timeout=60) as browser:
        page = (await browser.get(link)).raise_for_status()
        again = (await browser.get(link)).raise_for_status()
        assert "Already acknowledged" not in again.text
        form = {"csrftoken": csrf_token(page.text), "answer": "confirmed"}
        (await browser.post(link, data=form)).raise_for_status()


@pytest.mark.policy("S3", "R-c")
async def test_a_program_reports_follows_and_resolves(signpost: EmbeddedSignpost, client: Client) -> None:
    reporter, responder = await client("reporter", "S1001"), await client("smart_responder", "S4001")
    answer = await reporter.post(REPORTS, json=REPORT)
    assert answer.status_code == 201
    report = answer.json()
    address, version = await case_of(responder, report["report_id"])
    await follow(reporter, report["reference"], status="with_team", manager="told")
    await acknowledge(await link_in_mail(signpost, report["reference"]))
    await follow(reporter, report["reference"], status="with_team", manager="acknowledged")
    claimed = (await responder.post(f"{address}/claim", headers={"if-match": version})).raise_for_status()
    await follow(reporter, report["reference"], status="being_worked_on", manager="acknowledged")
    ended = {"outcome": "removed_by_platform"}
    current = {"if-match": claimed.headers["etag"]}
    assert (await responder.post(f"{address}/resolve", json=ended, headers=current)).status_code == 409
    no_threat = {"threat": False, "reason": "They are far away"}
    answered = (await responder.post(f"{address}/threat", json=no_threat, headers=current)).raise_for_status()
    current = {"if-match": answered.headers["etag"]}
    (await responder.post(f"{address}/resolve", json=ended, headers=current)).raise_for_status()
    await follow(reporter, report["reference"], status="finished", manager="acknowledged")


async def test_a_decision_on_an_old_version_is_refused_with_what_changed(client: Client) -> None:
    reporter, responder = await client("reporter", "S1001"), await client("smart_responder", "S4001")
    report = (await reporter.post(REPORTS, json=REPORT)).raise_for_status().json()
    address, read = await case_of(responder, report["report_id"])
    (await responder.post(f"{address}/claim", headers={"if-match": read})).raise_for_status()
    refused = await responder.post(f"{address}/resolve", json={"outcome": "support_given"}, headers={"if-match": read})
    assert refused.status_code == 412
    assert [change["action"] for change in refused.json()["changes"]] == ["claimed"]
    assert (await responder.get(address)).json()["outcome"] is None


async def test_a_repeated_key_gets_the_same_answer_and_another_body_is_refused(client: Client) -> None:
    reporter, responder = await client("reporter", "S1001"), await client("smart_responder", "S4001")
    key = {"idempotency-key": str(uuid.uuid4())}
    first, second = [await reporter.post(REPORTS, json=REPORT, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    other = await reporter.post(REPORTS, json={**REPORT, "narrative": "Something else"}, headers=key)
    assert (other.status_code, other.headers["content-type"]) == (422, "application/problem+json")
    await case_of(responder, first.json()["report_id"])
    cases = (await responder.get(CASES, params={"report_id": first.json()["report_id"]})).json()["items"]
    assert len(cases) == 1


async def test_an_anonymous_report_is_followed_with_its_receipt_code_alone(signpost: EmbeddedSignpost) -> None:
    async with httpx.AsyncClient(base_url=signpost.url, timeout=60) as nobody:
        report = (await nobody.post(REPORTS, json=REPORT)).raise_for_status().json()
        address = f"/report/api/v1/reports/{report['reference']}"
        known = await nobody.get(address, headers={"receipt-code": report["receipt_code"]})
        assert known.json()["reference"] == report["reference"]
        assert (await nobody.get(address)).status_code == 404
        assert (await nobody.get(address, headers={"receipt-code": "0" * 20})).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("platform", CANARY),
        ("platform", 7),
        ("behaviours", [CANARY]),
        ("behaviours", CANARY),
        ("behaviours", []),
        ("narrative", ""),
        ("narrative", f"{CANARY}\x00"),
        ("narrative", CANARY * 4_000),
        ("occurred_at", "2999-01-01T00:00:00Z"),
        ("occurred_at", CANARY),
        ("urls", [CANARY]),
        ("affected", []),
        ("manager_email", CANARY),
        ("nobody_knows_this_field", CANARY),
    ],
    ids=lambda value: str(value)[:20].replace("\x00", "U+0000"),
)
async def test_a_bad_body_is_a_problem_that_names_the_field_and_never_its_value(
    client: Client, field: str, value: object
) -> None:
    reporter = await client("reporter", "S1001")
    refused = await reporter.post(REPORTS, json={**REPORT, field: value})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert [error["field"].split(".")[0] for error in refused.json()["errors"]] == [field]
    assert CANARY not in refused.text


@pytest.mark.parametrize("body", [b"{", b'{"narrative": "\xff\xfe"}', b"[]", b"null", b'"text"'])
async def test_what_is_no_report_at_all_is_a_client_error(client: Client, body: bytes) -> None:
    reporter = await client("reporter", "S1001")
    refused = await reporter.post(REPORTS, content=body, headers={"content-type": "application/json"})
    assert 400 <= refused.status_code < 500
    assert refused.headers["content-type"] == "application/problem+json"
