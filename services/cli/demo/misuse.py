"""Scenarios of misuse (S4, S5, S9, C-h, C-j, R-c, R-d). Pure."""

from collections.abc import Mapping
from functools import partial

from services.cli.demo import people, texts
from services.cli.demo.accounts import OFFICIAL, PROFESSIONAL
from services.cli.demo.drawing import Draw
from services.cli.demo.people import STAFF, Staff
from services.cli.demo.scenario import MISUSE, Request, Scenarios
from shared.events.vocabulary import (
    AccountKind,
    Behaviour,
    Device,
    FoundBy,
    MisuseBehaviour,
    YesNoUnsure,
)

_SAME_PERSON = STAFF[1]
"""Reported again and again, so that history decides."""
_KINDS = (AccountKind.PERSONAL, AccountKind.LINKEDIN, AccountKind.UNSURE)


def answers(draw: Draw, kind: MisuseBehaviour, subject: Staff | None, **more: object) -> dict[str, object]:
    """Return a report's answers; `subject` is who it is about, None where only the account is known."""
    place = draw.place(*draw.account())
    body: dict[str, object] = {
        **place,
        "behaviours": [kind],
        "union_activity": YesNoUnsure.NO,
        "account_kind": draw.one(_KINDS),
        "device": draw.one(tuple(Device)),
        "own_time": draw.one(tuple(YesNoUnsure)),
        "content_state": draw.content()["content_state"],
        "narrative": draw.story(texts.MISUSE[kind]),
    }
    if subject is not None:
        body["subject"] = {"name": subject.name, "staff_id": subject.staff_id}
    if draw.sometimes(2):
        body["occurred_at"] = draw.earlier()
    return body | more


def _of(kind: MisuseBehaviour, draw: Draw, **more: object) -> Request:
    by = draw.staff()
    return _sent(by, answers(draw, kind, draw.colleague_of(by), **more))


def _sent(by: Staff, body: Mapping[str, object]) -> Request:
    return Request(MISUSE, body, by.as_reporter)


def _again(draw: Draw) -> Request:
    return _sent(draw.colleague_of(_SAME_PERSON), answers(draw, MisuseBehaviour.ASSOCIATION, _SAME_PERSON))


def _only_the_account(draw: Draw) -> Request:
    return _sent(draw.staff(), answers(draw, MisuseBehaviour.ASSOCIATION, None))


def _with(account: tuple[str, str], kind: AccountKind, draw: Draw) -> Request:
    by = draw.staff()
    body = answers(draw, MisuseBehaviour.SPEAKS_FOR_DEPARTMENT, draw.colleague_of(by), account_kind=kind)
    return _sent(by, {key: value for key, value in body.items() if key != "urls"} | draw.place(*account))


def _about_a_contractor(draw: Draw) -> Request:
    return _sent(draw.staff(), answers(draw, MisuseBehaviour.UNSANCTIONED_ACCOUNT, people.CONTRACTOR))


def _found_by_monitoring(draw: Draw) -> Request:
    body = answers(draw, MisuseBehaviour.SPEAKS_FOR_DEPARTMENT, draw.staff(), found_by=FoundBy.MONITORING)
    return Request(MISUSE, body, people.MONITORING)


def _union(answer: YesNoUnsure, draw: Draw) -> Request:
    by = draw.staff()
    more: dict[str, object] = {"union_activity": answer, "own_time": YesNoUnsure.YES, "device": Device.PERSONAL}
    story = draw.story(texts.UNION)
    return _sent(by, answers(draw, MisuseBehaviour.ASSOCIATION, draw.colleague_of(by), **more, narrative=story))


SCENARIOS: Scenarios = {
    **{f"misuse:{kind}": partial(_of, kind) for kind in MisuseBehaviour},
    "misuse:again-1": _again,
    "misuse:again-2": _again,
    "misuse:only-the-account": _only_the_account,
    "misuse:official-account": partial(_with, OFFICIAL, AccountKind.OFFICIAL),
    "misuse:professional-account": partial(_with, PROFESSIONAL, AccountKind.PROFESSIONAL_INDIVIDUAL),
    "misuse:information-shown": partial(_of, MisuseBehaviour.ASSOCIATION, dwp_information=YesNoUnsure.YES),
    "misuse:information-unsure": partial(_of, MisuseBehaviour.MIXED_ACCOUNT, dwp_information=YesNoUnsure.UNSURE),
    "no-known-manager:subject": _about_a_contractor,
    "monitoring:misuse": _found_by_monitoring,
    "union:debate": partial(_union, YesNoUnsure.YES),
    "union:unsure": partial(_union, YesNoUnsure.UNSURE),
    "misdirected:abuse-by-misuse-form": partial(
        _of, MisuseBehaviour.ASSOCIATION, abuse_behaviours=[Behaviour.CYBERBULLYING]
    ),
    "misdirected:abuse-beside-union-activity": partial(
        _of,
        MisuseBehaviour.OTHER,
        abuse_behaviours=[Behaviour.DISCRIMINATION],
        union_activity=YesNoUnsure.UNSURE,
    ),
}
