"""The candidate book that a person pastes, and what is wrong with it."""

import asyncio
from dataclasses import dataclass, field

from services.triage.routing.domain import RuleBook
from services.triage.routing.rulebook import RuleBookRefused, parse
from shared.text import is_blank
from shared.web.forms import FormErrors, FormReader

FIELD = "book"


@dataclass(frozen=True, slots=True)
class CandidateForm:
    """What was pasted, kept as it was; with a book where there is no mistake."""

    text: str
    book: RuleBook | None = None
    errors: FormErrors = field(default_factory=FormErrors)
    line: str = ""
    """The line of the first mistake."""


async def read_candidate(form: FormReader) -> CandidateForm:
    """Check a pasted book; off the loop, because a long one takes seconds."""
    text, errors = form.first(FIELD), form.errors
    if is_blank(text):
        errors.add(FIELD, "Paste a rule book")
    if errors:
        return CandidateForm(text, errors=errors)
    try:
        return CandidateForm(text, await asyncio.to_thread(parse, text))
    except RuleBookRefused as mistake:
        errors.add(FIELD, mistake.sentence)
        return CandidateForm(text, errors=errors, line=mistake.line_in(text))
