"""What should become of an accepted report: where it goes, and which alerts it causes. Pure.

The rule book is data that may be changed or be wrong. This is written from the policy and not from the rule book, so
that each can prove the other.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import cast

from demo.generator import ABUSE, ENQUIRY, EXCEPTION, INCIDENT, MISUSE
from demo.reports import CREATED, Expectation, JsonObject
from shared.events.vocabulary import (
    AccountKind,
    AlertPurpose,
    AlsoAffects,
    AssetOwner,
    Behaviour,
    ExceptionKind,
    FoundBy,
    ManagerAlert,
    MisuseBehaviour,
    Team,
    YesNoUnsure,
)

_SAY_NOTHING_OF_ABUSE = {Behaviour.IMPERSONATION, Behaviour.OTHER}
_AT_RISK = {AlsoAffects.DWP_INFORMATION, AlsoAffects.SYSTEM, AlsoAffects.SANCTIONED_ACCOUNT}
_SIRT = frozenset({Team.SIRT})
_SMART = frozenset({Team.SMART})
_YES_OR_UNSURE = {YesNoUnsure.YES, YesNoUnsure.UNSURE}

Purposes = frozenset[AlertPurpose]
_MANAGERS = frozenset({AlertPurpose.ABUSE_REPORTED, AlertPurpose.MISUSE_REPORTED, AlertPurpose.MISUSE_ASSIGNED})


def expectation_of(path: str, body: JsonObject, *, anonymous: bool) -> Expectation:
    """Return what should become of an acceptable report (decision clauses: `docs/policy/clauses.yaml`)."""
    routed = _route(path, body)
    alerted = _manager(path, body, anonymous=anonymous) | _by_route(routed) | _at_once(path, body)
    return replace(routed, alerted=alerted, not_alerted=_not_alerted(routed, path, body, alerted))


def _route(path: str, body: JsonObject) -> Expectation:
    if _is_taken_over(body):
        return _taken_over_account(path, body)
    if path == INCIDENT and _is_abuse(path, body):
        owned = body["asset_owner"] != AssetOwner.UNSURE
        return _to(Team.SMART, _SIRT if owned else frozenset(), misdirected=True)
    if _is_abuse(path, body):
        return _to(Team.SMART, _SIRT if _department_at_risk(body) else frozenset(), misdirected=path != ABUSE)
    by_path = {MISUSE: _misuse, INCIDENT: _incident, ENQUIRY: _enquiry, EXCEPTION: _exception}
    return by_path[path](body)


def _to(team: Team, also: frozenset[Team] | None = frozenset(), *, misdirected: bool = False) -> Expectation:
    return Expectation(CREATED, team, also, misdirected)


def _taken_over_account(path: str, body: JsonObject) -> Expectation:
    abused = set(_many(body, "behaviours")) - _SAY_NOTHING_OF_ABUSE
    return _to(Team.SIRT, _SMART if abused else frozenset(), misdirected=path == ABUSE and not abused)


def _misuse(body: JsonObject) -> Expectation:
    if body.get("union_activity", YesNoUnsure.UNSURE) in _YES_OR_UNSURE:
        return _to(Team.TRIAGE_DESK)
    if body.get("found_by") == FoundBy.MONITORING:
        return _to(Team.SIRT)
    also = _SIRT if _sirt_looks_too(body) else _only_history_knows(body)
    only_other = set(_many(body, "behaviours")) == {MisuseBehaviour.OTHER}
    return _to(Team.TRIAGE_DESK if only_other else Team.LINE_MANAGER, also)


def _incident(_body: JsonObject) -> Expectation:
    return _to(Team.SIRT)


def _enquiry(_body: JsonObject) -> Expectation:
    return _to(Team.ADVICE_CENTRE)


def _exception(body: JsonObject) -> Expectation:
    notice = body.get("kind") == ExceptionKind.NOTICE
    return _to(Team.POLICY_STANDARDS if notice else Team.ADVICE_CENTRE)


def _is_taken_over(body: JsonObject) -> bool:
    """Return whether another person has taken over an account of the department."""
    account = cast(Mapping[str, object], body.get("account", {}))
    return account.get("taken_over") == YesNoUnsure.YES or AlsoAffects.ACCOUNT_TAKEN_OVER in _many(body, "also_affects")


def _is_abuse(path: str, body: JsonObject) -> bool:
    """Return whether the report is of abuse, by whichever form it came."""
    if path == MISUSE:
        return bool(_many(body, "abuse_behaviours")) or MisuseBehaviour.HARASSMENT in _many(body, "behaviours")
    return path == ABUSE or bool(_many(body, "behaviours"))


def _department_at_risk(body: JsonObject) -> bool:
    return (
        bool(_AT_RISK.intersection(_many(body, "also_affects")))
        or body.get("dwp_information") in _YES_OR_UNSURE
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
    """Return no team, or None where a person is named who may have been reported before."""
    return None if body.get("subject") else frozenset()


def _many(body: JsonObject, name: str) -> Collection[str]:
    return cast(Collection[str], body.get(name, ()))


def _manager(path: str, body: JsonObject, *, anonymous: bool) -> Purposes:
    """Expect an alert to the reporter's manager, or their stand-in, with the report (S3); not from the misuse form."""
    if path == MISUSE or not _is_abuse(path, body):
        return frozenset()
    quiet = anonymous or body.get("confidential") or _by_monitoring(body)
    said = body.get("manager_alert", ManagerAlert.NO if quiet else ManagerAlert.YES)
    return _only(AlertPurpose.ABUSE_REPORTED, when=said in {ManagerAlert.YES, ManagerAlert.SOMEONE_ELSE})


def _by_route(expected: Expectation) -> Purposes:
    """Expect alerts to the manager who works the case, and to both teams where the form was the wrong one."""
    return _only(AlertPurpose.MISUSE_ASSIGNED, when=expected.team is Team.LINE_MANAGER) | _only(
        AlertPurpose.MISDIRECTED, when=expected.misdirected
    )


def _at_once(path: str, body: JsonObject) -> Purposes:
    """Expect alerts to Communications of a taken-over account, and to the person monitoring found to be abused."""
    return _only(AlertPurpose.ACCOUNT_TAKEN_OVER, when=_is_taken_over(body)) | _only(
        AlertPurpose.ABUSE_FOUND, when=_is_abuse(path, body) and _by_monitoring(body)
    )


def _not_alerted(expected: Expectation, path: str, body: JsonObject, alerted: Purposes) -> Purposes:
    """Return the alerts that no manager may get; of misuse only the manager who works the case may."""
    if path == MISUSE and not _no_manager_yet(path, body):
        return _only(AlertPurpose.MISUSE_ASSIGNED, when=expected.team is not Team.LINE_MANAGER)
    return _MANAGERS - alerted


def _no_manager_yet(path: str, body: JsonObject) -> bool:
    """Return whether managers must not hear of misuse: it may be union activity, or routine monitoring found it."""
    if _is_abuse(path, body):
        return False
    return body.get("union_activity", YesNoUnsure.UNSURE) != YesNoUnsure.NO or _by_monitoring(body)


def _by_monitoring(body: JsonObject) -> bool:
    return body.get("found_by") == FoundBy.MONITORING


def _only(purpose: AlertPurpose, *, when: bool) -> Purposes:
    return frozenset({purpose}) if when else frozenset()
