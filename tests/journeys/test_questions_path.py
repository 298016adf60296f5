"""Questions from staff and from teams: asked, answered, and read where they were asked."""

import pytest

from tests.journeys.forms import FILES, Question, choosing, fill_in, picking, send, writing
from tests.journeys.input_drivers import InputDriver, Keyboard
from tests.journeys.people import Join
from tests.journeys.reports import ABUSE, Program

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
ASKED = "May I answer customers from my own account?"
ANSWER = "No. Official accounts answer customers; you can show them where."
CONTACT = Question("contact", choosing("An employee"))
ADVICE = (
    Question(
        "topic",
        choosing("What the policy or the Social Media Standard asks"),
        ("Select what your question is about",),
    ),
    Question("question", writing("What do you want to know?", ASKED), ("Enter your question",)),
    FILES,
    CONTACT,
)
NEEDED = "Nobody reads our leaflets."


async def _activity(driver: InputDriver) -> None:
    await driver.write("What is the activity?", "Films of three minutes")
    await picking("Website or app, if there is one", "TikTok")(driver)


EXCEPTION = (
    Question("kind", choosing("I want to ask for an exception"), ("Select what you want to do",)),
    Question("activity", _activity, ("Tell us what the activity is",)),
    Question(
        "business case",
        writing("The business case", NEEDED),
        ("Enter the business case: why the department needs it",),
    ),
    FILES,
    CONTACT,
)


@pytest.mark.policy("X1")
async def test_a_question_asked_with_the_keyboard_alone_is_answered_where_it_was_asked(join: Join) -> None:
    owen, amir = await join("Owen Clarke", driver=Keyboard), await join("Amir Rahman")
    await owen.open("/report/advice")
    await fill_in(owen, ADVICE)
    reference = await send(owen, "question")
    await owen.looks("advice form, sent")
    await amir.waits_for("/cases?team=advice_centre", reference)
    await amir.looks("queue of the advice centre")
    await amir.claims(reference)
    await amir.driver.press("Show what was written")
    await amir.reads(ASKED)
    await amir.looks("enquiry case")
    await amir.open(f"/cases/{reference}")
    await amir.driver.unfold("Message to the reporter")
    await amir.driver.write("Message to the reporter", ANSWER)
    await amir.driver.press("Send to the reporter")
    await amir.driver.unfold("Resolve")
    await amir.driver.pick("How did it end?", "Answered")
    await amir.driver.press("Resolve the case")
    await owen.waits_for(f"/report/track/{reference}", ANSWER, "Your question was answered.")
    await owen.looks("status, question answered")


@pytest.mark.policy("C-e", "X3")
async def test_an_exception_asked_for_without_javascript_comes_to_the_advice_centre(join: Join) -> None:
    kim, amir = await join("Kim Doyle", javascript=False), await join("Amir Rahman")
    await kim.open("/report/exception")
    await fill_in(kim, EXCEPTION)
    await kim.reads("Films of three minutes", NEEDED)
    reference = await send(kim, "request")
    await kim.reads("the Security Advice Centre, who look at your request before")
    await amir.waits_for("/cases?team=advice_centre", reference)
    await amir.open(f"/cases/{reference}")
    await amir.reads("A request for an exception")
    await amir.driver.press("Show what was written")
    await amir.reads(NEEDED)
    await amir.looks("exception case")


async def test_the_forms_for_advice_and_exceptions_say_what_is_missing(join: Join) -> None:
    kim = await join("Kim Doyle")
    for form, questions in (("advice", ADVICE), ("exception", EXCEPTION)):
        await kim.open(f"/report/{form}")
        await fill_in(kim, questions, form)
        await kim.looks(f"{form} form, check your answers")


async def test_a_reporter_answers_the_team_and_withdraws(program: Program, join: Join) -> None:
    sent = await program.send("abuse", ABUSE)
    sam, priya = await join("Sam Reid"), await join("Priya Shah")
    case, status = f"/cases/{sent.reference}", f"/report/track/{sent.reference}"
    await sam.waits_for("/cases", sent.reference)
    await sam.claims(sent.reference)
    await sam.driver.unfold("Ask for information")
    await sam.driver.write("What do you need to know?", "Is it still there for you?")
    await sam.driver.press("Ask the reporter")
    await priya.waits_for(status, "The team has asked you for information", "Is it still there for you?")
    await priya.looks("status, the team asks")
    await priya.driver.follow("Answer the team’s question")
    await priya.looks("status, answering")
    await priya.driver.press("Send")
    await priya.is_refused("status, answering", "Enter a message, or choose a file")
    await priya.driver.write("Your answer", "It was gone this morning.")
    await priya.driver.press("Send")
    await priya.reads("You answered", "It was gone this morning.")
    await priya.looks("status, answered")
    await sam.waits_for(f"{case}/timeline", "The reporter added something")
    await sam.open(case)
    await sam.finds_nothing_of("It was gone this morning.")
    await sam.driver.press("Show what was written")
    await sam.reads("It was gone this morning.")
    await sam.looks("case, the reporter answered")
    await priya.driver.follow("Withdraw this report")
    await priya.looks("status, withdrawing")
    await priya.driver.press("Withdraw my report")
    await priya.reads("You withdrew it on")
    await priya.looks("status, withdrawn")
    await sam.waits_for(case, "Withdrawal requested", "The reporter asked to withdraw the report")
    await sam.looks("case, withdrawal asked")
