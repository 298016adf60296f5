"""Where an accepted report should go, read from the routing table of the design and not from the rule book. Pure.

The rule book is data that may be changed or be wrong; this is written separately, so that each can prove the other.
"""

from collections.abc import Collection, Mapping
from typing import cast

from services.cli.demo.planned import CREATED, Expected, JsonObject
from services.cli.demo.scenario import ABUSE, ENQUIRY, EXCEPTION, INCIDENT, MISUSE
from shared.events.vocabulary import (
    AccountKind,
    AlsoAffects,
    AssetOwner,
    Behaviour,
    ExceptionKind,
    FoundBy,
    MisuseBehaviour,
    Team,
    YesNoUnsure,
)

_SAY_NOTHING_OF_ABUSE = {Behaviour.IMPERSONATION, Behaviour.OTHER}
_AT_RISK = {AlsoAffects.DWP_INFORMATION, AlsoAffects.SYSTEM, AlsoAffects.SANCTIONED_ACCOUNT}
_SIRT = frozenset({Team.SIRT})
_SMART = frozenset({Team.SMART})
_YES_OR_UNSURE = {YesNoUnsure.YES, YesNoUnsure.UNSURE}


def routed(path: str, body: JsonObject) -> Expected:
    """Return where an acceptable report should go (design: domain, section 3)."""
    if is_taken_over(body):
        return _taken_over_account(path, body)
    if path == INCIDENT and is_abuse(path, body):
        owned = body["asset_owner"] != AssetOwner.UNSURE
        return _to(Team.SMART, _SIRT if owned else frozenset(), misdirected=True)
    if is_abuse(path, body):
        return _to(Team.SMART, _SIRT if _department_at_risk(body) else frozenset(), misdirected=path != ABUSE)
    by_path = {MISUSE: _misuse, INCIDENT: _incident, ENQUIRY: _enquiry, EXCEPTION: _exception}
    return by_path[path](body)


def _to(team: Team, also: frozenset[Team] | None = frozenset(), *, misdirected: bool = False) -> Expected:
    return Expected(CREATED, team, also, misdirected)


def _taken_over_account(path: str, body: JsonObject) -> Expected:
    abused = set(_many(body, "behaviours")) - _SAY_NOTHING_OF_ABUSE
    return _to(Team.SIRT, _SMART if abused else frozenset(), misdirected=path == ABUSE and not abused)


def _misuse(body: JsonObject) -> Expected:
    if body.get("union_activity", YesNoUnsure.UNSURE) in _YES_OR_UNSURE:
        return _to(Team.TRIAGE_DESK)
    if body.get("found_by") == FoundBy.MONITORING:
        return _to(Team.SIRT)
    also = _SIRT if _sirt_looks_too(body) else _only_history_knows(body)
    only_other = set(_many(body, "behaviours")) == {MisuseBehaviour.OTHER}
    return _to(Team.TRIAGE_DESK if only_other else Team.LINE_MANAGER, also)


def _incident(_body: JsonObject) -> Expected:
    return _to(Team.SIRT)


def _enquiry(_body: JsonObject) -> Expected:
    return _to(Team.ADVICE_CENTRE)


def _exception(body: JsonObject) -> Expected:
    notice = body.get("kind") == ExceptionKind.NOTICE
    return _to(Team.POLICY_STANDARDS if notice else Team.ADVICE_CENTRE)


def is_taken_over(body: JsonObject) -> bool:
    """Say whether somebody else has an account of the department."""
    account = cast(Mapping[str, object], body.get("account", {}))
    return account.get("taken_over") == YesNoUnsure.YES or AlsoAffects.ACCOUNT_TAKEN_OVER in _many(body, "also_affects")


def is_abuse(path: str, body: JsonObject) -> bool:
    """Say whether somebody is being abused, by whichever form."""
    if path == MISUSE:
        return bool(_many(body, "abuse_behaviours")) or MisuseBehaviour.HARASSMENT in _many(body, "behaviours")
    return path == ABUSE or bool(_many(body, "behaviours"))


def _department_at_risk(body: JsonObject) -> bool:
    return (
        bool(_AT_RISK.intersection(_many(body, "also_affects")))
        or body.get("dwp_information") == YesNoUnsure.YES
        or MisuseBehaviour.DISCLOSURE in _many(body, "behaviours")
    )


def _sirt_looks_too(body: JsonObject) -> bool:
    kinds = {MisuseBehaviour.DISCLOSURE, MisuseBehaviour.FAILURE_TO_REPORT}
    return (
        body.get("account_kind") in {AccountKind.OFFICIAL, AccountKind.PROFESSIONAL_INDIVIDUAL}
        or body.get("dwp_information") in _YES_OR_UNSURE
        or bool(kinds.intersection(_many(body, "behaviours")))
    )


def _only_history_knows(body: JsonObject) -> frozenset[Team] | None:
    """Return nobody, or None where somebody is named who may have been reported before."""
    return None if body.get("subject") else frozenset()


def _many(body: JsonObject, name: str) -> Collection[str]:
    return cast(Collection[str], body.get(name, ()))
