"""What a client sees of the domain's refusals."""

from collections.abc import Mapping
from typing import cast

from services.triage.cases.domain import (
    CaseNotFound,
    ClaimedByAnother,
    NotForThisCase,
    NotYourClaim,
    OutcomeDoesNotFit,
    SameTeam,
    StateForbids,
    TeamDoesNotFit,
)
from services.triage.cases.queries import CaseChanged
from shared.web.problems import ProblemType


def _changes(error: Exception) -> Mapping[str, object]:
    changed = cast(CaseChanged, error)
    return {
        "version": changed.version,
        "changes": [
            {"version": one.version, "at": one.at.isoformat(), "action": one.action, "actor": one.actor}
            for one in changed.changes
        ],
    }


def _state(error: Exception) -> Mapping[str, object]:
    return {"state": cast(StateForbids, error).state}


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    CaseNotFound: ProblemType(
        404, "case-not-found", "There is no such case here", "It may be with another team, or kept from you."
    ),
    CaseChanged: ProblemType(
        412,
        "case-changed",
        "Somebody changed the case since you read it",
        "Look at what changed, then decide again.",
        _changes,
    ),
    StateForbids: ProblemType(
        409, "state-forbids", "The case is not in a state that allows this", "Read the case again.", _state
    ),
    ClaimedByAnother: ProblemType(
        409, "case-claimed-by-another", "Somebody else has this case", "Ask them to release it, or a lead to do so."
    ),
    NotYourClaim: ProblemType(409, "case-not-claimed", "This case is not yours to change", "Claim it first."),
    TeamDoesNotFit: ProblemType(
        422,
        "invalid",
        "Some answers are missing or not right",
        "Correct the fields that are named.",
        lambda _error: {"errors": [{"field": "team", "message": "Choose a team that works this type of report"}]},
    ),
    NotForThisCase: ProblemType(
        409, "not-for-this-case", "This is not done with this case", "It is for cases of another kind or team."
    ),
    SameTeam: ProblemType(409, "same-team", "The case is with that team already", "Choose another team."),
    OutcomeDoesNotFit: ProblemType(
        422,
        "invalid",
        "Some answers are missing or not right",
        "Correct the fields that are named.",
        lambda _error: {"errors": [{"field": "outcome", "message": "Choose an outcome for this type of report"}]},
    ),
}
