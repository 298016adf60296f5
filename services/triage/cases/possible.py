"""Which actions a case allows a person right now, so that a page offers only those."""

from collections.abc import Callable, Mapping
from datetime import datetime

from services.triage.cases import domain, turns
from services.triage.cases.domain import Actor, Case
from services.triage.cases.forms import Action
from shared.events.vocabulary import Outcome, Team

_REFUSALS = (domain.StateForbids, domain.ClaimedByAnother, domain.NotYourClaim, turns.NotForThisCase)


def possible(case: Case, actor: Actor, now: datetime) -> frozenset[Action]:
    """Return every action that would not be refused."""
    attempts: Mapping[Action, Callable[[], object]] = {
        Action.CLAIM: lambda: domain.claim(case, actor, now),
        Action.RELEASE: lambda: domain.release(case, actor),
        Action.START: lambda: domain.start(case, actor, now),
        Action.NOTE: lambda: domain.note(case, actor, now),
        Action.SHARE: lambda: domain.note(case, actor, now),
        Action.ASK: lambda: domain.ask(case, actor, now),
        Action.TRANSFER: lambda: domain.transfer(case, actor, _another(case.team)),
        Action.RESOLVE: lambda: domain.resolve(case, actor, _fitting(case)),
        Action.CLOSE: lambda: domain.close(case),
        Action.REOPEN: lambda: domain.reopen(case, actor, now),
        Action.EXEMPT: lambda: turns.exempted(case, actor),
        Action.NOT_EXEMPT: lambda: turns.exempted(case, actor),
        Action.MISUSE: lambda: turns.misuse_opened(case, actor),
        Action.BREACH: lambda: turns.aware_of_breach(case, actor, now),
        Action.BREACH_DECIDED: lambda: turns.breach_decided(case, actor),
        Action.TAKEN_OVER: lambda: turns.compromise_confirmed(case, actor),
        Action.NAME: lambda: turns.named(case, actor),
    }
    return frozenset(action for action, attempt in attempts.items() if _allowed(attempt))


def _allowed(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except _REFUSALS:
        return False
    return True


def _another(team: Team) -> Team:
    return Team.SIRT if team is not Team.SIRT else Team.SMART


def _fitting(case: Case) -> Outcome:
    return min(domain.OUTCOMES[case.report_type])
