"""What the lookup says, in sentences that its API and its page share."""

from collections.abc import Mapping

from services.registry.lookup.domain import Answer, Verdict
from shared.events.vocabulary import AccountClass

_TITLES: Mapping[Verdict, str] = {
    Verdict.SANCTIONED: "Yes, this account is sanctioned for official use",
    Verdict.NOT_SANCTIONED: "No, this account is not used officially for DWP",
    Verdict.OUTSIDE_POLICY: "No, this is not a DWP account",
    Verdict.UNKNOWN: "No, this is not on the list of official DWP accounts",
    Verdict.UNREADABLE: "We cannot tell which account you mean",
}
_MORE: Mapping[Verdict, str] = {
    Verdict.SANCTIONED: "Check that you are looking at exactly this name, on exactly this platform.",
    Verdict.NOT_SANCTIONED: "It is a colleague's own account for professional networking.",
    Verdict.OUTSIDE_POLICY: "It is an official trade union account, outside this policy.",
    Verdict.UNKNOWN: "Do not share personal details with it as if it were DWP.",
    Verdict.UNREADABLE: "Paste the address of the account's profile, or its name as the platform shows it.",
}


def title_of(answer: Answer) -> str:
    """Return the answer as one short sentence."""
    if answer.verdict is Verdict.SANCTIONED and answer.account_class is AccountClass.OFFICIAL:
        return "Yes, this is an official DWP account"
    return _TITLES[answer.verdict]


def more_about(answer: Answer) -> str:
    """Return what follows from the answer."""
    return _MORE[answer.verdict]
