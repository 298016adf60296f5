"""What a person chose for an export, as they typed it on the page."""

from dataclasses import dataclass

from fastapi import Request

from services.triage.export.domain import LONGEST_REASON, LONGEST_REFERENCE, LONGEST_WORDS, Choice, Purpose
from services.triage.export.views import RECIPIENTS
from shared.web.forms import FormErrors, FormReader


@dataclass(frozen=True, slots=True)
class ExportForm:
    """One posted form. If `choice` is None, `errors` says why, and the rest shows the form again."""

    choice: Choice | None
    version: int | None
    """Of the case whose preview the person saw; None on the way to the first one."""
    seen: str
    """What that preview was made of; empty on the way to the first one."""
    makes: bool
    """Whether the export is to be made, and not its preview."""
    purpose: str
    reason: str
    reference: str
    more: str
    internal: bool
    errors: FormErrors


async def read_export(request: Request) -> ExportForm:
    """Read the posted form."""
    form = await FormReader.posted(request)
    purpose = form.one_of("purpose", {str(one) for one in RECIPIENTS}, "Choose who gets the export")
    reason = form.text("reason", "Say why they get it", LONGEST_REASON)
    reference = form.name("reference", longest=LONGEST_REFERENCE)
    form.text("more", longest=LONGEST_WORDS)
    previewed = bool(form.first("version"))
    choice = None
    if not form.errors and purpose and reason:
        choice = Choice(
            Purpose(purpose),
            reason,
            reference,
            frozenset(form.typed.get("visible", ())) if previewed else None,
            form.lines("more"),
            tuple(dict.fromkeys(form.uuids("evidence"))),
            form.ticked("internal"),
        )
    return ExportForm(
        choice,
        form.version() if previewed else None,
        form.first("seen"),
        form.first("step") == "make" and previewed,
        form.first("purpose"),
        form.first("reason"),
        form.first("reference"),
        form.first("more"),
        form.ticked("internal"),
        form.errors,
    )
