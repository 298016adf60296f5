"""Why someone opens, adds or exports evidence, as they typed it on a page."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import Request

from services.triage.evidence.domain import LONGEST_PURPOSE, Form, Opening
from shared.web.forms import FormErrors, FormReader

ADD, EXPORT = "add", "export"
"""What the purpose of a form is for, unless it opens a piece: then it is the piece's id."""
_NEEDED = {ADD: "Say what you add, and why", EXPORT: "Say why you take a copy"}


@dataclass(frozen=True, slots=True)
class PurposeForm:
    """One posted purpose. If `errors` is not empty, use the rest only to show the form again."""

    what: str
    typed: str
    purpose: str
    sharp: bool
    colour: bool
    record: bool
    """Whether the custody record is asked for, and not the files."""
    errors: FormErrors

    @property
    def field(self) -> str:
        """The field on the page."""
        return field_of(self.what)

    def opening(self, form: Form) -> Opening:
        """Return how a piece is opened."""
        preview = form is Form.PREVIEW
        return Opening(self.purpose, form, sharp=preview and self.sharp, colour=preview and self.colour)


def field_of(what: str | UUID) -> str:
    """Return the id of the field for the purpose of adding, exporting, or opening a piece."""
    return f"{what}-purpose"


async def read_purpose(request: Request, what: str) -> PurposeForm:
    """Read the posted form; `errors` holds what is missing or wrong."""
    form = await FormReader.posted(request, prefix=f"{what}-")
    purpose = form.name("purpose", _NEEDED.get(what, "Say why you open it"), LONGEST_PURPOSE)
    return PurposeForm(
        what=what,
        typed=form.first("purpose"),
        purpose=purpose or "",
        sharp=form.ticked("sharp"),
        colour=form.ticked("colour"),
        record=form.ticked("record"),
        errors=form.errors,
    )
