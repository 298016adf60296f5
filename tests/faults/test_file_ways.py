"""Intake dies at every step of each way that a file comes, is opened and goes; its client then does what clients do.

After that each file that was acknowledged is there once and whole, with one entry in its case's custody, nothing else
is left in the store, and `reconcile` and `audit verify` find nothing.
"""

import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from services.intake.evidence import domain
from services.intake.forms import sent_files
from shared.auth.permissions import Role
from tests.faults import extent, lives
from tests.faults.lives import BETWEEN_LIVES, Died, Life, Signpost
from tests.faults.steps import Moment
from tests.services.intake.conftest import small_body
from tests.services.intake.evidence.test_tus import TUS, create, resume
from tests.services.intake.forms.browser import ABUSE, ABUSE_ANSWERS, fill_abuse, token_in
from tests.services.intake.forms.test_files import EVIDENCE, add
from tests.services.triage.buttons import press
from tests.support.eventually import eventually
from tests.support.log import deliver
from tests.support.postgres import PostgresForTests

PART = 4096
ONE, TWO = b"They wrote this about me.\n" * 240, b"And then they wrote that.\n" * 10
"""The first has two parts."""
SEEN = "They wrote my address"
REPORTS = "/report/api/v1"


@dataclass
class Story:
    """One report with its files, and what its client has learnt so far."""

    signpost: Signpost
    way: str
    dies_at: str | None
    """At which step intake dies; None: it lives."""
    report_id: str = ""
    reference: str = ""
    code: str = ""
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    learnt: dict[str, str] = field(default_factory=dict)
    expected: list[bytes] = field(default_factory=list)
    gone: int = 0

    @property
    def mine(self) -> dict[str, str]:
        """The header of its reporter."""
        return {"receipt-code": self.code} if self.code else self.signpost.bearer(Role.REPORTER, "S1002")

    @property
    def evidence(self) -> str:
        return f"{REPORTS}/reports/{self.reference}/evidence"

    @asynccontextmanager
    async def client(self, life: Life) -> AsyncIterator[httpx.AsyncClient]:
        """Open its client, which keeps the cookies of the one before."""
        async with self.signpost.client(life, self.cookies) as client:
            try:
                yield client
            finally:
                self.cookies = client.cookies

    def __str__(self) -> str:
        return f"{self.way}, death at {self.dies_at}"


Doing = Callable[[Story, Life, httpx.AsyncClient], Awaitable[None]]
"""What a client does until it is told that it is done; doing it again is what it does after no answer came."""


async def _nothing(_story: Story, _life: Life, _client: httpx.AsyncClient) -> None:
    return


@dataclass(frozen=True)
class Way:
    """A way of a file: what was before, and what is done while intake dies."""

    before: Doing
    act: Doing
    sites: Mapping[str, int]
    """The functions that write on this way, and how often each does. Intake dies each time, before and after."""
    then: Doing = _nothing
    """What was before too, once all services had heard of the rest."""

    @property
    def steps(self) -> list[str]:
        return [
            f"{function}/{moment} #{number}"
            for function, times in self.sites.items()
            for number in range(1, times + 1)
            for moment in (Moment.BEFORE, Moment.AFTER)
        ]


async def _reported(story: Story, _life: Life, client: httpx.AsyncClient) -> None:
    sent = (await client.post(f"{REPORTS}/abuse-reports", json=small_body(manager_email=None))).json()
    story.report_id, story.reference, story.code = sent["report_id"], sent["reference"], sent["receipt_code"]


async def _filled_in(story: Story, _life: Life, client: httpx.AsyncClient) -> None:
    await fill_abuse(client, evidence={})
    await client.get(EVIDENCE)


async def _sends_the_form(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    """Add files and what was seen at a link, send the report, and look at the page of what was sent."""
    if "csrftoken" not in story.learnt:
        if "first.txt" not in (await client.get(EVIDENCE)).text:
            await add(client, ("first.txt", ONE), ("second.txt", TWO), add="yes")
        went_on = await add(client, seen_0=SEEN)
        assert went_on.is_redirect, went_on.text
    about = f"What the reporter saw at {ABUSE_ANSWERS['where']['urls']}:\n\n{SEEN}\n".encode()
    await _presses_send(story, life, client, [ONE, TWO, about])


async def _sends_as_a_script_does(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    """Send a file while the form is filled in, part by part, then add it to the answers; go on from where it is."""
    if "csrftoken" not in story.learnt:
        await _sends_ahead(story, life, client)
    life.armed = False  # it is sent like any other
    await _presses_send(story, life, client, [ONE])


async def _sends_ahead(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    while "address" not in story.learnt or (await client.head(story.learnt["address"], headers=TUS)).is_error:
        ticket = life.parts.tickets.issue(story.signpost.clock.now())
        begun = await create(client, len(ONE), ticket=ticket, filename="first.txt")
        story.learnt["address"] = begun.headers["location"]
    there = int((await client.head(story.learnt["address"], headers=TUS)).headers["upload-offset"])
    for place in range(there, len(ONE) + 1, PART):
        went = await resume(client, story.learnt["address"], place, ONE[place : place + PART])
        assert went.status_code == httpx.codes.NO_CONTENT, went.text
    went_on = await add(client, upload=story.learnt["address"].rpartition("/")[2])
    assert went_on.is_redirect, went_on.text


async def _presses_send(story: Story, life: Life, client: httpx.AsyncClient, files: list[bytes]) -> None:
    if "csrftoken" not in story.learnt:
        story.learnt["csrftoken"] = token_in(await client.get(f"{ABUSE}/check"))
    await client.post(f"{ABUSE}/check", data={"csrftoken": story.learnt["csrftoken"]})

    async def all_there() -> bool | None:
        sent = await client.get(f"{ABUSE}/sent")
        if f'action="{ABUSE}/files"' in sent.text:
            await client.post(f"{ABUSE}/files", data={"csrftoken": token_in(sent)})
            return None
        found = re.search(r"SP-[0-9A-Z]{4}-[0-9A-Z]{4}", sent.text)
        assert found, sent.text
        story.reference = found[0]
        assert "was sent without" not in sent.text
        return "files-being-added" not in sent.text or None

    await eventually(all_there)
    found = "select id from report where reference = :it"
    [row] = await story.signpost.rows(life, "intake", found, it=story.reference)
    story.report_id, story.expected = str(row.id), files


async def _sends_by_the_api(story: Story, _life: Life, client: httpx.AsyncClient) -> None:
    """Send a file; a client that got no answer looks at the list before it sends again."""
    listed = (await client.get(story.evidence, headers=story.mine)).json()["items"]
    if not listed:
        sent = await client.post(story.evidence, files={"file": ("a.txt", ONE)}, headers=story.mine)
        assert sent.status_code == 201, sent.text
    story.expected = [ONE]


async def _sends_by_tus(story: Story, _life: Life, client: httpx.AsyncClient) -> None:
    """Send a file part by part, and go on from where it is."""
    while "address" not in story.learnt or (await client.head(story.learnt["address"], headers=TUS)).is_error:
        begun = await create(client, len(ONE), story.mine, reference=story.reference, filename="a.txt")
        story.learnt["address"] = begun.headers["location"]
    while True:
        there = int((await client.head(story.learnt["address"], headers=TUS)).headers["upload-offset"])
        went = await resume(client, story.learnt["address"], there, ONE[there : there + PART])
        assert went.status_code == 204, went.text
        if "evidence-id" in went.headers:
            break
    story.expected = [ONE]


async def _visited(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    await _reported(story, life, client)
    asked = {"reference": story.reference, "receipt_code": story.code}
    token = token_in(await client.get("/report/track"))
    shown = await client.post("/report/track", data={**asked, "csrftoken": token})
    assert shown.status_code == 303, shown.text
    story.learnt["csrftoken"] = token_in(await client.get(f"/report/track/{story.reference}"))


async def _answers(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    """Write with a file, and send the same again if no answer came."""
    typed = {"text": "There is a new one.", "csrftoken": story.learnt["csrftoken"]}
    sent = await client.post(f"/report/track/{story.reference}/add", data=typed, files={"file": ("a.txt", ONE)})
    assert sent.status_code == 303, sent.text
    messages = (await client.get(f"{REPORTS}/reports/{story.reference}/messages", headers=story.mine)).json()["items"]
    assert [one.get("text") for one in messages].count(typed["text"]) == 1
    story.expected = [ONE]


async def _case_of(story: Story, client: httpx.AsyncClient) -> str:
    if "case" not in story.learnt:
        cases = await client.get("/cases/api/v1/cases", params={"report_id": story.report_id}, headers=_sam(story))
        story.learnt["case"] = cases.json()["items"][0]["case_id"]
    return f"/cases/api/v1/cases/{story.learnt['case']}/evidence"


def _sam(story: Story) -> dict[str, str]:
    return story.signpost.bearer(Role.SMART_RESPONDER, "S2001")


async def _adds_by_grant(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    """Add a file to a case as a responder; if the permission is used up, look whether it did its work, or ask again."""
    case, story.expected = await _case_of(story, client), [ONE]
    while True:
        if "grant" not in story.learnt:
            allowed = await client.post(case, json={"purpose": "The platform's reply"}, headers=_sam(story))
            story.learnt["grant"] = allowed.json()["upload_url"]
        sent = await client.post(story.learnt["grant"], files={"file": ("a.txt", ONE)})
        if sent.status_code == httpx.codes.CREATED:
            return
        assert sent.status_code == httpx.codes.GONE, sent.text
        await story.signpost.settle(life)
        if (await client.get(case, headers=_sam(story))).json()["items"]:
            return
        del story.learnt["grant"]


async def _with_a_file(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    await _reported(story, life, client)
    sent = await client.post(story.evidence, files={"file": ("a.txt", ONE)}, headers=story.mine)
    story.learnt["evidence"] = sent.json()["evidence_id"]
    story.expected = [ONE]


async def _opens(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    """Download a file; if the address was used and nothing came, open it again."""
    case = f"{await _case_of(story, client)}/{story.learnt['evidence']}/open"
    while True:
        if "grant" not in story.learnt:
            opened = await client.post(case, json={"purpose": "To see it"}, headers=_sam(story))
            story.learnt["grant"] = opened.json()["url"]
        given = await client.get(story.learnt["grant"])
        if given.status_code == 200:
            break
        assert given.status_code == 410, given.text
        del story.learnt["grant"]
    assert given.content == ONE
    refused = await client.delete(f"{story.evidence}/{story.learnt['evidence']}", headers=story.mine)
    assert refused.status_code == 409, "a team has opened it"


async def _takes_back(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    taken = await client.delete(f"{story.evidence}/{story.learnt['evidence']}", headers=story.mine)
    assert taken.status_code in {204, 404}, taken.text
    story.expected, story.gone, story.learnt["taken back"] = [], 1, "yes"


async def _reported_union_activity(story: Story, _life: Life, client: httpx.AsyncClient) -> None:
    body = {"platform": "facebook", "found_by": "person", "behaviours": ["association"], "union_activity": "unsure"}
    said = {**body, "subject": {"name": "Dana Wolf"}, "narrative": "A post of the branch"}
    sent = (await client.post(f"{REPORTS}/misuse-reports", json=said, headers=story.mine)).json()
    story.report_id, story.reference = sent["report_id"], sent["reference"]
    added = await client.post(story.evidence, files={"file": ("a.txt", ONE)}, headers=story.mine)
    assert added.status_code == httpx.codes.CREATED, added.text


async def _exempted(story: Story, _life: Life, client: httpx.AsyncClient) -> None:
    """The triage desk says that it is outside the policy; intake has not heard so."""
    client.headers.update({"accept": "text/html", **story.signpost.bearer(Role.TRIAGE_DESK, "S3001")})
    page = f"/cases/{story.reference}"
    for action in ("claim", "exempt"):
        pressed = await press(client, page, f"{page}/{action}")
        assert pressed.status_code == httpx.codes.SEE_OTHER, pressed.text
    await story.signpost.publish()


async def _erases(story: Story, life: Life, _client: httpx.AsyncClient) -> None:
    await deliver([], life.consumers)
    story.gone = 1


async def _half_sent(story: Story, life: Life, client: httpx.AsyncClient) -> None:
    await _reported(story, life, client)
    begun = await create(client, len(ONE), story.mine, reference=story.reference, filename="a.txt")
    story.learnt["address"] = begun.headers["location"]
    await resume(client, story.learnt["address"], 0, ONE[:PART])


async def _gives_up(story: Story, _life: Life, client: httpx.AsyncClient) -> None:
    gone = await client.delete(story.learnt["address"], headers=TUS)
    assert gone.status_code in {204, 404}, gone.text


_ONE_FILE = {"begin": 1, "_keep_part_now": 1, "complete": 1, "_attach": 1}
_FILES = {"begin": 3, "_keep_part_now": 3, "complete": 2, "answer_with_files": 2}
_FORM = {**_FILES, "send": 1, "_take_lease": 1, "_attach": 3, "_keep_change": 1}
"""Two files, and what was seen at a link."""
_SCRIPT = {"begin": 1, "_keep_part_now": 2, "keep_for_form": 1, "answer_with_files": 1}
WAYS = {
    "an exemption": Way(_reported_union_activity, _erases, {"BatchHandler.handle": 1}, _exempted),
    "a form": Way(_filled_in, _sends_the_form, _FORM),
    "a form with scripts": Way(_filled_in, _sends_as_a_script_does, _SCRIPT),
    "the API": Way(_reported, _sends_by_the_api, _ONE_FILE),
    "tus": Way(_reported, _sends_by_tus, {"begin": 1, "_keep_part_now": 2, "_attach": 1}),
    "giving up": Way(_half_sent, _gives_up, {"discard": 1}),
    "an answer": Way(_visited, _answers, {**_ONE_FILE, "_send_message": 1}),
    "a responder": Way(_reported, _adds_by_grant, _ONE_FILE),
    "a download": Way(_with_a_file, _opens, {"use_up": 1}),
    "taking back": Way(_with_a_file, _takes_back, {"delete_evidence": 1}),
}
"""The exemption is first: what intake reads then is of it alone."""
DEATHS = sum(len(way.steps) for way in WAYS.values())


@pytest_asyncio.fixture
async def signpost(
    postgres: PostgresForTests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Signpost]:
    monkeypatch.setattr(domain, "PART", PART)
    monkeypatch.setattr(sent_files, "PATIENCE", 60)
    async with lives.opened(postgres, tmp_path) as running:
        yield running


@pytest.mark.timeout(60 + 5 * DEATHS)
async def test_a_death_at_any_step_loses_doubles_and_leaves_nothing(signpost: Signpost) -> None:
    began = time.monotonic()
    run = extent.seed()
    dying = [(name, step) for name, way in WAYS.items() for step in (None, *extent.half_of(way.steps, run))]
    stories = [Story(signpost, name, step) for name, step in dying]
    async with signpost.life() as life:
        for story in stories:
            async with story.client(life) as client:
                await WAYS[story.way].before(story, life, client)
        await signpost.settle(life)
    for story in stories:
        print(story)
        await _acts(story, WAYS[story.way])
    signpost.clock.pass_(BETWEEN_LIVES)
    async with signpost.life() as again:
        for story in stories:
            print(f"{story}, again")
            async with story.client(again) as client:
                await WAYS[story.way].act(story, again, client)
        await signpost.settle(again)
        await signpost.assert_nothing_is_left(again)
        for story in stories:
            print(f"{story}, what is kept")
            await signpost.assert_kept(again, story.report_id, story.expected, story.gone)
            if "taken back" in story.learnt:
                custody = await signpost.custody(again, story.learnt["evidence"])
                assert custody == ["evidence_added", "evidence_removed"]
    await signpost.assert_accounted_for()
    print(f"{len(stories) - len(WAYS)} of {DEATHS} deaths took {time.monotonic() - began:.0f} seconds")


async def _acts(story: Story, way: Way) -> None:
    """Let a client act while intake dies at the story's step, which must come; or see that it is all of the steps."""
    async with story.signpost.life(story.dies_at) as life:
        async with story.client(life) as client:
            await way.then(story, life, client)
        life.armed = True
        try:
            async with story.client(life) as client:
                await way.act(story, life, client)
        except Died:
            pass
        except Exception:  # a client of a process that is gone is told nothing that it expects
            if not life.dead:
                raise
    if story.dies_at:
        assert life.dead, f"it came by {life.passed}"
    else:
        both = (Moment.BEFORE, Moment.AFTER)
        assert life.passed == Counter({f"{name}/{one}": times for name, times in way.sites.items() for one in both})
