"""How the API and the pages answer when a take-down is not recorded."""

from services.triage.takedowns import domain, protocols
from shared.web.refusals import Refusal, Refusals, reading

STATE_NAMES = {
    domain.TakedownState.REPORTED: "Reported",
    domain.TakedownState.CHASED: "Asked again",
    domain.TakedownState.REMOVED: "Removed",
    domain.TakedownState.REFUSED: "Refused",
    domain.TakedownState.RESTORED: "Back again",
}

REFUSALS: Refusals = {
    domain.TakedownNotFound: Refusal(
        404, "takedown-not-found", "There is no such take-down on this case", "Look at the list of what there is."
    ),
    domain.TakedownForbids: Refusal(
        409,
        "takedown-forbids",
        "This does not follow from the state of the take-down",
        "Read the take-downs of the case again.",
        members=reading(domain.TakedownForbids, lambda error: {"state": error.state}),
        page=reading(
            domain.TakedownForbids,
            lambda error: f"The take-down is {STATE_NAMES[error.state].lower()}: that cannot be recorded now.",
        ),
    ),
    domain.AlreadyAsked: Refusal(
        409,
        "takedown-exists",
        "This platform was asked about this link already",
        "Record what came of it there.",
        field="link",
    ),
    domain.NoSuchLink: Refusal(
        422,
        "no-such-link",
        "Choose one of the report’s links, or give a link",
        "A link begins with https:// or http://",
        field="link",
    ),
    domain.NoSuchCategory: Refusal(
        422,
        "no-such-category",
        "The platform has no such category",
        "Choose one of its own, or none.",
        field="category",
    ),
    domain.NotAskedThen: Refusal(
        422,
        "not-asked-then",
        "The time is still to come, or more than a year ago",
        "Give when the platform was asked, or leave it out for now.",
        field="asked_at",
    ),
    domain.FormExists: Refusal(
        409, "form-exists", "Such a form was sent, or is about to be", "Look at what came of it."
    ),
    protocols.NoSuchForm: Refusal(
        422,
        "no-such-form",
        "No such form can be made of this link",
        "It is for accounts and posts of its own protocol; XARF needs a type, and a contact in the settings.",
        field="protocol",
    ),
    domain.TooManyTakedowns: Refusal(
        409,
        "too-many-takedowns",
        f"A case has at most {domain.MOST_OF_A_CASE} take-downs",
        "Report the account, or split the case.",
        field="link",
    ),
}
