"""Changing to another form: before sending, with every answer kept, in both directions."""

import string
from collections.abc import AsyncIterator, Mapping

import pytest
from httpx import AsyncClient
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from services.intake.forms.abuse import FORM as ABUSE
from services.intake.forms.domain import Answers
from services.intake.forms.forms import Form, switched
from services.intake.forms.incident import FORM as INCIDENT
from services.intake.forms.misuse import FORM as MISUSE
from services.intake.forms.steps import label, steps_for
from shared.web.forms import Field, Kind
from tests.services.intake.conftest import Intake
from tests.services.intake.forms import answers as given
from tests.services.intake.forms.browser import ABUSE_ANSWERS, answer, send, walk
from tests.services.intake.reports.test_api import how_many, the_report

WAYS = {
    "abuse to incident": (ABUSE, INCIDENT),
    "incident to abuse": (INCIDENT, ABUSE),
    "misuse to abuse": (MISUSE, ABUSE),
}
_WORDS = st.text(string.ascii_lowercase, min_size=12, max_size=20).map("zq{}".format)
"""Different from the names of fields, which occur in the compared texts."""
_ABOUT_THE_WAY = {"which_form", "safe", "being_abused", "tell_someone"}


@pytest.fixture
async def member(intake: Intake) -> AsyncIterator[AsyncClient]:
    async with intake.client(**intake.session()) as client:
        yield client


def _answer_to(form: Form, ask: Field) -> st.SearchStrategy[tuple[str, ...]]:
    choice = form.choices.get(ask.name)
    if choice is None:
        texts = _WORDS.map(lambda word: f"https://x.com/{word}") if ask.name == "urls" else _WORDS
        return texts.map(lambda text: (text,))
    values = st.sampled_from([option.value for option in choice.options if option.value != choice.alone])
    return st.lists(values, min_size=1, max_size=3 if ask.kind is Kind.CHECKBOXES else 1, unique=True).map(tuple)


@st.composite
def whole_forms(draw: st.DrawFn, form: Form) -> Answers:
    """Draw an answer to every question, as a person who knows everything would give them."""
    answers: dict[str, tuple[str, ...]] = {}
    for step in form.steps:
        for ask in step.asks:
            if ask.kind is Kind.MOMENT:
                for field, text in zip(ask.names, ("20", "11", "2026", "2:30pm"), strict=True):
                    answers[field] = (text,)
            else:
                answers[ask.name] = draw(_answer_to(form, ask))
    return answers


def _carried(answers: Answers) -> str:
    return " ".join(answers.get("carried_over", ()))


def _told(form: Form, answers: Answers) -> str:
    """Return everything that the report says."""
    return repr(form.to_command(answers, None))


@pytest.mark.policy("S3")
@pytest.mark.parametrize("way", sorted(WAYS))
@settings(max_examples=30)
@given_any(data=st.data())
def test_whatever_was_typed_is_in_the_report_of_the_other_form(way: str, data: st.DataObject) -> None:
    source, target = WAYS[way]
    answers = data.draw(whole_forms(source))
    before, after = _told(source, answers), _told(target, switched(answers, source, target))
    typed = {
        text
        for step in steps_for(source.steps, answers)
        for ask in step.asks
        for text in answers.get(ask.name, ())
        if ask.name not in source.choices and text in before
    }
    assert {text for text in typed if text not in after} == set()


@pytest.mark.policy("S3")
@pytest.mark.parametrize("way", sorted(WAYS))
@settings(max_examples=30)
@given_any(data=st.data())
def test_whatever_was_chosen_is_asked_again_or_told_in_words(way: str, data: st.DataObject) -> None:
    source, target = WAYS[way]
    answers = data.draw(whole_forms(source))
    moved = switched(answers, source, target)
    known = {field for step in steps_for(target.steps, moved) for field in step.fields} | target.understands
    asked = {field for step in steps_for(source.steps, answers) for field in step.fields} - _ABOUT_THE_WAY
    for name in asked & set(source.choices):
        labels = [label(source.choices, name, value) for value in answers[name]]
        told = moved[name] == answers[name] if name in known else all(one in _carried(moved) for one in labels)
        assert told, name


@settings(max_examples=30)
@given_any(answers=whole_forms(INCIDENT))
def test_there_and_back_says_nothing_twice(answers: Answers) -> None:
    there = switched(answers, INCIDENT, ABUSE)
    back = switched(there, ABUSE, INCIDENT)
    again = switched(back, INCIDENT, ABUSE)
    assert again["carried_over"] == there["carried_over"]
    assert {name: back[name] for name in answers if name != "which_form"} == {
        name: texts for name, texts in answers.items() if name != "which_form"
    }


@pytest.mark.policy("S3", "C-c")
async def test_abuse_in_the_security_form_can_go_on_with_the_form_for_abuse(
    intake: Intake, member: AsyncClient
) -> None:
    pages = {**given.ABUSE_IN_INCIDENT, "which-form": {"which_form": "switch"}}
    opened = await _switch(member, "/report/incident", pages)
    page = (await member.get("/report/incident/which-form")).headers["location"]
    assert page == "/report/incident/what", "the draft went along"
    rest = {
        "safety": {"safe": "yes"},
        "who-did-it": {"known": "unknown"},
        "about-you": {"confidentiality": "named"},
        "contact": given.CONTACT,
    }
    asked = await _go_on(member, "/report/abuse", opened, rest)
    assert asked == ["safety", "who-did-it"]
    await send(member, "/report/abuse")
    report = await the_report(intake)
    assert (report.report_type, report.behaviours) == ("abuse", ["threat", "doxing"])
    assert report.also_affects == ["dwp_information"]
    assert report.manager_email == "grace.okafor@example.org"
    for words in ("It was on the screen behind me.", "A list of names", "1,200", "@jobs_account", "An accident"):
        assert words.lower() in report.narrative.lower().replace("it was an accident", "an accident"), words


async def test_an_incident_in_the_form_for_abuse_can_go_on_with_the_security_form(
    intake: Intake, member: AsyncClient
) -> None:
    pages = {
        **ABUSE_ANSWERS,
        "kind": {"behaviours": ["other"]},
        "at-risk": {"also_affects": ["account_taken_over"]},
        "about-you": {"confidentiality": "named"},
        "contact": given.CONTACT,
        "manager": {"manager_alert": "no"},
        "which-form": {"which_form": "switch"},
    }
    opened = await _switch(member, "/report/abuse", pages)
    asked = await _go_on(member, "/report/incident", opened, given.INCIDENT)
    assert "which-account" not in asked
    await send(member, "/report/incident")
    report = await the_report(intake)
    assert report.report_type == "security_incident"
    assert "They posted my address." in report.narrative


@pytest.mark.policy("S1")
async def test_abuse_in_the_form_for_misuse_names_its_subject_as_suspected(intake: Intake, member: AsyncClient) -> None:
    pages = {**given.MISUSE, "misuse": {"misuse": "harassment"}, "which-form": {"which_form": "switch"}}
    opened = await _switch(member, "/report/misuse", pages)
    rest = {**ABUSE_ANSWERS, "at-risk": {"also_affects": "none"}, "contact": given.CONTACT}
    await _go_on(member, "/report/abuse", opened, rest)
    await send(member, "/report/abuse")
    report = await the_report(intake)
    assert (report.suspected[0]["name"], report.suspected[0]["staff_id"]) == ("Kit Marsh", "S2002")
    assert report.behaviours == ["harassment"]


def test_a_taken_over_account_said_beside_misuse_goes_along_to_the_form_for_abuse() -> None:
    answers: Answers = {"account_kind": ("official",), "taken_over": ("yes",), "misuse": ("harassment",)}
    assert switched(answers, MISUSE, ABUSE)["also_affects"] == ("account_taken_over",)
    personal = {**answers, "account_kind": ("personal",)}
    assert not switched(personal, MISUSE, ABUSE).get("also_affects")


@pytest.mark.parametrize(
    ("base", "pages", "words"),
    [
        ("/report/incident", given.ABUSE_IN_INCIDENT, "Social Media Abuse Response Team (SMART)"),
        ("/report/misuse", given.ABUSE_IN_MISUSE, "It does not go to any manager automatically"),
    ],
)
async def test_where_it_goes_is_said_before_it_is_sent(
    intake: Intake, member: AsyncClient, base: str, pages: Mapping[str, Mapping[str, object]], words: str
) -> None:
    asked = await walk(member, base, pages)
    assert asked[-1] == "which-form"
    assert words in (await member.get(f"{base}/which-form")).text
    assert await how_many(intake) == (0, 0, 0)


async def _switch(client: AsyncClient, base: str, pages: Mapping[str, Mapping[str, object]]) -> str:
    """Go to the question about the right form, choose the other one, and return its first page."""
    response = await client.get(base)
    while (slug := response.headers["location"].removeprefix(f"{base}/")) != "which-form":
        slug = "affected" if slug == "help-now" else slug
        response = await answer(client, f"{base}/{slug}", pages[slug])
        assert response.status_code == 303, (slug, response.text)
    return (await answer(client, f"{base}/which-form", pages["which-form"])).headers["location"]


async def _go_on(client: AsyncClient, base: str, opened: str, pages: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Answer what is still open, and return those answers."""
    asked = []
    while (slug := opened.removeprefix(f"{base}/")) != "check":
        asked.append(slug)
        response = await answer(client, opened, {**pages[slug], "change": "yes"})
        assert response.status_code == 303, (slug, response.text)
        opened = response.headers["location"]
    return asked


def test_an_answer_of_the_other_form_is_never_replaced() -> None:
    answers: Answers = {"effects": ("loss",), "also_affects": ("system",), "narrative": ("n",)}
    assert switched(answers, ABUSE, INCIDENT)["effects"] == ("loss",)
