"""The forms with one question per page, page by page: each page is checked, left empty, refused, and answered."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from playwright.async_api import expect

from shared.clock import SystemClock
from tests.journeys.input_drivers import InputDriver
from tests.journeys.people import Someone

Answer = Callable[[InputDriver], Awaitable[None]]
NARRATIVE = "They answer customers in the name of the jobcentre.\nI saw it on Monday."
_REFERENCE = re.compile(r"SP-[0-9A-Z]{4}-[0-9A-Z]{4}")


@dataclass(frozen=True, slots=True)
class Question:
    """One page of a form."""

    name: str
    answer: Answer
    refused: tuple[str, ...] = ()
    """The error for an empty page; none if it may stay empty."""

    def answered(self, answer: Answer) -> "Question":
        """Return the same page with another answer."""
        return replace(self, answer=answer)


def choosing(label: str) -> Answer:
    """Select a radio button."""
    return lambda driver: driver.choose(label)


def ticking(label: str) -> Answer:
    """Tick a box."""
    return lambda driver: driver.tick(label)


def picking(label: str, option: str) -> Answer:
    """Pick from a list."""
    return lambda driver: driver.pick(label, option)


def writing(label: str, text: str) -> Answer:
    """Type a text."""
    return lambda driver: driver.write(label, text)


async def give_day(driver: InputDriver, group: str, day: date) -> None:
    """Type a day into the three fields of the date input called `group`."""
    for part, number in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        await driver.write_in(group, part, str(number))


async def two_days_ago(driver: InputDriver) -> None:
    """Give the day before yesterday."""
    day = SystemClock().now() - timedelta(days=2)
    for part, number in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        await driver.write(part, str(number))


async def fill_in(someone: Someone, questions: Sequence[Question], form: str | None = None) -> None:
    """Answer `questions`; with the name of the `form`, check each page, and first try to go on without an answer."""
    for question in questions:
        if form:
            await someone.looks(f"{form} form, {question.name}")
        if form and question.refused:
            await someone.driver.press("Continue")
            await someone.is_refused(f"{form} form, {question.name}", *question.refused)
        await question.answer(someone.driver)
        await someone.driver.press("Continue")


async def send(someone: Someone, thing: str = "report") -> str:
    """Send what is on the last page and return the reference that the confirmation shows."""
    await someone.driver.press(f"Send {thing}")
    await expect(someone.page.get_by_role("heading", name=f"{thing.capitalize()} sent")).to_be_visible()
    match = _REFERENCE.search(await someone.main.inner_text())
    assert match, "the confirmation shows no reference"
    return match[0]


WHAT_HAPPENED = Question("what happened", writing("What happened?", NARRATIVE), ("Tell us what happened",))


async def leaving_empty(_driver: InputDriver) -> None:
    """Answer nothing."""


FILES = Question("files", leaving_empty)
EVIDENCE = Question("evidence", ticking("Screenshots"))
MANAGER = Question("manager", choosing("Yes, tell my manager"), ("Select whether it is safe for your manager to know",))
ABOUT_YOU = Question("about you", choosing("In my name"), ("Select how you want to report",))
CONTACT = Question("contact", choosing("An employee"))
