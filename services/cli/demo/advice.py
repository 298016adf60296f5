"""Scenarios of enquiries and exceptions (X1, X3, C-e). Pure."""

from functools import partial

from services.cli.demo import texts
from services.cli.demo.drawing import Draw
from services.cli.demo.scenario import ENQUIRY, EXCEPTION, Request, Scenarios
from shared.events.vocabulary import EnquiryTopic, ExceptionKind

_NOT_BEFORE_LONG = "2099-12-31"
"""A day that is still to come, whenever the stream is sent."""


def _enquiry(topic: EnquiryTopic, draw: Draw) -> Request:
    body = {"about": topic, "narrative": draw.story(draw.one(texts.ENQUIRY))}
    return Request(ENQUIRY, body, draw.staff().as_reporter)


def _exception(kind: ExceptionKind, draw: Draw) -> Request:
    body: dict[str, object] = {"kind": kind, "narrative": draw.story(draw.one(texts.ACTIVITY)), "platform": "instagram"}
    if kind is ExceptionKind.REQUEST:
        body |= {"business_case": texts.BUSINESS_CASE, "wanted_until": _NOT_BEFORE_LONG}
    return Request(EXCEPTION, body, draw.staff().as_reporter)


SCENARIOS: Scenarios = {
    **{f"enquiry:{topic}": partial(_enquiry, topic) for topic in EnquiryTopic},
    **{f"exception:{kind}": partial(_exception, kind) for kind in ExceptionKind},
}
