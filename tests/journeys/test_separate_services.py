"""The same with separate services: four processes, four databases and Apache Kafka between them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from services.embedded.mail_catcher import MailFolder, open_mail_catcher
from shared.auth.permissions import Role
from shared.auth.personas import issue_token
from shared.auth.tokens import ensure_key_files
from shared.clock import SystemClock
from shared.events.topics import SERVICES
from shared.ids import RandomIds
from tests.support.eventually import eventually
from tests.support.mails import caught_mails
from tests.support.postgres import PostgresForTests
from tests.support.process import SignpostProcess, command

REPORT = {
    "platform": "x",
    "content_kind": "comment",
    "urls": ["https://x.com/some_account/status/1"],
    "behaviours": ["harassment"],
    "affected": [{"relation": "self"}],
    "narrative": "What happened, in the reporter's words",
    "manager_email": "line.manager@example.org",
}


@asynccontextmanager
async def separate_settings(postgres: PostgresForTests, kafka: str, folder: Path) -> AsyncIterator[dict[str, str]]:
    """Give every service an empty database, and all of them keys and an email server."""
    signing_key, verify_key = ensure_key_files(folder)
    (folder / "mail").mkdir()
    async with AsyncExitStack() as stack:
        urls = {service: await stack.enter_async_context(postgres.fresh()) for service in SERVICES}
        smtp_port = await stack.enter_async_context(open_mail_catcher(MailFolder(folder / "mail", RandomIds())))
        yield {
            "SIGNPOST_SECRET_KEY": "a secret of this test, long enough to be one",
            "SIGNPOST_SIGNING_KEY_FILE": str(signing_key),
            "SIGNPOST_VERIFY_KEY_FILE": str(verify_key),
            "SIGNPOST_EVENT_LOG": "kafka",
            "SIGNPOST_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "SIGNPOST_NOTIFIER_SMTP_HOST": "127.0.0.1",
            "SIGNPOST_NOTIFIER_SMTP_PORT": str(smtp_port),
            "SIGNPOST_ALERT_DOMAINS": "example.org",
            **{f"SIGNPOST_{service.upper()}_DATABASE_URL": url for service, url in urls.items()},
        }


@pytest.mark.timeout(600)
@pytest.mark.policy("S3")
async def test_one_report_gets_through_separate_services_over_kafka(
    postgres: PostgresForTests, kafka: str, tmp_path: Path
) -> None:
    async with separate_settings(postgres, kafka, tmp_path) as settings:
        for arguments in (["migrate"], ["topics", "apply"], ["topics", "diff"]):
            code, output = await command(*arguments, settings=settings)
            assert code == 0, output
        running = {service: SignpostProcess("serve", service, settings=settings) for service in SERVICES}
        try:
            await asyncio.gather(*(process.start() for process in running.values()))
            await _one_report_gets_through(running, tmp_path)
            code, output = await command("reconcile", "--wait", "60", "--json", settings=settings)
            assert code == 0, output
            figures = json.loads(output)
            assert (figures["accepted"], figures["cases"], figures["alert_decisions"]) == (1, 1, 1)
        finally:
            codes = [await process.stop() for process in running.values()]
        assert codes == [0, 0, 0, 0], [process.output for process in running.values()]


async def _one_report_gets_through(running: dict[str, SignpostProcess], folder: Path) -> None:
    def bearer(role: Role, subject: str) -> dict[str, str]:
        key = folder / "signing-key.pem"
        token = issue_token(role, subject, signing_key_file=key, now=SystemClock().now())
        return {"Authorization": f"Bearer {token}"}

    reporter, responder = bearer(Role.REPORTER, "S1001"), bearer(Role.SMART_RESPONDER, "S4001")
    async with httpx.AsyncClient(timeout=30) as client:
        intake, triage, notifier = (running[name].url for name in ("intake", "triage", "notifier"))
        accepted = await client.post(f"{intake}/report/api/v1/abuse-reports", json=REPORT, headers=reporter)
        assert accepted.status_code == httpx.codes.CREATED, accepted.text
        report = accepted.json()

        async def the_case() -> dict[str, object] | None:
            query = {"report_id": report["report_id"]}
            page = await client.get(f"{triage}/cases/api/v1/cases", params=query, headers=responder)
            return next(iter(page.raise_for_status().json()["items"]), None)

        case = await eventually(the_case)
        assert (case["team"], case["reference"]) == ("smart", report["reference"])

        async def the_mail() -> str | None:
            return next((mail.link for mail in caught_mails(folder) if mail.to == REPORT["manager_email"]), None)

        link = urlsplit(await eventually(the_mail))
        page = await client.get(f"{notifier}{link.path}")
        assert page.status_code == httpx.codes.OK
        assert "<form" in page.text
