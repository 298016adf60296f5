"""How the API and the pages answer when a view of the queue is not saved."""

from services.triage.queue import domain
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    domain.QueryTooLong: Refusal(
        422,
        "query-too-long",
        "The address of the queue is too long",
        f"Begin again in the queue, and search for at most {domain.LONGEST_SEARCH} characters.",
    ),
    domain.ViewNotFound: Refusal(404, "view-not-found", "There is no such view", "It may have been deleted."),
    domain.ViewChanged: Refusal(
        412, "view-changed", "Someone changed the view since you read it", "Read it again.", field="name"
    ),
    domain.NotYourView: Refusal(
        403, "not-your-view", "Only a lead of the team changes its views", "Ask a lead.", field="team"
    ),
    domain.SearchIsOwn: Refusal(
        409,
        "search-is-own",
        "A view with words that you search for stays your own",
        "Save it for yourself.",
        field="team",
    ),
    domain.TooManyViews: Refusal(
        409, "too-many-views", f"There are {domain.MOST_VIEWS} views already", "Delete one first.", field="name"
    ),
}
