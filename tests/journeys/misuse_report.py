"""The form for misuse."""

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
    two_days_ago,
)
from tests.journeys.input_drivers import InputDriver

SUBJECT, STAFF_NUMBER, MANAGER_OF_SUBJECT = "Tom Evans", "S1002", "Grace Okafor"


async def _tom(driver: InputDriver) -> None:
    await driver.write("Their name", SUBJECT)
    await driver.write("Their staff number", STAFF_NUMBER)


QUESTIONS = (
    Question("about whom", _tom, ("Enter who it is about, or their account",)),
    Question(
        "what kind",
        ticking("Speaking for DWP without being allowed to"),
        ("Select what kind of misuse it is",),
    ),
    Question("abuse", choosing("No"), ("Select whether someone is being abused",)),
    Question("union activity", choosing("No"), ("Select whether it may be union activity",)),
    Question("account", choosing("A private account"), ("Select what kind of account it is",)),
    Question("use", choosing("Their own device")),
    Question("where", picking("Website or app", "Facebook"), ("Select where it happened",)),
    Question("when", two_days_ago),
    WHAT_HAPPENED,
    EVIDENCE,
    ABOUT_YOU,
    CONTACT,
    MANAGER,
)
