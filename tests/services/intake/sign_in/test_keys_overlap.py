"""While a key is replaced, what the one before it made is still good; afterwards it is not."""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.intake.evidence.dependencies import Tickets
from services.intake.idempotency.handlers import Idempotency
from services.intake.reports.access import StatusTokens
from services.intake.reports.domain import ReceiptCodes
from services.intake.sign_in.oidc import Attempt, AttemptOver, SignInAttempts
from services.notifier.acknowledgement.domain import Link, is_genuine, token_of
from shared.auth.guard import Anyone
from shared.auth.tokens import TokenIssuer, new_key_pair
from shared.db.database import Database
from shared.encryption import Keys
from shared.ids import AlertId, ReceiptCode, Reference
from shared.settings import ServiceSettings
from shared.web.pages import render
from tests.support.web import WebForTests, browsing, csrf_token, person

SERVICE = "intake"
ROOT = Path(__file__).parents[4]
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OLD, NEW = "the old secret of these tests is long enough", "the new secret of these tests is long enough"
STAGES: Mapping[str, dict[str, object]] = {
    "one key": {"secret_key": OLD},
    "accepting the new one": {"secret_keys": f"{OLD},{NEW}", "secret_key": None},
    "using the new one": {"secret_keys": f'["{NEW}", "{OLD}"]', "secret_key": None},
    "as an addition": {"secret_keys": NEW, "secret_key": OLD},
    "the old one gone": {"secret_keys": (NEW,), "secret_key": None},
}
ATTEMPT = Attempt.begin("/", NOW)
CODE, REFERENCE = ReceiptCode.parse("ABCDE-ABCDE-ABCDE-ABCDE"), Reference.parse("SP-0000-0000")
LINK = Link(AlertId(UUID(int=1)), 1, NOW + timedelta(days=1))


class Use(NamedTuple):
    """What a key makes, and whether it is accepted."""

    make: Callable[[Keys], object]
    accepts: Callable[[Keys, object], bool]


def _opens(keys: Keys, sealed: object) -> bool:
    try:
        return SignInAttempts(keys).decrypt(ATTEMPT.state, str(sealed), NOW) == ATTEMPT
    except AttemptOver:
        return False


USES: Mapping[str, Use] = {
    "receipts": Use(
        lambda keys: ReceiptCodes(keys).hash(CODE),
        lambda keys, made: isinstance(made, bytes) and ReceiptCodes(keys).match(CODE, made),
    ),
    "status page": Use(
        lambda keys: StatusTokens(keys).issue(REFERENCE, NOW),
        lambda keys, made: StatusTokens(keys).read(str(made), NOW) == REFERENCE,
    ),
    "sign-in attempts": Use(lambda keys: SignInAttempts(keys).encrypt(ATTEMPT), _opens),
    "upload tickets": Use(
        lambda keys: Tickets(keys).issue(NOW),
        lambda keys, made: Tickets(keys).read(str(made), NOW) is not None,
    ),
    "acknowledgement links": Use(
        lambda keys: token_of(LINK, "grace@example.org", keys),
        lambda keys, made: is_genuine(str(made), "grace@example.org", keys, NOW),
    ),
}
ELSEWHERE = {"csrf", "idempotency", "security log"}
"""Purposes with a test of their own below; a security log is only ever written."""
router = APIRouter(include_in_schema=False)


@router.get("/report/form")
def form(request: Request, _principal: Anyone) -> Response:
    return render(request, "send_again.html", answers={}, action="/report/form")


@router.post("/report/form")
def sent(_principal: Anyone) -> dict[str, str]:
    return {"sent": "yes"}


def keys_at(stage: str, purpose: str) -> Keys:
    given = STAGES[stage] | {"verify_key_file": Path("verify-key.pem")}
    return ServiceSettings.model_validate(given).derive_keys(purpose)


def test_every_use_of_the_secret_is_in_the_table() -> None:
    source = "\n".join(path.read_text() for top in ("services", "shared") for path in (ROOT / top).rglob("*.py"))
    assert set(re.findall(r'derive_keys\("([^"]+)"\)', source)) == set(USES) | ELSEWHERE


@pytest.mark.parametrize("purpose", USES)
@pytest.mark.parametrize(
    ("made_at", "accepted_at"),
    [
        ("one key", {"one key", "accepting the new one", "using the new one", "as an addition"}),
        ("accepting the new one", {"one key", "accepting the new one", "using the new one", "as an addition"}),
        ("using the new one", {"accepting the new one", "using the new one", "as an addition", "the old one gone"}),
        ("the old one gone", {"accepting the new one", "using the new one", "as an addition", "the old one gone"}),
    ],
)
def test_what_a_key_made_is_good_while_it_is_named(purpose: str, made_at: str, accepted_at: set[str]) -> None:
    made = USES[purpose].make(keys_at(made_at, purpose))
    assert {stage for stage in STAGES if USES[purpose].accepts(keys_at(stage, purpose), made)} == accepted_at


async def test_a_form_opened_before_the_key_was_replaced_is_sent_afterwards(web: WebForTests) -> None:
    async with browsing(web.app(router, settings=web.settings(**STAGES["one key"]))) as client:
        token = csrf_token((await client.get("/report/form")).text)
        cookies = dict(client.cookies)
    found = {}
    for stage, given in STAGES.items():
        async with browsing(web.app(router, settings=web.settings(**given)), cookies=cookies) as client:
            found[stage] = (await client.post("/report/form", data={"csrftoken": token})).status_code
    assert found == dict.fromkeys(STAGES, 200) | {"the old one gone": 403}


async def test_a_repeated_call_gets_its_answer_whichever_key_kept_it(database: Database) -> None:
    async def ask(stage: str, answer: bytes) -> bytes:
        async def work() -> bytes:
            return answer

        async with database.transaction() as session:
            once = Idempotency(keys_at(stage, "idempotency")).once
            return await once(session, ("a key", ""), b"a body", NOW, work)

    assert await ask("one key", b"first") == b"first"
    assert await ask("accepting the new one", b"again") == b"first"
    both = await asyncio.gather(*(ask(stage, b"again") for stage in ("using the new one", "accepting the new one")))
    assert both == [b"first", b"first"]
    assert await ask("the old one gone", b"second") == b"second"


async def test_processes_that_keep_answers_under_different_keys_take_turns(database: Database) -> None:
    done: list[str] = []

    async def ask(stage: str) -> bytes:
        async def work() -> bytes:
            done.append(stage)
            await asyncio.sleep(0)
            return stage.encode()

        async with database.transaction() as session:
            once = Idempotency(keys_at(stage, "idempotency")).once
            return await once(session, ("a key", ""), b"a body", NOW, work)

    answers = await asyncio.gather(*(ask(stage) for stage in ("accepting the new one", "using the new one") * 4))
    assert len(done) == 1
    assert set(answers) == {done[0].encode()}


async def test_sessions_of_two_signing_keys_are_accepted_while_one_replaces_the_other(
    web: WebForTests, tmp_path: Path
) -> None:
    private, public = new_key_pair()
    more = tmp_path / "new-verify-key.pem"
    more.write_bytes(public)
    new = TokenIssuer(private).bearer(person(), web.clock.now())
    old = web.bearer()["authorization"].removeprefix("Bearer ")
    found = {}
    for files in ("", str(more)):
        app = web.app(router, settings=web.settings(more_verify_key_files=files))
        async with browsing(app) as client:
            found[bool(files)] = [await _status(client, token) for token in (old, new)]
    assert found == {False: [200, 401], True: [200, 200]}


async def _status(client: httpx.AsyncClient, token: str) -> int:
    return (await client.get("/report/form", headers={"authorization": f"Bearer {token}"})).status_code
