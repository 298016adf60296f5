"""What responders type about take-downs, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import Request

from services.triage.takedowns import domain, notices
from services.triage.takedowns.domain import FormState, How, Protocol, TakedownState
from services.triage.takedowns.handlers import Asked, Heard, WantedForm
from services.triage.takedowns.protocols import XarfType
from shared.addresses import mended_link
from shared.events.platforms import PLATFORMS
from shared.web.forms import FormErrors, FormReader

ANOTHER = "another"
"""Chosen in place of a link of the report."""
HOW_NAMES: Mapping[How, str] = {
    How.WEB_FORM: "The platform’s web form",
    How.IN_APP: "The report button of its app or page",
    How.PARTNER: "Its channel for authorities or trusted flaggers",
    How.EMAIL: "Email",
    How.MACHINE: "A report that a machine reads",
}
STEP_NAMES: Mapping[TakedownState, str] = {
    TakedownState.CHASED: "I asked again",
    TakedownState.REMOVED: "It is removed",
    TakedownState.REFUSED: "The platform refused",
    TakedownState.RESTORED: "It is back",
}
FORM_NAMES: Mapping[str, str] = {
    Protocol.AT_PROTOCOL: "Bluesky (AT Protocol)",
    Protocol.ACTIVITYPUB: "Mastodon, or a service like it (ActivityPub)",
    f"{Protocol.XARF}:{XarfType.PHISHING}": "A web host or its network (XARF): phishing",
    f"{Protocol.XARF}:{XarfType.BRAND_INFRINGEMENT}": "A web host or its network (XARF): it pretends to be us",
    f"{Protocol.XARF}:{XarfType.EXPOSED_DATA}": "A web host or its network (XARF): it shows private data",
}
FORM_STATES: Mapping[FormState, str] = {
    FormState.MADE: "Made. Copy it and send it yourself",
    FormState.QUEUED: "About to be sent",
    FormState.SENT: "Sent",
    FormState.FAILED: "The platform did not take it. Send it yourself",
    FormState.NOT_NEEDED: "Not sent, because the platform had answered",
}


@dataclass(frozen=True, slots=True)
class TakedownForm:
    """One posted form. If `errors` is not empty, use the rest only to show the form again."""

    version: int | None
    typed: Mapping[str, str] = field(repr=False)
    errors: FormErrors
    asked: Asked | None = None
    heard: Heard | None = None


async def read_asked(request: Request) -> TakedownForm:
    """Read what a platform was asked; `errors` holds what is missing or wrong."""
    form = await FormReader.posted(request)
    chosen, link = form.first("link_number"), mended_link(form.line("link", None, domain.LONGEST_LINK) or "")
    number = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < len("100") else None
    if number is None and not link:
        form.errors.add("link_number", "Choose a link of the report, or give another")
    platform = form.one_of("platform", PLATFORMS, "Choose a platform")
    how = form.choice("how", How, "Choose how you asked")
    known = notices.categories(platform) if platform else ()
    category = (form.line("category") or "") if known else ""  # it may be left from another platform, which has some
    if platform and category and notices.guide(platform).category(category) is None:
        form.errors.add("category", f"Choose a category of {PLATFORMS[platform]}")
    reference = form.name("reference", None, domain.LONGEST_REFERENCE)
    given = None if number else link
    at = form.moment("asked_at", "The day")
    asked = Asked(how or How.WEB_FORM, number, given, platform, category, reference, at)
    return TakedownForm(form.version(), _typed(form), form.errors, asked=asked)


async def read_platform(request: Request) -> TakedownForm:
    """Read a form only to show it again, with the categories of the platform that was chosen."""
    form = await FormReader.posted(request)
    typed = {name: text for name, text in _typed(form).items() if name != "category"}
    return TakedownForm(form.version(), typed, form.errors)


async def read_heard(request: Request, prefix: str) -> TakedownForm:
    """Read what came of a take-down; `prefix` sets the fields of one take-down apart from the others'."""
    form = await FormReader.posted(request, prefix=f"{prefix}-")
    state = form.choice("state", TakedownState, "Choose what happened")
    reference = form.name("reference", None, domain.LONGEST_REFERENCE)
    note = form.text("note", None, domain.LONGEST_NOTE)
    heard = Heard(state, reference, note) if state else None
    return TakedownForm(form.version(), _typed(form), form.errors, heard=heard)


async def read_wanted(request: Request, prefix: str) -> tuple[TakedownForm, WantedForm | None]:
    """Read which machine form is wanted: `at_protocol`, `activitypub`, or `xarf` with its type after a colon."""
    form = await FormReader.posted(request, prefix=f"{prefix}-")
    chosen = form.one_of("form", FORM_NAMES, "Choose a form")
    protocol, _, kind = (chosen or "").partition(":")
    wanted = WantedForm(Protocol(protocol), XarfType(kind) if kind else None) if chosen else None
    return TakedownForm(form.version(), _typed(form), form.errors), wanted


def _typed(form: FormReader) -> Mapping[str, str]:
    return {name: form.first(name) for name in form.typed}
