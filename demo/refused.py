"""Scenarios that Signpost must refuse: bodies that cannot be read or taken, and what the sender may not say. Pure."""

from collections.abc import Callable
from functools import partial

from demo import abuse, incidents, misuse, samples, texts
from demo.generator import ABUSE, INCIDENT, MISUSE, Generator, Request, Scenarios
from demo.reports import ANONYMOUS, JSON, as_json
from shared.events.vocabulary import AssetOwner, Behaviour, Circumstance, Effect, FoundBy, MisuseBehaviour, Relation

_INVALID = 422
_NOT_READABLE = 400
_NOT_SIGNED_IN = 401
_NOT_PERMITTED = 403
_TOO_MUCH = 413
_WRONG_TYPE = 415
_DEPTH = 50_000
"""Deeper than any Python reads, and more brackets than a report may have."""

Spoil = Callable[[bytes], bytes]


def _sound(generator: Generator) -> dict[str, object]:
    return abuse.answers(generator, Behaviour.TROLLING, by=samples.STAFF[0])


def _bytes(spoil: Spoil, generator: Generator, *, status: int = _INVALID, content_type: str = JSON) -> Request:
    return Request(ABUSE, spoil(as_json(_sound(generator))), generator.staff().as_reporter, status, content_type)


def _answer(name: str, value: object, generator: Generator) -> Request:
    return Request(ABUSE, _sound(generator) | {name: value}, generator.staff().as_reporter, _INVALID)


def _without(name: str, generator: Generator) -> Request:
    left = {key: value for key, value in _sound(generator).items() if key != name}
    return Request(ABUSE, left, generator.staff().as_reporter, _INVALID)


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _in_latin_1(body: bytes) -> bytes:
    return body[:-1] + ',"evidence_note":"café"}'.encode("latin-1")


def _lone_surrogate(body: bytes) -> bytes:
    return body[:-1] + rb',"evidence_note":"\ud800"}'


def _in_a_list(body: bytes) -> bytes:
    return b"[" + body + b"]"


def _nothing(_body: bytes) -> bytes:
    return b""


def _deep(_body: bytes) -> bytes:
    return b'{"narrative":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}"


def _as_form(_body: bytes) -> bytes:
    return b"platform=x&narrative=What+happened"


def _says_monitoring_found_it(generator: Generator) -> Request:
    return Request(
        ABUSE, _sound(generator) | {"found_by": FoundBy.MONITORING}, generator.staff().as_reporter, _NOT_PERMITTED
    )


def _misuse_found_by_monitoring(generator: Generator) -> Request:
    body = misuse.answers(generator, MisuseBehaviour.MIXED_ACCOUNT, generator.staff(), found_by=FoundBy.MONITORING)
    return Request(MISUSE, body, samples.SUPPLIER, _NOT_PERMITTED)


def _misuse_without_a_name(generator: Generator) -> Request:
    return Request(
        MISUSE, misuse.answers(generator, MisuseBehaviour.ASSOCIATION, generator.staff()), ANONYMOUS, _NOT_SIGNED_IN
    )


def _incident_without_a_name(generator: Generator) -> Request:
    body = incidents.answers(generator, Effect.LOSS, Circumstance.ACTUAL, AssetOwner.DWP)
    return Request(INCIDENT, body, ANONYMOUS, _NOT_SIGNED_IN)


def _anonymous_who_gives_a_name(generator: Generator) -> Request:
    affected = [{"relation": Relation.SELF, "name": generator.staff().name}]
    return Request(ABUSE, abuse.answers(generator, Behaviour.THREAT) | {"affected": affected}, ANONYMOUS, _INVALID)


def _unknown_effect(generator: Generator) -> Request:
    body = {
        **incidents.answers(generator, Effect.USE, Circumstance.ATTEMPTED, AssetOwner.DWP),
        "effects": ["evaporation"],
    }
    return Request(INCIDENT, body, generator.staff().as_reporter, _INVALID)


SCENARIOS: Scenarios = {
    "malformed:truncated": partial(_bytes, _half),
    "malformed:not-utf-8": partial(_bytes, _in_latin_1, status=_NOT_READABLE),
    "malformed:lone-surrogate": partial(_bytes, _lone_surrogate),
    "malformed:list": partial(_bytes, _in_a_list),
    "malformed:empty": partial(_bytes, _nothing),
    "malformed:deeply-nested": partial(_bytes, _deep, status=_TOO_MUCH),
    "malformed:form": partial(_bytes, _as_form, status=_WRONG_TYPE, content_type="application/x-www-form-urlencoded"),
    "malformed:null-character": partial(_answer, "narrative", "What happened\0, in words"),
    "malformed:null-in-a-handle": partial(_answer, "handles", ["grumpy\0teapot"]),
    "malformed:number-for-text": partial(_answer, "narrative", 42),
    "malformed:text-for-list": partial(_answer, "behaviours", "harassment"),
    "malformed:unknown-field": partial(_answer, "priority", "P1"),
    "malformed:unknown-behaviour": partial(_answer, "behaviours", ["unrecognised"]),
    "malformed:unknown-effect": _unknown_effect,
    "malformed:unknown-platform": partial(_answer, "platform", "carrier_pigeon"),
    "malformed:no-address": partial(_answer, "urls", ["javascript:alert(1)"]),
    "malformed:time-without-offset": partial(_answer, "occurred_at", "2026-01-05T09:30:00"),
    "malformed:in-the-future": partial(_answer, "occurred_at", "2999-01-01T00:00:00+00:00"),
    "malformed:blank-narrative": partial(_answer, "narrative", " \t\n\u200b"),
    "malformed:too-long": partial(_answer, "narrative", "x" * (texts.LONGEST + 1)),
    "malformed:without-narrative": partial(_without, "narrative"),
    "malformed:without-behaviours": partial(_without, "behaviours"),
    "not-permitted:abuse-found-by-monitoring": _says_monitoring_found_it,
    "not-permitted:misuse-found-by-monitoring": _misuse_found_by_monitoring,
    "not-permitted:misuse-without-a-name": _misuse_without_a_name,
    "not-permitted:incident-without-a-name": _incident_without_a_name,
    "not-permitted:name-on-an-anonymous-report": _anonymous_who_gives_a_name,
}
