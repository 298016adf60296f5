"""What people and systems write is kept in the same form by the API, the forms and the events of other systems."""

from collections.abc import Mapping

import pytest
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import select

from services.intake.reports import bodies
from services.intake.reports.domain import refusals
from services.intake.reports.tables import ReportRow
from shared.auth.permissions import Role
from tests.services.intake.conftest import START, Intake, small_body
from tests.services.intake.forms.browser import ABUSE, answer, fill_abuse, send_abuse
from tests.services.intake.inbound.events import ADDRESS as EVENTS
from tests.services.intake.reports.bodies import V1
from tests.services.intake.reports.test_api import ADDRESS, the_report
from tests.shared.test_addresses import EMAILS, LINKS, NO_EMAILS, NO_LINKS

TYPED = [typed for typed, _ in LINKS]
KEPT = list(dict.fromkeys(kept for _, kept in LINKS))
NAMES = {"name": "\u200bTom\u00a0Evans", "staff_id": "S20\u200d02 ", "handle": "@some\ufeff_account"}
STORY = " e\u0301 \u202ekept\u00a0\nas it is\u200b"


def halves() -> tuple[list[str], list[str]]:
    """Return the links in two parts, because a report takes twenty."""
    return TYPED[:20], TYPED[20:]


async def test_links_and_names_are_kept_alike_by_the_api_and_the_form(intake: Intake, client: AsyncClient) -> None:
    for links in halves():
        body = small_body(urls=links, narrative=STORY, suspected=[{"relation": "colleague", **NAMES}])
        assert (await client.post(ADDRESS, json=body)).status_code == 201
        await fill_abuse(
            client,
            where={"platform": "x", "urls": "\n".join(links)},
            what_happened={"narrative": STORY},
            who_did_it={"known": "colleague", **{f"suspected_{name}": text for name, text in NAMES.items()}},
        )
        await send_abuse(client)
        client.cookies.clear()
    async with intake.database.transaction() as session:
        rows = (await session.scalars(select(ReportRow).order_by(ReportRow.submitted_at, ReportRow.id))).all()
    by_api, by_form = ([url for row in rows[start::2] for url in row.urls] for start in (0, 1))
    assert list(dict.fromkeys(by_api)) == list(dict.fromkeys(by_form)) == KEPT
    for row in rows:
        assert row.narrative == STORY.strip()
        [suspected] = row.suspected
        assert [suspected[part] for part in ("name", "staff_id", "handle")] == ["Tom Evans", "S2002", "@some_account"]


async def test_a_managers_address_is_mended_or_refused_with_words(intake: Intake, client: AsyncClient) -> None:
    for typed, problem in NO_EMAILS:
        answered = await client.post(ADDRESS, json=small_body(manager_email=typed), headers=intake.token())
        assert (answered.status_code, answered.json()["errors"]) == (
            422,
            [{"field": "manager_email", "message": problem}],
        ), typed
    for typed, _ in EMAILS:
        answered = await client.post(ADDRESS, json=small_body(manager_email=typed), headers=intake.token())
        assert answered.status_code == 201, typed
    async with intake.database.transaction() as session:
        told = (await session.scalars(select(ReportRow.manager_email).order_by(ReportRow.id))).all()
    assert list(told) == [kept for _, kept in EMAILS]


async def test_a_form_mends_and_refuses_an_address_as_the_api_does(intake: Intake, client: AsyncClient) -> None:
    about = {"confidentiality": "anonymous", "tell_someone": "yes"}
    await fill_abuse(client, about_you=about, manager={"manager_alert": "no"})
    for typed, problem in NO_EMAILS:
        page = await answer(client, f"{ABUSE}/manager", {"manager_alert": "yes", "manager_email": typed})
        assert page.status_code == 422, typed
        assert problem in page.text, typed
    for typed, problem in NO_LINKS:
        page = await answer(client, f"{ABUSE}/where", {"platform": "x", "content_kind": "comment", "urls": typed})
        assert (page.status_code, problem in page.text) == (422, True), typed
    page = await answer(
        client, f"{ABUSE}/manager", {"manager_alert": "yes", "manager_email": "mailto:grace.o’kafor@example.org."}
    )
    assert page.status_code == 303
    await send_abuse(client)
    assert (await the_report(intake)).manager_email == "grace.o'kafor@example.org"


REFUSED: list[tuple[Mapping[str, object], str, str]] = [
    *(
        ({"narrative": text}, "narrative", "Tell us what happened")
        for text in ("\u0301\u0301", "\u3164\u3164", "\u200b")
    ),
    ({"narrative": "a\x07b"}, "narrative", "Remove the character U+0007 BELL"),
    ({"evidence_note": "a\x1b[0m"}, "evidence_note", "Remove the character U+001B ESCAPE"),
    ({"handles": ["@a", "@\x00b"]}, "handles.1", "Remove the character U+0000 NULL"),
    (
        {"suspected": [{"relation": "unknown", "name": "\x9f"}]},
        "suspected.0.name",
        "Remove the character U+009F CONTROL CHARACTER",
    ),
    ({"platform": "other", "platform_name": "\u3164"}, "platform_name", "Enter the name of the website or app"),
    ({"urls": ["\u200b"]}, "urls.0", "Enter 1 or more characters"),
    *(({"urls": [typed]}, "urls", problem) for typed, problem in NO_LINKS),
]


async def test_what_cannot_be_mended_is_refused_by_field_and_character(client: AsyncClient) -> None:
    for changes, field, message in REFUSED:
        answered = await client.post(ADDRESS, json=small_body(**changes))
        assert (answered.status_code, answered.json()["errors"]) == (422, [{"field": field, "message": message}]), (
            changes
        )


async def test_an_addition_is_a_text_as_well(intake: Intake, client: AsyncClient) -> None:
    headers = intake.token()
    reference = (await client.post(ADDRESS, json=small_body(), headers=headers)).json()["reference"]
    for text, message in (
        ("\u0301", "Enter what you want to add"),
        ("\u3164\n", "Enter what you want to add"),
        ("a\x07", "Remove the character U+0007 BELL"),
    ):
        answered = await client.post(f"{V1}/reports/{reference}/additions", json={"text": text}, headers=headers)
        assert (answered.status_code, answered.json()["errors"]) == (422, [{"field": "text", "message": message}])
    assert (
        await client.post(f"{V1}/reports/{reference}/additions", json={"text": STORY}, headers=headers)
    ).status_code == 201


async def test_a_finding_with_a_bare_link_becomes_a_report(intake: Intake, client: AsyncClient) -> None:
    post = {"network": "x", "kind": "post", "url": "x.com/a/status/1\u200b", "author": "@a\ufeff", "text": "t"}
    data = {"classification": "abuse", "labels": ["threat"], "post": post, "target": {"name": "T", "staff_id": "S1002"}}
    event = {
        "specversion": "1.0", "id": "texts-1", "source": "/monitoring/x", "type": "org.example.monitoring.finding.v1",
        "time": "2026-11-23T09:30:00Z", "data": data,
    }  # fmt: skip
    headers = {**intake.token(Role.MONITORING), "content-type": "application/cloudevents+json"}
    assert (await client.post(EVENTS, json=event, headers=headers)).status_code == 201
    report = await the_report(intake)
    assert (report.urls, report.handles) == (["https://x.com/a/status/1"], ["@a"])


KINDS = (
    bodies.AbuseReportBody,
    bodies.MisuseReportBody,
    bodies.SecurityIncidentBody,
    bodies.EnquiryBody,
    bodies.PolicyExceptionBody,
)
ANY_TEXT = st.text(st.characters(), max_size=40)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_no_text_is_more_than_a_report_can_take(kind: type[bodies.AbuseReportBody], data: st.DataObject) -> None:
    """Whatever is typed is refused with words, or can be stored: nothing is the service's own failure."""
    known: dict[str, object] = {
        "platform": "x", "behaviours": [], "affected": [], "effects": [], "circumstances": [], "asset_owner": "dwp",
        "discovered_at": START.isoformat(), "narrative": data.draw(ANY_TEXT), "safe_contact": data.draw(ANY_TEXT),
        "urls": [data.draw(ANY_TEXT)], "handles": [data.draw(ANY_TEXT)], "manager_email": data.draw(ANY_TEXT),
        "evidence_note": data.draw(ANY_TEXT), "subject": {"name": data.draw(ANY_TEXT)},
        "asset_note": data.draw(ANY_TEXT),
        "related_reference": data.draw(ANY_TEXT), "business_case": data.draw(ANY_TEXT),
    }  # fmt: skip
    body = {name: value for name, value in known.items() if name in kind.model_fields}
    try:
        command = kind.model_validate(body).to_command(None)
    except ValidationError:
        return
    assert all(refusal.message for refusal in refusals(command, START))
    assert str(command).encode()
