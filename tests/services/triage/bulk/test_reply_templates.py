"""A message to the reporters of many cases begins with a template: each case fills in its fields."""

import re
from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from services.triage.bulk import domain, handlers
from shared.auth.permissions import Role
from shared.events.triage import ReporterUpdateShared
from tests.services.triage.builders import incident, open_cases, report
from tests.services.triage.bulk.test_api import do, now_there, problems, sweep
from tests.services.triage.bulk.test_pages import choose, ticked
from tests.services.triage.bulk.test_pages import do as press_it
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
PAGE = "/cases/templates"
TEXT = "We read {reference} and asked {platform} about {kind}. {name}, {team} {smile}"


@pytest.fixture
async def script(triage: Triage) -> AsyncIterator[AsyncClient]:
    """A SMART responder's script."""
    async with triage.client() as opened:
        opened.headers.update(triage.bearer(Role.SMART_RESPONDER))
        yield opened


async def read_by_reporters(triage: Triage) -> dict[str, str]:
    """Return what the reporter of each report was written."""
    async with triage.database.transaction() as session:
        values = await session.scalars(text("select value from outbox where type = 'reporter_update.shared.v1'"))
        updates = [ReporterUpdateShared.model_validate_json(value) for value in values]
    assert len({one.report_id for one in updates}) == len(updates), "each reads it once"
    return {one.reference: one.text for one in updates}


async def shown(client: AsyncClient, page: str, **fields: str) -> str:
    """Press a button that shows the preview again."""
    answer = await press(client, page, page.replace("?", "/template?"), **fields)
    assert answer.status_code == 200
    return answer.text


async def offered(client: AsyncClient, page: str) -> dict[str, str]:
    """Return the ids of the templates that a preview offers, by name."""
    select = (await client.get(page)).text.partition('name="template"')[2].partition("</select>")[0]
    return {name: value for value, name in re.findall(r'value="([^"]+)"[^>]*>([^<]+)<', select)}


@pytest.mark.parametrize("from_campaign", [False, True])
async def test_a_message_to_many_begins_with_a_template_and_shows_what_one_reporter_reads(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, from_campaign: bool
) -> None:
    told = [report(), report(platform="facebook")]
    await open_cases(triage.database, *told, incident())
    chosen = (await ticked(triage))[:2]
    page = await choose(sam, "message", chosen)
    assert 'name="template"' not in (await sam.get(page)).text, "there is none yet"
    for name, words in (("First reply", "Thank you. We read {reference} on {platform}. {name}"), ("Other", "Other")):
        assert (await press(aisha, PAGE, PAGE, team="smart", name=name, text=words)).status_code == 303
    if from_campaign:
        made = (await press(sam, "/cases", "/cases/campaigns", case=chosen)).headers["location"].partition("?")[0]
        all_of_it = {"action": "message", "whole": "yes", "campaign": made.rpartition("/")[2]}
        page = (await press(sam, made, "/cases/bulk", **all_of_it)).headers["location"]
    templates = await offered(sam, page)
    assert list(templates) == ["First reply", "Other"]
    begun = await shown(sam, page, text="Dear colleague", template=templates["First reply"], into="message")
    body = "Dear colleague\n\nThank you. We read {reference} on {platform}. {name}"
    assert f">{body}</textarea>" in begun
    example = begun.partition('id="example"')[2].partition("</div>")[0]
    [first] = {one.reference for one in told} & {re.findall(r"about (SP-[0-9A-Z-]+)", example)[0]}
    assert example.count(first) == 2
    assert "{" not in example
    again = await shown(sam, page, text="Only {team}", template=templates["First reply"], into="example")
    assert (">Only {team}</textarea>" in again, "Only SMART" in again) == (True, True)
    assert (await sam.get(page.replace("?", "/template?"))).headers["location"] == page
    results = (await press_it(sam, page, text=body)).text
    assert "Message sent about 2 cases" in results
    where = ("X (formerly Twitter)", "Facebook")
    assert await read_by_reporters(triage) == {
        one.reference: f"Dear colleague\n\nThank you. We read {one.reference} on {platform}. Sam Reid"
        for one, platform in zip(told, where, strict=True)
    }


async def test_a_field_that_no_case_fills_in_is_refused_before_anyone_reads_it(
    triage: Triage, sam: AsyncClient
) -> None:
    await open_cases(triage.database, report())
    page = await choose(sam, "message", await ticked(triage))
    refused = await press_it(sam, page, text="We read {refrence}")
    assert (refused.status_code, "a field in braces that no case fills in" in refused.text) == (422, True)
    assert "We read {refrence}</textarea>" in refused.text
    assert await read_by_reporters(triage) == {}


@pytest.mark.parametrize("chunk", [100, 1])
async def test_the_reporter_of_a_merged_case_reads_what_their_own_case_fills_in(
    triage: Triage, script: AsyncClient, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    told = [report(), report(platform="facebook"), report(platform="instagram")]
    await open_cases(triage.database, *told)
    first, second, third = await now_there(triage)
    await do(script, "merge", [second], into=first[0])
    if chunk == 1:
        monkeypatch.setattr(domain, "AT_ONCE", 0)
        monkeypatch.setattr(handlers, "CHUNK", 1)
    main = (await now_there(triage))[0]
    answer = await do(script, "message", [main, third], text=TEXT)
    while await sweep(triage):
        pass
    assert problems(await script.get(f"/cases/api/v1/bulk/{answer.json()['bulk_id']}")) == ["", ""]
    where = ("X (formerly Twitter)", "Facebook", "Instagram")
    expected = {
        one.reference: f"We read {one.reference} and asked {platform} about abuse. Sam Reid, SMART {{smile}}"
        for one, platform in zip(told, where, strict=True)
    }
    assert await read_by_reporters(triage) == expected
    async with triage.database.transaction() as session:
        kept = await session.execute(text('select c.reference, n.text from note n join "case" c using (case_id)'))
        assert dict(map(tuple, kept)) == expected
