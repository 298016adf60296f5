"""Scenarios of misuse (S4, S5, S9, C-h, C-j, R-c, R-d). Pure."""

from collections.abc import Mapping
from functools import partial

from demo import samples, texts
from demo.generator import MISUSE, Generator, Request, Scenarios
from demo.samples import OFFICIAL, PROFESSIONAL, STAFF, Staff
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


def answers(generator: Generator, kind: MisuseBehaviour, subject: Staff | None, **more: object) -> dict[str, object]:
    """Return a report's answers; `subject` is who it is about, None where only the account is known."""
    place = generator.place(*generator.account())
    body: dict[str, object] = {
        **place,
        "behaviours": [kind],
        "union_activity": YesNoUnsure.NO,
        "account_kind": generator.one(_KINDS),
        "device": generator.one(tuple(Device)),
        "own_time": generator.one(tuple(YesNoUnsure)),
        "content_state": generator.content()["content_state"],
        "narrative": generator.story(texts.MISUSE[kind]),
    }
    if subject is not None:
        body["subject"] = {"name": subject.name, "staff_id": subject.staff_id}
    if generator.sometimes(2):
        body["occurred_at"] = generator.earlier()
    return body | more


def _of(kind: MisuseBehaviour, generator: Generator, **more: object) -> Request:
    by = generator.staff()
    return _sent(by, answers(generator, kind, generator.colleague_of(by), **more))


def _sent(by: Staff, body: Mapping[str, object]) -> Request:
    return Request(MISUSE, body, by.as_reporter)


def _again(generator: Generator) -> Request:
    return _sent(generator.colleague_of(_SAME_PERSON), answers(generator, MisuseBehaviour.ASSOCIATION, _SAME_PERSON))


def _only_the_account(generator: Generator) -> Request:
    return _sent(generator.staff(), answers(generator, MisuseBehaviour.ASSOCIATION, None))


def _with(account: tuple[str, str], kind: AccountKind, generator: Generator) -> Request:
    by = generator.staff()
    body = answers(generator, MisuseBehaviour.SPEAKS_FOR_DEPARTMENT, generator.colleague_of(by), account_kind=kind)
    return _sent(by, {key: value for key, value in body.items() if key != "urls"} | generator.place(*account))


def _about_a_contractor(generator: Generator) -> Request:
    return _sent(generator.staff(), answers(generator, MisuseBehaviour.UNSANCTIONED_ACCOUNT, samples.CONTRACTOR))


def _found_by_monitoring(generator: Generator) -> Request:
    body = answers(generator, MisuseBehaviour.SPEAKS_FOR_DEPARTMENT, generator.staff(), found_by=FoundBy.MONITORING)
    return Request(MISUSE, body, samples.MONITORING)


def _union(answer: YesNoUnsure, generator: Generator) -> Request:
    by = generator.staff()
    more: dict[str, object] = {"union_activity": answer, "own_time": YesNoUnsure.YES, "device": Device.PERSONAL}
    story = generator.story(texts.UNION)
    return _sent(
        by, answers(generator, MisuseBehaviour.ASSOCIATION, generator.colleague_of(by), **more, narrative=story)
    )


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
