"""The whole system in containers, as `docker-compose.yml` has it: `make compose-test`.

Its name keeps it out of `make test`, which needs no Docker. It fails if there is no engine: a skip would prove
nothing. The tests run in order, and each goes on with the system that the one before left behind.
"""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page
from pydantic import SecretStr

from demo.tokens import client_credentials
from shared.events.topics import BY_NAME, GROUPS, SERVICES, TOPICS
from tests.compose.engine import DEMO, Composed, Failed, compose_command, composed, output_of
from tests.compose.sign_in import sign_in
from tests.compose.stream import streaming
from tests.journeys import abuse_report
from tests.journeys.input_drivers import Pointer
from tests.services.intake.conftest import small_body
from tests.services.intake.evidence.test_safety import telling_picture
from tests.support.browser import chromium, person
from tests.support.eventually import eventually
from tests.support.ports import free_ports

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(3600)]

KILLED = (*SERVICES, "kafka", "postgres", "proxy", "keycloak", "mail")
SECRETS = (
    "SIGNPOST_SECRET_KEY",
    "SIGNPOST_OIDC_CLIENT_SECRET",
    "POSTGRES_PASSWORD",
    *(f"{service.upper()}_DATABASE_PASSWORD" for service in SERVICES),
    *(f"{user.upper()}_KAFKA_PASSWORD" for user in (*SERVICES, "operator")),
)
SEED = 20_250_729
INSIDE = "http://proxy:8000"
"""Where containers reach the proxy."""
RIGHTS = Path(__file__).parents[1] / "support" / "kafka_rights.py"
BETWEEN = 20
"""Reports that are answered between one kill and the next."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def system() -> AsyncIterator[Composed]:
    """Everything, started and healthy, with the sample data."""
    proxy, keycloak, mail = free_ports(3)
    settings = {
        "SIGNPOST_LISTEN": f"127.0.0.1:{proxy}",
        "SIGNPOST_PUBLIC_URL": f"http://127.0.0.1:{proxy}",
        "DEMO_KEYCLOAK_PORT": str(keycloak),
        "DEMO_KEYCLOAK_URL": f"http://127.0.0.1:{keycloak}",
        "DEMO_MAIL_PORT": str(mail),
        "SIGNPOST_OIDC_ISSUER": f"http://127.0.0.1:{keycloak}/realms/signpost",
    }
    async with composed(settings) as started:
        await started.healthy(*KILLED)
        assert await started.finished("sample") == 0
        yield started


@pytest.mark.parametrize("name", SECRETS)
async def test_without_a_secret_nothing_starts(name: str) -> None:
    command = [*compose_command(), "--env-file", str(DEMO), "config", "--quiet"]
    with pytest.raises(Failed, match=f"set {name} to "):
        await output_of(command, {**os.environ, name: ""})


@pytest.mark.parametrize("service", SERVICES)
async def test_kafka_refuses_a_service_whatever_is_not_declared(service: str, system: Composed) -> None:
    """Each tries from its own container, with its own password. That what is declared works, the other tests show."""
    foreign = [topic.name for topic in TOPICS if service not in topic.writers]
    groups = [group for group, owner in GROUPS.items() if owner != service]
    tries = json.dumps({"read": sorted(BY_NAME), "write": foreign, "groups": groups})
    script = RIGHTS.read_text("utf-8")
    found = json.loads(await system.compose("exec", "-T", service, "python", "-W", "ignore", "-c", script, tries))
    restricted = {topic.name for topic in TOPICS if topic.restricted and service not in topic.readers}
    assert restricted, f"{service} reads everything that is restricted"
    assert set(found["read"]) == {topic.name for topic in TOPICS if service in topic.readers}
    assert (found["write"], found["groups"]) == ([], [])


async def test_a_report_in_a_browser_is_smarts_and_the_manager_is_told(system: Composed) -> None:
    password = system.settings["DEMO_PASSWORD"]
    async with chromium() as browser, person(browser, system.url) as priya, person(browser, system.url) as sam:
        await sign_in(priya.page, "priya.shah", password)
        driver = Pointer(priya.page)
        await priya.page.goto("/")
        await driver.follow("Someone is abusing, threatening or exposing me, a colleague or a customer online")
        await abuse_report.where_and_what(driver)
        await abuse_report.when_and_how(driver)
        await abuse_report.in_my_name(driver)
        await driver.press("Send report")
        reference = await abuse_report.reference_on(priya.page)
        await sign_in(sam.page, "sam.reid", password)

        async def on_the_queue() -> bool | None:
            await sam.page.goto("/cases")
            return True if reference in await sam.page.get_by_role("main").inner_text() else None

        await eventually(on_the_queue)
        await sam.page.goto(f"/cases/{reference}")
        assert "Social Media Abuse Response Team" in await sam.page.get_by_role("main").inner_text()
        await sam.picture("compose, case of SMART")
        await _a_picture_is_cleaned_and_shown(system, sam.page)
    await _mail_to("grace.okafor@example.org", reference, system)


async def _a_picture_is_cleaned_and_shown(system: Composed, page: Page) -> None:
    """Intake's container has what opens files: it cleans what comes without a name, and draws a preview of it."""
    async with httpx.AsyncClient(base_url=system.url, timeout=60) as client:
        sent = (await client.post("/report/api/v1/abuse-reports", json=small_body())).json()
        code, file = {"receipt-code": sent["receipt_code"]}, {"file": ("seen.jpg", telling_picture())}
        kept = await client.post(f"/report/api/v1/reports/{sent['reference']}/evidence", headers=code, files=file)
    assert (kept.status_code, kept.json()["cleaned"], kept.json()["scan"]) == (201, True, "not_scanned"), kept.text

    async def on_the_case() -> bool | None:
        await page.goto(f"/cases/{sent['reference']}/evidence")
        return await page.get_by_role("heading", name="1. Picture").count() > 0 or None

    await eventually(on_the_case)
    driver = Pointer(page)
    await driver.unfold("Open piece 1")
    await driver.write("Why do you open piece 1?", "To see that it is shown")
    async with page.expect_response(re.compile("/report/evidence/")) as drawing:
        await driver.press("Show a preview")
    drawn = await drawing.value
    assert (drawn.status, drawn.headers["content-type"]) == (200, "image/jpeg")
    assert b"CANARY" not in await drawn.body()


async def _mail_to(address: str, reference: str, system: Composed) -> None:
    catcher = f"http://127.0.0.1:{system.settings['DEMO_MAIL_PORT']}"
    async with httpx.AsyncClient(base_url=catcher, timeout=60) as client:

        async def caught() -> bool | None:
            found = (await client.get("/api/v1/search", params={"query": f"to:{address} subject:{reference}"})).json()
            return True if found["messages_count"] else None

        await eventually(caught)


async def test_a_demonstration_through_the_proxy_adds_up(system: Composed) -> None:
    """It signs in by client credentials, and fails if a report does not end as planned."""
    outcome = json.loads(await system.signpost("demo", "--url", INSIDE, "--rate", "10", "--wait", "600", "--json"))
    print(f"\ndemo: {outcome['sent']} sent, {outcome['accepted']} accepted, ledger {outcome['ledger']['after']}")  # noqa: T201 - for people


async def test_nothing_is_lost_while_every_container_is_killed_in_turn(system: Composed) -> None:
    before = json.loads(await system.signpost("reconcile", "--json"))["accepted"]
    async with httpx.AsyncClient(base_url=system.url, timeout=60) as client:
        secret = SecretStr(system.settings["SIGNPOST_DEMO_CLIENT_SECRET"])
        bearer = client_credentials(client, f"{system.issuer}/protocol/openid-connect/token", secret)
        async with streaming(client, bearer, SEED) as stream:
            for service in KILLED:
                await stream.more(BETWEEN)
                await system.kill(service)
                await stream.trouble()
                await system.start(service)
                await system.healthy(service)
            await stream.more(BETWEEN)
            await system.healthy(*SERVICES)
    assert not stream.wrong, stream.wrong
    figures = json.loads(await system.signpost("reconcile", "--wait", "600", "--json"))
    print(f"\n{stream.answered} answered, {stream.repeated} repeated, {figures}")  # noqa: T201 - for people
    assert figures["unaccounted"] == 0
    assert figures["in_flight"] == 0
    assert figures["accepted"] == before + stream.accepted
    assert stream.repeated > 0, "no kill was noticed"
    await _every_alert_reaches_the_mail_server(system)


async def _every_alert_reaches_the_mail_server(system: Composed) -> None:
    """An email that was refused while the email server was down leaves at a later attempt; none is given up."""
    async with asyncio.timeout(600):
        while await system.number("notifier", "select count(*) from delivery where due_at is not null"):
            await asyncio.sleep(1)
    assert await system.number("notifier", "select count(*) from attempt where ended_at is null") == 0
    assert await system.number("notifier", "select count(*) from delivery where state <> 'accepted'") == 0


async def test_the_chains_of_every_case_and_account_verify(system: Composed) -> None:
    verified = json.loads(await system.signpost("audit", "verify", "--json"))
    assert (verified["triage"], verified["registry"]) == ([], [])
