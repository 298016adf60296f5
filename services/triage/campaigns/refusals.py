"""How the API and the pages answer when a campaign is not shown or not changed."""

from services.triage.campaigns import domain
from shared.web.refusals import Refusal, Refusals, reading

REFUSALS: Refusals = {
    domain.CampaignNotFound: Refusal(
        404,
        "campaign-not-found",
        "There is no such campaign here",
        "Its cases may be with another team, or kept from you.",
    ),
    domain.CampaignDismissed: Refusal(
        409, "campaign-dismissed", "The campaign is dismissed", "Confirm it first, if its cases do belong together."
    ),
    domain.CampaignChanged: Refusal(
        412,
        "campaign-changed",
        "Another person changed the campaign since you read it",
        "Look at it as it is now, then decide again.",
        members=reading(domain.CampaignChanged, lambda error: {"version": error.version}),
    ),
    domain.NoSuchMember: Refusal(
        409, "no-such-member", "One of the cases is not in this campaign", "Read the campaign again, then choose again."
    ),
    domain.UnknownReference: Refusal(
        409, "unknown-reference", "There is no such case here", "Check the reference. The case may be kept from you."
    ),
    domain.NoCases: Refusal(409, "no-cases", "There is no case for this", "Choose one or more cases of the campaign."),
    domain.TooFewLeft: Refusal(
        409, "too-few-cases", "Without these cases it would be no campaign", "Dismiss the campaign instead."
    ),
    domain.TooManyCases: Refusal(
        422,
        "too-many-cases",
        "These are too many cases at once",
        "Choose fewer.",
        members=reading(domain.TooManyCases, lambda error: {"most": error.most}),
        page=reading(domain.TooManyCases, lambda error: f"Choose at most {error.most:,} cases at once."),
    ),
}
