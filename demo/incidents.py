"""Scenarios of the security form (C-c, C-i): 30 combinations, suppliers, abuse, taken-over accounts. Pure."""

from functools import partial
from itertools import product

from demo import samples, texts
from demo.generator import INCIDENT, Generator, Request, Scenarios
from demo.reports import JsonObject
from demo.samples import OFFICIAL, Staff
from shared.events.vocabulary import AssetOwner, Behaviour, Circumstance, Effect, Relation, YesNoUnsure

_MOST_PEOPLE = 400


def answers(
    generator: Generator, effect: Effect, circumstance: Circumstance, owner: AssetOwner, **more: object
) -> JsonObject:
    """Return the answers of a referral."""
    body: dict[str, object] = {
        "effects": [effect],
        "circumstances": [circumstance],
        "asset_owner": owner,
        "discovered_at": generator.at.isoformat() if generator.sometimes(4) else generator.earlier(days=3),
        "still_happening": generator.one(tuple(YesNoUnsure)),
        "personal_data": generator.one(tuple(YesNoUnsure)),
        "narrative": generator.story(generator.one(texts.INCIDENT)),
    }
    if generator.sometimes(3):
        people = int(generator.random.random() * _MOST_PEOPLE)
        body |= {} if body["personal_data"] is YesNoUnsure.NO else {"people_affected": people}
    if generator.sometimes(6):
        body["asset_note"] = "A laptop with a sticker of a teapot"
    return body | more


def _of(effect: Effect, circumstance: Circumstance, generator: Generator, **more: object) -> Request:
    return _sent(generator.staff(), answers(generator, effect, circumstance, generator.one(tuple(AssetOwner)), **more))


def _sent(by: Staff, body: JsonObject) -> Request:
    return Request(INCIDENT, body, by.as_reporter)


def _supplier(generator: Generator) -> Request:
    body = answers(generator, generator.one(tuple(Effect)), generator.one(tuple(Circumstance)), AssetOwner.SUPPLIER)
    return Request(INCIDENT, body, samples.SUPPLIER)


def _abuse(owner: AssetOwner, generator: Generator) -> Request:
    by = generator.staff()
    said: dict[str, object] = {
        **generator.place(*generator.account()),
        "behaviours": [generator.one(tuple(Behaviour))],
        "affected": [{"relation": Relation.SELF}],
        "manager_email": by.manager_email,
    }
    return _sent(by, answers(generator, Effect.DISCLOSURE, Circumstance.ACTUAL, owner, **said))


def _taken_over(behaviours: tuple[Behaviour, ...], generator: Generator) -> Request:
    account = {"platform": OFFICIAL[0], "handle": OFFICIAL[1], "taken_over": YesNoUnsure.YES}
    more: dict[str, object] = {"account": account, "still_happening": YesNoUnsure.YES}
    if behaviours:
        more |= {"behaviours": list(behaviours), "platform": OFFICIAL[0]}
    return _of(Effect.ACCESS, Circumstance.ACTUAL, generator, **more)


SCENARIOS: Scenarios = {
    **{
        f"incident:{effect}×{circumstance}": partial(_of, effect, circumstance)
        for effect, circumstance in product(Effect, Circumstance)
    },
    "incident:own-mistake": partial(_of, Effect.LOSS, Circumstance.ACCIDENTAL, own_mistake=True),
    "supplier:incident-1": _supplier,
    "supplier:incident-2": _supplier,
    "misdirected:abuse-by-security-form": partial(_abuse, AssetOwner.UNSURE),
    "misdirected:abuse-and-incident": partial(_abuse, AssetOwner.DWP),
    "taken-over:incident": partial(_taken_over, ()),
    "taken-over:abuse-by-security-form": partial(_taken_over, (Behaviour.DEFAMATION,)),
}
