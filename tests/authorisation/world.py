"""All four services with one small world in them, and the person who asks: Grace, in each role in turn.

Grace reported one thing herself (`own`), has nothing to do with others (`other_…`), is named in some (`restricted_…`,
as subject, suspected or complainant), and is the manager who works one (`managed`).
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.embedded.run import PrefixRouter
from services.intake.reports.access import WrongCodeLimit
from services.notifier.directory.handlers import import_csv as import_directory
from services.registry.accounts.csv_file import import_csv as import_accounts
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer, TokenReader, ensure_key_files
from shared.db.database import Database
from shared.events import topics
from shared.events.envelope import NewEvent
from shared.events.intake import EvidenceAdded
from shared.events.topics import Topic
from shared.ids import RandomIds, StaffId
from shared.messaging.consumer import BatchConsumer
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.runtime import Service
from tests.authorisation.services import ADDRESS, OPENING, settings_of
from tests.support.log import deliver, postgres_log
from tests.support.postgres import PostgresForTests
from tests.support.web import START, ClockForTests

P = ParamSpec("P")
T = TypeVar("T")
SAMPLE = Path(__file__).parents[2] / "deploy" / "sample"
NAMES = {
    "S2001": "Grace Okafor",  # manages Tom
    "S2002": "Daniel Price",
    "S1002": "Tom Evans",
    "S9001": "Margaret Ellis",
}
GRACE, DANIEL, TOM, MARGARET = "S2001", "S2002", "S1002", "S9001"
LEAVER = "S7009"
_ABUSE = {
    "platform": "x",
    "urls": ["https://x.com/a/status/1"],
    "behaviours": ["harassment"],
    "affected": [{"relation": "self"}],
}
_MISUSE = {"platform": "facebook", "found_by": "person", "behaviours": ["association"], "union_activity": "no"}
_INCIDENT = {
    "effects": ["disclosure"],
    "circumstances": ["suspected"],
    "asset_owner": "dwp",
    "discovered_at": "2026-11-23T09:30:00+00:00",
}
_ACCOUNTS = """platform,handle,class,status,official_use,title,owner,approved_person
x,@SampleOwn,official,live,,Sample of Grace,S2001,
x,@SampleOther,official,live,,Sample of somebody else,S7001,
x,@SampleDirector,professional_individual,live,,Sample of a person,S7009,S7002
"""
_REQUEST = {"platform": "x", "class": "official", "requirement": "A need", "purpose": "Say what opens when"}
_TOPICS: Mapping[str, Topic] = {
    "abuse-reports": topics.ABUSE_REPORTS,
    "misuse-reports": topics.MISUSE_REPORTS,
    "security-incidents": topics.SECURITY_INCIDENTS,
    "enquiries": topics.ENQUIRIES,
    "policy-exceptions": topics.ENQUIRIES,
}
_GRACE = {"relation": "colleague", "staff_id": GRACE, "name": "Grace Okafor"}


_OF_EACH_CASE = (
    """insert into campaign (campaign_id, state, made_at, decided_at, decided_by, teams)
    select case_id, 'confirmed', opened_at, opened_at, 'S9001', array[team] from "case" on conflict do nothing""",
    """insert into campaign_member (campaign_id, case_id, state, added_at)
    select case_id, case_id, 'confirmed', opened_at from "case" on conflict do nothing""",
    """insert into task (task_id, case_id, code, title, made_at, made_by, overdue)
    select case_id, case_id, '', 'Ring the building', opened_at, 'S9001', false from "case" on conflict do nothing""",
    """insert into takedown (takedown_id, case_id, platform, link, category, how, reported_at, reported_by, state,
        chase_at, due_at, chases, chase_due, overdue)
    select case_id, case_id, 'x', 'https://x.com/a/status/1', 'abuse_harassment', 'web_form', opened_at, 'S9001',
        'reported', opened_at, opened_at, 0, false, false from "case" on conflict do nothing""",
    """insert into machine_form (form_id, takedown_id, case_id, protocol, body, made_at, made_by, state, attempts)
    select case_id, case_id, case_id, 'xarf', '{}', opened_at, 'S9001', 'made', 0 from "case" on conflict do nothing""",
    """insert into second_review (review_id, case_id, resolution, team, outcome, why, chosen_at, resolved_by)
    select case_id, case_id, 1, team, 'support_given', 'sample', opened_at, 'S9001' from "case"
    on conflict do nothing""",
)
"""A confirmed campaign of each case by itself, and a task, a take-down with its form and a second review, all with the
case's own id."""
_WITH_ITS_ID = ("case", "campaign", "task", "takedown", "form", "review")
_BULK_OF_EACH = """insert into bulk (bulk_id, action, state, total, asked_by, asked_at, finished_at)
select gen_random_uuid(), 'claim', 'done', 1, who, opened_at, opened_at
from unnest(array['S2001', 'S9001']) who, (select max(opened_at) as opened_at from "case") newest
where not exists (select 1 from bulk) returning asked_by, bulk_id"""
"""A bulk action of Grace's, and one of another person's."""
_VIEW_OF_EACH = """insert into saved_view (view_id, version, owner, team, name, query, saved_at)
select gen_random_uuid(), 1, owner, team, 'Sample', '', opened_at
from (values ('S2001', null), ('S9001', null), ('S9001', 'smart'), ('S9001', 'sirt')) as kept (owner, team),
  (select max(opened_at) as opened_at from "case") newest
where not exists (select 1 from saved_view) returning owner, team, view_id"""
"""A view of Grace's, one of another person's, and one of each of two teams."""


@dataclass(frozen=True)
class Sent:
    """A report for the world: who sends it, through which form, and what it says."""

    who: str
    form: str
    body: Mapping[str, object]


OPEN: Mapping[str, Sent] = {
    "own": Sent(GRACE, "abuse-reports", _ABUSE),
    "other_smart": Sent(DANIEL, "abuse-reports", _ABUSE),
    "other_sirt": Sent(DANIEL, "security-incidents", _INCIDENT),
    "other_desk": Sent(
        DANIEL, "misuse-reports", {**_MISUSE, "union_activity": "unsure", "subject": {"name": "Dana Wolf"}}
    ),
    "other_advice": Sent(DANIEL, "enquiries", {"about": "policy"}),
    "other_policy": Sent(DANIEL, "policy-exceptions", {"kind": "notice", "platform": "x"}),
    "managed": Sent(MARGARET, "misuse-reports", {**_MISUSE, "subject": {"staff_id": TOM, "name": "Tom Evans"}}),
}
RESTRICTED: Mapping[str, Sent] = {
    "restricted_smart": Sent(DANIEL, "abuse-reports", {**_ABUSE, "suspected": [_GRACE]}),
    "restricted_sirt": Sent(DANIEL, "security-incidents", {**_INCIDENT, "suspected": [_GRACE]}),
    "restricted_desk": Sent(
        DANIEL, "misuse-reports", {**_MISUSE, "union_activity": "unsure", "subject": {"staff_id": GRACE}}
    ),
    "restricted_manager": Sent(
        DANIEL, "misuse-reports", {**_MISUSE, "subject": {"staff_id": GRACE, "name": "Grace Okafor"}}
    ),
    "complained": Sent(GRACE, "misuse-reports", {**_MISUSE, "subject": {"staff_id": "S2003", "name": "Fatima Noor"}}),
}


@dataclass
class World:
    """The services, and the objects in them."""

    services: Mapping[str, Service]
    front: PrefixRouter
    issuer: TokenIssuer
    clock: ClockForTests
    references: dict[str, str] = field(default_factory=dict)
    report_ids: dict[str, UUID] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """`{name}` in a path → its value: cases, accounts, alerts."""
    _bearers: dict[tuple[Role, str], str] = field(default_factory=dict)

    def address(self, part: str, kind: str, path: str) -> str | None:
        """Return the value of `{part}` in `path` to the object `kind`; None if there is none."""
        if part == "reference":
            return self.references.get(kind)
        if "/removals/" in path:
            return self.ids.get(f"removal:{kind}")
        return self.ids.get(f"{part.removesuffix('_id')}:{kind}")

    def bearer(self, role: Role | None, who: str = GRACE) -> dict[str, str]:
        """Return the header of `who` in `role`; no header for no one."""
        if role is None:
            return {}
        if (role, who) not in self._bearers:
            self._bearers[role, who] = self.issuer.bearer(person(who, role), self.clock.now())
        return {"authorization": f"Bearer {self._bearers[role, who]}"}

    def program(self) -> dict[str, str]:
        """Return the header of a client that is not a person, in every role."""
        client = Principal("client-of-tests", None, None, None, frozenset(Role))
        return {"authorization": f"Bearer {self.issuer.bearer(client, self.clock.now())}"}

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.front, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
            yield client

    async def add(self, reports: Mapping[str, Sent]) -> None:
        """Send reports, deliver their events to all services, and note their references."""
        async with self.client() as client:
            for name, sent in reports.items():
                body = {"narrative": f"What happened, for {name.replace('_', ' ')}", **sent.body}
                answer = await client.post(
                    f"/report/api/v1/{sent.form}", json=body, headers=self.bearer(Role.REPORTER, sent.who)
                )
                assert answer.status_code == 201, (name, answer.text)
                self.references[name] = answer.json()["reference"]
                self.report_ids[name] = UUID(answer.json()["report_id"])
        await self._announce_evidence(reports)
        await self.settle()
        await self._note_cases()
        await self._note_alerts()

    async def _announce_evidence(self, reports: Mapping[str, Sent]) -> None:
        """Say that each reporter sent a picture: services know of it as of any other, without its bytes."""
        ids = RandomIds()
        news = []
        for name, sent in reports.items():
            evidence_id, digest = ids.uuid(), "0" * 64
            self.ids[f"evidence:{name}"] = str(evidence_id)
            added = EvidenceAdded.model_validate(
                {
                    "report_id": self.report_ids[name],
                    "reference": self.references[name],
                    "at": START,
                    "evidence_id": evidence_id,
                    "sha256": digest,
                    "sha256_sent": digest,
                    "size": 1000,
                    "media_type": "image/png",
                    "scan": "clean",
                    "added_by": "reporter",
                }
            )
            news.append(NewEvent.of(added.report_id, added, topic=_TOPICS[sent.form].name))
        async with self.services["intake"].database.transaction() as session:
            await Outbox("intake", ids).append(session, news, START)

    async def settle(self) -> None:
        """Deliver all events to the services that read them."""
        roles = [role for service in self.services.values() for role in service.roles]
        relays = [role for role in roles if isinstance(role, Relay)]
        await deliver(relays, [role for role in roles if isinstance(role, BatchConsumer)])

    async def _note_cases(self) -> None:
        async with self.services["triage"].database.transaction() as session:
            found = await session.execute(text('select report_id, case_id from "case" order by reference desc'))
            cases: dict[UUID, UUID] = {report_id: case_id for report_id, case_id in found}  # noqa: C416 - rows are no pairs
            for statement in _OF_EACH_CASE:
                await session.execute(text(statement))
            for who, bulk_id in await session.execute(text(_BULK_OF_EACH)):
                self.ids[f"bulk:{'own' if who == GRACE else 'other'}"] = str(bulk_id)
            for who, team, view_id in await session.execute(text(_VIEW_OF_EACH)):
                self.ids[f"view:of_{team}" if team else f"view:{'own' if who == GRACE else 'other'}"] = str(view_id)
        for name, report in self.report_ids.items():
            if report in cases:
                self.ids |= {f"{what}:{name}": str(cases[report]) for what in _WITH_ITS_ID}

    async def _note_alerts(self) -> None:
        """Note an alert to Grace and one to another person."""
        async with self.services["notifier"].database.transaction() as session:
            found = await session.execute(text("select recipient_staff_id, alert_id from alert order by alert_id"))
            self.ids |= {f"alert:{'own' if to == GRACE else 'other'}": str(alert_id) for to, alert_id in found}

    def rolled_back(self) -> None:
        """From now on no request changes anything."""
        for service in self.services.values():
            service.database.transaction = _undone(service.database)  # type: ignore[method-assign, assignment] # on purpose


def person(staff_id: str, *roles: Role) -> Principal:
    """Return a member of staff, as in the directory."""
    name = NAMES[staff_id]
    email = f"{name.lower().replace(' ', '.')}@example.org"
    return Principal(staff_id, StaffId(staff_id), name, email, frozenset(roles))


@asynccontextmanager
async def opened(postgres: PostgresForTests, folder: Path) -> AsyncIterator[World]:
    """Open all services on their own log, with the sample directory and accounts."""
    clock = ClockForTests()
    async with AsyncExitStack() as stack:
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        for module in ("fastapi.routing", "fastapi.dependencies.utils"):
            patched.setattr(f"{module}.run_in_threadpool", _at_once)  # a thread costs more than the work done in it
        patched.setattr(WrongCodeLimit, "wait", lambda *_: 0)  # these tests enter more wrong codes than any person
        log = await stack.enter_async_context(postgres_log(postgres))
        running: dict[str, Service] = {}
        for name, opening in OPENING.items():
            url = await stack.enter_async_context(postgres.fresh(name))
            running[name] = await stack.enter_async_context(
                opening(settings_of(name, url, folder), clock=clock, log=log)
            )
        for service in running.values():
            patched.setattr(service.parts.rates, "spend", lambda *_: None)  # these tests send faster than any person
            service.app.state.parts = replace(service.parts, tokens=_Remembering(service.parts.tokens))
        front_door, *others = running.values()
        front = PrefixRouter(front_door.app, {service.prefix: service.app for service in others})
        world = World(running, front, TokenIssuer(ensure_key_files(folder)[0].read_bytes()), clock)
        await _fill(world)
        yield world


async def _fill(world: World) -> None:
    """Import the directory and two accounts, and request two more; each once for Grace and once for another person."""
    await _import(world)
    async with world.client() as client:
        for kind, owner in (("own", GRACE), ("other", DANIEL)):
            asked = {**_REQUEST, "handle": f"@SampleNew{kind}", "owner": owner}
            answer = await client.post(
                "/accounts/api/v1/requests", json=asked, headers=world.bearer(Role.ACCOUNT_OWNER, owner)
            )
            world.ids[f"request:{kind}"] = _made(answer)["request_id"]
            answer = await client.post(
                f"/accounts/api/v1/accounts/{world.ids[f'account:{kind}']}/operators",
                json={"staff_id": TOM, "device": "dwp_approved"},
                headers=world.bearer(Role.COMMS, MARGARET),
            )
            world.ids[f"operator:{kind}"] = _made(answer)["operator_id"]
            await _return_a_request(world, client, kind, owner)
            await _approve_a_request(world, client, kind, owner)
            await _leave_access_open(world, client, kind)
            today = str(START.date())
            leave = {"proxy": TOM, "first_day": today, "last_day": today, "reason": "Leave"}
            answer = await client.post(
                "/accounts/api/v1/delegations", json=leave, headers=world.bearer(Role.APPROVER, owner)
            )
            world.ids[f"delegation:{kind}"] = _made(answer)["delegation_id"]
        answer = await client.post(
            f"/accounts/api/v1/accounts/{world.ids['account:individual']}/operators",
            json={"staff_id": "S7002", "device": "other"},
            headers=world.bearer(Role.COMMS, MARGARET),
        )
        world.ids["operator:individual"] = _made(answer)["operator_id"]
    await world.settle()


async def _import(world: World) -> None:
    ids, now = RandomIds(), START
    async with world.services["notifier"].database.transaction() as session:
        people = (SAMPLE / "directory.csv").read_text(encoding="utf-8")
        await import_directory(
            session,
            people,
            accept_valid=False,
            now=now,
            ids=ids,
            outbox=Outbox("notifier", ids),
            actor="system:tests",
        )
    async with world.services["registry"].database.transaction() as session:
        outbox = Outbox("registry", ids)
        await import_accounts(
            session, _ACCOUNTS, accept_valid=False, outbox=outbox, now=now, ids=ids, actor="system:tests"
        )
        found = await session.execute(text("select owner, id from account"))
        whose = {GRACE: "own", "S7001": "other", "S7009": "individual"}
        world.ids |= {f"account:{whose[owner]}": str(account) for owner, account in found}


async def _return_a_request(world: World, client: httpx.AsyncClient, kind: str, owner: str) -> None:
    """Have an approver return a request of `owner` for them to change."""
    asked = {**_REQUEST, "handle": f"@SampleBack{kind}", "owner": owner}
    answer = await client.post("/accounts/api/v1/requests", json=asked, headers=world.bearer(Role.ACCOUNT_OWNER, owner))
    request = world.ids[f"request:returned_{kind}"] = _made(answer)["request_id"]
    headers = {"if-match": '"1"', **world.bearer(Role.APPROVER, MARGARET)}
    answer = await client.post(
        f"/accounts/api/v1/requests/{request}/return", json={"reason": "Say more"}, headers=headers
    )
    assert answer.status_code == 200, answer.text


async def _approve_a_request(world: World, client: httpx.AsyncClient, kind: str, owner: str) -> None:
    """Have an approver approve an account that no one has confirmed."""
    asked = {**_REQUEST, "handle": f"@SampleMade{kind}", "owner": owner}
    made = _made(
        await client.post("/accounts/api/v1/requests", json=asked, headers=world.bearer(Role.ACCOUNT_OWNER, owner))
    )
    headers = {"if-match": '"1"', **world.bearer(Role.APPROVER, MARGARET)}
    answer = await client.post(
        f"/accounts/api/v1/requests/{made['request_id']}/approve", json={"relevance": "Heads it"}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    world.ids[f"account:approved_{kind}"] = made["account_id"]


async def _leave_access_open(world: World, client: httpx.AsyncClient, kind: str) -> None:
    """Authorise an operator and withdraw the authorisation: their access on the platform is still to be removed."""
    comms = world.bearer(Role.COMMS, MARGARET)
    trained = {"staff_id": LEAVER, "course": "Official accounts", "completed_on": str(START.date())}
    await client.post("/accounts/api/v1/training", json=trained, headers=comms)
    account = world.ids[f"account:{kind}"]
    answer = await client.post(
        f"/accounts/api/v1/accounts/{account}/operators", json={"staff_id": LEAVER}, headers=comms
    )
    operator = world.ids[f"operator:leaver_{kind}"] = _made(answer)["operator_id"]
    answer = await client.post(
        f"/accounts/api/v1/operators/{operator}/withdraw",
        json={"reason": "Left"},
        headers={"if-match": answer.headers["etag"], **comms},
    )
    assert answer.status_code == 200, answer.text
    world.ids[f"removal:{kind}"] = answer.json()["removal_task"]


def _made(answer: httpx.Response) -> Mapping[str, str]:
    assert answer.status_code == 201, answer.text
    made: Mapping[str, str] = answer.json()
    return made


async def _at_once(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    return work(*arguments, **named)


class _Remembering:
    """Reads each token once: there are thousands of requests but nineteen tokens, and the clock stands still."""

    def __init__(self, reader: TokenReader) -> None:
        self.read = cache(reader.read)


def _undone(database: Database) -> object:
    real = database._sessions

    @asynccontextmanager
    async def transaction() -> AsyncIterator[AsyncSession]:
        async with real() as session:
            begun = await session.begin()
            try:
                yield session
                await session.flush()
            finally:
                if begun.is_active:
                    await begun.rollback()

    return transaction
