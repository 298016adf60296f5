"""Canaries on every way into a log line."""

import json
import logging
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import pytest
import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.exc import IntegrityError

from shared.auth.guard import anyone
from shared.observability.logs import MASK, UNNAMED, configure_logging, describe
from shared.web.bodies import Body
from tests.shared.observability.log_calls import undeclared_fields
from tests.support.web import WebForTests, browsing

CANARY = "Zq7canaryQ"


@pytest.fixture(autouse=True)
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure_logging("debug", json=True)
    yield
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


class Team(StrEnum):
    SMART = "smart"


def test_declared_fields_and_figures_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    report = UUID(int=7)
    structlog.get_logger().info("case_opened", team=Team.SMART, reference="SP-1234-5678", report_id=report, count=3)
    (line,) = lines(capsys)
    kept = {name: line[name] for name in ("event", "team", "reference", "report_id", "count", "level")}
    assert kept == {
        "event": "case_opened",
        "team": "smart",
        "reference": "SP-1234-5678",
        "report_id": str(report),
        "count": 3,
        "level": "info",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"narrative": CANARY},
        {"email": f"{CANARY}@example.org"},
        {"name": CANARY},
        {"staff_id": CANARY},
        {"anything": {"nested": CANARY}},
        {"anything": [CANARY]},
        {"reason": f"because {CANARY} said so"},
        {"reference": f"{CANARY} {CANARY}"},
        {"error": ValueError(CANARY)},
        {"count": CANARY},
        {"team": {"a": CANARY}},
    ],
)
def test_what_is_not_declared_is_masked(fields: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().warning("something_happened", **fields)
    (line,) = lines(capsys)
    assert CANARY not in json.dumps(line)
    assert MASK in str(line[next(iter(fields))])


def test_an_event_is_a_name_not_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().info(f"reported by {CANARY}")
    assert lines(capsys)[0]["event"] == UNNAMED


def test_an_exception_is_its_type_and_its_frames(capsys: pytest.CaptureFixture[str]) -> None:
    known: dict[str, str] = {}

    def fails(narrative: str) -> None:
        try:
            known[narrative]
        except KeyError as error:
            raise RuntimeError(f"cannot store {narrative}") from error

    try:
        fails(CANARY)
    except RuntimeError:
        structlog.get_logger().exception("report_failed")
    (line,) = lines(capsys)
    error = line["error"]
    assert isinstance(error, dict)
    assert error["type"] == "builtins.RuntimeError"
    assert error["cause"]["type"] == "builtins.KeyError"
    assert error["frames"][-1].endswith(" fails")
    assert CANARY not in json.dumps(line)


def test_a_group_of_exceptions_and_a_database_error_keep_their_kind() -> None:
    class Original(Exception):
        sqlstate = "23505"

    error = IntegrityError(CANARY, {"narrative": CANARY}, Original(CANARY))
    described = describe(ExceptionGroup(CANARY, [error]))
    assert described is not None
    assert "IntegrityError[23505]" in str(described)
    assert CANARY not in str(described)


def test_a_library_says_no_more_than_that_it_said_something(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("some.library").error("cannot send %s", CANARY)
    logging.getLogger("some.library").error(f"cannot send {CANARY}")  # noqa: G004 - as libraries do
    logging.getLogger("asyncio").error(CANARY, exc_info=ValueError(CANARY))
    logging.getLogger("uvicorn.error").info("Started server process")
    written = lines(capsys)
    assert CANARY not in json.dumps(written)
    assert [line["logger"] for line in written] == ["some.library", "some.library", "asyncio", "uvicorn.error"]
    assert written[-1]["library_words"] == "Started server process"


router = APIRouter(dependencies=[Depends(anyone)])


class Report(Body):
    narrative: str


@router.post("/report/api/v1/reports/{reference}")
def report(reference: str, body: Report, request: Request) -> None:
    raise RuntimeError(body.narrative + reference)


@router.post("/report/form")
async def form(request: Request) -> Response:
    raise RuntimeError(str(await request.body()))


async def test_a_request_leaves_no_word_of_itself_in_the_log(
    web: WebForTests, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    told = {"user-agent": CANARY, "traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "x-forwarded-for": "192.0.2.77"}
    async with browsing(web.app(router)) as client:
        client.headers.update(told)
        await client.get(f"/report/{CANARY}?q={CANARY}")
        await client.post("/report/form", data={"csrftoken": client.cookies["csrftoken"], "a": CANARY})
        await client.post(f"/report/api/v1/reports/{CANARY}?q={CANARY}", json={"narrative": CANARY})
        await client.post(f"/report/api/v1/reports/{CANARY}", json={"narrative": CANARY, CANARY: CANARY})
        await client.post(f"/report/api/v1/reports/{CANARY}", content=f"{{{CANARY}", headers={"authorization": CANARY})
        await client.request(CANARY, f"/report/{CANARY}")
        metrics = (await client.get("/report/metrics")).text
    output = capsys.readouterr().err
    assert output.count('"event":"request"') >= 5
    assert "/report/api/v1/reports/{reference}" in output
    for secret in (CANARY, CANARY.lower(), "192.0.2.77", "127.0.0.1", "a" * 32):
        assert secret not in output + caplog.text
    assert CANARY not in metrics


def test_field_names_in_the_source_are_declared() -> None:
    """A masked field makes a log line meaningless: declare it, or leave it out."""
    assert undeclared_fields(Path(__file__).parents[3]) == []


def test_logs_are_redacted_also_where_they_were_not_configured(
    web: WebForTests, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()
    web.app(router)
    structlog.get_logger().error("report_failed", exc_info=ValueError(CANARY), narrative=CANARY)
    output = capsys.readouterr()
    assert "report_failed" in output.err
    assert CANARY not in output.err + output.out
