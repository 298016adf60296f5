"""A bad answer comes back with everything that was typed, and the error beside its field and in the summary."""

import html

import pytest
from httpx import AsyncClient

from tests.services.intake.conftest import Intake
from tests.services.intake.forms.browser import ABUSE, ABUSE_ANSWERS, fill_abuse, post
from tests.services.intake.reports.test_api import how_many

WHEN = dict(ABUSE_ANSWERS["when"])
BAD: list[tuple[str, str, dict[str, object], str]] = [
    ("nothing chosen", "safety", {}, "safe"),
    ("nobody affected", "affected", {}, "affected"),
    ("an unknown relation", "affected", {"affected": "martian"}, "affected"),
    ("no platform", "where", {"urls": "https://x.com/1"}, "platform"),
    ("an unknown platform", "where", {"platform": "friendface", "handles": "@kept"}, "platform"),
    ("another platform without its name", "where", {"platform": "other"}, "platform_name"),
    ("a link that is none", "where", {"platform": "x", "urls": "not a link", "handles": "@kept"}, "urls"),
    ("an unknown kind of content", "where", {"platform": "x", "content_kind": "smell"}, "content_kind"),
    ("no behaviour", "kind", {}, "behaviours"),
    ("an unknown behaviour", "kind", {"behaviours": ["harassment", "rudeness"]}, "behaviours"),
    ("nothing said about risk", "at-risk", {}, "also_affects"),
    ("none and one", "at-risk", {"also_affects": ["none", "system"]}, "also_affects"),
    ("a time without a date", "when", {"occurred_time": "2:30pm"}, "occurred_at-day"),
    ("no year", "when", WHEN | {"occurred_at-year": ""}, "occurred_at-year"),
    ("no such day", "when", WHEN | {"occurred_at-day": "31"}, "occurred_at-day"),
    ("the future", "when", WHEN | {"occurred_at-year": "2027"}, "occurred_at-day"),
    ("a year of two digits", "when", WHEN | {"occurred_at-year": "26"}, "occurred_at-year"),
    ("no such time", "when", WHEN | {"occurred_time": "25:00"}, "occurred_time"),
    ("an empty story", "what-happened", {"narrative": "  "}, "narrative"),
    ("100 KB of story", "what-happened", {"narrative": "y" * 100_000}, "narrative"),
    ("100 KB of emoji", "what-happened", {"narrative": "\U0001f622" * 50_001}, "narrative"),
    ("U+0000", "what-happened", {"narrative": "kept\0words"}, "narrative"),
    ("a long note", "evidence", {"evidence_note": "n" * 4_001}, "evidence_note"),
    ("no answer about who", "who-did-it", {"suspected_name": "kept"}, "known"),
    ("a long name", "who-did-it", {"known": "public", "suspected_name": "n" * 201}, "suspected_name"),
    ("no answer about the manager", "manager", {}, "manager_alert"),
    ("no address", "manager", {"manager_alert": "yes", "manager_email": "grace"}, "manager_email"),
    ("nobody else named", "manager", {"manager_alert": "someone_else"}, "someone_email"),
    (
        "no address of somebody else",
        "manager",
        {"manager_alert": "someone_else", "someone_email": "kept words"},
        "someone_email",
    ),
    ("no way to report chosen", "about-you", {}, "confidentiality"),
    ("named without a name", "contact", {"safe_contact": "kept"}, "name"),
    ("no e-mail address", "contact", {"email": "priya", "name": "kept"}, "email"),
    ("an unknown kind of worker", "contact", {"worker_kind": "elf", "name": "kept"}, "worker_kind"),
]


async def test_a_bad_answer_comes_back_with_everything_kept(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(
        client, about_you={"confidentiality": "named"}, contact={"name": "Kit"}, manager={"manager_alert": "no"}
    )
    wrong = []
    for name, slug, answers, field in BAD:
        page = await post(client, f"{ABUSE}/{slug}", answers)
        complaints = [complaint for complaint, holds in _expected(page.text, answers, field).items() if not holds]
        if page.status_code != 422 or complaints:
            wrong.append((name, page.status_code, complaints))
    assert wrong == []
    assert await how_many(intake) == (0, 0, 0)


def _expected(page: str, answers: dict[str, object], field: str) -> dict[str, bool]:
    shown = html.unescape(page)
    typed = [text for value in answers.values() for text in (value if isinstance(value, list) else [value])]
    words = [str(text).replace("\0", "").strip() for text in typed if len(str(text)) > 3]
    chosen = {"martian", "friendface", "smell", "rudeness", "elf"}
    return {
        "in the title": "<title>Error: " in page,
        "in the summary": f'href="#{field}"' in page,
        "the field is there": f'id="{field}"' in page,
        "beside the field": "govuk-error-message" in page,
        "kept": all(word in shown for word in words if word not in chosen),
    }


async def test_a_bad_answer_changes_nothing_that_was_answered_before(client: AsyncClient) -> None:
    await fill_abuse(client)
    await post(client, f"{ABUSE}/what-happened", {"narrative": ""})
    assert "They posted my address." in (await client.get(f"{ABUSE}/check")).text


UNREADABLE = "Some characters could not be read. Check the text and send it again."


@pytest.mark.parametrize("broken", [b"caf%E9+%21", b"caf\\x41\xe9 !", b"cut %F0%9F%98"])
async def test_broken_utf8_comes_back_beside_its_field_with_everything_kept(
    intake: Intake, client: AsyncClient, broken: bytes
) -> None:
    await fill_abuse(client)
    where = f"{ABUSE}/where"
    token = (await client.get(where)).text.partition('name="csrftoken" value="')[2].partition('"')[0]
    body = b"platform=other&platform_name=" + broken + b"&handles=%E2%9C%93kept&csrftoken=" + token.encode()
    page = await client.post(where, content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert page.status_code == 422
    assert f'<a href="#platform_name">{UNREADABLE}</a>' in page.text
    assert page.text.count(UNREADABLE) == 2
    assert 'id="platform_name-error"' in page.text
    assert broken[:3].decode() in page.text
    assert "\N{REPLACEMENT CHARACTER}" in page.text
    assert "\N{CHECK MARK}kept" in page.text
    assert ("\\x41" in page.text) == (b"\\x41" in broken)
    again = {"platform": "other", "platform_name": "caf\N{REPLACEMENT CHARACTER}", "handles": "kept"}
    assert (await post(client, where, again)).status_code == 303


async def test_a_choice_in_broken_utf8_is_an_error_of_its_question(client: AsyncClient) -> None:
    token = (await client.get(f"{ABUSE}/safety")).text.partition('name="csrftoken" value="')[2].partition('"')[0]
    answer = await client.post(
        f"{ABUSE}/safety",
        content=f"safe=%ff&csrftoken={token}".encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 422
    assert 'href="#safe"' in answer.text


async def test_a_form_without_its_token_is_refused(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client)
    assert (await client.post(f"{ABUSE}/check", data={})).status_code == 403
    assert await how_many(intake) == (0, 0, 0)
