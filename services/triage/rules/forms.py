"""The candidate book that somebody pastes, and what is wrong with it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.triage.routing.domain import RuleBook
from services.triage.routing.rulebook import RuleBookRefused, parse
from shared.web.forms import FormErrors, refuse_null_characters

FIELD = "book"


@dataclass(frozen=True, slots=True)
class CandidateForm:
    """What was pasted, kept as it was; with a book where there is no mistake."""

    text: str
    book: RuleBook | None = None
    errors: FormErrors = field(default_factory=FormErrors)
    line: str = ""
    """The line of the first mistake."""


async def read_candidate(answers: Mapping[str, Sequence[str]], errors: FormErrors) -> CandidateForm:
    """Check a pasted book; off the loop, because a long one takes seconds."""
    clean = refuse_null_characters({name: list(values) for name, values in answers.items()}, errors)
    text = next(iter(clean.get(FIELD, [])), "")
    if not text.strip():
        errors.add(FIELD, "Paste a rule book")
    if errors:
        return CandidateForm(text, errors=errors)
    try:
        return CandidateForm(text, await asyncio.to_thread(parse, text))
    except RuleBookRefused as mistake:
        errors.add(FIELD, mistake.sentence)
        return CandidateForm(text, errors=errors, line=mistake.line_in(text))
