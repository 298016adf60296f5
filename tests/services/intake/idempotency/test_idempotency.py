"""The same request twice, one after the other and at once."""

import asyncio
from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from services.intake.idempotency.handlers import forget_expired
from tests.services.intake.conftest import START, Intake, small_body
from tests.services.intake.reports.test_api import ADDRESS, how_many

KEY = {"idempotency-key": "6f1c8d1e-93a7-4b52-8f0e-2d7c5b9a0e41"}


async def test_the_same_request_gets_the_same_answer_for_a_day(intake: Intake, client: AsyncClient) -> None:
    first = await client.post(ADDRESS, json=small_body(), headers=KEY)
    intake.clock.move(timedelta(hours=23))
    again = await client.post(ADDRESS, json=small_body(), headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert await how_many(intake) == (1, 1, 1)


async def test_after_a_day_the_key_is_new(intake: Intake, client: AsyncClient) -> None:
    first = await client.post(ADDRESS, json=small_body(), headers=KEY)
    intake.clock.move(timedelta(hours=24))
    again = await client.post(ADDRESS, json=small_body(), headers=KEY)
    assert again.json()["reference"] != first.json()["reference"]


async def test_the_same_key_with_another_body_is_refused(intake: Intake, client: AsyncClient) -> None:
    await client.post(ADDRESS, json=small_body(), headers=KEY)
    other = await client.post(ADDRESS, json=small_body(narrative="Something else"), headers=KEY)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:signpost:problem:idempotency-key-reused"
    assert await how_many(intake) == (1, 1, 1)


async def test_two_clients_may_use_the_same_key(intake: Intake, client: AsyncClient) -> None:
    first = await client.post(ADDRESS, json=small_body(), headers=KEY | intake.token(subject="S1001"))
    second = await client.post(ADDRESS, json=small_body(), headers=KEY | intake.token(subject="S1002"))
    assert first.json()["reference"] != second.json()["reference"]


async def test_ten_at_once_are_one_report(intake: Intake, client: AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post(ADDRESS, json=small_body(), headers=KEY) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["reference"] for answer in answers}) == 1
    assert len({answer.json()["receipt_code"] for answer in answers}) == 1
    assert await how_many(intake) == (1, 1, 1)


async def test_a_refused_request_leaves_the_key_free(client: AsyncClient) -> None:
    assert (await client.post(ADDRESS, json=small_body(narrative=""), headers=KEY)).status_code == 422
    assert (await client.post(ADDRESS, json=small_body(), headers=KEY)).status_code == 201


async def test_what_is_kept_can_be_read_only_with_the_clients_key(intake: Intake, client: AsyncClient) -> None:
    answer = (await client.post(ADDRESS, json=small_body(), headers=KEY)).json()
    async with intake.database.transaction() as session:
        row = (await session.execute(text("select * from idempotent_answer"))).one()
    stored = b"".join(value for value in row if isinstance(value, bytes))
    for secret in (KEY["idempotency-key"], answer["reference"], answer["receipt_code"], answer["report_id"]):
        assert secret.encode() not in stored


async def test_old_answers_are_deleted(intake: Intake, client: AsyncClient) -> None:
    await client.post(ADDRESS, json=small_body(), headers=KEY)
    async with intake.database.transaction() as session:
        assert await forget_expired(session, START + timedelta(hours=23)) == 0
        assert await forget_expired(session, START + timedelta(hours=24)) == 1


async def test_a_key_that_is_none_is_refused_by_name(client: AsyncClient) -> None:
    answer = await client.post(ADDRESS, json=small_body(), headers={"idempotency-key": "x" * 256})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize(
    ("key", "anonymous"),
    [
        ("k-1", 422),
        ("a-key-of-the-client", 422),
        ("my-report-of-monday-morning", 201),  # 22 characters hold 128 bits; nobody can see whether these do
        ("0123456789abcdef0123456789abcde", 422),
        ("0123456789abcdef0123456789abcdef", 201),
        ("0" * 255, 422),
        ("abababababababababababababababab", 422),
        ("00000000-0000-0000-0000-000000000000", 422),
        ("6F1C8D1E-93A7-4B52-8F0E-2D7C5B9A0E41", 201),
        ("kJ8w2Qx0Zr5yT7uP1aLm3", 422),
        ("kJ8w2Qx0Zr5yT7uP1aLm3n", 201),
        ("kJ8w2Qx0Zr5yT7uP1aLm3g==", 201),
    ],
)
async def test_an_anonymous_key_is_one_that_nobody_else_makes(
    intake: Intake, client: AsyncClient, key: str, anonymous: int
) -> None:
    header = {"idempotency-key": key}
    answer = await client.post(ADDRESS, json=small_body(), headers=header)
    assert answer.status_code == anonymous, answer.text
    if anonymous == 422:
        assert answer.json()["type"] == "urn:signpost:problem:idempotency-key-too-weak"
        assert "UUID" in answer.json()["detail"]
        assert await how_many(intake) == (0, 0, 0)
    signed_in = await client.post(ADDRESS, json=small_body(), headers=header | intake.token())
    assert signed_in.status_code == 201
