"""The questions of the form, their order, and what comes next."""

from collections.abc import Collection
from dataclasses import dataclass

from services.intake.drafts.domain import Answers


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the form."""

    slug: str
    title: str
    fields: tuple[str, ...]
    numbered: bool = True


SAFETY = Step("safety", "Is it safe for you to report now?", ("safe",))
ABOUT_YOU = Step("about-you", "How do you want to report?", ("confidentiality",))
CONTACT = Step(
    "contact",
    "How can we contact you safely?",
    ("name", "email", "worker_kind", "safe_contact"),
    numbered=False,
)
STEPS = (
    SAFETY,
    Step(
        "affected",
        "Who is affected?",
        ("affected", "affected_colleague", "affected_customer", "affected_public", "affected_group"),
    ),
    Step(
        "where",
        "Where did it happen?",
        ("platform", "platform_name", "content_kind", "urls", "handles", "content_state"),
    ),
    Step("kind", "What kind of abuse is it?", ("behaviours",)),
    Step("at-risk", "Is anything else at risk?", ("also_affects",)),
    Step(
        "when",
        "When did it happen?",
        ("occurred_at-day", "occurred_at-month", "occurred_at-year", "occurred_time"),
    ),
    Step("what-happened", "What happened?", ("narrative",)),
    Step("evidence", "What evidence is there?", ("evidence", "evidence_note")),
    Step(
        "who-did-it", "Do you know who did it?", ("known", "suspected_name", "suspected_staff_id", "suspected_handle")
    ),
    Step("manager", "Is it safe for your manager to know?", ("manager_alert", "manager_email")),
    ABOUT_YOU,
    CONTACT,
)
BY_SLUG = {step.slug: step for step in STEPS}
NUMBERED = tuple(step for step in STEPS if step.numbered)


def steps_for(answers: Answers) -> tuple[Step, ...]:
    """Return the pages that this person is asked: who stays anonymous is not asked how to be reached."""
    anonymous = answers.get("confidentiality") == ("anonymous",)
    return tuple(step for step in STEPS if step is not CONTACT or not anonymous)


def first_open(answers: Answers, done: Collection[str]) -> Step | None:
    """Return the first page that is still to be answered; None when all are."""
    return next((step for step in steps_for(answers) if step.slug not in done), None)


def reachable(step: Step, answers: Answers, done: Collection[str]) -> bool:
    """Say whether everything before `step` is answered."""
    opened = first_open(answers, done)
    return opened is None or STEPS.index(step) <= STEPS.index(opened)


def after(step: Step, answers: Answers) -> Step | None:
    """Return the page after `step`; None when that is the check."""
    following = STEPS[STEPS.index(step) + 1 :]
    return next((later for later in following if later in steps_for(answers)), None)


def before(step: Step) -> Step | None:
    """Return the page before `step`."""
    place = STEPS.index(step)
    return STEPS[place - 1] if place else None


def progress(step: Step) -> str | None:
    """Return `Question 3 of 11`; None for a page that not everybody is asked."""
    return f"Question {NUMBERED.index(step) + 1} of {len(NUMBERED)}" if step.numbered else None
