"""Who must be told of an accepted report, and who may not be, read from the design. Pure."""

from dataclasses import replace

from services.cli.demo.oracle import is_abuse, is_taken_over
from services.cli.demo.planned import Expected, JsonObject
from services.cli.demo.scenario import MISUSE
from shared.events.vocabulary import AlertPurpose, FoundBy, ManagerAlert, Team, YesNoUnsure

Purposes = frozenset[AlertPurpose]

_MANAGERS = frozenset({AlertPurpose.ABUSE_REPORTED, AlertPurpose.MISUSE_REPORTED, AlertPurpose.MISUSE_ASSIGNED})


def with_alerts(expected: Expected, path: str, body: JsonObject, *, anonymous: bool) -> Expected:
    """Return `expected` with why somebody must and why nobody may be told (design: domain, sections 1, 4 and 5)."""
    told = _s3(path, body, anonymous=anonymous) | _routed(expected) | _at_once(path, body)
    return replace(expected, told=told, untold=_quiet(expected, path, body, told))


def _s3(path: str, body: JsonObject, *, anonymous: bool) -> Purposes:
    """Tell the reporter's manager, or who stands in for them, together with the report; not from the misuse form."""
    if path == MISUSE or not is_abuse(path, body):
        return frozenset()
    quiet = anonymous or body.get("confidential") or _by_monitoring(body)
    said = body.get("manager_alert", ManagerAlert.NO if quiet else ManagerAlert.YES)
    return _only(AlertPurpose.ABUSE_REPORTED, when=said in {ManagerAlert.YES, ManagerAlert.SOMEONE_ELSE})


def _routed(expected: Expected) -> Purposes:
    """Tell the manager who works it, and both teams where the form was the wrong one."""
    return _only(AlertPurpose.MISUSE_ASSIGNED, when=expected.team is Team.LINE_MANAGER) | _only(
        AlertPurpose.MISDIRECTED, when=expected.misdirected
    )


def _at_once(path: str, body: JsonObject) -> Purposes:
    """Tell Communications of a taken-over account, and whom monitoring found to be abused."""
    return _only(AlertPurpose.ACCOUNT_TAKEN_OVER, when=is_taken_over(body)) | _only(
        AlertPurpose.ABUSE_FOUND, when=is_abuse(path, body) and _by_monitoring(body)
    )


def _quiet(expected: Expected, path: str, body: JsonObject, told: Purposes) -> Purposes:
    """Return which managers are not told: of abuse by the other forms whom history knows, of union activity nobody."""
    if path == MISUSE and not _nobody_yet(path, body):
        return _only(AlertPurpose.MISUSE_ASSIGNED, when=expected.team is not Team.LINE_MANAGER)
    return _MANAGERS - told


def _nobody_yet(path: str, body: JsonObject) -> bool:
    """Say whether no manager may hear of misuse: it may be union activity, or routine monitoring found it."""
    if is_abuse(path, body):
        return False
    return body.get("union_activity", YesNoUnsure.UNSURE) != YesNoUnsure.NO or _by_monitoring(body)


def _by_monitoring(body: JsonObject) -> bool:
    return body.get("found_by") == FoundBy.MONITORING


def _only(purpose: AlertPurpose, *, when: bool) -> Purposes:
    return frozenset({purpose}) if when else frozenset()
