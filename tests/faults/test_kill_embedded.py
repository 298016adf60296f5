"""Ten kills under load: nothing accepted is lost, nothing is done twice, every manager has a mail."""

import asyncio
import json
import random
import secrets
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import pytest

from services.embedded import postgres
from services.embedded.data_directory import DataDirectory
from tests.support.embedded import EmbeddedSignpost, embedded_signpost
from tests.support.eventually import eventually
from tests.support.mails import Mail, by_reference, caught_alerts

KILLS = 10
CLIENTS = 4
PATIENCE = httpx.Timeout(10)

REPORT = {
    "platform": "x",
    "content_kind": "comment",
    "urls": ["https://x.com/some_account/status/1"],
    "behaviours": ["harassment"],
    "affected": [{"relation": "self"}],
    "narrative": "A stranger writes to me every day.",
    "manager_email": "line.manager@example.org",
}


@dataclass
class Load:
    """People who report without pause, and try again with the same key when the answer does not come."""

    signpost: EmbeddedSignpost
    token: str
    accepted: dict[str, str] = field(default_factory=dict)
    """reference → report id of every 201."""
    refused: list[int] = field(default_factory=list)
    stopping: bool = False

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await asyncio.gather(*(self._one_person(client) for _ in range(CLIENTS)))

    async def _one_person(self, client: httpx.AsyncClient) -> None:
        while not self.stopping:
            await self._report_until_answered(client, secrets.token_hex(16))

    async def _report_until_answered(self, client: httpx.AsyncClient, key: str) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        while True:
            try:
                url = f"{self.signpost.url}/report/api/v1/abuse-reports"
                response = await client.post(url, json=REPORT, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if response.status_code == httpx.codes.CREATED:
                body = response.json()
                self.accepted[body["reference"]] = body["report_id"]
                return
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.refused.append(response.status_code)
                return


@pytest.mark.policy("S3")
@pytest.mark.timeout(600)
async def test_ten_kills_under_load_lose_nothing_and_repeat_only_what_was_open(data_dir: Path) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    # Every alert has a mail of its own here: what a storm makes of them is proved beside the digests.
    async with embedded_signpost(data_dir, SIGNPOST_NOTIFIER_STORM_AFTER="1000000") as signpost:
        load = Load(signpost, await signpost.token("reporter"))
        people = asyncio.create_task(load.run())
        open_at_a_kill: set[str] = set()
        for _ in range(KILLS):
            await asyncio.sleep(moments.uniform(0.1, 2))
            await signpost.kill()
            open_at_a_kill |= await _open_alerts(signpost)
            await signpost.start()
        load.stopping = True
        await people
        assert load.refused == []
        assert len(load.accepted) > KILLS

        code, output = await signpost.command("reconcile", "--wait", "60", "--json")
        assert code == 0, output
        account = json.loads(output)
        assert account["accepted"] >= len(load.accepted)
        assert account["unaccounted"] == account["in_flight"] == account["dead_lettered"] == 0
        assert account["cases"] == account["alert_decisions"] == account["accepted"]

        assert await _cases_per_report(signpost) == Counter(load.accepted.values())
        await _until_every_manager_has_a_mail(signpost, load)
        mails = caught_alerts(signpost.data_dir)
        assert {mail.to for mail in mails} == {REPORT["manager_email"]}
        _assert_only_what_was_open_is_repeated(by_reference(mails), open_at_a_kill)
        code, output = await signpost.command("audit", "verify")
        assert code == 0, output


async def _cases_per_report(signpost: EmbeddedSignpost) -> Counter[str]:
    token = await signpost.token("smart_lead", "S4002")
    cases: Counter[str] = Counter()
    async with httpx.AsyncClient(timeout=PATIENCE, headers={"Authorization": f"Bearer {token}"}) as client:
        cursor: str | None = None
        while True:
            query = {"team": "smart"} | ({"cursor": cursor} if cursor else {})
            response = await client.get(f"{signpost.url}/cases/api/v1/cases", params=query)
            page = response.raise_for_status().json()
            cases.update(item["report_id"] for item in page["items"])
            if not (cursor := page["next_cursor"]):
                return cases


async def _until_every_manager_has_a_mail(signpost: EmbeddedSignpost, load: Load) -> None:
    async def everybody() -> bool | None:
        return set(load.accepted) <= set(by_reference(caught_alerts(signpost.data_dir))) or None

    await eventually(everybody)


async def _open_alerts(signpost: EmbeddedSignpost) -> set[str]:
    """Return the alerts whose attempt the kill left open, read from the PostgreSQL that survives it."""
    directory = DataDirectory(signpost.data_dir)
    socket = postgres.socket_of_running(directory)
    assert socket, "PostgreSQL must survive a kill of Signpost"
    connection = await asyncpg.connect(directory.database_url("notifier", socket).replace("+asyncpg", ""))
    try:
        rows = await connection.fetch(
            "select alert_id from delivery join attempt using (delivery_id) where ended_at is null"
        )
    finally:
        await connection.close()
    return {str(row["alert_id"]) for row in rows}


def _assert_only_what_was_open_is_repeated(mails: dict[str, list[Mail]], open_at_a_kill: set[str]) -> None:
    repeats = 0
    for about_one_report in mails.values():
        first, *others = about_one_report
        repeats += len(others)
        assert all(mail.possible_repeat and mail.message_id == first.message_id for mail in others)
        assert not others or any(alert in first.message_id for alert in open_at_a_kill)
    print(f"{repeats} repeated mails, {len(open_at_a_kill)} attempts open at {KILLS} kills")
