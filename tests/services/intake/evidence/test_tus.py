"""Uploads that a cut connection does not lose, by tus 1.0."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from services.intake.evidence import attachments, handlers, sweeps, uploads
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import PART, WAITS, Adder, UploadNotFound
from shared.auth.grants import GrantedAction
from shared.ids import ReportId
from tests.services.intake.conftest import Intake
from tests.services.intake.evidence.test_api import grant, objects, outbox, picture, rows, where
from tests.services.intake.tracking.test_follow import reported

UPLOADS = "/report/uploads/"
TUS = {"tus-resumable": "1.0.0"}


def parts_of(intake: Intake) -> EvidenceParts:
    assert isinstance(intake.parts, EvidenceParts)
    return intake.parts


def metadata(**values: str) -> str:
    return ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in values.items())


async def create(client: AsyncClient, length: int, headers: Mapping[str, str] | None = None, **values: str) -> Response:
    said = {"upload-length": str(length), "upload-metadata": metadata(**values)}
    return await client.post(UPLOADS, headers={**TUS, **said, **(headers or {})})


async def resume(client: AsyncClient, address: str, offset: int, content: bytes) -> Response:
    kind = {"content-type": "application/offset+octet-stream", "upload-offset": str(offset)}
    return await client.patch(address, headers={**TUS, **kind}, content=content)


async def offset_of(client: AsyncClient, address: str) -> int:
    return int((await client.head(address, headers=TUS)).headers["upload-offset"])


async def test_an_upload_says_what_it_speaks(client: AsyncClient) -> None:
    spoken = await client.options(UPLOADS)
    assert spoken.status_code == 204
    assert spoken.headers["tus-version"] == "1.0.0"
    assert spoken.headers["tus-max-size"] == "100000000"
    assert spoken.headers["tus-extension"] == "creation,expiration,termination"
    other = await client.post(UPLOADS, headers={"tus-resumable": "0.2.2", "upload-length": "1"})
    assert (other.status_code, other.headers["tus-version"]) == (412, "1.0.0")


async def test_a_file_for_a_report_is_evidence_with_its_last_byte(intake: Intake, client: AsyncClient) -> None:
    report, content = await reported(client, intake.token()), picture()
    made = await create(
        client, len(content), intake.token(), reference=report["reference"], filename="a.png", note="It"
    )
    assert made.status_code == 201, made.text
    assert "upload-expires" in made.headers
    address = made.headers["location"]
    first = await resume(client, address, 0, content[:30])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "30")
    assert await offset_of(client, address) == 30
    assert await outbox(intake) == []
    last = await resume(client, address, 30, content[30:])
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(content)))
    [(_, _, event)] = await outbox(intake)
    assert event["evidence_id"] == last.headers["evidence-id"]
    assert (event["sha256"], event["note"]) == (sha256(content).hexdigest(), "It")
    assert [name.split("/")[0] for name in objects(intake)] == ["evidence"]
    assert await offset_of(client, address) == len(content)
    again = await resume(client, address, len(content), b"")
    assert (again.status_code, again.headers["evidence-id"]) == (204, event["evidence_id"])
    assert len(await outbox(intake)) == 1


async def test_a_file_waits_for_its_form_under_the_key_of_its_token(intake: Intake, client: AsyncClient) -> None:
    parts, content = parts_of(intake), picture()
    made = await create(client, len(content), ticket=parts.tickets.issue(intake.clock.now()), filename="a.png")
    address = made.headers["location"]
    assert (await resume(client, address, 0, content)).status_code == 204
    [name] = objects(intake)
    assert address.rpartition("/")[2] not in name
    report = await reported(client, intake.token())
    adder = Adder(ReportId(UUID(report["report_id"])))
    token = address.rpartition("/")[2]
    item = await attachments.attach(parts, token, adder, note="From the form", link=0)
    twice = await attachments.attach(parts, token, adder)
    assert item == twice
    assert (item.sha256, item.note, item.link) == (sha256(content).hexdigest(), "From the form", 0)
    assert len(await outbox(intake)) == 1
    with pytest.raises(UploadNotFound):
        await attachments.attach(parts, "another token", adder)


async def test_bytes_continue_where_they_are_or_nowhere(intake: Intake, client: AsyncClient) -> None:
    report, content = await reported(client, intake.token()), picture()
    made = await create(client, len(content), intake.token(), reference=report["reference"])
    address = made.headers["location"]
    assert (await resume(client, address, 5, content)).status_code == 409
    longer = await resume(client, address, 0, content + b"!")
    assert (longer.status_code, "smaller than 100 MB" in longer.json()["detail"]) == (413, True)
    wrong = await client.patch(address, headers={**TUS, "upload-offset": "0"}, content=b"x")
    assert wrong.status_code == 415
    assert await offset_of(client, address) == 0
    assert (await client.delete(address, headers=TUS)).status_code == 204
    assert (await client.head(address, headers=TUS)).status_code == 404
    assert (objects(intake), await rows(intake, "upload")) == ([], 0)


async def test_what_arrived_before_the_cut_is_kept(intake: Intake, client: AsyncClient) -> None:
    report, content = await reported(client, intake.token()), picture(size=2000) + bytes(2 * PART)
    made = await create(client, len(content), intake.token(), reference=report["reference"])
    address = made.headers["location"]

    async def cut() -> AsyncIterator[bytes]:
        yield content[:PART]
        yield content[PART : PART + 1000]
        raise ConnectionError

    kind = {"content-type": "application/offset+octet-stream", "upload-offset": "0"}
    assert (await client.patch(address, headers={**TUS, **kind}, content=cut())).status_code == 503
    assert await offset_of(client, address) == PART + 1000


@pytest.mark.parametrize(
    "values",
    [{}, {"ticket": "0.99999999999.00"}, {"reference": "SP-0000-0000"}, {"filename": "a.png"}],
)
async def test_nobody_begins_an_upload_without_something_that_allows_it(
    client: AsyncClient, values: dict[str, str]
) -> None:
    assert (await create(client, 10, None, **values)).status_code == 401


async def test_who_may_begin_an_upload(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    reference = report["reference"]
    other = intake.token(subject="S1002")
    assert (await create(client, 10, other, reference=reference)).status_code == 404
    assert (await create(client, 10, {"receipt-code": "0000"}, reference=reference)).status_code == 404
    adds = grant(intake, report, GrantedAction.ADD).rpartition("/")[2]
    reads = grant(intake, report, GrantedAction.EXPORT).rpartition("/")[2]
    assert (await create(client, 10, grant=adds)).status_code == 201
    assert (await create(client, 10, grant=adds)).status_code == 410
    assert (await create(client, 10, grant=reads)).status_code == 404
    ticket = parts_of(intake).tickets.issue(intake.clock.now())
    intake.clock.move(timedelta(hours=25))
    assert (await create(client, 10, ticket=ticket)).status_code == 401


async def test_a_grant_that_was_carried_out_is_used_though_its_upload_is_ended(
    intake: Intake, client: AsyncClient
) -> None:
    report, content = await reported(client, intake.token()), picture()
    adds = grant(intake, report, GrantedAction.ADD).rpartition("/")[2]
    made = await create(client, len(content), grant=adds)
    await client.delete(made.headers["location"], headers=TUS)
    again = await create(client, len(content), grant=adds)
    assert again.status_code == 201  # nothing came of the first one
    assert (await resume(client, again.headers["location"], 0, content)).status_code == 204
    assert (await client.delete(again.headers["location"], headers=TUS)).status_code == 204
    assert (await create(client, len(content), grant=adds)).status_code == 410
    assert await rows(intake, "evidence") == 1


async def test_the_size_is_refused_before_a_byte_comes(intake: Intake, client: AsyncClient) -> None:
    ticket = parts_of(intake).tickets.issue(intake.clock.now())
    statuses = [(await create(client, size, ticket=ticket)).status_code for size in (0, 100_000_001)]
    assert statuses == [422, 413]
    assert (await client.post(UPLOADS, headers=TUS)).status_code == 400
    assert (await client.post(UPLOADS, headers={**TUS, "upload-length": "many"})).status_code == 422
    malformed = {**TUS, "upload-length": "1", "upload-metadata": "ticket !"}
    assert (await client.post(UPLOADS, headers=malformed)).status_code == 400


async def test_so_many_wait_for_a_form_and_no_more(intake_small: Intake) -> None:
    ticket = parts_of(intake_small).tickets.issue(intake_small.clock.now())
    async with intake_small.client() as client:
        statuses = [(await create(client, 10, ticket=ticket)).status_code for _ in range(4)]
        intake_small.clock.move(WAITS)
        later = await create(client, 10, ticket=ticket)  # they are not swept yet
    assert (statuses, later.status_code) == ([201, 201, 201, 409], 201)


async def test_what_is_not_taken_is_refused_with_its_last_byte(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    ticket = parts_of(intake).tickets.issue(intake.clock.now())
    for allowed in ({"reference": report["reference"]}, {"ticket": ticket}):
        made = await create(client, 6, intake.token(), **allowed)
        refused = await resume(client, made.headers["location"], 0, b"<html>")
        assert refused.status_code == 415
        assert "Web pages cannot be sent" in refused.json()["detail"]
    assert (objects(intake), await rows(intake, "upload")) == ([], 0)


async def test_a_file_for_a_form_waits_a_day_once_it_is_whole(intake: Intake, client: AsyncClient) -> None:
    ticket, content = parts_of(intake).tickets.issue(intake.clock.now()), picture()
    whole, begun = [(await create(client, len(content), ticket=ticket)).headers["location"] for _ in range(2)]
    await resume(client, whole, 0, content)
    intake.clock.move(timedelta(hours=2))
    found = [(await client.head(address, headers=TUS)).status_code for address in (whole, begun)]
    assert found == [200, 404]
    until = (await client.head(whole, headers=TUS)).headers["upload-expires"]
    again = await resume(client, whole, len(content), b"")
    assert (again.status_code, again.headers["upload-expires"]) == (204, until)
    assert (await client.head(whole, headers=TUS)).headers["upload-expires"] == until
    intake.clock.move(timedelta(hours=22))
    assert (await client.head(whole, headers=TUS)).status_code == 404


async def test_a_file_whose_report_is_sent_waits_no_longer_for_being_looked_at_late(
    intake: Intake, client: AsyncClient
) -> None:
    """What it is was not kept when it arrived, as a killed process leaves it."""
    ticket, content = parts_of(intake).tickets.issue(intake.clock.now()), picture()
    address = (await create(client, len(content), ticket=ticket)).headers["location"]
    upload = await uploads.waiting(parts_of(intake), address.rpartition("/")[2])

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await uploads.append(parts_of(intake), upload, chunks())
    intake.clock.move(timedelta(minutes=10))
    async with intake.database.transaction() as session:
        await handlers.limit_upload(session, upload.token, intake.clock.now() + WAITS)
    assert (await resume(client, address, len(content), b"")).status_code == 204
    intake.clock.move(WAITS)
    assert (await client.head(address, headers=TUS)).status_code == 404


async def test_uploads_expire(intake: Intake, client: AsyncClient) -> None:
    report, content = await reported(client, intake.token()), picture()
    made = await create(client, len(content), intake.token(), reference=report["reference"])
    await resume(client, made.headers["location"], 0, content[:10])
    assert len(objects(intake)) == 1
    intake.clock.move(timedelta(hours=1))
    assert (await client.head(made.headers["location"], headers=TUS)).status_code == 404
    assert [await sweeps.forget_uploads(parts_of(intake), intake.clock.now()) for _ in range(2)] == [1, 0]
    assert (objects(intake), await rows(intake, "upload")) == ([], 0)
    assert (await client.get(where(report), headers=intake.token())).json() == {"items": []}
