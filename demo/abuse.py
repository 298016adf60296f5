"""Scenarios of abuse (S1, S2, S3), through its own form, signed in and not. Pure."""

from collections.abc import Mapping
from functools import partial

from demo import samples, texts
from demo.generator import ABUSE, Generator, Request, Scenarios
from demo.reports import ANONYMOUS, Sender
from demo.samples import CAMPAIGN, OFFICIAL, UNION, Staff
from shared.events.vocabulary import AlsoAffects, Behaviour, FoundBy, ManagerAlert, Relation, WorkerKind


def answers(
    generator: Generator,
    *behaviours: Behaviour,
    by: Staff | None = None,
    account: tuple[str, str] | None = None,
    story: str | None = None,
) -> dict[str, object]:
    """Return a report's answers; `by` is the reporter, None for one who gives no name."""
    body: dict[str, object] = {
        **generator.place(*(account or generator.account())),
        **generator.content(),
        "behaviours": list(behaviours),
        "affected": generator.affected(by),
        "narrative": generator.story(texts.ABUSE[behaviours[0]]) if story is None else story,
    }
    if not generator.sometimes(3):
        body["occurred_at"] = generator.earlier()
    if generator.sometimes(4):
        body["suspected"] = [{"relation": Relation.UNKNOWN, "handle": CAMPAIGN[1]}]
    if by is not None and by.manager_email and generator.sometimes(3):
        body["manager_email"] = by.manager_email
    return body


def _of(behaviour: Behaviour, generator: Generator) -> Request:
    by = generator.staff()
    more = [generator.one(tuple(Behaviour))] if generator.sometimes(5) else []
    return _named(by, answers(generator, *dict.fromkeys((behaviour, *more)), by=by))


def _named(by: Staff, body: Mapping[str, object], **more: object) -> Request:
    return Request(ABUSE, {**body, **more}, by.as_reporter)


def _campaign(generator: Generator) -> Request:
    by = generator.staff()
    return _named(by, answers(generator, Behaviour.HARASSMENT, by=by, account=CAMPAIGN))


def _told(alert: ManagerAlert, generator: Generator) -> Request:
    by = generator.staff()
    return _named(by, answers(generator, generator.one(tuple(Behaviour)), by=by), manager_alert=alert)


def _confidential(generator: Generator) -> Request:
    by = generator.staff()
    more = {"confidential": True, "safe_contact": "A note in the pigeonhole of the second floor"}
    return _named(by, answers(generator, Behaviour.CYBERSTALKING, by=by), **more)


def _anonymous(alert: ManagerAlert | None, generator: Generator) -> Request:
    body = answers(generator, generator.one(tuple(Behaviour)))
    if alert is not None:
        body |= {"manager_alert": alert, "manager_email": generator.staff().manager_email}
    return Request(ABUSE, body, ANONYMOUS)


def _at_risk(also: AlsoAffects, generator: Generator) -> Request:
    by = generator.staff()
    return _named(by, answers(generator, Behaviour.DOXING, by=by), also_affects=[also])


def _incident_by_this_form(also: AlsoAffects, generator: Generator) -> Request:
    by = generator.staff()
    story = generator.story(generator.one(texts.INCIDENT))
    return _named(by, answers(generator, Behaviour.OTHER, by=by, story=story), also_affects=[also])


def _from_a_taken_over_account(behaviour: Behaviour, generator: Generator) -> Request:
    by = generator.staff()
    body = answers(generator, behaviour, by=by, account=OFFICIAL)
    return _named(by, body, also_affects=[AlsoAffects.ACCOUNT_TAKEN_OVER])


def _from_a_union_account(generator: Generator) -> Request:
    by = generator.staff()
    return _named(by, answers(generator, Behaviour.CYBERBULLYING, by=by, account=UNION))


def _found_by_monitoring(generator: Generator) -> Request:
    body = answers(generator, Behaviour.THREAT) | {
        "affected": [{"relation": Relation.COLLEAGUE, "staff_id": generator.staff().staff_id}],
        "found_by": FoundBy.MONITORING,
    }
    return Request(ABUSE, body, samples.MONITORING)


def _nobody_manages(by: Staff, kind: WorkerKind, generator: Generator) -> Request:
    return _named(by, answers(generator, generator.one(tuple(Behaviour)), by=by), worker_kind=kind)


def _address_of_a_stranger(generator: Generator) -> Request:
    by = samples.STRANGER
    return _named(by, answers(generator, Behaviour.DEFAMATION, by=by), manager_email="somebody@elsewhere.example")


def _written(story: str, generator: Generator) -> Request:
    by = generator.staff()
    return _named(by, answers(generator, generator.one(tuple(Behaviour)), by=by, story=story))


def _service(generator: Generator) -> Request:
    sender = Sender(samples.STRANGER.as_reporter.role)
    return Request(ABUSE, answers(generator, Behaviour.TROLLING), sender)


SCENARIOS: Scenarios = {
    **{f"abuse:{behaviour}": partial(_of, behaviour) for behaviour in Behaviour},
    "abuse:campaign-1": _campaign,
    "abuse:campaign-2": _campaign,
    "abuse:campaign-3": _campaign,
    "abuse:by-a-program": _service,
    "telling:someone-else": partial(_told, ManagerAlert.SOMEONE_ELSE),
    "telling:ask-me-first": partial(_told, ManagerAlert.ASK_ME_FIRST),
    "telling:not-the-manager": partial(_told, ManagerAlert.NO),
    "telling:confidential": _confidential,
    "anonymous:nobody-told": partial(_anonymous, None),
    "anonymous:manager-told": partial(_anonymous, ManagerAlert.YES),
    **{
        f"at-risk:{also}": partial(_at_risk, also) for also in AlsoAffects if also is not AlsoAffects.ACCOUNT_TAKEN_OVER
    },
    "misdirected:incident-by-abuse-form": partial(_incident_by_this_form, AlsoAffects.SYSTEM),
    "misdirected:loss-by-abuse-form": partial(_incident_by_this_form, AlsoAffects.DWP_INFORMATION),
    "misdirected:takeover-by-abuse-form": partial(_from_a_taken_over_account, Behaviour.IMPERSONATION),
    "taken-over:abuse-from-it": partial(_from_a_taken_over_account, Behaviour.HARASSMENT),
    "union:abuse-from-its-account": _from_a_union_account,
    "monitoring:abuse": _found_by_monitoring,
    "no-known-manager:contractor": partial(_nobody_manages, samples.CONTRACTOR, WorkerKind.CONTRACTOR),
    "no-known-manager:not-in-the-directory": partial(_nobody_manages, samples.STRANGER, WorkerKind.OTHER_WORKER),
    "no-known-manager:address-not-allowed": _address_of_a_stranger,
    **{f"text:language-{n}": partial(_written, story) for n, story in enumerate(texts.OTHER_LANGUAGES, 1)},
    "text:longest": partial(_written, texts.long_story((*texts.ABUSE.values(), *texts.MORE))),
    "text:shortest": partial(_written, "?"),
}
