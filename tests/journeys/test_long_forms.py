"""Far too much text in every form, the suppliers' own form, and the page for a rule book that cannot be read."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.clock import SystemClock
from tests.journeys import abuse_report, incident_report, misuse_report
from tests.journeys.forms import Question, fill_in, give_day, send, writing
from tests.journeys.input_drivers import InputDriver
from tests.journeys.long_things import LONG_LINK, LONG_TEXT, LONG_WORD
from tests.journeys.people import Join, Someone
from tests.journeys.test_questions_path import ADVICE, EXCEPTION

pytestmark = [
    pytest.mark.xdist_group("embedded-pages"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
AT_LENGTH = {
    "what happened": writing("What happened?", LONG_TEXT),
    "question": writing("What do you want to know?", LONG_TEXT),
    "activity": writing("What is the activity?", LONG_TEXT),
    "business case": writing("The business case", LONG_TEXT),
}


async def _organisation(driver: InputDriver) -> None:
    await driver.write("Your organisation", LONG_WORD)


SUPPLIER = (Question("about your organisation", _organisation), *incident_report.WITHOUT_ABUSE)
FORMS: tuple[tuple[str, str, Sequence[Question], str], ...] = (
    ("Kim Doyle", "misuse", misuse_report.QUESTIONS, "report"),
    ("Priya Shah", "incident", incident_report.WITHOUT_ABUSE, "report"),
    ("Piotr Nowak", "supplier-incident", SUPPLIER, "report"),
    ("Owen Clarke", "advice", ADVICE, "question"),
    ("Owen Clarke", "exception", EXCEPTION, "request"),
)


def _at_length(questions: Sequence[Question]) -> list[Question]:
    return [question.answered(AT_LENGTH.get(question.name, question.answer)) for question in questions]


@pytest.mark.parametrize(("who", "form", "questions", "thing"), FORMS, ids=[form for _, form, _, _ in FORMS])
async def test_far_too_much_in_a_form_breaks_none_of_its_pages(
    join: Join, who: str, form: str, questions: Sequence[Question], thing: str
) -> None:
    someone = await join(who)
    await someone.open(f"/report/{form}")
    await fill_in(someone, _at_length(questions))
    await _looks_at_what_was_written(someone, form)
    await send(someone, thing)
    await someone.looks(f"{form} form, sent")


async def test_far_too_much_about_abuse_breaks_no_page(join: Join) -> None:
    someone = await join()
    await someone.open("/report/abuse")
    await abuse_report.where_and_what(someone.driver)
    await abuse_report.when_and_how(someone.driver, narrative=LONG_TEXT)
    await abuse_report.anonymously(someone.driver)
    await someone.open("/report/abuse/where")
    await someone.page.get_by_label("Links to it").fill(LONG_LINK)
    await someone.driver.press("Continue")
    await _looks_at_what_was_written(someone, "abuse")


async def _looks_at_what_was_written(someone: Someone, form: str) -> None:
    await someone.open(f"/report/{form}/check")
    await someone.reads(LONG_WORD)
    await someone.looks(f"{form} form, check your answers, long")
    changes = someone.main.locator("dd").filter(has_text=LONG_WORD).locator("xpath=..").get_by_role("link")
    await changes.first.click()
    await someone.looks(f"{form} form, what is written, long")
    await someone.open(f"/report/{form}/check")


async def test_the_suppliers_form_says_what_is_missing(join: Join) -> None:
    piotr = await join("Piotr Nowak")
    await piotr.open("/report/supplier-incident")
    await fill_in(piotr, SUPPLIER, "supplier")


async def test_a_proxy_is_named_with_far_too_many_words(join: Join) -> None:
    judith = await join("Judith Lane")
    first, last = (SystemClock().now() + timedelta(days=days) for days in (400, 410))
    await judith.open("/accounts/proxies/new")
    await judith.driver.write("Staff ID of your proxy", "S7001")
    await give_day(judith.driver, "First day", first.date())
    await give_day(judith.driver, "Last day", last.date())
    await judith.driver.write("Why", LONG_TEXT[:1_900])
    await judith.driver.press("Name the proxy")
    await judith.reads("S7001", LONG_WORD)
    await judith.looks("proxies, one named")
    await judith.page.get_by_role("button", name="End it now").first.click()


async def test_a_rule_book_that_cannot_be_read_is_refused_with_why(join: Join) -> None:
    aisha = await join("Aisha Khan")
    await aisha.open("/cases/rules/try")
    await aisha.page.get_by_label("Rule book", exact=True).fill("rules: [")
    await aisha.page.get_by_role("button", name="Try it").click()
    await aisha.reads("There is a problem")
    await aisha.looks("rules, a book that cannot be read")
