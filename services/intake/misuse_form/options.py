"""What can be chosen on the form for misuse. Definitions are ours; the policy's own words are behind the link to it."""

from services.intake.questions.domain import Choice, Choices, Option
from services.intake.questions.options import ABUSE, HAPPENED, IN_SOMEBODYS_NAME, MANAGER, YES_NO_UNSURE

MISUSE = (
    Option("speaks_for_department", "Speaking for DWP without being allowed to", "Answering or announcing in its name"),
    Option("mixed_account", "Work and private life in one account", "One account used for both"),
    Option("association", "Private opinions shown as DWP’s or the government’s", "For example a logo beside them"),
    Option("disclosure", "DWP information shown", "For example a screen, a document or a customer’s details"),
    Option("harassment", "Harassing, discriminating against or lying about somebody", "An employee or anybody else"),
    Option("unsanctioned_account", "An account for DWP that nobody approved", "Made to look as if DWP runs it"),
    Option("untrained_operator", "Running an official account without training"),
    Option("unapproved_device", "Running an official account from a device that is not approved"),
    Option("failure_to_report", "A security incident that was not reported", "By somebody who knew of it"),
    Option("other", "Something else", "You can describe it in your own words later"),
)
ACCOUNT_KIND = (
    Option("official", "An official DWP account", "It speaks for DWP or a jobcentre"),
    Option("professional_individual", "A person’s account for their work at DWP", "Approved, and under their own name"),
    Option("linkedin", "A LinkedIn profile"),
    Option("personal", "A private account"),
    Option("unsure", "I am not sure"),
)
DEVICE = (Option("dwp", "A DWP device"), Option("personal", "Their own device"), Option("unsure", "I do not know"))
ONES_OWN_MANAGER = tuple(
    option._replace(hint="Your own manager is told only after you agree") if option.value == "ask_me_first" else option
    for option in MANAGER
)
"""The manager of whom the report is about works it, whatever the answer is."""
CHOICES: Choices = {
    **HAPPENED,
    **ABUSE,
    **IN_SOMEBODYS_NAME,
    "manager_alert": ABUSE["manager_alert"]._replace(options=ONES_OWN_MANAGER),
    "misuse": Choice(MISUSE, "Select what kind of misuse it is", many=True),
    "being_abused": Choice(YES_NO_UNSURE, "Select whether somebody is being abused"),
    "union_activity": Choice(YES_NO_UNSURE, "Select whether it may be union activity"),
    "account_kind": Choice(ACCOUNT_KIND, "Select what kind of account it is"),
    "taken_over": Choice(YES_NO_UNSURE, "Select whether somebody else controls the account"),
    "device": Choice(DEVICE, None),
    "own_time": Choice(YES_NO_UNSURE, None),
    "dwp_information": Choice(YES_NO_UNSURE, None),
}
