"""What clients and people see of errors; nothing that was submitted comes back."""

import json
from collections.abc import AsyncIterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import AnyHttpUrl, EmailStr, Field, field_validator
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from shared.auth.guard import anyone
from shared.web.bodies import Body, Bool, Int, InvalidValue, Moment, Text
from shared.web.problems import Problem
from shared.web.refusals import Refusal
from tests.support.web import WebForTests, browsing

CANARY = "Zq7canaryQ"
router = APIRouter(dependencies=[Depends(anyone)])


class Colour(StrEnum):
    RED = "red"


class Inner(Body):
    relation: Literal["self", "colleague"]


class Everything(Body):
    text: Text = ""
    long: Annotated[Text, Field(max_length=3, pattern="^[a-z]*$")] = ""
    colour: Colour = Colour.RED
    count: Annotated[Int, Field(ge=1)] = 1
    sure: Bool = False
    at: Moment | None = None
    day: date | None = None
    id: UUID | None = None
    url: AnyHttpUrl | None = None
    email: EmailStr | None = None
    parts: tuple[Text, ...] = ()
    inner: tuple[Inner, ...] = ()
    checked: str = ""
    careless: str = ""

    @field_validator("checked")
    @classmethod
    def _checked(cls, value: str) -> str:
        if value:
            raise InvalidValue("Leave this empty")
        return value

    @field_validator("careless")
    @classmethod
    def _careless(cls, value: str) -> str:
        if value:
            raise ValueError(f"{value} is not acceptable")
        return value


class CaseIsGone(Exception):
    """A domain error whose message no one outside may read."""


class ConnectionIsGone(Exception):
    """The driver's error when the database was killed in the middle of a statement."""

    sqlstate = "08003"


class CaseIsReallyGone(CaseIsGone):
    """A subclass of it."""


@router.post("/report/api/v1/everything")
def everything(body: Everything) -> dict[str, str]:
    return {"text": body.text}


@router.get("/report/api/v1/search")
def search(q: Annotated[Text, Query(max_length=20)], limit: int = 10) -> dict[str, str]:
    return {"q": q}


@router.get("/report/fail/{how}", include_in_schema=False)
@router.get("/report/described/fail/{how}")
@router.get("/report/api/v1/fail/{how}")
def fail(how: str) -> Response:
    raise {
        "bug": RuntimeError(CANARY),
        "gone": CaseIsReallyGone(CANARY),
        "problem": Problem(409, "busy", "Somebody has it", headers={"x-who": "a"}, members={"version": 3}),
        "database": OperationalError(CANARY, {"narrative": CANARY}, Exception(CANARY)),
        "conflict": IntegrityError(CANARY, {"narrative": CANARY}, Exception(CANARY)),
        "network": ConnectionRefusedError(CANARY),
        "cut off": DBAPIError(CANARY, {"narrative": CANARY}, ConnectionIsGone(CANARY)),
    }[how]


@pytest.fixture
async def client(web: WebForTests) -> AsyncIterator[httpx.AsyncClient]:
    gone: dict[type[Exception], Refusal] = {
        CaseIsGone: Refusal(410, "case-gone", "The case is gone", members=lambda _error: {"hint": "look"})
    }
    async with browsing(web.app(router, refusals=gone)) as opened:
        yield opened


def errors_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", ["Zq7canaryQ"]),
        ("text", 7),
        ("text", "Zq7canaryQ\x00"),
        ("parts", ["fine", "Zq7canaryQ\x00"]),
        ("text", "Zq7canaryQ\ud800"),
        ("long", "Zq7canaryQ"),
        ("colour", "Zq7canaryQ"),
        ("count", "Zq7canaryQ"),
        ("count", "7"),
        ("count", 7.5),
        ("count", 0),
        ("sure", "yes"),
        ("at", "Zq7canaryQ"),
        ("at", 1_700_000_000),
        ("at", "2026-01-05T09:30:00"),
        ("day", "Zq7canaryQ"),
        ("id", "Zq7canaryQ"),
        ("url", "Zq7canaryQ"),
        ("url", "ftp://Zq7canaryQ"),
        ("email", "Zq7canaryQ"),
        ("email", "a@Zq7canaryQ..uk"),
        ("parts", "Zq7canaryQ"),
        ("inner", "Zq7canaryQ"),
        ("checked", "Zq7canaryQ"),
        ("careless", "Zq7canaryQ"),
    ],
)
async def test_a_wrong_value_is_named_by_field_and_never_repeated(
    client: httpx.AsyncClient, field: str, value: object
) -> None:
    answer = await client.post("/report/api/v1/everything", content=_json({field: value}), headers=_JSON)
    assert answer.status_code == 422
    assert {name.split(".")[0] for name in errors_of(answer)} == {field}
    assert "canary" not in answer.text.lower()


async def test_a_field_inside_a_list_has_a_dotted_name(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/report/api/v1/everything", json={"inner": [{"relation": "self"}, {"relation": CANARY}]}
    )
    assert errors_of(answer) == {"inner.1.relation": "Choose one of 'self' or 'colleague'"}


async def test_an_unknown_field_is_refused_by_its_name(client: httpx.AsyncClient) -> None:
    answer = await client.post("/report/api/v1/everything", json={"narative": CANARY})
    assert errors_of(answer) == {"narative": "This field is not known here"}
    assert CANARY not in answer.text


async def test_our_own_words_reach_the_client(client: httpx.AsyncClient) -> None:
    answer = await client.post("/report/api/v1/everything", json={"checked": CANARY, "text": "a\x00"})
    assert errors_of(answer) == {"checked": "Leave this empty", "text": "Remove the character U+0000 NULL"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b'{"text": "Zq7canaryQ" nonsense}', 422),
        (b"[]", 422),
        (b"null", 422),
        (b'"Zq7canaryQ"', 422),
        (b"", 422),
        (b'{"text": "Zq7canaryQ\xff"}', 400),
        (b"[" * 4_000, 400),
        (b"[" * 100_000, 413),
        (b'{"count": ' + b"9" * 5000 + b"}", 400),
        (b'{"count": NaN}', 422),
    ],
)
async def test_a_body_that_is_not_json_is_a_client_error(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    answer = await client.post("/report/api/v1/everything", content=body, headers=_JSON)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "canary" not in answer.text.lower()


async def test_a_body_of_another_kind_is_a_client_error(client: httpx.AsyncClient) -> None:
    answer = await client.post("/report/api/v1/everything", content=CANARY, headers={"content-type": "text/plain"})
    assert 400 <= answer.status_code < 500
    assert CANARY not in answer.text


async def test_a_query_is_checked_and_not_repeated(client: httpx.AsyncClient) -> None:
    assert set(errors_of(await client.get("/report/api/v1/search?q=a%00"))) == {"q"}
    assert set(errors_of(await client.get(f"/report/api/v1/search?limit={CANARY}"))) == {"q", "limit"}
    too_long = await client.get(f"/report/api/v1/search?q={CANARY * 3}")
    assert errors_of(too_long) == {"q": "Enter at most 20 characters"}
    assert CANARY not in too_long.text


@pytest.mark.parametrize(
    ("how", "status", "type_"),
    [
        ("bug", 500, "internal-error"),
        ("gone", 410, "case-gone"),
        ("problem", 409, "busy"),
        ("database", 503, "unavailable"),
        ("conflict", 500, "internal-error"),
        ("network", 503, "unavailable"),
        ("cut off", 503, "unavailable"),
    ],
)
async def test_a_failure_is_a_problem_for_clients_where_the_api_is_described_and_a_page_for_people(
    client: httpx.AsyncClient, how: str, status: int, type_: str
) -> None:
    problem = await client.get(f"/report/api/v1/fail/{how}")
    described = await client.get(f"/report/described/fail/{how}", headers={"accept": "text/html"})
    page = await client.get(f"/report/fail/{how}")
    assert (problem.status_code, described.status_code, page.status_code) == (status, status, status)
    assert described.json()["type"] == problem.json()["type"]
    assert problem.json()["type"] == f"urn:signpost:problem:{type_}"
    assert len(problem.json()["trace_id"]) == 32
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<h1 class="govuk-heading-l">{problem.json()["title"]}</h1>' in page.text
    assert CANARY not in problem.text + page.text


async def test_a_problem_may_say_more_and_carry_headers(client: httpx.AsyncClient) -> None:
    problem = await client.get("/report/api/v1/fail/problem")
    assert (problem.json()["version"], problem.headers["x-who"]) == (3, "a")
    assert (await client.get("/report/api/v1/fail/gone")).json()["hint"] == "look"
    assert (await client.get("/report/api/v1/fail/network")).headers["retry-after"] == "2"


async def test_an_unknown_address_and_an_unknown_method(client: httpx.AsyncClient) -> None:
    lost = await client.get(f"/report/{CANARY}")
    assert (lost.status_code, "<title>Page not found" in lost.text) == (404, True)
    refused = await client.delete("/report/api/v1/search")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
    assert "Allow header" not in refused.text


_JSON = {"content-type": "application/json"}


def _json(value: dict[str, object]) -> bytes:
    """Escapes, so that a lone surrogate gets through; httpx's own encoder refuses it."""
    return json.dumps(value).encode()


async def test_the_api_is_described_for_programs_and_for_people(client: httpx.AsyncClient) -> None:
    described = (await client.get("/report/api/v1/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    assert "/report/api/v1/everything" in described["paths"]
    page = await client.get("/report/api/v1/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "POST /report/api/v1/everything" in page.text
