"""A bad answer to any form comes back with everything that was typed, and the error beside its field."""

import html
from collections.abc import AsyncIterator, Mapping

import pytest
from httpx import AsyncClient

from services.intake.reports.checks import LIMITS
from tests.services.intake.conftest import Intake
from tests.services.intake.forms import answers as given
from tests.services.intake.forms.answers import DISCOVERED, WHEN
from tests.services.intake.forms.browser import answer, token_in, walk
from tests.services.intake.reports.test_api import how_many

Bad = tuple[str, str, Mapping[str, object], str]
STORY: list[Bad] = [
    ("empty", "what-happened", {"narrative": "  "}, "narrative"),
    ("100 KB", "what-happened", {"narrative": "y" * 100_000}, "narrative"),
    ("U+0000", "what-happened", {"narrative": "kept\0words"}, "narrative"),
    ("a long note", "evidence", {"evidence_note": "n" * 4_001}, "evidence_note"),
    ("a long way", "contact", {"safe_contact": "n" * 4_001}, "safe_contact"),
    ("unknown evidence", "evidence", {"evidence": "smell"}, "evidence"),
    ("no way to report", "about-you", {}, "confidentiality"),
    ("anonymous", "about-you", {"confidentiality": "anonymous"}, "confidentiality"),
    ("no e-mail address", "contact", {"email": "priya", "safe_contact": "kept"}, "email"),
    ("a kind of worker", "contact", {"worker_kind": "elf"}, "worker_kind"),
    ("a long name", "contact", {"name": "n" * 201}, "name"),
    ("no manager", "manager", {}, "manager_alert"),
    ("nobody else", "manager", {"manager_alert": "someone_else"}, "someone_email"),
    ("no address", "manager", {"manager_alert": "yes", "manager_email": "grace"}, "manager_email"),
    ("no form", "which-form", {}, "which_form"),
    ("nobody affected", "affected", {}, "affected"),
    ("no behaviour", "kind", {}, "behaviours"),
    ("unknown behaviour", "kind", {"behaviours": "unrecognised"}, "behaviours"),
    ("other without a name", "where", {"platform": "other", "handles": "@kept"}, "platform_name"),
    ("no link", "where", {"platform": "x", "urls": "not a link", "handles": "@kept"}, "urls"),
    ("a script", "where", {"platform": "x", "urls": "javascript:alert(1)"}, "urls"),
    ("21 links", "where", {"platform": "x", "urls": "\n".join(f"x.com/{n}" for n in range(21))}, "urls"),
    ("the future", "when", {**WHEN, **DISCOVERED, "occurred_at-year": "2027"}, "occurred_at-day"),
    ("no day", "when", {**DISCOVERED, "occurred_time": "2:30pm"}, "occurred_at-day"),
    ("no such time", "when", {**WHEN, **DISCOVERED, "occurred_time": "25:00"}, "occurred_time"),
]
BAD: dict[str, tuple[str, Mapping[str, Mapping[str, object]], list[Bad]]] = {
    "incident": (
        "incident",
        given.ABUSE_IN_INCIDENT,
        [
            *STORY,
            ("nothing", "what", {}, "effects"),
            ("an unknown effect", "what", {"effects": ["loss", "smell"]}, "effects"),
            ("nothing of how", "how", {}, "circumstances"),
            ("nobody’s", "whose", {"asset_note": "kept words"}, "asset_owner"),
            ("a long note", "whose", {"asset_owner": "dwp", "asset_note": "n" * 4_001}, "asset_note"),
            ("never discovered", "when", WHEN, "discovered_at-day"),
            ("discovered before", "when", {**WHEN, **DISCOVERED, "discovered_at-day": "19"}, "discovered_at-day"),
            ("discovered later", "when", {**DISCOVERED, "discovered_at-year": "2027"}, "discovered_at-day"),
            ("discovered, no month", "when", {**DISCOVERED, "discovered_at-month": ""}, "discovered_at-month"),
            ("no such day", "when", {**DISCOVERED, "discovered_at-day": "31"}, "discovered_at-day"),
            ("not said", "still-going-on", {}, "still_happening"),
            ("not said", "personal-data", {"people_affected": "40"}, "personal_data"),
            ("some", "personal-data", {"personal_data": "yes", "people_affected": "some"}, "people_affected"),
            ("minus", "personal-data", {"personal_data": "yes", "people_affected": "-1"}, "people_affected"),
            ("half", "personal-data", {"personal_data": "yes", "people_affected": "1.5"}, "people_affected"),
            ("a lot", "personal-data", {"personal_data": "yes", "people_affected": "9" * 9}, "people_affected"),
            ("endless", "personal-data", {"personal_data": "yes", "people_affected": "9" * 5000}, "people_affected"),
            ("not said", "account", {}, "social_account"),
            ("nowhere", "which-account", {"taken_over": "yes", "account_handle": "@kept"}, "account_platform"),
            ("not said", "which-account", {"account_platform": "x"}, "taken_over"),
            ("not said", "abuse", {}, "being_abused"),
        ],
    ),
    "misuse": (
        "misuse",
        given.ABUSE_IN_MISUSE,
        [
            *STORY,
            ("nobody", "about-whom", {}, "subject_name"),
            ("a long name", "about-whom", {"subject_name": "n" * 201}, "subject_name"),
            ("nothing", "misuse", {}, "misuse"),
            ("unknown misuse", "misuse", {"misuse": "smell"}, "misuse"),
            ("no reference", "incident", {"related_reference": "nonsense"}, "related_reference"),
            ("not said", "abuse", {}, "being_abused"),
            ("not said", "union-activity", {}, "union_activity"),
            ("no account", "account", {}, "account_kind"),
            ("an unknown device", "use", {"device": "toaster"}, "device"),
            ("no platform", "where", {"handles": "@kept"}, "platform"),
        ],
    ),
    "advice": (
        "advice",
        given.ADVICE,
        [
            ("nothing", "topic", {}, "about"),
            ("an unknown topic", "topic", {"about": "unrecognised"}, "about"),
            ("no question", "question", {"narrative": "\u200b"}, "narrative"),
            ("no e-mail address", "contact", {"email": "priya"}, "email"),
        ],
    ),
    "exception": (
        "exception",
        given.EXCEPTION,
        [
            ("nothing", "kind", {}, "kind"),
            ("no activity", "activity", {"platform": "x"}, "narrative"),
            ("an unknown place", "activity", {"narrative": "kept", "platform": "friendface"}, "platform"),
            ("no business case", "business-case", {}, "business_case"),
            (
                "until yesterday",
                "business-case",
                {**given.EXCEPTION["business-case"], "wanted_until-year": "2025"},
                "wanted_until-day",
            ),
            (
                "no such day",
                "business-case",
                {**given.EXCEPTION["business-case"], "wanted_until-month": "2"},
                "wanted_until-day",
            ),
        ],
    ),
}


@pytest.fixture
async def member(intake: Intake) -> AsyncIterator[AsyncClient]:
    async with intake.client(**intake.session()) as client:
        yield client


@pytest.mark.parametrize("name", sorted(BAD))
async def test_a_bad_answer_comes_back_with_everything_kept(intake: Intake, member: AsyncClient, name: str) -> None:
    form, pages, bad = BAD[name]
    await walk(member, f"/report/{form}", pages)
    wrong = []
    for what, slug, answers, field in bad:
        page = await answer(member, f"/report/{form}/{slug}", answers)
        complaints = [complaint for complaint, holds in _expected(page.text, answers, field).items() if not holds]
        if page.status_code != 422 or complaints:
            wrong.append((what, slug, page.status_code, complaints))
    assert wrong == []
    assert (await member.get(f"/report/{form}/check")).status_code == 200, "nothing of it was kept"
    assert await how_many(intake) == (0, 0, 0)


def _expected(page: str, answers: Mapping[str, object], field: str) -> dict[str, bool]:
    shown = html.unescape(page)
    typed = [str(text).replace("\0", "").strip() for name, text in answers.items() if name in _TYPED]
    return {
        "in the title": "<title>Error: " in page,
        "in the summary": f'href="#{field}"' in page,
        "the field is there": f'id="{field}"' in page,
        "beside the field": "govuk-error-message" in page,
        "counted": field not in LIMITS or field == "urls" or f'data-maxlength="{LIMITS[field]}"' in page,
        "kept": all(text in shown for text in typed),
    }


_TYPED = {
    "narrative",
    "evidence_note",
    "asset_note",
    "handles",
    "safe_contact",
    "people_affected",
    "account_handle",
    "manager_email",
    "someone_email",
}


@pytest.mark.parametrize("name", sorted(BAD))
async def test_broken_utf8_comes_back_beside_its_field(member: AsyncClient, name: str) -> None:
    form, pages, _ = BAD[name]
    await walk(member, f"/report/{form}", pages)
    path = f"/report/{form}/contact"
    token = token_in(await member.get(path))
    page = await member.post(
        path,
        content=b"name=caf%E9&safe_contact=%E2%9C%93kept&csrftoken=" + token.encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert page.status_code == 422
    assert 'href="#name"' in page.text
    assert "\N{CHECK MARK}kept" in page.text


async def test_what_was_sent_twice_is_one_report(intake: Intake, member: AsyncClient) -> None:
    await walk(member, "/report/incident", given.INCIDENT)
    token = token_in(await member.get("/report/incident/check"))
    for _ in range(2):
        sent = await member.post("/report/incident/check", data={"csrftoken": token})
        assert sent.headers["location"] == "/report/incident/sent"
    assert await how_many(intake) == (1, 1, 1)
