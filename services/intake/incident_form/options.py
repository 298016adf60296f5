"""What can be chosen on the form for security incidents."""

from services.intake.questions.domain import Choice, Choices, Option
from services.intake.questions.options import ABUSE, HAPPENED, IN_SOMEBODYS_NAME, PLATFORM, YES_NO_UNSURE

EFFECTS = (
    Option("access", "Somebody got in, or may have", "To a system, a device, a building or an account"),
    Option("use", "Something was used by somebody who may not", "For example a device, a sign-in or an account"),
    Option("disclosure", "Information was shown or sent to the wrong people", "Online, by email, on paper or aloud"),
    Option("modification", "Something was changed by somebody who may not", "For example a record or a setting"),
    Option("loss", "Something was lost or stolen", "For example a laptop, a phone or papers"),
    Option("destruction", "Something was destroyed or deleted"),
)
CIRCUMSTANCES = (
    Option("actual", "It happened"),
    Option("suspected", "I think that it happened, but I am not sure"),
    Option("accidental", "It was an accident"),
    Option("deliberate", "Somebody meant to do it"),
    Option("attempted", "Somebody tried, and it may not have worked"),
)
ASSET_OWNER = (
    Option("dwp", "DWP’s"),
    Option("supplier", "A supplier’s, who uses it to provide a service to DWP"),
    Option("unsure", "I am not sure"),
)
CHOICES: Choices = {
    **HAPPENED,
    **ABUSE,
    **IN_SOMEBODYS_NAME,
    "platform": Choice(PLATFORM, None),
    "effects": Choice(EFFECTS, "Select what was affected", many=True),
    "circumstances": Choice(CIRCUMSTANCES, "Select how it came about", many=True),
    "asset_owner": Choice(ASSET_OWNER, "Select whose it is"),
    "still_happening": Choice(YES_NO_UNSURE, "Select whether it is still going on"),
    "personal_data": Choice(YES_NO_UNSURE, "Select whether information about people is involved"),
    "social_account": Choice(YES_NO_UNSURE, "Select whether a social media account is involved"),
    "account_platform": Choice(PLATFORM, "Select where the account is"),
    "taken_over": Choice(YES_NO_UNSURE, "Select whether somebody else controls the account"),
    "being_abused": Choice(YES_NO_UNSURE, "Select whether somebody is being abused"),
    "own_mistake": Choice((Option("yes", "Yes"), Option("no", "No")), None),
}
