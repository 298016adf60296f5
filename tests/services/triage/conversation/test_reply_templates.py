"""Texts to begin a message with: leads keep them, their team uses them, and every version stays."""

from collections.abc import Mapping
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.triage.conversation.domain import FIELDS, filled
from shared.auth.permissions import Role
from tests.services.triage.builders import open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
API = "/cases/api/v1/reply-templates"
PAGE = "/cases/templates"
TEXT = "Thank you. We read {reference} and asked {platform}. {name}, {team}"


async def send(
    triage: Triage, path: str, role: Role, subject: str, body: Mapping[str, object], version: int = 0
) -> Response:
    async with triage.client() as client:
        headers = {**triage.bearer(role, subject=subject), "If-Match": f'"{version}"'}
        return await client.post(f"{API}{path}", json=dict(body), headers=headers)


async def by_lead(triage: Triage, path: str = "", version: int = 0, **body: object) -> Response:
    whole = {"team": "smart", "name": "First reply", "text": TEXT, **body}
    return await send(triage, path, Role.SMART_LEAD, "S4002", whole, version)


async def listed(triage: Triage, role: Role, subject: str) -> list[dict[str, Any]]:
    async with triage.client() as client:
        return list((await client.get(API, headers=triage.bearer(role, subject=subject))).json()["items"])


async def test_leads_keep_the_templates_of_their_team_and_every_version_stays(triage: Triage) -> None:
    made = await by_lead(triage)
    assert (made.status_code, made.json()["version"], made.json()["owner"]) == (201, 1, "S4002")
    there = f"/{made.json()['template_id']}"
    stale = await by_lead(triage, there, version=2, text="Other")
    assert (stale.status_code, stale.json()["type"].endswith("template-changed")) == (412, True)
    assert made.json()["language"] == "en"
    assert (await by_lead(triage, there, version=1, text="Gwell", language="cy")).json()["version"] == 2
    seen = [
        (one["version"], one["text"], one["language"]) for one in await listed(triage, Role.SMART_RESPONDER, "S4001")
    ]
    assert seen == [(2, "Gwell", "cy")]
    assert await listed(triage, Role.SIRT_RESPONDER, "S5001") == [], "it is not their team's"
    assert (await by_lead(triage, there, version=2, withdrawn=True)).json()["current"] is False
    assert await listed(triage, Role.SMART_LEAD, "S4002") == []
    assert (await by_lead(triage, there, version=3)).status_code == 404
    async with triage.database.transaction() as session:
        kept = list(await session.scalars(text("select version from reply_template order by version")))
        with pytest.raises(IntegrityError):
            await session.execute(text("update reply_template set current = true"))
        await session.rollback()
    assert kept == [1, 2, 3]


@pytest.mark.parametrize(
    ("role", "subject", "body", "status", "kind"),
    [
        (Role.SMART_RESPONDER, "S4001", {}, 403, "not-your-template"),
        (Role.SMART_LEAD, "S4002", {"team": "sirt"}, 403, "not-your-template"),
        (Role.SMART_LEAD, "S4002", {"text": "Dear {reporter}"}, 422, "no-such-field"),
        (Role.SMART_LEAD, "S4002", {"text": ""}, 422, "invalid"),
        (Role.SMART_LEAD, "S4002", {"language": "xx"}, 422, "invalid"),
    ],
)
async def test_a_template_that_is_not_right_is_refused(
    triage: Triage, role: Role, subject: str, body: dict[str, object], status: int, kind: str
) -> None:
    answer = await send(triage, "", role, subject, {"team": "smart", "name": "A reply", "text": TEXT, **body})
    assert (answer.status_code, answer.json()["type"].endswith(kind)) == (status, True), answer.text


async def test_a_responder_begins_a_message_with_a_template(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    assert "There are no templates yet" in (await sam.get(PAGE)).text
    wrong = await press(aisha, PAGE, PAGE, team="smart", name="First reply", text="Dear {reporter}")
    assert (wrong.status_code, "a field in braces that no case fills in" in wrong.text) == (422, True)
    assert (await press(aisha, PAGE, PAGE, team="smart", name="First reply", text=TEXT)).status_code == 303
    [kept] = await listed(triage, Role.SMART_LEAD, "S4002")
    there = f"{PAGE}?change={kept['template_id']}"
    changed = {
        "template": kept["template_id"],
        "team": "smart",
        "name": "First reply",
        "text": f"Hello. {TEXT}",
        "language": "en",
    }
    assert (await press(aisha, there, PAGE, **changed)).status_code == 303
    assert (await press(aisha, there, PAGE, **changed, version="1")).status_code == 412
    page = f"/cases/{told.reference}/conversation"
    assert "First reply" in (await sam.get(page)).text
    await press(sam, f"/cases/{told.reference}", f"/cases/{told.reference}/claim")
    begin, added = f"{page}/template", f"Hello. Thank you. We read {told.reference} and asked X (formerly Twitter)."
    for into in ("share", "ask"):
        message = {"text": "Dear Priya,\n", "into": into, "template": kept["template_id"]}
        begun = (await press(sam, page, f"{begin}?from=view%3Dmine", **message)).text
        form = begun.partition(f'id="{into}" novalidate')[2].partition("</form>")[0]
        assert f"Dear Priya,\n\n{added} Sam Reid, SMART</textarea>" in form
        assert (f"/{into}?from=view%3Dmine" in begun, f'formaction="{begin}?from=view%3Dmine#{into}"' in form) == (
            True,
            True,
        )
    summary = (await sam.get(f"/cases/{told.reference}")).text
    assert (f'formaction="{begin}#share"' in summary, 'id="share-template"' in summary) == (True, False)
    for other in ("nonsense", str(told.report_id), ""):
        kept_text = (await press(sam, page, begin, text="Dear Priya", template=other)).text
        assert (">Dear Priya</textarea>" in kept_text, "Hello. Thank you" in kept_text) == (True, False)
    assert (await sam.get(begin)).headers["location"] == page
    assert "Write a template" not in (await sam.get(PAGE)).text, "a lead writes them"


def test_fields_that_are_not_known_stay_as_they_are() -> None:
    values = dict.fromkeys(FIELDS, "X")
    assert filled("".join(f"{{{name}}}" for name in FIELDS), values) == "X" * len(FIELDS)
    assert filled("{odd} {} }{", values) == "{odd} {} }{"
