"""A failed authorisation is one line: who by a hash, what, and why; no content, and no one who need not sign in."""

from collections.abc import Mapping

import pytest
from fastapi import APIRouter, Request
from fastapi.responses import Response
from structlog.testing import capture_logs

from shared.auth.guard import Anyone, SignedIn, requires
from shared.auth.permissions import Permission, Role
from shared.observability.logs import redact
from shared.observability.security import ANONYMOUS, who_hash
from shared.web.pages import render
from shared.web.refusals import Refusal
from tests.support.web import WebForTests, browsing, csrf_token

router = APIRouter(include_in_schema=False)


class Hidden(Exception):
    """An object that is not there for this person."""


@router.get("/report/admin", dependencies=[requires(Permission.ADMINISTER)])
def admin() -> None:
    """Only for administrators."""


@router.get("/report/things/{thing}")
def thing(thing: str, _principal: SignedIn) -> None:
    raise Hidden


@router.get("/report/receipts/{reference}")
def receipt(reference: str, _principal: Anyone) -> None:
    raise Hidden


@router.get("/report/form")
def form(request: Request, _principal: Anyone) -> Response:
    return render(request, "send_again.html", answers={}, action="/report/form")


@router.post("/report/form")
def sent(_principal: Anyone) -> None:
    """Take what was typed."""


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/report/admin", 403, {"reason": "not-permitted", "route": "/report/admin", "who": True}),
        ("/report/things/CANARY", 404, {"reason": "hidden", "route": "/report/things/{thing}", "who": True}),
        ("/report/receipts/CANARY", 404, {"reason": "hidden", "route": "/report/receipts/{reference}", "who": False}),
        ("/report/nowhere/CANARY", 404, None),
        ("/report/health/live", 200, None),
    ],
)
async def test_what_is_refused_is_logged_once(
    web: WebForTests, path: str, status: int, expected: Mapping[str, object] | None
) -> None:
    app = web.app(router, refusals={Hidden: Refusal(404, "hidden", "There is no such thing")})
    async with browsing(app) as client:
        with capture_logs() as logs:
            answer = await client.get(path, headers=web.bearer(Role.REPORTER, staff_id="S4321"))
    assert answer.status_code == status
    events = [redact(None, "warning", line) for line in logs if line["event"] == "security_event"]
    if expected is None:
        assert events == []
        return
    (event,) = events
    who = who_hash(web.settings(), "s4321") if expected["who"] else ANONYMOUS
    assert (event["reason"], event["route"], event["who_hash"]) == (expected["reason"], expected["route"], who)
    assert (event["status"], event["method"], event["service"]) == (status, "GET", "intake")
    assert not any(word in str(event) for word in ("CANARY", "4321", "Priya"))


async def test_a_form_that_may_be_another_sites_is_one_too(web: WebForTests) -> None:
    async with browsing(web.app(router)) as stranger:
        token = csrf_token((await stranger.get("/report/form")).text)
    async with browsing(web.app(router)) as client:
        await client.get("/report/form")
        with capture_logs() as logs:
            answer = await client.post("/report/form", data={"csrftoken": token, "story": "CANARY"})
    assert answer.status_code == 403
    (event,) = [redact(None, "warning", line) for line in logs if line["event"] == "security_event"]
    assert (event["reason"], event["route"], event["who_hash"]) == ("form-not-trusted", "/report/form", ANONYMOUS)
    assert "CANARY" not in str(event)


def test_a_hash_of_a_person_needs_the_key(web: WebForTests) -> None:
    other = web.settings(secret_key="another secret of these tests, long enough")
    assert who_hash(web.settings(), "S1001") == who_hash(web.settings(), " s1001 ")
    assert who_hash(web.settings(), "S1001") != who_hash(other, "S1001")
