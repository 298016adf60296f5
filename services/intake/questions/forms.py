"""What was typed on a page, and what is wrong with it, beside the field that it is about."""

from collections.abc import Mapping
from datetime import datetime

from services.intake.drafts.domain import Answers
from services.intake.questions.definition import Form
from services.intake.questions.domain import Ask, Choice, How, Step, one
from services.intake.questions.moments import Unreadable, day_of, moment_of
from services.intake.reports.addresses import is_email
from services.intake.reports.domain import refusals
from shared.web.forms import FormErrors, refuse_null_characters

_MOST_CHOICES = 50


def picked(step: Step, form: Mapping[str, list[str]], errors: FormErrors) -> Answers:
    """Take the fields of `step` from a posted form; hidden characters that cannot be kept are errors."""
    fields = {name: [text.strip() for text in form.get(name, ())[:_MOST_CHOICES]] for name in step.fields}
    clean = refuse_null_characters(fields, errors)
    return {name: tuple(text for text in texts if text) for name, texts in clean.items()}


def find_errors(
    form: Form, step: Step, answers: Answers, now: datetime, errors: FormErrors, *, signed_in: bool
) -> None:
    """Record what is wrong with the fields of `step`, in the order of the page."""
    if "name" in step.fields and not signed_in and not one(answers, "name"):
        errors.add("name", "Enter your name, or sign in")
    for ask in step.asks:
        _check(ask, form.choices.get(ask.name), answers, errors)
    for name, message in step.also_wrong(answers):
        errors.add(name, message)
    for refusal in refusals(form.to_command(answers, None), now):
        name = form.field_of(refusal.field)
        if name in step.fields:
            errors.add(name, refusal.message)


def is_answered(form: Form, step: Step, answers: Answers, now: datetime) -> bool:
    """Say whether `answers` already hold a good answer to `step`: then it need not be asked again."""
    errors = FormErrors()
    find_errors(form, step, answers, now, errors, signed_in=True)
    return not errors and any(answers.get(name) for name in step.fields)


def _check(ask: Ask, choice: Choice | None, answers: Answers, errors: FormErrors) -> None:
    try:
        if ask.how is How.MOMENT:
            moment_of(answers, ask.name)
        elif ask.how is How.DAY:
            day_of(answers, ask.name)
    except Unreadable as error:
        errors.add(error.field, error.message)
    if choice is not None:
        _check_choice(ask.name, choice, answers.get(ask.name, ()), errors)
    if ask.how is How.EMAIL and (email := one(answers, ask.name)) and not is_email(email):
        errors.add(ask.name, "Enter an email address, like name@example.org")


def _check_choice(name: str, choice: Choice, chosen: tuple[str, ...], errors: FormErrors) -> None:
    if not chosen:
        if choice.needed:
            errors.add(name, choice.needed)
    elif not set(chosen) <= {option.value for option in choice.options} or (len(chosen) > 1 and not choice.many):
        errors.add(name, choice.needed or "Select one of the choices")
    elif choice.alone in chosen and len(chosen) > 1:
        words = next(option.label for option in choice.options if option.value == choice.alone)
        errors.add(name, f"Select what applies, or ‘{words}’, not both")
