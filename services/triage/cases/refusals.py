"""How the API and the pages answer when a case is not shown or not changed."""

from collections.abc import Mapping

from services.triage.cases import domain, queries
from services.triage.cases.views import STATES
from services.triage.exposure.domain import CapReached
from shared.web.problems import FieldProblem
from shared.web.refusals import Refusal, Refusals, reading


def _changes(error: queries.CaseChanged) -> Mapping[str, object]:
    return {
        "version": error.version,
        "changes": [
            {"version": one.version, "at": one.at.isoformat(), "action": one.action, "actor": one.actor}
            for one in error.changes
        ],
    }


def _does_not_fit(field: str, message: str) -> Refusal:
    return Refusal(
        422,
        "invalid",
        "Some answers are missing or not right",
        "Correct the fields that are named.",
        fields=lambda _error: [FieldProblem(name=field, message=message)],
    )


REFUSALS: Refusals = {
    CapReached: Refusal(
        409,
        "content-limit-reached",
        "You have been shown as much today as is good for you",
        "Ask a lead to let you see more, or hand the case over.",
    ),
    domain.CaseNotFound: Refusal(
        404, "case-not-found", "There is no such case here", "It may be with another team, or kept from you."
    ),
    queries.CaseChanged: Refusal(
        412,
        "case-changed",
        "The case changed since you read it",
        "Look at what changed, then decide again.",
        field="changes",
        members=reading(queries.CaseChanged, _changes),
    ),
    domain.StateForbids: Refusal(
        409,
        "state-forbids",
        "The case is not in a state that allows this",
        "Read the case again.",
        members=reading(domain.StateForbids, lambda error: {"state": error.state}),
        page=reading(
            domain.StateForbids, lambda error: f"The case is {STATES[error.state].lower()}: that cannot be done now."
        ),
    ),
    domain.ClaimedByAnother: Refusal(
        409, "case-claimed-by-another", "Another responder has this case", "Ask them to release it, or a lead to do so."
    ),
    domain.NotYourClaim: Refusal(409, "case-not-claimed", "This case is not yours to change", "Claim it first."),
    domain.HasItAlready: Refusal(409, "has-it-already", "They have this case already", "Choose someone else."),
    domain.MayNotHave: Refusal(
        409,
        "may-not-have",
        "They cannot have this case",
        "It is kept from them, or it is restricted and they are not named to see it. Choose someone else.",
    ),
    domain.NoSuchColleague: _does_not_fit("assignee", "Give the staff number of a colleague"),
    domain.SamePriority: Refusal(409, "same-priority", "The case has that priority already", "Choose another one."),
    domain.ThreatUnanswered: Refusal(
        409,
        "threat-unanswered",
        "Say first whether there is a threat to life, and who was rung",
        "Record it on the tab Tasks.",
    ),
    domain.TeamDoesNotFit: _does_not_fit("team", "Choose a team that works this type of report"),
    domain.NotForThisCase: Refusal(
        409, "not-for-this-case", "This cannot be done with this case", "It is for cases of another kind or team."
    ),
    domain.SameTeam: Refusal(409, "same-team", "The case is with that team already", "Choose another team."),
    domain.OutcomeDoesNotFit: _does_not_fit("outcome", "Choose an outcome that fits this type of report"),
}
