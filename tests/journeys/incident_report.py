"""The form for security incidents, also with abuse in its answers."""

from tests.journeys.forms import (
    ABOUT_YOU,
    CONTACT,
    EVIDENCE,
    MANAGER,
    WHAT_HAPPENED,
    Question,
    choosing,
    picking,
    ticking,
)
from tests.journeys.input_drivers import InputDriver

LAPTOP = "A list of customers on a laptop"


async def _whose(driver: InputDriver) -> None:
    await driver.choose("DWP’s")
    await driver.write("What is it?", LAPTOP)


async def _discovered_in_january(driver: InputDriver) -> None:
    for part, number in (("Day", "5"), ("Month", "1"), ("Year", "2026")):
        await driver.write_in("When was it discovered?", part, number)


WHAT = (
    Question(
        "what was affected",
        ticking("Information was shown or sent to the wrong people"),
        ("Select what was affected, or ‘None of these’",),
    ),
    Question("how", ticking("I think that it happened, but I am not sure"), ("Select how it happened",)),
    Question("whose", _whose, ("Select whose it is",)),
    Question("when", _discovered_in_january, ("Enter when it was discovered",)),
    Question("still going on", choosing("I am not sure"), ("Select whether it is still going on",)),
    Question(
        "personal data",
        choosing("Yes"),
        ("Select whether information about people is involved",),
    ),
    Question("account", choosing("No"), ("Select whether a social media account is involved",)),
)
NO_ABUSE = Question("abuse", choosing("No"), ("Select whether someone is being abused",))
ABUSE = (
    NO_ABUSE.answered(choosing("Yes")),
    Question("affected", ticking("A colleague"), ("Select who is affected",)),
    Question("where the abuse is", picking("Website or app", "Instagram")),
    Question("kind of abuse", ticking("Harassment"), ("Select what kind of abuse it is",)),
)
WITHOUT_ABUSE = (*WHAT, NO_ABUSE, WHAT_HAPPENED, EVIDENCE, ABOUT_YOU, CONTACT)
WITH_ABUSE = (*WHAT, *ABUSE, WHAT_HAPPENED, EVIDENCE, ABOUT_YOU, CONTACT, MANAGER)
WHICH_FORM = ("Select how you want to continue",)
