"""Scenarios of the security form (C-c, C-i): 30 combinations, suppliers, abuse, taken-over accounts. Pure."""

from functools import partial
from itertools import product

from services.cli.demo import people, texts
from services.cli.demo.accounts import OFFICIAL
from services.cli.demo.drawing import Draw
from services.cli.demo.people import Staff
from services.cli.demo.planned import JsonObject
from services.cli.demo.scenario import INCIDENT, Request, Scenarios
from shared.events.vocabulary import AssetOwner, Behaviour, Circumstance, Effect, Relation, YesNoUnsure

_MOST_PEOPLE = 400


def answers(draw: Draw, effect: Effect, circumstance: Circumstance, owner: AssetOwner, **more: object) -> JsonObject:
    """Return the answers of a referral."""
    body: dict[str, object] = {
        "effects": [effect],
        "circumstances": [circumstance],
        "asset_owner": owner,
        "discovered_at": draw.at.isoformat() if draw.sometimes(4) else draw.earlier(days=3),
        "still_happening": draw.one(tuple(YesNoUnsure)),
        "personal_data": draw.one(tuple(YesNoUnsure)),
        "narrative": draw.story(draw.one(texts.INCIDENT)),
    }
    if draw.sometimes(3):
        body["people_affected"] = int(draw.random.random() * _MOST_PEOPLE)
    if draw.sometimes(6):
        body["asset_note"] = "A laptop with a sticker of a teapot"
    return body | more


def _of(effect: Effect, circumstance: Circumstance, draw: Draw, **more: object) -> Request:
    return _sent(draw.staff(), answers(draw, effect, circumstance, draw.one(tuple(AssetOwner)), **more))


def _sent(by: Staff, body: JsonObject) -> Request:
    return Request(INCIDENT, body, by.as_reporter)


def _supplier(draw: Draw) -> Request:
    body = answers(draw, draw.one(tuple(Effect)), draw.one(tuple(Circumstance)), AssetOwner.SUPPLIER)
    return Request(INCIDENT, body, people.SUPPLIER)


def _abuse(owner: AssetOwner, draw: Draw) -> Request:
    by = draw.staff()
    said: dict[str, object] = {
        **draw.place(*draw.account()),
        "behaviours": [draw.one(tuple(Behaviour))],
        "affected": [{"relation": Relation.SELF}],
        "manager_email": by.manager_email,
    }
    return _sent(by, answers(draw, Effect.DISCLOSURE, Circumstance.ACTUAL, owner, **said))


def _taken_over(behaviours: tuple[Behaviour, ...], draw: Draw) -> Request:
    account = {"platform": OFFICIAL[0], "handle": OFFICIAL[1], "taken_over": YesNoUnsure.YES}
    more: dict[str, object] = {"account": account, "still_happening": YesNoUnsure.YES}
    if behaviours:
        more |= {"behaviours": list(behaviours), "platform": OFFICIAL[0]}
    return _of(Effect.ACCESS, Circumstance.ACTUAL, draw, **more)


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
