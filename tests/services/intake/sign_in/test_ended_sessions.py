"""A session that is ended is over in every service, wherever its cookie was copied to."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from services.embedded.run import PrefixRouter
from shared.auth.ended_sessions import EndedSessions, Ending
from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import Audience, TokenIssuer, ensure_key_files
from shared.db.database import Database
from shared.events.envelope import Envelope
from shared.events.intake import SessionEnded
from shared.ids import StaffId
from shared.messaging.consumer import BatchConsumer
from shared.messaging.ended_sessions import SessionWatch, _id_of, on_session_ended
from shared.messaging.relay import Relay
from shared.runtime import Service
from tests.authorisation.services import OPENING, settings_of
from tests.services.cli.in_process import signpost
from tests.support.eventually import eventually
from tests.support.log import postgres_log
from tests.support.postgres import PostgresForTests
from tests.support.web import ADDRESS, START, csrf_token

pytestmark = pytest.mark.xdist_group("ended-sessions")  # one Signpost
PERSONAS = Path(__file__).parents[4] / "deploy" / "sample" / "personas.yaml"
PAGES = ("/report/misuse/where", "/cases", "/accounts", "/alerts/my-team")
"""A page of each service for which a responder has to be signed in."""
APIS = (
    "/report/api/v1/reports/SP-0000-0000",
    "/cases/api/v1/cases",
    "/accounts/api/v1/requests",
    "/alerts/api/v1/alerts?report_id=01890000-0000-7000-8000-000000000000",
)
RESPONDER, OTHER, ADMINISTRATOR = "S4001", "S3001", "S8002"


@dataclass
class Signpost:
    """The four services at work, each with a database and a memory of its own."""

    services: dict[str, Service]
    front: PrefixRouter
    issuer: TokenIssuer
    folder: Path
    intake_url: str

    @asynccontextmanager
    async def browser(self, cookie: str | None = None) -> AsyncIterator["Browser"]:
        cookies = {SESSION_COOKIE: cookie} if cookie else None
        transport = httpx.ASGITransport(self.front)
        headers = {"accept": "text/html"}
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, cookies=cookies, headers=headers) as client:
            yield Browser(client)

    async def sign_in(self, staff_id: str) -> str:
        """Return the cookie of a new session."""
        async with self.browser() as browser:
            await browser.sign_in(staff_id)
            return browser.cookie

    async def refused(self, cookie: str) -> Sequence[str]:
        """Return the pages that refuse `cookie`."""
        async with self.browser(cookie) as browser:
            answers = [await browser.client.get(page, follow_redirects=False) for page in PAGES]
        return [
            page
            for page, answer in zip(PAGES, answers, strict=True)
            if answer.headers.get("location", "").startswith("/sign-in?")
        ]

    async def until_refused(self, cookie: str) -> None:
        async def refused() -> bool | None:
            return len(await self.refused(cookie)) == len(PAGES) or None

        await eventually(refused)


@dataclass
class Browser:
    client: httpx.AsyncClient

    @property
    def cookie(self) -> str:
        return self.client.cookies[SESSION_COOKIE]

    async def sign_in(self, staff_id: str) -> httpx.Response:
        return await self.post("/sign-in", persona=staff_id)

    async def post(self, page: str, **answers: str) -> httpx.Response:
        token = csrf_token((await self.client.get(page)).text)
        return await self.client.post(page, data={"csrftoken": token, **answers})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def signpost_at_work(
    postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Signpost]:
    folder = tmp_path_factory.mktemp("keys")
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(postgres_log(postgres))
        running: dict[str, Service] = {}
        for name, opening in OPENING.items():
            url = await stack.enter_async_context(postgres.fresh(name))
            settings = settings_of(name, url, folder).model_copy(update={"personas_file": PERSONAS})
            running[name] = await stack.enter_async_context(opening(settings, log=log))
        stop = asyncio.Event()
        tasks = [asyncio.create_task(role.run(stop)) for service in running.values() for role in _needed(service)]
        front_door, *others = running.values()
        front = PrefixRouter(front_door.app, {service.prefix: service.app for service in others})
        intake_url = running["intake"].database.engine.url.render_as_string(hide_password=False)
        yield Signpost(running, front, TokenIssuer(ensure_key_files(folder)[0].read_bytes()), folder, intake_url)
        stop.set()
        await asyncio.gather(*tasks)


def _needed(service: Service) -> Sequence[Relay | BatchConsumer | SessionWatch]:
    wanted = (Relay, SessionWatch)
    return [
        role
        for role in service.roles
        if isinstance(role, wanted) or (isinstance(role, BatchConsumer) and role.name.endswith("-sessions"))
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_copied_cookie_is_over_in_every_service_after_signing_out(signpost_at_work: Signpost) -> None:
    kept = await signpost_at_work.sign_in(RESPONDER)
    async with signpost_at_work.browser() as browser:
        await browser.sign_in(RESPONDER)
        copied = browser.cookie
        assert await signpost_at_work.refused(copied) == []
        assert (await browser.post("/sign-out")).headers["location"] == "/"
    await signpost_at_work.until_refused(copied)
    async with signpost_at_work.browser(copied) as thief:
        renewed = await thief.client.get("/sign-in/renew?next=/cases")
        assert renewed.headers["location"].startswith("/sign-in?")
        assert thief.client.cookies.get(SESSION_COOKIE) == copied  # and no new one
    assert await signpost_at_work.refused(kept) == []  # their other device


@pytest.mark.asyncio(loop_scope="module")
async def test_signing_out_twice_or_with_nothing_to_end_is_no_error(signpost_at_work: Signpost) -> None:
    copied = await signpost_at_work.sign_in(RESPONDER)
    for _ in range(2):
        async with signpost_at_work.browser(copied) as browser:
            assert (await browser.post("/sign-out")).headers["location"] == "/"
            await signpost_at_work.until_refused(copied)
    async with signpost_at_work.browser(copied) as browser:  # nobody is told that all is over who is not known
        assert (await browser.post("/sign-out", everywhere="yes")).headers["location"] == "/sign-in?next=/sign-out"


@pytest.mark.asyncio(loop_scope="module")
async def test_signing_out_everywhere_ends_every_session_and_token_but_later_ones(signpost_at_work: Signpost) -> None:
    elsewhere, whose = await signpost_at_work.sign_in(RESPONDER), await signpost_at_work.sign_in(OTHER)
    token = signpost_at_work.issuer.bearer(_responder(), datetime.now(UTC))
    before_the_upgrade = _without_id(signpost_at_work.issuer)
    assert await signpost_at_work.refused(before_the_upgrade) == []
    assert 401 not in await _statuses(signpost_at_work, token)
    async with signpost_at_work.browser() as browser:
        await browser.sign_in(RESPONDER)
        here = browser.cookie
        page = await browser.client.get("/sign-out")
        assert "Sign out everywhere" in page.text
        await browser.post("/sign-out", everywhere="yes")
    for cookie in (here, elsewhere, before_the_upgrade):
        await signpost_at_work.until_refused(cookie)
    assert await _statuses(signpost_at_work, token) == [401] * len(APIS)
    assert await signpost_at_work.refused(whose) == []
    assert await signpost_at_work.refused(await signpost_at_work.sign_in(RESPONDER)) == []  # also in the same second


@pytest.mark.asyncio(loop_scope="module")
async def test_ending_both_names_of_a_person_waits_for_the_consumer_and_not_the_other_way_round(
    signpost_at_work: Signpost,
) -> None:
    """The consumer locks the rows of a batch in the order of their ids, and names sort otherwise than their ids."""
    subject = next(name for n in count() if _id_of(name := f"T{n}") < _id_of(RESPONDER))
    who, database = replace(_responder(), subject=subject), signpost_at_work.services["intake"].database
    cookie = signpost_at_work.issuer.session(who, datetime.now(UTC), started_at=datetime.now(UTC))
    first, second = ([_heard(name)] for name in (subject, RESPONDER))
    async with signpost_at_work.browser(cookie) as browser:
        page = await browser.client.get("/sign-out")
        async with database.transaction() as consumer:
            await on_session_ended(consumer, first, START)
            answers = {"csrftoken": csrf_token(page.text), "everywhere": "yes"}
            leaving = asyncio.create_task(browser.client.post("/sign-out", data=answers))
            await eventually(lambda: _someone_waits_for_a_lock(consumer))
            await on_session_ended(consumer, second, START)
        assert (await leaving).headers["location"] == "/"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_session_without_an_id_is_over_after_signing_out(signpost_at_work: Signpost) -> None:
    earlier = _without_id(signpost_at_work.issuer)
    async with signpost_at_work.browser(earlier) as browser:
        await browser.post("/sign-out")
    await signpost_at_work.until_refused(earlier)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_administrator_signs_a_person_out_everywhere(signpost_at_work: Signpost) -> None:
    theirs = await signpost_at_work.sign_in(RESPONDER)
    async with signpost_at_work.browser() as browser:
        await browser.sign_in(ADMINISTRATOR)
        assert 'href="/sessions"' in (await browser.client.get("/")).text
        empty = await browser.post("/sessions", staff_id=" ")
        assert (empty.status_code, "Enter a staff number" in empty.text) == (422, True)
        with capture_logs() as logs:
            done = await browser.post("/sessions", staff_id=f" {RESPONDER.lower()}\u200b ")
        assert (done.status_code, "Signed out everywhere" in done.text) == (200, True)
        await signpost_at_work.until_refused(theirs)
        assert await signpost_at_work.refused(browser.cookie) == []
    (event,) = [line for line in logs if line["event"] == "security_event"]
    assert event["reason"] == "sessions_ended"
    assert RESPONDER.lower() not in str(event).lower()
    assert ADMINISTRATOR.lower() not in str(event).lower()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_command_ends_sessions(signpost_at_work: Signpost) -> None:
    theirs = await signpost_at_work.sign_in(RESPONDER)
    environment = {
        "SIGNPOST_SECRET_KEY": "a secret that only tests have, no more",
        "SIGNPOST_VERIFY_KEY_FILE": str(ensure_key_files(signpost_at_work.folder)[1]),
        "SIGNPOST_INTAKE_DATABASE_URL": signpost_at_work.intake_url,
    }
    done = await signpost("sessions", "end", RESPONDER, "--json", **environment)
    assert done.exit_code == 0, done.output
    (event,) = [json.loads(line) for line in done.stderr.splitlines() if "security_event" in line]
    assert (event["reason"], event["command"]) == ("sessions_ended", "sessions_end")
    assert event["of_hash"] == json.loads(done.stdout)["who_hash"]
    await signpost_at_work.until_refused(theirs)
    assert (await signpost("sessions", "end", " ", **environment)).exit_code != 0


@pytest.mark.asyncio(loop_scope="module")
async def test_a_process_knows_what_was_ended_before_it_started_and_says_ready_no_earlier(
    signpost_at_work: Signpost,
) -> None:
    ended = await signpost_at_work.sign_in(RESPONDER)
    async with signpost_at_work.browser(ended) as browser:
        await browser.post("/sign-out")
    await signpost_at_work.until_refused(ended)
    for service in signpost_at_work.services.values():
        memory = EndedSessions()
        session = service.parts.tokens.read(ended, Audience.SESSION, datetime.now(UTC))
        async with _watched(service.database, memory) as watch:
            assert watch.unready_because

            async def ready(watch: SessionWatch = watch) -> bool | None:
                return watch.unready_because is None or None

            assert not memory.include(session)
            await eventually(ready)
            assert memory.include(session)


@pytest.mark.parametrize("fault", ["a notification is lost", "the connection is lost"])
@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_watch_is_not_told_it_finds(signpost_at_work: Signpost, fault: str) -> None:
    database, memory = signpost_at_work.services["registry"].database, EndedSessions()
    async with _watched(database, memory) as watch:

        async def ready() -> bool | None:
            return watch.unready_because is None or None

        await eventually(ready)
        async with database.transaction() as session:
            if fault == "the connection is lost":
                kill = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = :name and "
                mine = "datname = current_database()"
                await session.execute(text(kill + mine), {"name": "signpost-session-watch"})
            insert = "insert into ended_session (id, subject, not_before) values (gen_random_uuid(), 'S7777', now())"
            await session.execute(text(insert))

        async def known() -> bool | None:
            return memory.not_before(Principal("s7777", None, None, None, frozenset())).year > 1 or None

        await eventually(known)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_watch_reaches_a_database_by_a_url_that_says_how_to_use_tls(signpost_at_work: Signpost) -> None:
    """Sent as a setting, as the driver reads it in a URL of its own, the server refuses it."""
    url = signpost_at_work.services["registry"].database.engine.url
    told = url.update_query_dict({"ssl": "prefer", "prepared_statement_cache_size": "50"})
    database = Database(told.render_as_string(hide_password=False), application_name="tests")
    async with _watched(database, EndedSessions()) as watch:

        async def ready() -> bool | None:
            return watch.unready_because is None or None

        await eventually(ready)
    await database.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_form_token_of_another_visit_is_refused_with_a_session(signpost_at_work: Signpost) -> None:
    """Whoever can plant a cookie in a browser plants one whose token they know."""
    async with signpost_at_work.browser() as attacker, signpost_at_work.browser() as victim:
        planted = csrf_token((await attacker.client.get("/report/track")).text)
        await victim.sign_in(RESPONDER)
        victim.client.cookies.set("csrftoken", planted, domain="127.0.0.1", path="/")
        answer = await victim.client.post("/report/track/leave", data={"csrftoken": planted})
        assert answer.status_code == 403
        assert (await victim.post("/report/track")).status_code != 403  # its own pages go on


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_from_before_signing_in_is_good_afterwards(signpost_at_work: Signpost) -> None:
    """What was typed while a session ended is sent from the page that kept it."""
    async with signpost_at_work.browser() as browser:
        await browser.sign_in(RESPONDER)
        question = await browser.client.get("/report/misuse", follow_redirects=True)
        async with signpost_at_work.browser(browser.cookie) as elsewhere:
            await elsewhere.post("/sign-out")
        await signpost_at_work.until_refused(browser.cookie)
        typed = {"csrftoken": csrf_token(question.text), "answer": "typed"}
        page = await browser.client.post(question.url.path, data=typed)
        assert (page.status_code, "Nothing you typed is lost" in page.text) == (401, True)
        assert 'name="answer" value="typed"' in page.text
        await browser.sign_in(RESPONDER)
        await browser.client.get("/")
        again = await browser.client.post(question.url.path, data={"csrftoken": csrf_token(page.text)})
        assert again.status_code == 422  # the question's own answer is missing: it was read


def test_only_sessions_from_before_are_over() -> None:
    now, memory = datetime(2026, 11, 30, 12, tzinfo=UTC), EndedSessions()
    earlier = now - timedelta(hours=1)
    memory.learn([Ending(subject="S4001", not_before=now), Ending(subject="S4001", not_before=earlier)])
    assert memory.not_before(_responder()) == now
    assert memory.not_before(Principal("opaque", StaffId("s4001"), None, None, frozenset())) == now
    memory.learn_all([])
    assert memory.not_before(_responder()) < now


@asynccontextmanager
async def _watched(database: Database, memory: EndedSessions) -> AsyncIterator[SessionWatch]:
    stop, watch = asyncio.Event(), SessionWatch("tests", database, memory)
    task = asyncio.create_task(watch.run(stop))
    try:
        yield watch
    finally:
        stop.set()
        await task


def _heard(subject: str) -> Envelope[SessionEnded]:
    said = SessionEnded(subject=subject, not_before=START)
    return Envelope(str(uuid4()), "/signpost/intake", str(_id_of(subject)), None, START, said)


async def _someone_waits_for_a_lock(session: AsyncSession) -> bool | None:
    waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    await session.execute(text("select pg_stat_clear_snapshot()"))  # a transaction keeps what it saw first
    return await session.scalar(text(waiting)) is not None or None


async def _statuses(signpost: Signpost, token: str) -> list[int]:
    async with signpost.browser() as client:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        return [(await client.client.get(api, headers=headers)).status_code for api in APIS]


def _responder() -> Principal:
    roles = frozenset({Role.REPORTER, Role.SMART_RESPONDER})
    return Principal(RESPONDER, StaffId(RESPONDER), "Sam Reid", "sam.reid@example.org", roles)


def _without_id(issuer: TokenIssuer) -> str:
    """Return a session as earlier versions issued them."""
    now = datetime.now(UTC)
    return issuer._sign(_responder(), Audience.SESSION, now, now + timedelta(minutes=30), now, {})
